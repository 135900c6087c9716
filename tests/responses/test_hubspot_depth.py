"""HubSpot at a real customer's: custom objects, contacts with several addresses, merged ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from tests.world import CRMSeen, World, answered, people

VISIT = {
    "name": "visit",
    "labels": {"singular": "Visit", "plural": "Visits"},
    "primaryDisplayProperty": "title",
    "requiredProperties": ["visit_number", "title"],
    "properties": [
        {
            "name": "visit_number",
            "label": "Number",
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": True,
        },
        {"name": "title", "label": "Title", "type": "string", "fieldType": "text"},
        {"name": "score", "label": "Score", "type": "number", "fieldType": "number"},
        {"name": "seen_on", "label": "Seen on", "type": "date", "fieldType": "date"},
    ],
    "associatedObjects": ["CONTACT"],
}
ROWS = [
    {"variable": "answers.nps", "field": "score"},
    {"variable": "response.answered_at", "field": "seen_on"},
    {"variable": "answers.why", "field": "title"},
]


def token_of(url: str) -> str:
    answer = requests.post(f"{url}/__sim__/oauth", json={"issue": {}}, timeout=5)
    return str(answer.json()["access_token"])


def told(url: str, path: str, body: Mapping[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {token_of(url)}"}
    answer = requests.post(f"{url}{path}", json=body, headers=headers, timeout=5)
    assert answer.ok, answer.text
    return answer.json()


@contextmanager
def visiting(world: World, *, by: str, rows: Any = ROWS) -> Iterator[CRMSeen]:
    """A portal with visits, a connection that knows them by this name, and a mapping to them."""
    with running(HubSpot(options={"enterprise": True})) as url:
        made = told(url, "/crm-object-schemas/2026-09/schemas", VISIT)
        crm = world.connect("hubspot", url, entities=[made[by]])
        world.mapping(
            "hubspot",
            entity=made[by],
            identify={"variable": "hidden.visit", "field": "visit_number"},
            rows=rows,
            note="none",
        )
        yield crm


def visits(crm: CRMSeen, *numbers: str) -> list[Mapping[str, str]]:
    body = {
        "idProperty": "visit_number",
        "properties": ["visit_number", "title", "score", "seen_on"],
        "inputs": [{"id": one} for one in numbers],
    }
    found = told(crm.url, "/crm/objects/2026-09/p14200142_visit/batch/read", body)["results"]
    return [one["properties"] for one in found]


@pytest.mark.parametrize("by", ["objectTypeId", "fullyQualifiedName"])
def test_a_custom_object_is_made_and_changed_by_its_unique_property(world: World, by: str) -> None:
    with visiting(world, by=by) as crm:
        crm.seed(people(1))
        world.push(answered(0, hidden={"visit": "V-1"}))
        world.settle()
        (visit,) = visits(crm, "V-1")
        assert (visit["score"], visit["seen_on"]) == ("9", "2026-11-22")
        world.push(answered(1, score=3, at="2026-11-23T01:02:00Z", hidden={"visit": "V-1"}))
        world.settle()
        (visit,) = visits(crm, "V-1")
        assert (visit["score"], visit["seen_on"]) == ("3", "2026-11-23")
        rows = world.rows("SELECT before, after FROM ledger WHERE field = 'score' ORDER BY id")
        assert [(one.before, one.after) for one in rows] == [(None, "9"), ("9", "3")]


def test_a_custom_record_made_without_an_answer_is_not_made_again(world: World) -> None:
    with visiting(world, by="objectTypeId") as crm:
        crm.fault("/objects/2026-09/2-[0-9]+/batch/create", drop_after=True)
        world.push(answered(0, hidden={"visit": "V-1"}))
        world.settle()
        assert len(visits(crm, "V-1")) == 1
        assert [one.state for one in world.deliveries(kind="fields")] == ["done"]


def test_a_required_property_that_is_not_there_is_named_before_any_call(world: World) -> None:
    with visiting(world, by="objectTypeId", rows=ROWS[:2]) as crm:
        world.push(answered(0, hidden={"visit": "V-1"}))
        world.settle()
        (refused,) = world.deliveries(kind="fields")
        assert (refused.state, refused.error_code, refused.error_field) == (
            "dead",
            "required",
            "title",
        )
        assert not [one for one in crm.calls() if one["path"].endswith("/batch/create")]


def test_a_custom_object_that_is_not_there_does_not_stop_the_download(world: World) -> None:
    with running(HubSpot()) as url:
        world.connect("hubspot", url, entities=["2-99999", "p1_nothing"])
        names = world.rows("SELECT entity FROM entity_snapshot WHERE current ORDER BY 1")
    assert [one.entity for one in names] == ["companies", "contacts", "deals", "tickets"]


# --- several addresses, merged contacts -----------------------------------------------------------


@pytest.fixture(params=["found", "missed"])
def portal(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    """A portal that finds contacts by their other addresses, and one that does not (unverified
    which is true).
    """
    with running(HubSpot(options={"secondary_emails": request.param})) as url:
        crm = world.connect("hubspot", url)
        world.mapping("hubspot")
        yield crm


def test_a_contact_answers_with_another_of_its_addresses(world: World, portal: CRMSeen) -> None:
    contact = {"email": "first@example.test", "hs_additional_emails": "old@example.test;x@y.test"}
    portal.control("seed", {"contacts": [contact]})
    world.push(answered(0, email="Old@example.test", score=9))
    world.settle()
    assert portal.value("first@example.test", "score") == "9"
    assert len(portal.contacts()) == 1
    assert set(world.states()) == {"done"}


def test_the_address_of_a_merged_contact_leads_to_the_one_that_remained(
    world: World, portal: CRMSeen
) -> None:
    portal.seed(people(2))
    portal.control("seed", {"merge": [["c0@example.test", "c1@example.test"]]})
    world.push(answered(1, score=4))
    world.settle()
    assert portal.value("c0@example.test", "score") == "4"
    assert list(portal.contacts()) == ["c0@example.test"]
    assert set(world.states()) == {"done"}


def test_two_addresses_of_one_contact_in_one_batch_are_both_delivered(
    world: World, portal: CRMSeen
) -> None:
    contact = {"email": "first@example.test", "hs_additional_emails": "old@example.test"}
    portal.control("seed", {"contacts": [contact]})
    world.push(
        answered(0, email="first@example.test", score=2),
        answered(1, email="old@example.test", score=8, at="2026-11-23T01:02:00Z"),
    )
    world.settle()
    assert len(portal.contacts()) == 1
    assert set(world.states()) == {"done"}
    assert portal.value("first@example.test", "score") in {"2", "8"}


def test_a_contact_merged_between_two_answers_is_followed(world: World, portal: CRMSeen) -> None:
    portal.seed(people(2))
    world.push(answered(1, score=4))
    world.settle()
    portal.control("seed", {"merge": [["c0@example.test", "c1@example.test"]]})
    world.push(answered(2, email="c1@example.test", score=7, at="2026-11-23T01:02:00Z"))
    world.settle()
    assert portal.value("c0@example.test", "score") == "7"
    assert len(portal.contacts()) == 1
