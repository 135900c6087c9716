"""Pipedrive, an app without code, keeps the port's promises; where it is not known how Pipedrive
behaves, both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from adapters.errors import PauseMapping, ReconnectNeeded, Throttled, TokenExpired, TryLater
from adapters.values import Row, Status
from schemas.fields import FieldType, FieldValue
from simulators.pipedrive import Pipedrive
from simulators.pipedrive.service import COMMENT, SCORE
from tests.adapters.described_bench import AdapterContract, DescribedBench, people, served

CODE = "a" * 39
VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: (COMMENT, "Møde & <b>9</b>; fin 😀", "ok"),
    FieldType.LONG_TEXT: (f"{CODE}3", "line 1\nline 2 {{token}}", "short"),
    FieldType.INTEGER: (SCORE, 9, 0),
    FieldType.NUMBER: (f"{CODE}4", "1234.5", "-0.01"),
    FieldType.DATE: (f"{CODE}5", "2026-11-22", "2024-02-29"),
    FieldType.CHOICE: (f"{CODE}6", "11", "12"),
    FieldType.MULTI_CHOICE: (f"{CODE}7", ("21", "22"), ("22",)),
}


def pipedrive(**options: Any) -> AbstractContextManager[DescribedBench]:
    return served(
        "pipedrive",
        Pipedrive(options={"rate": 100_000, **options}),
        settings={"company": "acme"},
        values=VALUES,
        bad=(f"{CODE}5", "no-day"),
        told=lambda one: {"email": one["email"], "name": f"{one['first_name']} {one['last_name']}"},
        new_contact=lambda email: {"name": "New Person", "email": email},
        paths=(r"/api/v2/persons/\d+", r"/api/v2/persons/\d+"),
        unique_email=False,
    )


@pytest.fixture
def bench() -> Iterator[DescribedBench]:
    with pipedrive() as one:
        yield one


class TestContract(AdapterContract):
    """The promises of every adapter."""


def seeded(bench: DescribedBench) -> str:
    return bench.seed(people(1))[0]


def test_fields_come_in_pages_and_system_fields_stay_those_of_the_document(
    bench: DescribedBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = bench.make().document["contact"]["fields_from"]["page"]  # type: ignore[attr-defined]
    monkeypatch.setitem(said, "size", 2)
    before = len(bench.calls())
    (person,) = bench.make().entities()
    assert len(bench.calls()) - before == 5
    assert person.by_name().keys() == {
        "name",
        "email",
        "phone",
        *(f"{CODE}{n}" for n in range(1, 8)),
    }
    channel = person.field(f"{CODE}6")
    assert channel is not None
    assert [(one.value, one.label) for one in channel.options] == [("11", "Shop"), ("12", "Web")]


def test_several_persons_with_one_address_are_all_told(bench: DescribedBench) -> None:
    ids = bench.seed([*people(1), *people(1)])
    found = bench.make().find("persons", "email", ["c0@example.test"], want=["email", "name"])
    assert [one.remote_id for one in found["c0@example.test"]] == ids
    assert found["c0@example.test"][0].values == {
        "email": "c0@example.test",
        "name": "Søren Contact 0",
    }
    assert found["c0@example.test"][0].updated_at is not None


@pytest.mark.parametrize("status", [404, 200])
def test_a_deleted_person_is_gone_however_it_is_told(status: int) -> None:
    with pipedrive(deleted_status=status) as bench:
        remote_id = seeded(bench)
        bench.control("seed", {"delete": [remote_id]})
        assert bench.make().find("persons", "id", [remote_id], want=["email"]) == {remote_id: ()}


def test_a_new_person_carries_its_address_in_a_list(bench: DescribedBench) -> None:
    (outcome,) = bench.create(Row("k", {"name": "Ada", "email": "ada@example.test", SCORE: 9}))
    assert outcome.created
    held = bench.contact(str(outcome.remote_id))
    assert (held["email"], held["fields"][SCORE]) == ("ada@example.test", 9)


def test_a_value_that_no_number_is_was_never_sent(bench: DescribedBench) -> None:
    remote_id = seeded(bench)
    before = len(bench.calls())
    (outcome,) = bench.update(Row("k", {SCORE: "many"}, remote_id))
    assert (outcome.status, outcome.code) == (Status.REJECTED, "unfit")
    assert len(bench.calls()) == before


@pytest.mark.parametrize("nothing_is_null", [True, False])
def test_a_person_without_notes_has_none(nothing_is_null: bool) -> None:  # noqa: FBT001 - one way, then the other
    with pipedrive(nothing_is_null=nothing_is_null) as bench:
        adapter: Any = bench.make()
        note = TestContract().note_for(seeded(bench), 1)
        assert adapter.noted("persons", [note]) == {}


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"status": 401, "body": "unauthorized"}, TokenExpired, "token_expired"),
        ({"status": 402, "body": {}}, ReconnectNeeded, "inactive_org"),
        ({"status": 403, "body": {"success": False}}, PauseMapping, "missing_scope"),
        (
            {"status": 403, "body": "<html>", "headers": {"Content-Type": "text/html"}},
            TryLater,
            "crm_failed",
        ),
        ({"status": 405, "body": {}}, Exception, "crm_405"),
        ({"status": 200, "body": {"success": False}}, Exception, "bad_request"),
        ({"status": 200, "body": "[]"}, TryLater, "answer_unreadable"),
    ],
)
def test_an_answer_of_the_whole_call_is_named_for_what_to_do(
    bench: DescribedBench, fault: dict[str, Any], kind: type[Exception], code: str
) -> None:
    bench.fault(r"/api/v1/users/me", **fault)
    with pytest.raises(kind) as raised:
        bench.make().probe()
    assert raised.value.code == code  # type: ignore[attr-defined]


def test_too_many_calls_wait_as_long_as_pipedrive_says() -> None:
    with pipedrive(rate=1) as bench:
        bench.control("clock", {"offset_s": 60})
        adapter = bench.make()
        adapter.find("persons", "id", ["1"], want=[])
        with pytest.raises(Throttled) as raised:
            adapter.find("persons", "id", ["1"], want=[])
        assert raised.value.wait_s == 2
