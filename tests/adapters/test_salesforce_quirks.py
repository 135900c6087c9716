"""What is peculiar to Salesforce and its SDK, and what the adapter makes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters.errors import (
    AdapterError,
    BatchRefused,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import Wire
from adapters.salesforce import Salesforce
from adapters.salesforce.finding import MAX_QUERY_BYTES
from adapters.salesforce.notes import title_of
from adapters.values import Account, Batch, Note, Operation, Outcome, Row, Status, TagOptions
from schemas.fields import FieldValue
from tests.adapters.contract import people, settled
from tests.adapters.salesforce_org import Org, served

TAGS = "NPSToday_Tags__c"


@pytest.fixture
def org() -> Iterator[Org]:
    with served() as one:
        yield one


def update(org: Org, *rows: Row) -> tuple[Outcome, ...]:
    adapter = org.make()
    return settled(adapter, adapter.write(Batch("Contact", Operation.UPDATE, rows))).outcomes


def create(org: Org, **values: FieldValue) -> Outcome:
    rows = (Row("k1", {"LastName": "New", **values}),)
    adapter = org.make()
    return settled(adapter, adapter.write(Batch("Contact", Operation.CREATE, rows))).outcomes[0]


def row_fault(org: Org, key: str, code: str, message: str = "no", **more: Any) -> None:
    error = {"statusCode": code, "message": message, **more}
    told = {"action": {"row": {"key": key, "error": error, "times": 1}}}
    org.bench.control("fault", told)


def refused(org: Org, status: int, code: str, message: str = "no") -> None:
    body = [{"errorCode": code, "message": message}]
    org.bench.control("fault", {"occurrence": 1, "action": {"status": status, "body": body}})


def calls(org: Org) -> list[Mapping[str, Any]]:
    return org.bench.calls()


# --- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "validation_rule"),
        ("REQUIRED_FIELD_MISSING", "required"),
        ("STRING_TOO_LONG", "too_long"),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "unknown_option"),
        ("INVALID_EMAIL_ADDRESS", "not_an_email"),
        ("NUMBER_OUTSIDE_VALID_RANGE", "out_of_range"),
        ("INVALID_TYPE_ON_FIELD_IN_RECORD", "type"),
        ("DUPLICATE_EXTERNAL_ID", "ambiguous"),
        ("DUPLICATE_VALUE", "duplicate_value"),
        ("ENTITY_IS_DELETED", "not_found"),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "no_access"),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "no_access"),
        ("ENTITY_IS_LOCKED", "record_locked"),
        ("FIELD_FILTER_VALIDATION_EXCEPTION", "lookup_filter"),
        ("FIELD_INTEGRITY_EXCEPTION", "integrity"),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "automation_failed"),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "automation_failed"),
        ("SOMETHING_NEW_IN_WINTER", "something_new_in_winter"),
    ],
)
def test_a_refused_row_says_why_in_a_stable_word(org: Org, code: str, expected: str) -> None:
    (one,) = org.seed(people(1))
    row_fault(org, one, code)
    (outcome,) = update(org, Row("k1", {"Title": "x"}, one))
    assert (outcome.status, outcome.code) == (Status.REJECTED, expected)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger: UNABLE_TO_LOCK_ROW, 003x"),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "Apex CPU time limit exceeded"),
    ],
)
def test_fault_37_a_locked_row_is_tried_again_and_its_neighbour_is_done(
    org: Org, code: str, message: str
) -> None:
    one, other = org.seed(people(2))
    row_fault(org, one, code, message)
    outcomes = update(org, Row("k1", {"Title": "x"}, one), Row("k2", {"Title": "x"}, other))
    assert [(each.status, each.code) for each in outcomes] == [
        (Status.RETRY, "row_locked"),
        (Status.WRITTEN, ""),
    ]


def test_what_an_admin_wrote_into_a_validation_rule_is_passed_on(org: Org) -> None:
    (one,) = org.seed(people(1))
    text = "A score needs a comment."
    row_fault(org, one, "FIELD_CUSTOM_VALIDATION_EXCEPTION", text, fields=["NPS_Comment__c"])
    (outcome,) = update(org, Row("k1", {"Title": "CEO"}, one))
    assert (outcome.message, outcome.field) == (text, "NPS_Comment__c")


def test_a_message_that_holds_a_value_is_not_passed_on(org: Org) -> None:
    (one,) = org.seed(people(1))
    row_fault(org, one, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Title SECRET-ceo is not allowed")
    (outcome,) = update(org, Row("k1", {"Title": "secret-CEO"}, one))
    assert "secret" not in outcome.message.lower()


def test_a_value_that_is_taken_names_who_has_it(org: Org) -> None:
    (one,) = org.seed(people(1))
    update(org, Row("k1", {"NPSToday_Key__c": "c-1"}, one))
    outcome = create(org, NPSToday_Key__c="C-1")
    assert (outcome.status, outcome.code) == (Status.REJECTED, "duplicate")
    assert outcome.remote_id == one


def test_a_duplicate_rule_refuses_a_create_with_a_link_to_the_match(org: Org) -> None:
    org.bench.control("options", {"duplicate_rule": "alert"})
    (one,) = org.seed(people(1))
    outcome = create(org, LastName="Contact 0", Email="c0@example.test")
    assert (outcome.code, outcome.remote_id) == ("duplicate", one)


def test_a_record_that_another_process_deleted_is_not_found(org: Org) -> None:
    (gone,) = org.seed(people(1))
    org.bench.control("seed", {"delete": [gone]})
    assert [one.code for one in update(org, Row("k1", {"Title": "x"}, gone))] == ["not_found"]


def test_fault_60_a_merged_contact_is_read_as_its_survivor(org: Org) -> None:
    loser, survivor, deleted = org.seed(people(3))
    told = {"merge": [{"loser": loser, "survivor": survivor}], "delete": [deleted]}
    org.bench.control("seed", told)
    found = org.make().find("Contact", "Id", [loser, survivor, deleted], want=["Email"])
    assert [one.remote_id for one in found[loser]] == [survivor]
    assert found[loser][0].values == {"Email": "c1@example.test"}
    assert (len(found[survivor]), found[deleted]) == (1, ())


def test_fault_59_two_contacts_with_one_email_are_both_found_newest_first(org: Org) -> None:
    rows = [{"email": "c@example.test", "first_name": "A", "last_name": n} for n in ("1", "2")]
    older, newer = org.seed(rows)
    org.bench.control("clock", {"offset_s": 60})
    org.bench.control("seed", {"update": [{"id": newer, "values": {"Title": "x"}}]})
    found = org.make().find("Contact", "Email", ["C@example.test"], want=["LastName"])
    told = found["C@example.test"]
    assert [one.remote_id for one in told] == [newer, older]
    assert told[0].updated_at is not None
    assert told[1].updated_at is not None
    assert told[0].updated_at > told[1].updated_at


# --- whole batches --------------------------------------------------------------------------------


def test_a_batch_salesforce_cannot_parse_is_refused_as_a_whole(org: Org) -> None:
    (one,) = org.seed(people(1))
    refused(org, 400, "JSON_PARSER_ERROR", "Cannot deserialize SECRET")
    with pytest.raises(BatchRefused) as raised:
        update(org, Row("k1", {"Title": "x"}, one))
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize("refuses", ["call", "rows"])
def test_fault_57_a_field_that_is_gone_pauses_the_mapping_and_is_named(
    org: Org, refuses: str
) -> None:
    """Whether it refuses the whole call or only its rows (unverified which)."""
    (one,) = org.seed(people(1))
    hidden = {"Contact.NPS_Comment__c": {"visible": False}}
    in_rows = refuses == "rows"
    org.bench.control("options", {"field_changes": hidden, "unknown_field_in_rows": in_rows})
    with pytest.raises(PauseMapping) as raised:
        update(org, Row("k1", {"NPS_Comment__c": "x"}, one))
    assert raised.value.field == "NPS_Comment__c"
    with pytest.raises(PauseMapping) as raised:
        org.make().find("Contact", "Email", ["a@example.test"], want=["NPS_Comment__c"])
    assert raised.value.field == "NPS_Comment__c"


def test_a_field_that_became_read_only_pauses_the_mapping_without_losing_what_was_written(
    org: Org,
) -> None:
    one, other = org.seed(people(2))
    closed = {"Contact.Title": {"updateable": False}}
    org.bench.control("options", {"field_changes": closed})
    mixed = update(org, Row("k1", {"Title": "x"}, one), Row("k2", {"Department": "y"}, other))
    assert [(each.status, each.code) for each in mixed] == [
        (Status.RETRY, "schema_drift"),
        (Status.WRITTEN, ""),
    ]
    with pytest.raises(PauseMapping) as raised:
        update(org, Row("k1", {"Title": "x"}, one))
    assert raised.value.field == "Title"


def test_an_object_that_is_gone_pauses_the_mapping(org: Org) -> None:
    with pytest.raises(PauseMapping):
        org.make().find("Gone__c", "Id", ["003Qy0000000001IAA"], want=[])
    with pytest.raises(PauseMapping):
        org.make().find("Gone__c", "Name", ["x"], want=[])


@pytest.mark.parametrize(
    ("status", "code", "message", "expected", "wait_s"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Throttled, 1800),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.", Throttled, 30),
        (403, "API_DISABLED_FOR_ORG", "", PauseMapping, None),
        (403, "INSUFFICIENT_ACCESS", "", PauseMapping, None),
        (400, "INVALID_TYPE", "", PauseMapping, None),
        (400, "MALFORMED_QUERY", "", PauseMapping, None),
        (400, "QUERY_TIMEOUT", "", TryLater, None),
        (401, "INVALID_SESSION_ID", "Session expired or invalid", TokenExpired, None),
        (410, "GONE", "", BrokenContract, None),
        (414, "", "", BrokenContract, None),
        (431, "", "", BrokenContract, None),
        (500, "UNKNOWN_EXCEPTION", "", TryLater, None),
        (503, "SERVER_UNAVAILABLE", "", TryLater, None),
    ],
)
def test_a_refused_read_is_named_for_what_to_do(
    org: Org,
    status: int,
    code: str,
    message: str,
    expected: type[AdapterError],
    wait_s: float | None,
) -> None:
    refused(org, status, code, message)
    with pytest.raises(expected) as raised:
        org.make().find("Contact", "Email", ["a@example.test"], want=[])
    assert type(raised.value) is expected
    assert getattr(raised.value, "wait_s", None) == wait_s


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_change_that_met_a_server_error_may_have_been_applied(org: Org, status: int) -> None:
    (one,) = org.seed(people(1))
    org.bench.fault(org.bench.write_path, status=status)
    with pytest.raises(OutcomeUnknown):
        update(org, Row("k1", {"Title": "x"}, one))


def test_fault_38_the_days_calls_used_up_is_said_and_passes(org: Org) -> None:
    org.bench.control("options", {"daily_limit": 1})
    adapter = org.make()
    adapter.find("Contact", "Email", ["a@example.test"], want=[])
    with pytest.raises(Throttled) as raised:
        adapter.find("Contact", "Email", ["a@example.test"], want=[])
    assert (raised.value.code, raised.value.wait_s) == ("daily_limit", 1800)
    org.bench.control("clock", {"offset_s": 86_401})
    assert org.make().find("Contact", "Email", ["a@example.test"], want=[])


def test_calls_running_low_are_learnt_and_plenty_is_not(org: Org) -> None:
    (one,) = org.seed(people(1))
    batch = Batch("Contact", Operation.UPDATE, (Row("k1", {"Title": "x"}, one),))
    assert org.make().write(batch).learnt == {}
    org.bench.control("options", {"daily_limit": 1})
    assert org.make().write(batch).learnt == {"daily_calls": {"used": 1, "limit": 1}}


def test_fault_51_an_expired_session_asks_for_one_refresh_and_then_goes_on(org: Org) -> None:
    (one,) = org.seed(people(1))
    token = org.token()
    org.bench.control("oauth", {"expire": True})
    with pytest.raises(TokenExpired):
        org.make(token=token).find("Contact", "Id", [one], want=[])
    assert org.make().find("Contact", "Id", [one], want=[])[one]


# --- calls ----------------------------------------------------------------------------------------


def test_a_thousand_contacts_cost_few_calls(org: Org) -> None:
    ids = org.seed(people(1000))
    adapter = org.make()
    for start in range(0, 1000, 200):
        emails = [f"c{n}@example.test" for n in range(start, start + 200)]
        found = adapter.find("Contact", "Email", emails, want=["NPS_Score__c", TAGS])
        rows = tuple(
            Row(f"k{n}", {"NPS_Score__c": 9, TAGS: (f"NPSToday.Møde.{n % 11}",)}, told.remote_id)
            for n, (told,) in enumerate(found.values())
        )
        adapter.write(Batch("Contact", Operation.UPDATE, rows))
    assert len(calls(org)) <= 15
    assert len(ids) == 1000


def test_a_long_list_is_asked_in_addresses_of_a_safe_length(org: Org) -> None:
    emails = [f"{'ø' * 30}{n}@example.test" for n in range(200)]
    org.make().find("Contact", "Email", emails, want=["NPS_Comment__c"])
    sizes = [len(one["query"]["q"][0].encode()) for one in calls(org)]
    assert 1 < len(sizes) <= 8
    assert max(sizes) <= MAX_QUERY_BYTES


def test_answers_in_pages_are_read_to_the_end(org: Org) -> None:
    org.bench.control("options", {"batch_size": 200})
    same = {"email": "same@example.test", "first_name": "A"}
    org.seed([{**same, "last_name": str(n)} for n in range(450)])
    found = org.make().find("Contact", "Email", ["same@example.test"], want=[])
    assert len({one.remote_id for one in found["same@example.test"]}) == 450


def test_values_cannot_break_out_of_a_query(org: Org) -> None:
    org.seed(people(2))
    hostile = ["' OR Name != '", "x\\", 'a"b', "{0}", "line\nbreak", "%", "a') OR (Id != null"]
    found = org.make().find("Contact", "LastName", hostile, want=[])
    assert set(found.values()) == {()}


@pytest.mark.parametrize("name", ["Id FROM User--", "Name, Id", "", "x" * 81, "Na me", "Ünï"])
def test_names_cannot_break_out_of_a_query(org: Org, name: str) -> None:
    adapter = org.make()
    with pytest.raises(PauseMapping):
        adapter.find("Contact", name, ["x"], want=[])
    with pytest.raises(PauseMapping):
        adapter.find("Contact", "Email", ["x"], want=[name])
    with pytest.raises(PauseMapping):
        adapter.find(name, "Email", ["x"], want=[])
    assert calls(org) == []


def test_a_number_field_is_asked_with_numbers_only(org: Org) -> None:
    (one,) = org.seed(people(1))
    update(org, Row("k1", {"NPS_Score__c": 7}, one))
    found = org.make().find("Contact", "NPS_Score__c", ["7", "7 OR Id != null"], want=[])
    assert [len(each) for each in found.values()] == [0, 0]


# --- tags in their field --------------------------------------------------------------------------


def test_tags_travel_in_the_write_and_strange_ones_stay(org: Org) -> None:
    (one,) = org.seed(people(1))
    before = "VIP;NPSToday.NoSend;NPSToday.Møde.7"
    org.bench.control("seed", {"update": [{"id": one, "values": {TAGS: before}}]})
    told = org.make().find("Contact", "Id", [one], want=[TAGS])[one][0].values[TAGS]
    assert isinstance(told, tuple)
    kept = tuple(each for each in told if each != "NPSToday.Møde.7")
    (outcome,) = update(org, Row("k1", {"Title": "x", TAGS: (*kept, "NPSToday.Møde.9")}, one))
    after = org.make().find("Contact", "Id", [one], want=[TAGS])[one][0].values[TAGS]
    assert outcome.status is Status.WRITTEN
    assert isinstance(after, tuple)
    assert set(after) == {"VIP", "NPSToday.NoSend", "NPSToday.Møde.9"}


def test_a_tag_field_that_will_do_needs_no_provision(org: Org) -> None:
    org.make().provision_tags("Contact", [TagOptions("Møde", ("NPSToday.Møde.9",))])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"visible": False}, "tag_field_missing"),
        ({"restricted": True}, "tag_field_unusable"),
        ({"updateable": False}, "tag_field_unusable"),
        ({"type": "string"}, "tag_field_unusable"),
    ],
)
def test_a_tag_field_that_will_not_do_is_named(org: Org, change: dict[str, Any], code: str) -> None:
    org.bench.control("options", {"field_changes": {f"Contact.{TAGS}": change}})
    with pytest.raises(PauseMapping) as raised:
        org.make().provision_tags("Contact", [])
    assert (raised.value.code, raised.value.field) == (code, TAGS)


# --- notes ----------------------------------------------------------------------------------------


def noted(remote_id: str, n: int, title: str = "After the meeting") -> Note:
    marker = f"ref: 00000000-0000-4000-8000-{n:012d}"
    return Note(f"n{n}", remote_id, marker, title, "text", "<p>Hej &amp; tak</p>",
                datetime(2026, 11, 22, tzinfo=UTC), "t")  # fmt: skip


def test_a_full_call_of_notes_is_one_call_and_hangs_on_its_contacts(org: Org) -> None:
    ids = org.seed(people(12))
    notes = [noted(one, n) for n, one in enumerate(ids)]
    outcomes = org.make().note("Contact", notes).outcomes
    assert {one.status for one in outcomes} == {Status.WRITTEN}
    assert [one["kind"] for one in calls(org)] == ["note"]
    contacts = org.bench.control("state")["contacts"]
    assert [one["notes"][0]["text"] for one in contacts] == ["Hej & tak"] * 12
    assert all("LastActivityDate" not in one["fields"] for one in contacts)


def test_a_note_for_a_contact_that_is_gone_is_not_found_and_leaves_nothing(org: Org) -> None:
    alive, gone = org.seed(people(2))
    org.bench.control("seed", {"delete": [gone]})
    notes = [noted(alive, 1), noted(gone, 2)]
    outcomes = org.make().note("Contact", notes).outcomes
    assert [(one.status, one.code) for one in outcomes] == [
        (Status.RETRY, "rolled_back"),
        (Status.REJECTED, "not_found"),
    ]
    assert org.make().noted("Contact", notes) == {}


def test_a_long_title_is_cut_and_its_marker_is_not(org: Org) -> None:
    note = noted("003Qy0000000001IAA", 1, "ø" * 400)
    assert len(title_of(note)) == 255
    assert title_of(note).endswith(f"({note.marker})")


# --- the SDK --------------------------------------------------------------------------------------


def test_an_instance_in_https_is_reached_at_the_simulators_address(org: Org) -> None:
    adapter = org.make(instance_url="https://acme.my.salesforce.com")
    assert adapter.probe().account_name == "Answerback demo org"


@pytest.mark.parametrize(
    ("base_url", "instance_url", "origin"),
    [
        (None, "https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://test.salesforce.com", "https://a--b.sandbox.my.salesforce.com",
         "https://a--b.sandbox.my.salesforce.com"),
        ("https://acme.my.salesforce.com", None, "https://acme.my.salesforce.com"),
    ],
)  # fmt: skip
def test_the_api_lives_at_the_instance_whatever_the_login_host(
    base_url: str | None, instance_url: str | None, origin: str
) -> None:
    def stop(_kind: str | None) -> None:
        raise Throttled(wait_s=1)

    account = Account(token="t", base_url=base_url, instance_url=instance_url)
    adapter = Salesforce(account, Wire(before=stop), {})
    session = adapter._calls._sdk.session
    assert list(session.adapters) == [f"{origin}/"]
    with pytest.raises(Throttled):
        adapter.probe()


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/services", "//evil.example/x", "@evil.example/x", ".evil.example/x"],
)
def test_a_next_page_elsewhere_is_never_asked_for(org: Org, url: str) -> None:
    body = {"totalSize": 2, "done": False, "nextRecordsUrl": url, "records": []}
    org.bench.fault("/query", status=200, body=body)
    with pytest.raises((BrokenContract, TryLater)):
        org.make().find("Contact", "Email", ["a@example.test"], want=[])


def test_a_netrc_entry_does_not_replace_the_token(
    org: Org, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert org.make().probe().account_id


def test_a_proxy_variable_does_not_see_the_calls(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = org.make()
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert adapter.probe().account_id


def test_five_reads_share_one_connection(org: Org) -> None:
    opened: list[object] = []
    adapter = org.make()
    session = adapter._calls._sdk.session
    mounted: Any = next(iter(session.adapters.values()))
    for _ in range(5):
        adapter.find("Contact", "Email", ["a@example.test"], want=[])
        (key,) = mounted.poolmanager.pools.keys()
        opened.append(mounted.poolmanager.pools[key].num_connections)
    assert opened == [1] * 5


def test_errors_hold_neither_address_nor_query_nor_token(org: Org) -> None:
    email = "very.private@example.test"
    for status in (400, 401, 403, 404, 500):
        refused(org, status, "ANY", f"about {email}")
        with pytest.raises(AdapterError) as raised:
            org.make(token=org.token()).find("Contact", "Email", [email], want=[])
        told = f"{raised.value} {raised.value.__cause__}"
        assert email not in told
        assert "SELECT" not in told


def test_a_broken_connection_tells_no_email(org: Org) -> None:
    org.bench.fault("/query", drop_before=True)
    with pytest.raises(TryLater) as raised:
        org.make().find("Contact", "Email", ["very.private@example.test"], want=[])
    assert "very.private" not in f"{raised.value} {raised.value.__cause__}"


def test_an_answer_nested_too_deeply_is_not_understood(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deep(*_: object, **__: object) -> object:
        return json.loads("[" * 200_000)

    (one,) = org.seed(people(1))
    adapter = org.make()
    monkeypatch.setattr(adapter._calls._sdk, "parse_result_to_json", deep)
    with pytest.raises(OutcomeUnknown):
        adapter.write(Batch("Contact", Operation.UPDATE, (Row("k1", {"Title": "x"}, one),)))


def test_an_empty_batch_costs_no_call(org: Org) -> None:
    assert update(org) == ()
    assert org.make().find("Contact", "Email", [], want=[]) == {}
    assert calls(org) == []


def test_one_result_too_few_is_an_unknown_outcome(org: Org) -> None:
    one, other = org.seed(people(2))
    body = [{"id": one, "success": True, "errors": []}]
    org.bench.fault(org.bench.write_path, status=200, body=body)
    with pytest.raises(OutcomeUnknown):
        update(org, Row("k1", {"Title": "x"}, one), Row("k2", {"Title": "x"}, other))


def test_the_adapter_adds_little_to_a_batch(org: Org) -> None:
    ids = org.seed(people(200))
    adapter = org.make()
    rows = tuple(Row(f"k{n}", {"NPS_Score__c": 9, "Title": "x"}, one) for n, one in enumerate(ids))
    began = time.process_time()
    adapter.write(Batch("Contact", Operation.UPDATE, rows))
    # Both sides are in the figure: the simulator runs in this process.
    assert time.process_time() - began < 1.0


def test_the_state_shows_what_was_written(org: Org) -> None:
    (one,) = org.seed(people(1))
    update(org, Row("k1", {"NPS_Score__c": 9}, one))
    state = requests.get(f"{org.base_url}/__sim__/state", timeout=5).json()
    assert state["history"][one][0]["values"] == {"NPS_Score__c": 9.0}
