"""Bulk jobs of Salesforce: thousands of rows that the org works on by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from adapters.errors import BatchRefused, OutcomeUnknown, TryLater
from adapters.salesforce import Salesforce
from adapters.values import Batch, BatchResult, Operation, Outcome, Row, Started, Status
from schemas.fields import FieldValue
from tests.adapters.contract import people
from tests.adapters.salesforce_org import Org, served

MANY = 201
THOUSANDS = 3_000


@pytest.fixture
def org() -> Iterator[Org]:
    with served() as one:
        yield one


def updates(ids: Sequence[str], *first: Mapping[str, FieldValue]) -> Batch:
    """One row each; the first ones with values of their own."""
    values = [*first, *[{"NPS_Score__c": 9}] * (len(ids) - len(first))]
    pairs = zip(ids, values, strict=True)
    rows = tuple(Row(f"k{n}", each, one) for n, (one, each) in enumerate(pairs))
    return Batch("Contact", Operation.UPDATE, rows)


def creates(count: int, field: str = "Email") -> Batch:
    rows = tuple(
        Row(f"k{n}", {"LastName": f"New {n}", "Email": f"n{n}@example.test"}) for n in range(count)
    )
    return Batch("Contact", Operation.CREATE, rows, match_field=field)


def started(adapter: Salesforce, batch: Batch) -> Started:
    told = adapter.write(batch)
    assert isinstance(told, Started)
    return told


def ended(adapter: Salesforce, batch: Batch) -> tuple[Outcome, ...]:
    """Polled until the job is done; the handle goes through JSON as the outbox keeps it."""
    told: BatchResult | Started = started(adapter, batch)
    while isinstance(told, Started):
        told = adapter.collect(json.loads(json.dumps(told.handle)))
    return told.outcomes


def values_of(org: Org, remote_id: str) -> Mapping[str, Any]:
    contacts = org.bench.control("state")["contacts"]
    return next(one["fields"] for one in contacts if one["id"] == remote_id)


def test_as_many_as_one_call_takes_is_one_call(org: Org) -> None:
    ids = org.seed(people(200))
    assert isinstance(org.make().write(updates(ids)), BatchResult)
    assert [one["kind"] for one in org.bench.calls()] == ["write"]


def test_more_rows_are_a_job_that_nobody_waits_for(org: Org) -> None:
    ids = org.seed(people(MANY))
    adapter = org.make()
    told = started(adapter, updates(ids))
    assert [(one["method"], one["kind"]) for one in org.bench.calls()] == [
        ("POST", "job"),
        ("PUT", "job"),
        ("PATCH", "job"),
    ]
    assert told.poll_after_s == 5
    assert "NPS_Score__c" not in values_of(org, ids[0])
    still = adapter.collect(told.handle)
    assert isinstance(still, Started)
    assert still.poll_after_s > told.poll_after_s


def test_each_row_has_its_outcome_in_the_order_asked(org: Org) -> None:
    ids = org.seed(people(MANY))
    bad: Mapping[str, FieldValue] = {"Satisfaction__c": "canary"}
    outcomes = ended(org.make(), updates(ids, {"NPS_Score__c": 3}, bad))
    assert [one.key for one in outcomes] == [f"k{n}" for n in range(MANY)]
    assert [one.remote_id for one in outcomes] == ids
    assert (outcomes[1].status, outcomes[1].code, outcomes[1].field) == (
        Status.REJECTED,
        "unknown_option",
        "Satisfaction__c",
    )
    assert "canary" not in outcomes[1].message
    assert {one.status for one in outcomes if one.key != "k1"} == {Status.WRITTEN}
    assert values_of(org, ids[0])["NPS_Score__c"] == 3


def test_only_the_rows_own_fields_are_touched_and_none_clears(org: Org) -> None:
    ids = org.seed(people(MANY))
    update = {"id": ids[1], "values": {"Title": "kept", "Department": "kept too"}}
    org.bench.control("seed", {"update": [update]})
    ended(org.make(), updates(ids, {"Title": "x"}, {"Department": None}))
    assert values_of(org, ids[1])["Title"] == "kept"
    assert "Department" not in values_of(org, ids[1])


def test_where_an_empty_cell_clears_rows_go_by_their_fields(org: Org) -> None:
    ids = org.seed(people(MANY))
    update = {"id": ids[1], "values": {"Title": "kept", "Department": "gone"}}
    org.bench.control("seed", {"update": [update]})
    org.bench.control("options", {"bulk_empty": "clears"})
    adapter = org.make(settings={"bulk_empty": "clears"})
    ended(adapter, updates(ids, {"Title": "x"}, {"Department": None}))
    assert values_of(org, ids[0])["Title"] == "x"
    assert values_of(org, ids[1])["Title"] == "kept"
    assert "Department" not in values_of(org, ids[1])


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("NPS_Comment__c", 'She said "no", twice;\nbye 😀', 'She said "no", twice;\nbye 😀'),
        ("Would_Recommend__c", True, True),
        ("Basket_Value__c", "1234.5", 1234.5),
        ("Survey_Date__c", "2026-11-22", "2026-11-22"),
        ("Contact_Channels__c", ("E-mail", "Store"), "E-mail;Store"),
        ("NPS_Comment__c", "=1+1", "=1+1"),
    ],
)
def test_values_arrive_as_they_are(org: Org, field: str, value: FieldValue, stored: object) -> None:
    ids = org.seed(people(MANY))
    ended(org.make(), updates(ids, {field: value}))
    assert values_of(org, ids[0])[field] == stored


def test_a_text_that_would_clear_the_field_is_refused_before_the_call(org: Org) -> None:
    ids = org.seed(people(MANY))
    outcomes = ended(org.make(), updates(ids, {"Title": "#N/A"}))
    assert (outcomes[0].code, outcomes[0].field) == ("invalid_value", "Title")
    assert {one.status for one in outcomes[1:]} == {Status.WRITTEN}


def test_new_records_are_known_again_by_what_identifies_them(org: Org) -> None:
    outcomes = ended(org.make(), creates(MANY))
    assert {(one.status, one.created) for one in outcomes} == {(Status.WRITTEN, True)}
    for n in (0, MANY - 1):
        assert values_of(org, str(outcomes[n].remote_id))["Email"] == f"n{n}@example.test"


def test_rows_that_could_not_be_told_apart_go_in_smaller_calls(org: Org) -> None:
    with pytest.raises(BatchRefused):
        org.make().write(creates(MANY, "NPSToday_Key__c"))
    assert org.bench.calls() == []


def test_a_merged_contact_in_a_job_tells_its_survivor(org: Org) -> None:
    ids = org.seed(people(MANY + 1))
    org.bench.control("seed", {"merge": [{"loser": ids[0], "survivor": ids[-1]}]})
    outcomes = ended(org.make(), updates(ids[:-1]))
    assert (outcomes[0].code, outcomes[0].remote_id) == ("moved", ids[-1])


def test_a_duplicate_alert_sends_the_row_again_where_it_can_be_overridden(org: Org) -> None:
    ids = org.seed(people(MANY))
    error = {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?"}
    org.bench.control("fault", {"action": {"row": {"key": ids[3], "error": error, "times": 1}}})
    outcome = ended(org.make(), updates(ids))[3]
    assert (outcome.status, outcome.code) == (Status.RETRY, "duplicate_rule")


def test_a_job_that_fails_half_way_keeps_what_it_did(org: Org) -> None:
    ids = org.seed(people(MANY))
    org.bench.control("options", {"bulk_fails": "InternalServerError", "bulk_done": 2})
    outcomes = ended(org.make(), updates(ids))
    assert [one.status for one in outcomes[:3]] == [Status.WRITTEN, Status.WRITTEN, Status.RETRY]
    assert {one.code for one in outcomes[2:]} == {"job_failed"}


def test_a_forgotten_job_is_an_unknown_outcome(org: Org) -> None:
    ids = org.seed(people(MANY))
    adapter = org.make()
    told = started(adapter, updates(ids))
    org.bench.control("options", {"bulk_forgotten": True})
    with pytest.raises(OutcomeUnknown) as raised:
        adapter.collect(told.handle)
    assert raised.value.code == "job_lost"


@pytest.mark.parametrize(
    ("method", "expected"), [("POST", TryLater), ("PUT", TryLater), ("PATCH", OutcomeUnknown)]
)
def test_before_the_start_nothing_can_have_happened(
    org: Org, method: str, expected: type[Exception]
) -> None:
    ids = org.seed(people(MANY))
    match = {"method": method, "path": "/jobs/ingest"}
    org.bench.control("fault", {**match, "occurrence": 1, "action": {"status": 503}})
    with pytest.raises(TryLater) as raised:
        org.make().write(updates(ids))
    assert type(raised.value) is expected


def test_results_that_are_no_table_are_asked_for_again(org: Org) -> None:
    ids = org.seed(people(MANY))
    adapter = org.make()
    told = started(adapter, updates(ids))
    adapter.collect(told.handle)
    org.bench.fault("/successfulResults", status=200, body={"not": "a table"})
    with pytest.raises(TryLater) as raised:
        adapter.collect(told.handle)
    assert raised.value.code == "unreadable_answer"


def test_persons_go_in_a_job_of_their_own_and_their_errors_name_the_contacts_field(
    org: Org,
) -> None:
    org.bench.control("options", {"person_accounts": True})
    org.definitions = {one.name: one for one in org.make().entities()}
    person = {"LastName": "Person", "Email": "person@example.test"}
    (made,) = org.bench.control("seed", {"persons": [person]})["persons"]
    ids = [made["contact"], *org.seed(people(MANY - 1))]
    outcomes = ended(org.make(), updates(ids, {"Invoice_Email__c": "no address"}))
    assert (outcomes[0].code, outcomes[0].field) == ("not_an_email", "Invoice_Email__c")
    assert {one.status for one in outcomes[1:]} == {Status.WRITTEN}


def test_thousands_of_rows_each_have_what_the_tables_of_results_say(org: Org) -> None:
    """Three kinds of refusal among them; the results come in another order than the rows."""
    ids = org.seed(people(THOUSANDS))
    bad: tuple[Mapping[str, FieldValue], ...] = (
        {"Satisfaction__c": "canary"},
        {"Title": "canary " * 30},
        {"Invoice_Email__c": "canary"},
    )
    wrong = {n: bad[n % 300 - 7] for n in range(THOUSANDS) if n % 300 in {7, 8, 9}}
    values = (wrong.get(n, {"NPS_Score__c": n % 11}) for n in range(THOUSANDS))
    told = ended(org.make(), updates(ids, *values))
    assert [one.remote_id for one in told] == ids
    refused = {n: (one.code, one.field) for n, one in enumerate(told) if one.code}
    expected = [
        ("unknown_option", "Satisfaction__c"),
        ("too_long", "Title"),
        ("not_an_email", "Invoice_Email__c"),
    ]
    assert refused == {n: expected[n % 300 - 7] for n in wrong}
    assert not [one for one in told if "canary" in one.message]
    held = {one["id"]: one["fields"] for one in org.bench.control("state")["contacts"]}
    written = {n: held[one].get("NPS_Score__c") for n, one in enumerate(ids)}
    assert written == {n: None if n in wrong else n % 11 for n in range(THOUSANDS)}
    tables = [one for one in org.bench.calls() if one["path"].endswith("Results")]
    assert len(tables) == 2
