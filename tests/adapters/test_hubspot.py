"""HubSpot's adapter keeps the port's promises, and HubSpot's own oddities do not get through it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from adapters.base import (
    Account,
    Batch,
    Note,
    Operation,
    Outcome,
    Row,
    Status,
    TagOptions,
)
from adapters.errors import (
    BatchRefused,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import HostRefused, Wire
from adapters.hubspot import HubSpot
from adapters.hubspot.traits import TAG_FIELD, TRAITS
from schemas.fields import Entity, FieldType, FieldValue
from simulators.hubspot import HubSpot as Simulated
from simulators.kit.server import running
from tests.adapters.contract import AdapterContract, Bench, people

VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: ("nps_summary", "Møde & <b>9</b>; fin 😀", "ok"),
    FieldType.LONG_TEXT: ("nps_comment", "a\nb", "c"),
    FieldType.PHONE: ("phone", "+4512345678", "12 34 56 78"),
    FieldType.NUMBER: ("nps_score", "9", "7.5"),
    FieldType.BOOLEAN: ("nps_follow_up", True, False),
    FieldType.DATE: ("nps_date", "2026-11-22", "2024-02-29"),
    FieldType.DATETIME: ("nps_answered_at", "2026-11-22T10:00:00Z", "2026-01-01T00:00:00Z"),
    FieldType.CHOICE: ("nps_segment", "promoter", "detractor"),
    FieldType.MULTI_CHOICE: ("nps_topics", ("price", "moede"), ("service",)),
    FieldType.REFERENCE: ("hubspot_owner_id", "4100", "4101"),
}
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
UPDATE = r"/contacts/batch/update"
READ = r"/contacts/batch/read"


@pytest.fixture(scope="module")
def definitions() -> Mapping[str, Entity]:
    """The field definitions of a fresh portal, downloaded once."""
    with running(Simulated()) as base_url:
        answer = requests.post(f"{base_url}/__sim__/oauth", json={"issue": {}}, timeout=5)
        account = Account(answer.json()["access_token"], base_url=base_url)
        return {one.name: one for one in HubSpot(account, Wire(), {}).entities()}


@pytest.fixture
def bench(definitions: Mapping[str, Entity]) -> Iterator[Bench]:
    with running(Simulated()) as base_url:
        yield bench_at(base_url, definitions)


def bench_at(base_url: str, definitions: Mapping[str, Entity]) -> Bench:
    def make(wire: Wire | None = None, *, token: str | None = None, **more: Any) -> HubSpot:
        held = token or one.control("oauth", {"issue": {}})["access_token"]
        return HubSpot(Account(held, base_url=base_url, **more), wire or Wire(), definitions)

    def seed(contacts: Sequence[Mapping[str, str]]) -> list[str]:
        told = [
            {"email": c["email"], "firstname": c["first_name"], "lastname": c["last_name"]}
            for c in contacts
        ]
        ids: list[str] = one.control("seed", {"contacts": told})["contacts"]
        return ids

    one = Bench(
        base_url=base_url,
        make=make,
        seed=seed,
        entity="contacts",
        email_field="email",
        values=VALUES,
        new_contact=lambda email: {"email": email, "firstname": "Nina"},
        bad=("nps_segment", "no-such-segment"),
        read_path=READ,
        write_path=UPDATE,
    )
    return one


def hubspot(bench: Bench, **more: Any) -> HubSpot:
    """The adapter by its own type: the port does not know of notes and options."""
    made = bench.make(**more)
    assert isinstance(made, HubSpot)
    return made


class TestContract(AdapterContract):
    """The promises of every adapter."""


def update(bench: Bench, *rows: Row) -> tuple[Outcome, ...]:
    return hubspot(bench).write(Batch("contacts", Operation.UPDATE, rows)).outcomes


def update_first(bench: Bench, values: Mapping[str, Any] | None = None) -> tuple[Outcome, ...]:
    (first,) = bench.seed(people(1))
    return update(bench, Row("k1", values or {"nps_score": "9"}, first))


# --- errors of a whole call ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "wait_s"), [("TEN_SECONDLY_ROLLING", 10), ("SECONDLY", 1), ("UNHEARD_OF", None)]
)
def test_a_429_without_a_time_waits_as_its_policy_says(
    bench: Bench, policy: str, wait_s: float | None
) -> None:
    bench.fault(UPDATE, status=429, body={"category": "RATE_LIMITS", "policyName": policy})
    with pytest.raises(Throttled) as raised:
        update_first(bench)
    assert raised.value.wait_s == wait_s


def test_the_daily_limit_waits_until_the_portals_midnight(bench: Bench) -> None:
    # 22:30 UTC is 23:30 in Copenhagen in winter: half an hour is left, not an hour and a half.
    bench.fault(
        UPDATE,
        status=429,
        body={"policyName": "DAILY"},
        headers={"Date": "Sun, 22 Nov 2026 22:30:00 GMT"},
    )
    (first,) = bench.seed(people(1))
    adapter = hubspot(bench, learnt={"time_zone": "Europe/Copenhagen"})
    rows = (Row("k1", {"nps_score": "9"}, first),)
    with pytest.raises(Throttled) as raised:
        adapter.write(Batch("contacts", Operation.UPDATE, rows))
    assert raised.value.wait_s == 1_800
    assert raised.value.code == "crm_daily_limit"


def test_a_portal_that_is_moving_is_left_alone_as_long_as_it_says(bench: Bench) -> None:
    bench.fault(UPDATE, status=477, headers={"Retry-After": "86400"}, body={})
    with pytest.raises(Throttled) as raised:
        update_first(bench)
    assert (raised.value.wait_s, raised.value.code) == (86_400, "crm_migrating")


def test_a_lock_is_waited_for(bench: Bench) -> None:
    bench.fault(UPDATE, status=423)
    with pytest.raises(TryLater) as raised:
        update_first(bench)
    assert (raised.value.wait_s, raised.value.code) == (2, "crm_locked")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521, 526])
def test_a_failing_server_leaves_a_writes_outcome_unknown(bench: Bench, status: int) -> None:
    bench.fault(UPDATE, status=status)
    with pytest.raises(OutcomeUnknown):
        update_first(bench)


def test_an_expired_token_asks_for_a_refresh(bench: Bench) -> None:
    adapter = hubspot(bench)
    bench.control("oauth", {"expire": True})
    with pytest.raises(TokenExpired):
        adapter.probe()


def test_a_missing_scope_names_the_scope_that_we_ask_for(bench: Bench) -> None:
    bench.control("options", {"removed_scopes": ["crm.objects.contacts.write"]})
    with pytest.raises(PauseMapping) as raised:
        update_first(bench)
    assert raised.value.scope == "crm.objects.contacts.write"


def test_the_other_shape_of_403_is_a_missing_scope_too(bench: Bench) -> None:
    token = bench.control("oauth", {"issue": {"scopes": ["oauth"]}})["access_token"]
    with pytest.raises(PauseMapping) as raised:
        hubspot(bench, token=token).entities()
    assert (raised.value.code, raised.value.scope) == ("missing_scope", "contacts-read")


def test_a_page_that_is_no_utf8_does_not_break_the_sdk(bench: Bench) -> None:
    # The SDK decodes every refusal as UTF-8: 0xE6 alone made it raise UnicodeDecodeError.
    page = "<html>Gået i stykker æ</html>"
    bench.fault(UPDATE, status=502, body=page, charset="latin-1")
    with pytest.raises(OutcomeUnknown):
        update_first(bench)


def test_an_empty_refusal_does_not_break_the_sdk(bench: Bench) -> None:
    bench.fault(UPDATE, status=503, body="")
    with pytest.raises(OutcomeUnknown):
        update_first(bench)


def test_the_client_never_leaves_its_host() -> None:
    adapter = HubSpot(Account("t", base_url="http://127.0.0.1:9"), Wire(connect_s=0.2), {})
    with pytest.raises(HostRefused):
        adapter._client.call("GET", "@evil.example/x")


def test_a_path_parameter_cannot_become_another_path(bench: Bench) -> None:
    adapter = hubspot(bench, settings={"entities": ["../../oauth", "a?b#c"]})
    assert [one.name for one in adapter.entities()] == list(TRAITS.entities)
    assert all("/oauth" not in one["path"] for one in bench.calls())


def test_one_connection_serves_all_calls_and_no_value_is_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    (first,) = bench.seed(people(1))
    adapter = hubspot(bench)
    with caplog.at_level(logging.DEBUG):
        rows = (Row("k1", {"nps_comment": "canary-77"}, first),)
        adapter.write(Batch("contacts", Operation.UPDATE, rows))
        adapter.find("contacts", "email", ["c0@example.test"], want=["nps_comment"])
    assert "canary-77" not in caplog.text
    assert "c0@example.test" not in caplog.text
    assert caplog.text.count("Starting new HTTP connection") <= 1


# --- definitions --------------------------------------------------------------------------------


def test_the_probe_learns_the_time_zone(bench: Bench) -> None:
    identity = hubspot(bench).probe()
    assert identity.account_id == "14200142"
    assert identity.learnt == {"time_zone": "Europe/Copenhagen"}


def test_definitions_tell_what_can_be_written(bench: Bench) -> None:
    contact = next(one for one in hubspot(bench).entities() if one.name == "contacts")
    fields = contact.by_name()
    assert not fields["nps_trend"].updatable
    assert not fields["hs_object_id"].updatable
    assert fields["nps_signature"].type is FieldType.OTHER
    assert fields["customer_number"].identifies
    assert [one.value for one in fields["nps_segment"].options] == [
        "promoter",
        "passive",
        "detractor",
    ]
    assert fields["nps_comment"].max_length == 65_536


def test_required_properties_stand_in_the_schema(bench: Bench) -> None:
    bench.control("options", {"required_rules": {"contacts": ["nps_segment"]}})
    contact = next(one for one in hubspot(bench).entities() if one.name == "contacts")
    assert [one.name for one in contact.fields if one.required] == ["nps_segment"]


def test_kinds_the_token_may_not_see_are_left_out(bench: Bench) -> None:
    bench.control("options", {"removed_scopes": ["tickets"]})
    assert [one.name for one in hubspot(bench).entities()] == ["contacts", "companies", "deals"]


# --- find ---------------------------------------------------------------------------------------


def test_a_merged_id_answers_with_the_survivor_in_one_call(bench: Bench) -> None:
    first, second, third = bench.seed(people(3))
    bench.control("seed", {"merge": [[first, second]]})
    adapter = hubspot(bench)
    before = len(bench.calls())
    found = adapter.find("contacts", TRAITS.id_field, [second, third], want=["email"])
    assert [one.remote_id for one in found[second]] == [first]
    assert [one.remote_id for one in found[third]] == [third]
    assert len(bench.calls()) - before == 1


def test_a_unique_property_finds_as_the_email_does(bench: Bench) -> None:
    (first,) = bench.seed(people(1))
    update(bench, Row("k1", {"customer_number": "K-1"}, first))
    found = hubspot(bench).find("contacts", "customer_number", ["K-1", "K-2"], want=[])
    assert [one.remote_id for one in found["K-1"]] == [first]
    assert found["K-2"] == ()


def test_a_property_that_is_not_unique_cannot_find(bench: Bench) -> None:
    with pytest.raises(PauseMapping) as raised:
        hubspot(bench).find("contacts", "lastname", ["Hansen"], want=[])
    assert raised.value.code == "not_identifying"


def test_the_tag_property_can_be_wanted_before_it_was_downloaded(bench: Bench) -> None:
    (first,) = bench.seed(people(1))
    found = hubspot(bench).find("contacts", TRAITS.id_field, [first], want=[TAG_FIELD])
    assert found[first][0].values == {TAG_FIELD: None}


def test_no_values_make_no_call(bench: Bench) -> None:
    adapter = hubspot(bench)
    assert adapter.find("contacts", "email", ["", " "], want=[]) == {"": (), " ": ()}
    assert not [one for one in bench.calls() if one["kind"] == "read"]


# --- write --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("nps_score", "nine", "not_a_number"),
        ("nps_date", "22.11.2026", "not_a_date"),
        ("nps_topics", ("price", "unknown"), "unknown_option"),
        ("email", "nobody", "not_an_email"),
        ("nps_trend", "1", "read_only"),
    ],
)
def test_a_refused_value_names_its_field_and_not_itself(
    bench: Bench, name: str, value: Any, code: str
) -> None:
    (outcome,) = update_first(bench, {name: value})
    assert (outcome.status, outcome.code, outcome.field) == (Status.REJECTED, code, name)
    assert "nine" not in outcome.message
    assert "unknown, " not in outcome.message


def test_a_property_that_is_gone_pauses_the_mapping(bench: Bench) -> None:
    adapter = hubspot(bench)
    (first,) = bench.seed(people(1))
    bench.control("seed", {"remove_properties": {"contacts": ["nps_score"]}})
    rows = (Row("k1", {"nps_score": "9"}, first),)
    with pytest.raises(PauseMapping) as raised:
        adapter.write(Batch("contacts", Operation.UPDATE, rows))
    assert raised.value.field == "nps_score"


def test_a_tag_without_its_option_is_parked_and_not_refused(bench: Bench) -> None:
    adapter = hubspot(bench)
    adapter.provision_tags("contacts", [TagOptions("Møde", ("NPSToday.Møde.9",))])
    with pytest.raises(PauseMapping) as raised:
        update_first(bench, {TAG_FIELD: ("NPSToday.Møde.8",)})
    assert (raised.value.code, raised.value.field) == ("tag_option_missing", TAG_FIELD)


def test_a_batch_refused_whole_is_for_the_caller_to_split(bench: Bench) -> None:
    bench.control("options", {"strict_batches": True})
    first, second = bench.seed(people(2))
    good = Row("k1", {"nps_score": "9"}, first)
    bad = Row("k2", {"nps_score": "nine"}, second)
    with pytest.raises(BatchRefused):
        update(bench, good, bad)
    (outcome,) = update(bench, bad)
    assert (outcome.code, outcome.field) == ("not_a_number", "nps_score")


@pytest.mark.parametrize("category", ["RATE_LIMITS", "LOCKED", "INTERNAL_ERROR"])
def test_a_row_that_could_not_be_taken_now_is_tried_again(bench: Bench, category: str) -> None:
    error = {"category": category, "message": "not now", "status": 500}
    bench.control("fault", {"action": {"row": {"key": "c0@example.test", "error": error}}})
    (outcome,) = update_first(bench)
    assert (outcome.status, outcome.code) == (Status.RETRY, "crm_busy")


def test_a_row_of_which_nothing_is_said_is_tried_again(bench: Bench) -> None:
    body = {"status": "COMPLETE", "results": []}
    bench.fault(UPDATE, status=200, body=body)
    (outcome,) = update_first(bench)
    assert (outcome.status, outcome.code) == (Status.RETRY, "no_outcome")


def test_results_without_a_trace_id_are_told_by_id(bench: Bench) -> None:
    first, second = bench.seed(people(2))
    results = [{"id": second, "properties": {}}, {"id": first, "properties": {}}]
    bench.fault(UPDATE, status=200, body={"status": "COMPLETE", "results": results})
    rows = [Row(f"k{n}", {"nps_score": "1"}, one) for n, one in enumerate((first, second))]
    assert [one.remote_id for one in update(bench, *rows)] == [first, second]


def test_an_error_that_names_no_row_belongs_to_the_silent_one(bench: Bench) -> None:
    first, second = bench.seed(people(2))
    errors = [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "x", "context": {}}]
    results = [{"id": first, "properties": {}}]
    bench.fault(UPDATE, status=207, body={"results": results, "errors": errors})
    rows = [Row(f"k{n}", {"nps_score": "1"}, one) for n, one in enumerate((first, second))]
    told = [(one.status, one.code) for one in update(bench, *rows)]
    assert told == [(Status.WRITTEN, ""), (Status.REJECTED, "not_found")]


def test_a_unique_value_that_is_taken_names_its_holder(bench: Bench) -> None:
    first, second = bench.seed(people(2))
    update(bench, Row("k1", {"customer_number": "K-1"}, first))
    (outcome,) = update(bench, Row("k1", {"customer_number": "K-1"}, second))
    assert (outcome.code, outcome.remote_id) == ("duplicate", first)


def test_a_thousand_updates_are_ten_calls(bench: Bench) -> None:
    ids = bench.seed(people(1000))
    adapter = hubspot(bench)
    before = len(bench.calls())
    for start in range(0, 1000, TRAITS.write_batch):
        rows = tuple(Row(one, {"nps_score": "9"}, one) for one in ids[start : start + 100])
        adapter.write(Batch("contacts", Operation.UPDATE, rows))
    assert len(bench.calls()) - before == 10


# --- tags ---------------------------------------------------------------------------------------


def scores(campaign: str) -> TagOptions:
    return TagOptions(campaign, tuple(f"NPSToday.{campaign}.{score}" for score in range(11)))


def options_of(bench: Bench) -> list[str]:
    contact = next(one for one in hubspot(bench).entities() if one.name == "contacts")
    field = contact.field(TAG_FIELD)
    assert field
    return [one.value for one in field.options]


def test_campaigns_add_their_options_and_a_repeat_only_reads(bench: Bench) -> None:
    adapter = hubspot(bench)
    adapter.provision_tags("contacts", [scores("Møde")])
    adapter.provision_tags("contacts", [scores("Salg")])
    assert options_of(bench) == [*scores("Møde").tags, *scores("Salg").tags]
    before = len(bench.calls())
    adapter.provision_tags("contacts", [scores("Møde"), scores("Salg")])
    assert [one["method"] for one in bench.calls()[before:]] == ["GET"]


def test_options_of_others_stay(bench: Bench) -> None:
    mine = {"name": TAG_FIELD, "type": "enumeration", "fieldType": "checkbox", "options": ["vip"]}
    bench.control("seed", {"properties": {"contacts": [mine]}})
    hubspot(bench).provision_tags("contacts", [scores("Møde")])
    assert options_of(bench) == ["vip", *scores("Møde").tags]


def test_a_tag_property_of_another_kind_is_not_touched(bench: Bench) -> None:
    bench.control("seed", {"properties": {"contacts": [{"name": TAG_FIELD}]}})
    with pytest.raises(BrokenContract):
        hubspot(bench).provision_tags("contacts", [scores("Møde")])


def test_a_tag_travels_in_the_same_write_and_replaces_the_whole_value(bench: Bench) -> None:
    hubspot(bench).provision_tags("contacts", [scores("Møde")])
    (first,) = bench.seed(people(1))
    for score in (7, 9):
        update(bench, Row("k1", {TAG_FIELD: (f"NPSToday.Møde.{score}",), "nps_score": "9"}, first))
    assert bench.control("state")["contacts"][0]["tags"] == ["NPSToday.Møde.9"]


# --- notes --------------------------------------------------------------------------------------


def note_for(remote_id: str, number: int) -> Note:
    return TestContract().note_for(remote_id, number)


def test_a_hundred_notes_are_one_call(bench: Bench) -> None:
    ids = bench.seed(people(100))
    adapter = hubspot(bench)
    notes = [
        Note(f"n{n}", one, f"ref: {n:032x}", "t", "x", f"<p>ref: {n:032x}</p>", NOON, "th")
        for n, one in enumerate(ids)
    ]
    before = len(bench.calls())
    outcomes = adapter.note("contacts", notes).outcomes
    assert len(bench.calls()) - before == 1
    assert {one.status for one in outcomes} == {Status.WRITTEN}
    assert adapter.noted("contacts", notes) == {one.key: one.remote_id for one in outcomes}
    # One call for the associations and one for the hundred notes.
    assert len(bench.calls()) - before == 3


def test_a_note_for_a_contact_that_is_gone_is_its_own_rows_fault(bench: Bench) -> None:
    (first,) = bench.seed(people(1))
    notes = [note_for(first, 1), note_for("999999", 2)]
    told = [(one.status, one.code) for one in hubspot(bench).note("contacts", notes).outcomes]
    assert told == [(Status.WRITTEN, ""), (Status.REJECTED, "not_found")]


def test_a_note_is_stored_as_escaped_html_at_its_time(bench: Bench) -> None:
    (first,) = bench.seed(people(1))
    hubspot(bench).note("contacts", [note_for(first, 1)])
    (stored,) = bench.control("state")["contacts"][0]["notes"]
    assert stored["at"] == "2026-11-22T01:02:00Z"
    assert "&lt;b&gt;fair&lt;/b&gt;" in stored["body"]
