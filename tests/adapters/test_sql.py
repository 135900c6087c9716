"""A SQL database as an app: the port's promises on a real PostgreSQL, as a user who may do no more
than the guide says; and the line, cut where it hurts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from adapters.errors import (
    BatchRefused,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    ReconnectNeeded,
    TryLater,
)
from adapters.http import Wire
from adapters.values import Batch, Operation, Row, Status
from connector.engines import Postgres
from schemas.fields import FieldType
from schemas.sql import CONTACTS
from tests.adapters.contract import RecordContract, people
from tests.adapters.sql_bench import Customers, SQLBench, benched, database


@pytest.fixture(scope="module")
def customers(postgres: Postgres) -> Iterator[Customers]:
    with database(postgres) as one:
        yield one


@pytest.fixture
def bench(customers: Customers) -> Iterator[SQLBench]:
    with benched(customers) as one:
        yield one


class TestContract(RecordContract):
    """The promises about what is read and written."""


# --- who and what ---------------------------------------------------------------------------------


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
    assert fields["extra"].type is FieldType.OTHER
    assert not fields["shout"].creatable
    assert (fields["email"].identifies, fields["last_name"].identifies) == (True, False)
    answers = bench.entities["answers"].by_name()
    assert (answers["score"].required, answers["kept"].required) == (True, False)


def test_tables_to_choose_from_are_those_of_the_users_schema(bench: SQLBench) -> None:
    names = {one.name for one in bench.adapter().listed()}
    assert {"customers", "answers"} <= names


def test_a_table_that_cannot_be_used_is_said_and_left_out(bench: SQLBench) -> None:
    adapter = bench.adapter(entities=["pairs", "nowhere"])
    notes = " ".join(adapter.probe().notes)
    assert "pairs has no primary key" in notes
    assert "no table nowhere" in notes
    assert [one.name for one in adapter.entities()] == [CONTACTS]


# --- finding --------------------------------------------------------------------------------------


def test_every_row_with_the_value_is_told(bench: SQLBench) -> None:
    ids = bench.seed(people(1) * 3)
    found = bench.adapter().find(CONTACTS, "email", ["c0@example.test"], want=["id", "email"])
    assert sorted(one.remote_id for one in found["c0@example.test"]) == sorted(ids)
    assert found["c0@example.test"][0].values["email"] == "c0@example.test"


def test_a_value_that_identifies_nothing_is_refused(
    bench: SQLBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.sql.adapter.MOST_ROWS", 2)
    bench.seed(people(1) * 3)
    with pytest.raises(BrokenContract) as raised:
        bench.adapter().find(CONTACTS, "email", ["c0@example.test"], want=[])
    assert raised.value.code == "too_many_records"


def test_what_cannot_be_in_a_column_is_in_no_row(bench: SQLBench) -> None:
    found = bench.adapter().find(CONTACTS, "primary-key", ["no-number", "7"], want=[])
    assert found == {"no-number": (), "7": ()}


def test_types_of_the_databases_own_are_read_and_written(bench: SQLBench) -> None:
    (first,) = bench.seed(people(1))
    values = {
        "token": "6f8f57715090da2632453988d9a1501b",
        "left_at": "2026-11-22T01:02:03Z",
        "initials": "ab",
    }
    (outcome,) = bench.update(Row("k", values, first))
    assert outcome.status is Status.WRITTEN
    record = bench.adapter().find(CONTACTS, "primary-key", [first], want=list(values))[first][0]
    assert record.values == {**values, "token": "6f8f5771-5090-da26-3245-3988d9a1501b"}


# --- writing --------------------------------------------------------------------------------------


def test_rows_with_different_columns_are_one_statement_and_keep_the_rest(bench: SQLBench) -> None:
    first, second, third = bench.seed(people(3))
    rows = (
        Row("a", {"nps_score": 9}, first),
        Row("b", {"nickname": "Bo", "basket": None}, second),
        Row("c", {"nps_score": 3, "nickname": "Cy"}, third),
    )
    before = len(bench.statements())
    assert {one.status for one in bench.update(*rows)} == {Status.WRITTEN}
    updates = [one for one in bench.statements()[before:] if one.startswith("UPDATE")]
    assert len(updates) == 1
    held = [(one["nps_score"], one["nickname"], one["last_name"]) for one in bench.customers.rows()]
    assert held == [(9, None, "Contact 0"), (None, "Bo", "Contact 1"), (3, "Cy", "Contact 2")]


def test_bad_rows_are_found_by_halving_and_named(bench: SQLBench) -> None:
    ids = bench.seed(people(50))
    rows = [Row(f"k{n}", {"nps_score": n}, one) for n, one in enumerate(ids)]
    rows[7] = Row("k7", {"nps_score": -101}, ids[7])
    rows[40] = Row("k40", {"nickname": "x" * 41}, ids[40])
    before = len(bench.statements())
    outcomes = bench.update(*rows)
    bad = {one.key: one.code for one in outcomes if one.status is Status.REJECTED}
    assert bad == {"k7": "invalid_value", "k40": "too_long"}
    assert [one.key for one in outcomes] == [one.key for one in rows]
    assert sum(one["nps_score"] is not None for one in bench.customers.rows()) == 48
    assert len([one for one in bench.statements()[before:] if "UPDATE" in one]) < 30


def test_a_gone_row_is_told_beside_the_others(bench: SQLBench) -> None:
    first, second = bench.seed(people(2))
    bench.customers.run("DELETE FROM customers WHERE id = %s", int(first))
    outcomes = bench.update(Row("a", {"nps_score": 1}, first), Row("b", {"nps_score": 2}, second))
    assert [(one.status, one.code) for one in outcomes] == [
        (Status.REJECTED, "not_found"),
        (Status.WRITTEN, ""),
    ]


def test_a_row_that_was_made_meanwhile_is_told_with_its_key(bench: SQLBench) -> None:
    (first,) = bench.seed(people(1))
    outcomes = bench.create(
        Row("a", {"email": "C0@example.test"}), Row("b", {"email": "new@example.test"})
    )
    assert [(one.code, one.created) for one in outcomes] == [("duplicate", False), ("", True)]
    assert outcomes[0].remote_id == first
    assert len(bench.customers.rows()) == 2


def test_a_key_that_the_mapping_gives_makes_no_second_row(bench: SQLBench) -> None:
    row = Row("a", {"response": "R-1", "score": 9})
    for code in ("", "duplicate"):
        (outcome,) = bench.create(row, entity="answers", match="response")
        assert (outcome.code, outcome.remote_id) == (code, "R-1")
    (without_match,) = bench.create(row, entity="answers", match=None)
    assert without_match.code == "duplicate"


def test_what_is_required_is_named(bench: SQLBench) -> None:
    (outcome,) = bench.create(Row("a", {"response": "R-1"}), entity="answers", match="response")
    assert (outcome.code, outcome.field) == ("required", "score")


def test_a_constraint_that_is_looked_at_last_lets_the_batch_be_divided(bench: SQLBench) -> None:
    good = Row("a", {"response": "R-1", "score": 9})
    bad = Row("b", {"response": "R-2", "score": 9, "customer": 4711})
    with pytest.raises(BatchRefused):
        bench.create(good, bad, entity="answers", match="response")
    assert bench.customers.rows("answers") == []
    (outcome,) = bench.create(bad, entity="answers", match="response")
    assert (outcome.status, outcome.code) == (Status.REJECTED, "invalid_value")


def test_no_value_stands_in_an_error(bench: SQLBench) -> None:
    (first,) = bench.seed(people(1))
    (outcome,) = bench.update(Row("a", {"nickname": "canary" * 10}, first))
    assert "canary" not in outcome.message


# --- whole calls ----------------------------------------------------------------------------------


def test_a_missing_grant_and_a_lost_column_pause_the_mapping(bench: SQLBench) -> None:
    (first,) = bench.seed(people(1))
    bench.customers.run("REVOKE UPDATE ON customers FROM crm_writer")
    with pytest.raises(PauseMapping) as raised:
        bench.update(Row("a", {"nps_score": 1}, first))
    assert raised.value.code == "missing_scope"
    bench.customers.run("ALTER TABLE customers DROP COLUMN nps_score")
    with pytest.raises(PauseMapping) as raised:
        bench.adapter().find(CONTACTS, "primary-key", [first], want=["nps_score"])
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


def test_a_database_that_is_not_there_is_tried_later(bench: SQLBench) -> None:
    with pytest.raises(TryLater) as raised:
        bench.adapter(server="127.0.0.1:1").probe()
    assert raised.value.code == "connect_failed"


def test_nothing_falls_back_to_plain_text(bench: SQLBench) -> None:
    with pytest.raises(TryLater) as raised:
        bench.adapter(tls="verify").probe()
    assert raised.value.code == "tls_failed"


def test_plain_text_is_for_this_machine_alone(bench: SQLBench) -> None:
    with pytest.raises(ReconnectNeeded) as raised:
        bench.adapter(server="db.example.com:5432")
    assert raised.value.code == "tls_needed"


def test_a_driver_that_is_not_installed_is_said(bench: SQLBench) -> None:
    with pytest.raises(ReconnectNeeded) as raised:
        bench.adapter(kind="sqlserver")
    assert raised.value.code == "driver_missing"
    assert "mssql-python" in str(raised.value)


def test_a_commit_without_an_answer_is_unknown_and_one_that_never_arrived_is_not(
    bench: SQLBench,
) -> None:
    (first,) = bench.seed(people(1))
    row = Row("a", {"nps_score": 1}, first)
    bench.customers.line.cut_after = True
    with pytest.raises(OutcomeUnknown):
        bench.update(row)
    assert bench.customers.rows()[0]["nps_score"] == 1


def test_a_line_that_is_cut_before_the_commit_has_stored_nothing(bench: SQLBench) -> None:
    (first,) = bench.seed(people(1))
    bench.customers.run(
        "CREATE OR REPLACE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " $$BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END$$;"
        "CREATE TRIGGER gone BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION gone()"
    )
    row = Row("a", {"nps_score": 1}, first)
    with pytest.raises(TryLater) as raised:
        bench.adapter(Wire(total_s=0.7)).write(Batch(CONTACTS, Operation.UPDATE, (row,)))
    assert not isinstance(raised.value, OutcomeUnknown)
    assert bench.customers.rows()[0]["nps_score"] is None


def test_a_row_that_a_colleague_has_locked_is_tried_later(bench: SQLBench) -> None:
    (first,) = bench.seed(people(1))
    customers = bench.customers
    row = Row("a", {"nps_score": 1}, first)
    with psycopg.connect(customers.postgres.url_for("postgres", customers.name)) as colleague:
        colleague.execute("SELECT FROM customers FOR UPDATE")
        with pytest.raises(TryLater) as raised:
            bench.adapter(Wire(total_s=0.6)).write(Batch(CONTACTS, Operation.UPDATE, (row,)))
    assert raised.value.code == "database_busy"


def test_a_server_that_says_nothing_any_more_is_hung_up_on(bench: SQLBench) -> None:
    bench.seed(people(1))
    line = bench.customers.line
    reading = bench.adapter(Wire(total_s=0.5))

    def silent() -> None:
        line.swallows = True

    bench.customers.run("ALTER TABLE customers RENAME TO hidden")
    bench.customers.run("CREATE VIEW customers AS SELECT hidden.* FROM hidden, pg_sleep(0.3)")
    bench.customers.run("GRANT SELECT ON customers TO crm_writer")
    threading.Timer(0.15, silent).start()
    began = time.monotonic()
    try:
        with pytest.raises(TryLater):
            reading.find(CONTACTS, "email", ["c0@example.test"], want=[])
    finally:
        line.swallows = False
        bench.customers.run("DROP VIEW customers")
    assert time.monotonic() - began < 5


def test_every_piece_of_work_asks_first_and_tells_after(bench: SQLBench) -> None:
    asked: list[Any] = []
    told: list[int] = []
    wire = Wire(before=asked.append, answered=lambda status, _headers: told.append(status))
    bench.adapter(wire).probe()
    assert len(asked) == len(told) == len(bench.calls()) == 1
