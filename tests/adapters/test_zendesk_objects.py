"""Zendesk's custom objects: listed, described, found and written, one account for all tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.errors import OutcomeUnknown, PauseMapping
from adapters.http import Wire
from adapters.values import Account, Batch, BatchResult, Operation, Outcome, Row, Started, Status
from adapters.zendesk import Zendesk
from schemas.fields import FieldType
from simulators.zendesk.shapes import ADMIN_ID
from tests.adapters.zendesk_bench import SETTINGS, ZendeskBench, served

FIELDS: list[dict[str, Any]] = [
    {"key": "score", "type": "integer", "title": "Score"},
    {"key": "comment", "type": "textarea", "title": "Comment"},
    {"key": "day", "type": "date", "title": "Day"},
    {"key": "again", "type": "checkbox", "title": "Again"},
    {
        "key": "person",
        "type": "lookup",
        "title": "Person",
        "relationship_target_type": "zen:user",
    },
    {"key": "name", "type": "text", "title": "Name of ours"},
    {
        "key": "segment",
        "type": "dropdown",
        "title": "Segment",
        "options": [{"name": "Promoter", "value": "promoter"}],
    },
    {"key": "off", "type": "text", "title": "Off", "active": False},
]
AS_BEFORE = {
    "custom_objects": True,
    "empty_object_fields": "told",
    "object_jobs": True,
    "object_job_rows": "told",
}
VISIT = {"key": "visit", "title": "Visit", "fields": FIELDS}
keys = (f"v{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def account() -> Iterator[ZendeskBench]:
    with served() as bench:
        yield bench


@pytest.fixture
def bench(account: ZendeskBench) -> Iterator[ZendeskBench]:
    """The account with the object `visit` and none of its records."""
    account.control("seed", {"custom_objects": [VISIT]})
    yield account
    account.control("fault", {"clear": True})
    account.control("options", {"custom_objects": True, "empty_object_fields": "told"})


def adapter(
    bench: ZendeskBench, *, token: str | None = None, known: bool = True, **learnt: Any
) -> Zendesk:
    """Of a connection that names the object, and another one that nobody has."""
    settings = {**SETTINGS, "entities": ["visit", "nowhere", "users"]}
    account = Account(token or bench.token, bench.base_url, settings=settings, learnt=learnt)
    crm = Zendesk(account, Wire(), {})
    if not known:
        return crm
    return Zendesk(account, Wire(), {one.name: one for one in crm.entities()})


def begun(crm: Zendesk, operation: Operation, *rows: Row) -> BatchResult | Started:
    return crm.write(Batch("visit", operation, rows, match_field="external_id"))


def write(crm: Zendesk, operation: Operation, *rows: Row) -> tuple[Outcome, ...]:
    """The outcomes, after a job if there is one."""
    result = begun(crm, operation, *rows)
    if isinstance(result, Started):
        result = crm.collect(result.handle)
    assert isinstance(result, BatchResult)
    return result.outcomes


def made(crm: Zendesk, **values: Any) -> str:
    """The id of a new record."""
    (one,) = write(crm, Operation.CREATE, Row("k", {"name": "A visit", **values}))
    assert (one.status, one.created) == (Status.WRITTEN, True)
    return str(one.remote_id)


def held(bench: ZendeskBench) -> list[dict[str, Any]]:
    """The records of the object in the account."""
    records: list[dict[str, Any]] = bench.control("state")["custom_objects"]["visit"]
    return records


def test_objects_are_listed_where_the_account_has_them(bench: ZendeskBench) -> None:
    before = len(bench.calls())
    (visit,) = adapter(bench).listed()
    assert (visit.name, visit.label, visit.custom) == ("visit", "Visits", True)
    assert len(bench.calls()) - before <= 2 + len(Zendesk.traits.entities) + 2
    bench.control("options", {"custom_objects": False})
    assert adapter(bench, known=False).listed() == ()
    only_users = bench.control("oauth", {"issue": {"scopes": ["users:read"]}})["access_token"]
    bench.control("options", {"custom_objects": True})
    assert adapter(bench, token=only_users, known=False).listed() == ()


def test_an_object_is_described_with_its_fields(bench: ZendeskBench) -> None:
    found = {one.name: one for one in adapter(bench, known=False).entities()}
    assert set(found) == {*Zendesk.traits.entities, "visit"}
    visit = found["visit"]
    assert (visit.label, visit.custom) == ("Visits", True)
    assert not any(found[name].custom for name in Zendesk.traits.entities)
    kinds = {one.name: one.type for one in visit.fields}
    assert kinds == {
        "name": FieldType.TEXT,
        "external_id": FieldType.TEXT,
        "created_at": FieldType.DATETIME,
        "updated_at": FieldType.DATETIME,
        "score": FieldType.INTEGER,
        "comment": FieldType.LONG_TEXT,
        "day": FieldType.DATE,
        "again": FieldType.BOOLEAN,
        "person": FieldType.REFERENCE,
        "custom_object_fields.name": FieldType.TEXT,
        "segment": FieldType.CHOICE,
    }
    key = visit.field("external_id")
    assert key is not None
    assert key.identifies
    assert key.unique


@pytest.mark.parametrize("empty", ["told", "left_out"])
def test_what_is_written_is_read_back_and_cleared(bench: ZendeskBench, empty: str) -> None:
    bench.control("options", {"empty_object_fields": empty})
    crm, key = adapter(bench), next(keys)
    values: dict[str, Any] = {
        "external_id": key,
        "name": "Møde 😀",
        "custom_object_fields.name": "ours",
        "score": 9,
        "comment": "a\nb",
        "day": "2026-11-22",
        "again": True,
        "person": str(ADMIN_ID),
        "segment": "promoter",
    }
    number = made(crm, **values)
    for field, asked in (("id", number), ("external_id", key)):
        ((one,),) = crm.find("visit", field, [asked], want=list(values)).values()
        assert (one.remote_id, dict(one.values)) == (number, values)
        assert one.updated_at is not None
    empties: dict[str, Any] = {"comment": None, "segment": None, "score": None}
    (done,) = write(crm, Operation.UPDATE, Row("k", empties, number))
    assert (done.status, done.remote_id) == (Status.WRITTEN, number)
    ((one,),) = crm.find("visit", "id", [number], want=list(values)).values()
    assert dict(one.values) == {**values, **empties}


def test_records_are_found_a_hundred_a_call_whatever_their_key(bench: ZendeskBench) -> None:
    crm = adapter(bench)
    odd = ["a&b=c", "Ø 1", "100%", "x/../y", "UPPER", "upper"]
    ids = {one: made(crm, external_id=one) for one in odd}
    many = [f"none {number}" for number in range(90)]
    before = len(bench.calls())
    found = crm.find("visit", "external_id", [*odd, *many, "a,b", ""], want=["name"])
    assert len(bench.calls()) - before == 1
    assert {key: [one.remote_id for one in held] for key, held in found.items() if held} == {
        key: [number] for key, number in ids.items()
    }
    assert found["a,b"] == found[""] == ()
    with pytest.raises(PauseMapping) as raised:
        crm.find("visit", "name", ["A visit"], want=[])
    assert raised.value.code == "not_identifying"


def test_a_record_that_exists_is_a_duplicate_with_its_id(bench: ZendeskBench) -> None:
    crm, key = adapter(bench), next(keys)
    number = made(crm, external_id=key)
    (one,) = write(crm, Operation.CREATE, Row("k", {"name": "x", "external_id": key}))
    assert (one.status, one.code) == (Status.REJECTED, "duplicate")
    assert (one.field, one.remote_id) == ("external_id", number)


def test_a_create_whose_answer_was_lost_makes_one(bench: ZendeskBench) -> None:
    crm, key = adapter(bench), next(keys)
    bench.fault("/records$", drop_after=True)
    with pytest.raises(OutcomeUnknown):
        made(crm, external_id=key)
    (one,) = write(crm, Operation.CREATE, Row("k", {"name": "A visit", "external_id": key}))
    assert [each["id"] for each in held(bench)] == [one.remote_id]


def test_an_answer_without_records_is_unreadable(bench: ZendeskBench) -> None:
    crm, key = adapter(bench), next(keys)
    for act in (
        lambda: crm.find("visit", "external_id", [key], want=[]),
        lambda: made(crm, external_id=key),
    ):
        bench.fault("/visit/records", status=200, body={})
        with pytest.raises(OutcomeUnknown) as raised:
            act()
        assert raised.value.code == "answer_unreadable"


@pytest.mark.parametrize("learnt", [{}, {"bulk_objects": False}], ids=["job", "single"])
def test_a_bad_row_does_not_stop_its_neighbours(
    bench: ZendeskBench, learnt: dict[str, Any]
) -> None:
    crm = adapter(bench, **learnt)
    first, last = made(crm, external_id=next(keys)), made(crm, external_id=next(keys))
    outcomes = write(
        crm,
        Operation.UPDATE,
        Row("a", {"score": 1}, first),
        Row("b", {"segment": "no_such_option"}, first),
        Row("c", {"score": 2}, "01JGONE"),
        Row("d", {"score": 3}, last),
    )
    assert [(one.status, one.code, one.field) for one in outcomes] == [
        (Status.WRITTEN, "", None),
        (Status.REJECTED, "invalid_value", "segment"),
        (Status.REJECTED, "not_found", None),
        (Status.WRITTEN, "", None),
    ]
    assert {each["custom_object_fields"]["score"] for each in held(bench)} == {1, 3}


def test_what_is_gone_or_forbidden_pauses_the_mapping(bench: ZendeskBench) -> None:
    crm = adapter(bench)
    issued = bench.control("oauth", {"issue": {"scopes": ["custom_objects:read"]}})
    reader = Zendesk(
        Account(issued["access_token"], bench.base_url, settings=SETTINGS), Wire(), crm._entities
    )
    row = Row("k", {"name": "x", "external_id": next(keys)})
    with pytest.raises(PauseMapping) as raised:
        write(reader, Operation.CREATE, row)
    assert raised.value.scope == "custom_objects:write"
    with pytest.raises(PauseMapping) as raised:
        crm.find("visit", "id", ["1"], want=["no_such_field"])
    assert raised.value.field == "no_such_field"
    bench.fault("/custom_objects/visit/records", status=404)
    with pytest.raises(PauseMapping) as raised:
        crm.find("visit", "id", ["1"], want=[])
    assert raised.value.code == "entity_unknown"
