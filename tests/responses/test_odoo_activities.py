"""An activity for each detractor at Odoo: made once, for whoever sells to the contact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.responses.scene import joined, known, states
from tests.responses.test_records import furnished
from tests.responses.test_zendesk_tickets import for_detractors
from tests.world import CRMSeen, World, answered

ACTIVITY = {
    "name": "detractors",
    "entity": "mail.activity",
    "operation": "create",
    "identify": {"variable": "response.id", "field": "x_npstoday_key"},
    "rows": [
        {"variable": "contact.email", "field": "contact_email"},
        {"variable": "campaign.name", "field": "summary"},
        {"variable": "answers.why", "field": "note"},
    ],
    "note": "none",
}


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    with joined(world, "odoo", note="none", options={"administrator": True}) as seen:
        furnished(world, seen)
        known(world, seen, 4)
        world.mapping("odoo", **ACTIVITY)
        for_detractors(world)
        yield seen


def activities(crm: CRMSeen) -> list[dict[str, Any]]:
    return [one["fields"] for one in crm.control("state")["activities"]]


def test_a_detractor_gets_one_activity_and_a_promoter_none(world: World, crm: CRMSeen) -> None:
    world.push(answered(0, score=2), answered(1, score=10))
    world.settle()
    (made,) = activities(crm)
    assert str(made["res_id"]) == crm.contacts()["c0@example.test"]["id"]
    assert (made["summary"], made["note"]) == ("Møde", "<p>Friendly 😀</p>")
    assert made["x_npstoday_key"] == "r0"
    assert made["user_id"] == 7
    world.push(answered(0, score=2))
    world.settle()
    assert len(activities(crm)) == 1


def test_whoever_sells_to_the_contact_gets_it(world: World, crm: CRMSeen) -> None:
    seller = crm.control("seed", {"users": ["Anne"]})["users"][0]
    number = crm.contacts()["c0@example.test"]["id"]
    crm.control("seed", {"edit": {number: {"user_id": seller}}})
    world.push(answered(0, score=2))
    world.settle()
    assert [one["user_id"] for one in activities(crm)] == [seller]


def test_an_activity_whose_answer_was_lost_is_made_once(world: World, crm: CRMSeen) -> None:
    crm.fault("/jsonrpc", "POST", '"mail.activity", "create"', drop_after=True)
    world.push(answered(0, score=2))
    world.settle()
    assert len(activities(crm)) == 1
    assert states(world, entity="mail.activity") == [("done", None)]


def test_a_contact_that_is_new_gets_it_once_it_is_there(world: World, crm: CRMSeen) -> None:
    world.push(answered(9, score=2))
    world.settle()
    (made,) = activities(crm)
    assert str(made["res_id"]) == crm.contacts()["c9@example.test"]["id"]


def test_two_contacts_of_one_address_are_told(world: World, crm: CRMSeen) -> None:
    crm.seed([{"email": "c0@example.test"}])
    world.push(answered(0, score=2))
    world.settle()
    assert activities(crm) == []
    (one,) = world.deliveries(entity="mail.activity")
    assert (one.state, one.error_code) == ("dead", "ambiguous")
    assert "merge them" in one.error
