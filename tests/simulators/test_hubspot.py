"""The simulated HubSpot portal judges values and rows as strictly as the real one is said to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.simulators.conformance import Client, Heard, differences, examples

CONTACTS = "/crm/objects/2026-09/contacts"


@pytest.fixture
def hub() -> Iterator[Client]:
    with running(HubSpot()) as base_url:
        client = Client(base_url)
        tokens = client.control("oauth", {"issue": {}})
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client
        client.close()


def people(hub: Client, count: int) -> list[str]:
    contacts = [{"email": f"c{n}@example.test", "firstname": "Søren"} for n in range(count)]
    made: list[str] = hub.control("seed", {"contacts": contacts})["contacts"]
    return made


def update(hub: Client, *rows: dict[str, Any]) -> Heard:
    return hub.call("POST", f"{CONTACTS}/batch/update", {"inputs": list(rows)})


def create(hub: Client, *rows: dict[str, Any]) -> Heard:
    return hub.call("POST", f"{CONTACTS}/batch/create", {"inputs": list(rows)})


def code_of(error: dict[str, Any]) -> str:
    details: list[dict[str, str]] = json.loads(error["message"].partition(": ")[2])
    return details[0]["error"]


@pytest.mark.parametrize("example", examples("hubspot"), ids=lambda one: one["name"])
def test_calls_without_a_recording_have_the_shape_of_their_example(
    hub: Client, example: dict[str, Any]
) -> None:
    first, second = people(hub, 2)
    body = json.dumps(example["body"]).replace("{first}", first).replace("{second}", second)
    heard = hub.call(example["method"], example["path"], json.loads(body))
    told = differences(example["answer"], heard.json())
    # What a change answers besides what was sent depends on the account.
    assert heard.status == example["status"], heard.body
    assert [one for one in told if not one.startswith("$.results[].properties")] == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("no_such", "x", "PROPERTY_DOESNT_EXIST"),
        ("nps_trend", "1", "READ_ONLY_VALUE"),
        ("nps_score", "nine", "INVALID_INTEGER"),
        ("nps_score", "1,000", "INVALID_INTEGER"),
        ("nps_date", "22.11.2026", "INVALID_DATE"),
        ("nps_answered_at", "2026-11-22T10:00:00", "INVALID_DATE"),
        ("nps_follow_up", "yes", "INVALID_OPTION"),
        ("nps_segment", "Promoter", "INVALID_OPTION"),
        ("nps_topics", "price;unknown", "INVALID_OPTION"),
        ("email", "nobody", "INVALID_EMAIL"),
        ("nps_comment", "x" * 65_537, "PROPERTY_VALUE_TOO_LONG"),
    ],
)
def test_a_bad_value_is_its_own_rows_error(hub: Client, name: str, value: str, code: str) -> None:
    first, second = people(hub, 2)
    heard = update(
        hub,
        {"id": first, "properties": {name: value}, "objectWriteTraceId": "bad"},
        {"id": second, "properties": {"nps_score": "9"}, "objectWriteTraceId": "good"},
    )
    body = heard.json()
    assert (heard.status, body["numErrors"]) == (207, 1)
    assert body["errors"][0]["context"] == {"objectWriteTraceId": ["bad"]}
    assert code_of(body["errors"][0]) == code
    assert [one["id"] for one in body["results"]] == [second]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("nps_date", "2026-11-22", "2026-11-22"),
        ("nps_date", "1795305600000", "2026-11-22"),
        ("nps_answered_at", "2026-11-22T11:00:00+01:00", "2026-11-22T10:00:00Z"),
        ("nps_answered_at", "1795341600500", "2026-11-22T10:00:00.500Z"),
        ("nps_follow_up", "TRUE", "true"),
        ("nps_topics", "moede;price", "moede;price"),
        ("nps_score", "9", "9"),
        ("email", "New@Example.test", "new@example.test"),
    ],
)
def test_a_value_is_kept_in_the_portals_form(hub: Client, name: str, value: str, kept: str) -> None:
    (first,) = people(hub, 1)
    hub.call("PATCH", f"{CONTACTS}/{first}", {"properties": {name: value}})
    read = hub.call("GET", f"{CONTACTS}/{first}?properties={name}").json()
    assert read["properties"][name] == kept


@pytest.mark.parametrize("value", [9, None, True])
def test_values_that_are_no_text_refuse_the_whole_call(hub: Client, value: object) -> None:
    (first,) = people(hub, 1)
    assert update(hub, {"id": first, "properties": {"nps_score": value}}).status == 400


def test_a_leading_semicolon_appends_and_empty_clears(hub: Client) -> None:
    (first,) = people(hub, 1)
    kept = []
    for value in ("price", ";service", "quality", ""):
        hub.call("PATCH", f"{CONTACTS}/{first}", {"properties": {"nps_topics": value}})
        read = hub.call("GET", f"{CONTACTS}/{first}?properties=nps_topics").json()
        kept.append(read["properties"]["nps_topics"])
    assert kept == ["price", "price;service", "quality", None]


def test_a_batch_of_101_is_refused(hub: Client) -> None:
    rows = [{"properties": {"email": f"n{n}@example.test"}} for n in range(101)]
    assert create(hub, *rows).status == 400


def test_a_create_without_trace_ids_is_refused_whole(hub: Client) -> None:
    good = {"properties": {"email": "a@example.test"}}
    bad = {"properties": {"email": "b@example.test", "nps_score": "x"}}
    assert create(hub, good, bad).status == 400
    assert hub.state()["contacts"] == []


def test_a_create_with_trace_ids_judges_each_row(hub: Client) -> None:
    people(hub, 1)
    heard = create(
        hub,
        {"properties": {"email": "c0@example.test"}, "objectWriteTraceId": "old"},
        {"properties": {"email": "new@example.test"}, "objectWriteTraceId": "new"},
    )
    body = heard.json()
    assert heard.status == 207
    assert body["errors"][0]["category"] == "CONFLICT"
    assert "Existing ID: " in body["errors"][0]["message"]
    assert [one["objectWriteTraceId"] for one in body["results"]] == ["new"]


def test_the_same_email_or_id_twice_refuses_the_batch(hub: Client) -> None:
    (first,) = people(hub, 1)
    row = {"properties": {"email": "a@example.test"}, "objectWriteTraceId": "1"}
    assert create(hub, row, {**row, "objectWriteTraceId": "2"}).status == 400
    change = {"id": first, "properties": {"nps_score": "1"}}
    assert update(hub, change, change).status == 400


def test_results_come_in_no_particular_order(hub: Client) -> None:
    ids = people(hub, 50)
    read = hub.call("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": one} for one in ids]})
    answered = [one["id"] for one in read.json()["results"]]
    assert answered != ids
    assert sorted(answered) == sorted(ids)


def test_a_merged_id_answers_with_the_survivor(hub: Client) -> None:
    first, second = people(hub, 2)
    hub.call("POST", f"{CONTACTS}/merge", {"primaryObjectId": first, "objectIdToMerge": second})
    read = hub.call("POST", f"{CONTACTS}/batch/read", {"inputs": [{"id": second}]})
    assert [one["id"] for one in read.json()["results"]] == [first]


def test_an_ordered_row_fault_strikes_that_row(hub: Client) -> None:
    first, second = people(hub, 2)
    error = {"error": "INVALID_OPTION", "name": "nps_segment"}
    hub.control("fault", {"action": {"row": {"key": "c0@example.test", "error": error}}})
    rows = [{"id": one, "properties": {"nps_score": "1"}} for one in (first, second)]
    heard = update(hub, *rows)
    assert heard.status == 207
    assert heard.json()["errors"][0]["context"] == {"ids": [first]}
    assert update(hub, *rows).status == 200


def test_strict_batches_refuse_the_whole_batch_without_naming_the_row(hub: Client) -> None:
    first, second = people(hub, 2)
    hub.control("options", {"strict_batches": True})
    good = {"id": first, "properties": {"nps_score": "1"}}
    assert update(hub, good, {"id": second, "properties": {"nps_score": "x"}}).status == 400
    read = hub.call("GET", f"{CONTACTS}/{first}?properties=nps_score").json()
    assert read["properties"]["nps_score"] is None


def test_an_upsert_by_email_of_a_known_contact_is_refused(hub: Client) -> None:
    people(hub, 1)
    row = {"id": "c0@example.test", "idProperty": "email", "properties": {"nps_score": "1"}}
    other = {**row, "id": "new@example.test"}
    body = hub.call("POST", f"{CONTACTS}/batch/upsert", {"inputs": [row, other]}).json()
    assert (body["numErrors"], body["results"][0]["new"]) == (1, True)


def test_a_unique_property_is_a_key_and_stays_unique(hub: Client) -> None:
    first, second = people(hub, 2)
    update(hub, {"id": first, "properties": {"customer_number": "K1"}})
    again = update(hub, {"id": second, "properties": {"customer_number": "K1"}})
    assert again.status == 207
    told = {"idProperty": "customer_number", "inputs": [{"id": "K1"}]}
    read = hub.call("POST", f"{CONTACTS}/batch/read", told).json()
    assert [one["id"] for one in read["results"]] == [first]
    told["idProperty"] = "firstname"
    assert hub.call("POST", f"{CONTACTS}/batch/read", told).status == 400


def test_a_note_stands_at_its_contact_and_on_the_page(hub: Client) -> None:
    (first,) = people(hub, 1)
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}
    note = {
        "properties": {
            "hs_timestamp": "2026-11-22T10:00:00Z",
            "hs_note_body": "<p>Fin &amp; god</p>",
        },
        "associations": [{"to": {"id": first}, "types": [link]}],
    }
    made = hub.call("POST", "/crm/objects/2026-09/notes/batch/create", {"inputs": [note]}).json()
    told = {"inputs": [{"id": first}]}
    linked = hub.call("POST", "/crm/associations/2026-09/contacts/notes/batch/read", told).json()
    assert linked["results"][0]["to"][0]["toObjectId"] == made["results"][0]["id"]
    assert hub.state()["contacts"][0]["notes"][0]["body"] == "<p>Fin &amp; god</p>"
    assert [one["kind"] for one in hub.log()] == ["note", "read"]
    assert "Fin &amp; god" in hub.call("GET", "/?q=fin").body.decode()


def test_a_thousand_updates_take_well_under_two_seconds(hub: Client) -> None:
    hub.control("options", {"ten_secondly": 1000})
    began = time.process_time()
    ids = people(hub, 1000)
    for start in range(0, 1000, 100):
        rows = [{"id": one, "properties": {"nps_score": "9"}} for one in ids[start : start + 100]]
        assert update(hub, *rows).status == 200
    assert time.process_time() - began < 2
