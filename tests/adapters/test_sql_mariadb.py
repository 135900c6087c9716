"""A SQL database as an app on a real MariaDB, by the driver that MySQL is reached with: the port's
promises, its types, and what its refusals mean.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.errors import OutcomeUnknown, PauseMapping, ReconnectNeeded, TryLater
from adapters.http import Wire
from adapters.values import Batch, Operation, Row, Status
from connector.engines.process import wait_until
from schemas.fields import FieldType, FieldValue
from schemas.sql import CONTACTS
from tests.adapters import mariadb_bench
from tests.adapters.contract import RecordContract, people
from tests.adapters.mariadb_bench import MariaDB
from tests.adapters.sql_bench import Customers, SQLBench, benched


@pytest.fixture(scope="module")
def customers() -> Iterator[MariaDB]:
    # pytest's own folders are too long for the path of a socket; in memory nothing waits for disks.
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(prefix="m", dir=memory if memory.is_dir() else None) as folder,
        mariadb_bench.server(Path(folder)) as one,
    ):
        yield one


@pytest.fixture
def bench(customers: MariaDB) -> Iterator[SQLBench]:
    # What a bench asks of its customers: it has no PostgreSQL, which none of these tests looks at.
    with benched(cast("Customers", customers)) as one:
        yield one


class TestContract(RecordContract):
    """The promises about what is read and written."""


# --- what the catalogue tells ---------------------------------------------------------------------


def test_a_table_is_described_by_the_catalogue(bench: SQLBench) -> None:
    fields = bench.entities[CONTACTS].by_name()
    assert (fields["id"].creatable, fields["id"].updatable, fields["id"].unique) == (
        False,
        False,
        True,
    )
    assert (fields["basket"].max_digits, fields["basket"].max_scale) == (12, 2)
    assert fields["nickname"].max_length == 40
    assert [one.value for one in fields["mood"].options] == ["glad", "sad"]
    assert (fields["member"].type, fields["flag"].type) == (FieldType.BOOLEAN, FieldType.BOOLEAN)
    assert not fields["shout"].creatable
    assert (fields["email"].identifies, fields["last_name"].identifies) == (True, False)
    answers = bench.entities["answers"].by_name()
    assert (answers["score"].required, answers["kept"].required) == (True, False)
    assert {"customers", "answers"} <= {one.name for one in bench.adapter().listed()}


def test_a_table_that_cannot_be_used_is_said(bench: SQLBench) -> None:
    notes = " ".join(bench.adapter(entities=["pairs", "nowhere"]).probe().notes)
    assert "pairs has no primary key" in notes
    assert "no table nowhere, or the user may not see it" in notes
    assert [one.name for one in bench.adapter(entities=["nowhere"]).entities()] == [CONTACTS]


# --- types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mariadb", "mysql"])
@pytest.mark.parametrize(
    ("column", "given", "held"),
    [
        ("nps_comment", "four bytes 😀 Ærø 日本 \\ ' \" % %s :x", None),
        ("seen_at", "2026-03-29T02:30:00+02:00", "2026-03-29T00:30:00Z"),
        ("left_at", "2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),
        ("basket", "-1234567890.12", None),
        ("weight", "0.1", None),
        ("member", False, None),
        ("flag", False, None),
        ("flag", True, None),
        ("token", "6f8f5771-5090-4a26-8245-3988d9a1501b", None),
        ("initials", "ab", None),
        ("old", "Ærø", None),
    ],
)
def test_a_value_comes_back_as_it_was_given(
    bench: SQLBench, kind: str, column: str, given: FieldValue, held: FieldValue
) -> None:
    """Alone, and where each row of a statement gives another column."""
    first, second = bench.seed(people(2))
    rows = (Row("a", {column: given}, first), Row("b", {"nps_score": 1}, second))
    adapter = bench.adapter(kind=kind)
    for batch in ((rows[0],), rows):
        done = adapter.write(Batch(CONTACTS, Operation.UPDATE, batch)).outcomes
        assert {one.status for one in done} == {Status.WRITTEN}, done
    found = adapter.find(CONTACTS, "primary-key", [first, second], want=[column])
    assert found[first][0].values[column] == (given if held is None else held)
    assert found[second][0].values[column] is None


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("nickname", "x" * 41, "too_long"),
        ("nps_score", 2**40, "invalid_value"),
        ("nps_score", -101, "invalid_value"),
        ("basket", "12345678901.00", "invalid_value"),
        ("mood", "neither", "invalid_value"),
        ("old", "😀", "invalid_value"),
        ("extra", "no JSON", "invalid_value"),
        ("token", "no UUID", "invalid_value"),
    ],
)
def test_what_does_not_fit_is_refused_and_never_cut(
    bench: SQLBench, column: str, value: FieldValue, code: str
) -> None:
    first, second = bench.seed(people(2))
    bad, good = bench.update(Row("a", {column: value}, first), Row("b", {"nickname": "Bo"}, second))
    assert (bad.status, bad.code, good.status) == (Status.REJECTED, code, Status.WRITTEN)
    assert str(value) not in bad.message
    held = bench.customers.rows()
    assert (held[0][column], held[1]["nickname"]) == (None, "Bo")


# --- inserts --------------------------------------------------------------------------------------


def test_a_key_that_the_mapping_gives_makes_no_second_row(bench: SQLBench) -> None:
    row = Row("a", {"response": "R-1", "score": 9})
    for code in ("", "duplicate"):
        (outcome,) = bench.create(row, entity="answers", match="response")
        assert (outcome.code, outcome.remote_id) == (code, "R-1")
    (without_match,) = bench.create(row, entity="answers", match=None)
    assert without_match.code == "duplicate"


def test_a_key_that_differs_in_case_alone_is_nobody_elses_row(bench: SQLBench) -> None:
    """MySQL's usual collation takes both for one: refused, for the row is another response's."""
    bench.create(Row("a", {"response": "R-1", "score": 9}), entity="answers", match="response")
    (outcome,) = bench.create(
        Row("b", {"response": "r-1", "score": 1}), entity="answers", match="response"
    )
    assert (outcome.status, outcome.code, outcome.remote_id) == (
        Status.REJECTED,
        "duplicate",
        None,
    )
    assert [one["score"] for one in bench.customers.rows("answers")] == [9]


def test_what_is_required_or_refers_to_nothing_is_that_rows_fault(bench: SQLBench) -> None:
    outcomes = bench.create(
        Row("a", {"response": "R-1"}),
        Row("b", {"response": "R-2", "score": 9, "customer": 4711}),
        Row("c", {"response": "R-3", "score": 9}),
        entity="answers",
        match="response",
    )
    assert [(one.code, one.field) for one in outcomes[:1]] == [("required", "score")]
    assert [one.code for one in outcomes[1:]] == ["invalid_value", ""]


# --- whole calls ----------------------------------------------------------------------------------


def test_a_missing_grant_and_a_lost_column_pause_the_mapping(bench: SQLBench) -> None:
    (first,) = bench.seed(people(1))
    bench.customers.run("REVOKE UPDATE ON customers FROM crm_writer@localhost")
    with pytest.raises(PauseMapping) as raised:
        bench.update(Row("a", {"nps_score": 1}, first))
    assert raised.value.code == "missing_scope"
    bench.customers.run("ALTER TABLE customers DROP COLUMN weight")
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().find(CONTACTS, "primary-key", [first], want=["weight"])
    assert raised.value.code == "field_gone"


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"user": "nobody"}, "key_refused"), ({"database": "nowhere"}, "database_unknown")],
)
def test_a_refused_user_or_database_asks_for_a_person(
    bench: SQLBench, changed: dict[str, str], code: str
) -> None:
    with pytest.raises(ReconnectNeeded) as raised:
        bench.adapter(None, **changed).probe()
    assert raised.value.code == code


def test_nothing_falls_back_to_plain_text(bench: SQLBench) -> None:
    with pytest.raises(TryLater) as raised:
        bench.adapter(tls="verify").probe()
    assert raised.value.code == "tls_failed"


def test_a_commit_without_an_answer_is_unknown(bench: SQLBench) -> None:
    (first,) = bench.seed(people(1))
    bench.customers.line.lose_next_write = True
    with pytest.raises(OutcomeUnknown):
        bench.update(Row("a", {"nps_score": 1}, first))
    assert wait_until(lambda: bench.customers.rows()[0]["nps_score"] == 1, timeout_s=5)


def test_a_line_that_is_cut_before_the_commit_has_stored_nothing(
    bench: SQLBench, customers: MariaDB
) -> None:
    ids = bench.seed(people(2))
    with customers.session() as colleague, colleague.cursor() as cursor:
        cursor.execute("SELECT id FROM customers WHERE id = %s FOR UPDATE", (ids[1],))
        threading.Timer(0.2, bench.customers.line.cut).start()
        with pytest.raises(TryLater) as raised:
            bench.update(*[Row(one, {"nps_score": 1}, one) for one in ids])
    assert (raised.value.code, isinstance(raised.value, OutcomeUnknown)) == (
        "crm_unavailable",
        False,
    )
    assert wait_until(lambda: not _at_work(bench), timeout_s=5)
    assert {one["nps_score"] for one in bench.customers.rows()} == {None}


def _at_work(bench: SQLBench) -> list[dict[str, Any]]:
    told = "SELECT * FROM information_schema.processlist WHERE user = 'crm_writer'"
    return bench.customers.run(told)


def test_a_row_that_a_colleague_has_locked_is_tried_later(
    bench: SQLBench, customers: MariaDB
) -> None:
    (first,) = bench.seed(people(1))
    with customers.session() as colleague, colleague.cursor() as cursor:
        cursor.execute("SELECT id FROM customers FOR UPDATE")
        batch = Batch(CONTACTS, Operation.UPDATE, (Row("a", {"nps_score": 1}, first),))
        with pytest.raises(TryLater) as raised:
            bench.adapter(Wire(total_s=2.0)).write(batch)
    assert raised.value.code == "database_busy"


def test_a_deadlock_is_tried_later_and_has_stored_nothing(
    bench: SQLBench, customers: MariaDB
) -> None:
    """InnoDB undoes the whole transaction of whom it picks, and its savepoint with it."""
    ids = bench.seed(people(20))
    ours = [Row(one, {"nps_score": 1}, one) for one in ids[:2]]
    raised: list[BaseException] = []

    def write() -> None:
        try:
            bench.update(*ours)
        except TryLater as exc:
            raised.append(exc)

    with customers.session() as colleague, colleague.cursor() as cursor:
        # Who has changed more goes on.
        cursor.execute("UPDATE customers SET nps_score = 7 WHERE id > %s", (ids[0],))
        thread = threading.Thread(target=write)
        thread.start()
        assert wait_until(lambda: _waiting(bench) == 1, timeout_s=5)
        cursor.execute("UPDATE customers SET nps_score = 7 WHERE id = %s", (ids[0],))
        colleague.commit()
        thread.join()
    assert [getattr(one, "code", None) for one in raised] == ["database_busy"]
    assert {one["nps_score"] for one in bench.customers.rows()} == {7}


def _waiting(bench: SQLBench) -> int:
    # Not INFORMATION_SCHEMA's tables of locks: who asks often is told the same again.
    (told,) = bench.customers.run("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
    return int(told["Value"])


def test_a_server_that_says_nothing_any_more_is_hung_up_on(bench: SQLBench) -> None:
    bench.seed(people(1))
    line, began = bench.customers.line, time.monotonic()
    line.swallows = True
    try:
        with pytest.raises(TryLater):
            bench.adapter(Wire(connect_s=0.5, total_s=0.5)).probe()
    finally:
        line.swallows = False
    assert time.monotonic() - began < 5
