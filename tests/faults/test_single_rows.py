"""Rows 35 to 37: a batch goes well in part. Each record is judged alone; nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.crowd import REFUSAL, said, verdict
from tests.world import CRMSeen, World, people

COUNT = 5
# How a CRM says that it cannot take one record of a batch for the moment.
PASSING: dict[str, Any] = {
    "hubspot": {"category": "RATE_LIMITS", "message": "too busy"},
    "salesforce": {
        "statusCode": "UNABLE_TO_LOCK_ROW",
        "message": "unable to obtain exclusive access to this record",
        "fields": [],
    },
    "odoo": {
        "name": "psycopg2.errors.SerializationFailure",
        "message": "could not serialize access due to concurrent update",
    },
}
# Odoo's row is sent with its neighbours, then at once alone.
TRIES = {"odoo": 2}


def row_fault(crm: CRMSeen, email: str, error: Any, *, times: int | None = 1) -> None:
    crm.control("fault", {"action": {"row": {"key": email, "error": error, "times": times}}})


def key_of(crm: CRMSeen, email: str) -> str:
    """What the simulator knows the record of an update by."""
    return str(crm.contacts()[email]["id"])


def linked(world: World, crm: CRMSeen) -> list[dict[str, Any]]:
    """Five contacts that are linked; one waiting response of each."""
    ids = crm.seed(people(COUNT))
    world.linked(crm.app, {f"c{n}@example.test": one for n, one in enumerate(ids)})
    items = [said(n, n) for n in range(COUNT)]
    world.push(*items)
    world.plan()
    return items


def test_fault_35_a_refused_record_dies_alone(world: World, crm: CRMSeen) -> None:
    items = linked(world, crm)
    bad = crm.contacts()["c2@example.test"]["id"]
    for key in ("c2@example.test", bad):
        row_fault(crm, key, REFUSAL[crm.app], times=None)
    world.settle()
    neighbours = [one for one in items if one["respondent"]["email"] != "c2@example.test"]
    assert verdict(crm, neighbours) == []
    dead = world.deliveries(state="dead")
    assert {one.payload["match"]["value"] for one in dead} == {"c2@example.test"}
    assert {one.reason for one in dead} == {"validation"}
    assert {one.attempts for one in world.deliveries(state="done")} == {0}


@pytest.mark.parametrize("app", sorted(PASSING))
def test_fault_35_a_record_that_cannot_be_taken_now_is_tried_again_alone(
    world: World, connected: Callable[..., CRMSeen], app: str
) -> None:
    crm = connected(app)
    items = linked(world, crm)
    row_fault(crm, key_of(crm, "c2@example.test"), PASSING[app], times=TRIES.get(app, 1))
    world.drain(app)
    again = [one for one in world.deliveries() if one.attempts]
    assert {one.payload["match"]["value"] for one in again} == {"c2@example.test"}
    assert len(world.deliveries(state="done")) >= 2 * (COUNT - 1)
    world.settle()
    assert verdict(crm, items) == []


def test_fault_37_a_locked_row_of_salesforce_is_transient(
    world: World, connected: Callable[..., CRMSeen]
) -> None:
    crm = connected("salesforce")
    items = linked(world, crm)
    row_fault(crm, crm.contacts()["c1@example.test"]["id"], PASSING["salesforce"])
    world.drain("salesforce")
    waits = [one for one in world.deliveries() if one.error_code == "row_locked"]
    assert waits
    assert {(one.state, one.attempts) for one in waits} == {("pending", 1)}
    world.settle()
    assert verdict(crm, items) == []


# --- 36: several matches --------------------------------------------------------------------------

TWINS = [
    {"email": "twin@example.test", "last_name": "Older"},
    {"email": "twin@example.test", "last_name": "Newer"},
]


def test_fault_36_several_matches_are_refused_and_nothing_is_written(
    world: World, connected: Callable[..., CRMSeen]
) -> None:
    """Salesforce lets two contacts share an address; HubSpot and Zendesk do not."""
    crm = connected("salesforce")
    crm.seed(TWINS)
    world.push(said(1, 1) | {"respondent": {"email": "twin@example.test"}})
    world.settle()
    assert {(one.state, one.reason) for one in world.deliveries()} == {("dead", "ambiguous")}
    assert crm.calls(kinds=["write", "note"]) == []


@pytest.mark.parametrize(("rule", "place"), [("newest", 1), ("oldest", 0)])
def test_fault_36_the_mappings_rule_chooses_among_several_matches(
    world: World, connected: Callable[..., CRMSeen], rule: str, place: int
) -> None:
    crm = connected("salesforce", mapping={"ambiguous": rule})
    first = crm.seed(TWINS[:1])
    crm.control("clock", {"offset_s": 60})
    ids = first + crm.seed(TWINS[1:])
    world.push(said(1, 1) | {"respondent": {"email": "twin@example.test"}})
    world.settle()
    written = [
        one["id"] for one in crm.control("state")["contacts"] if one["fields"].get("NPS_Score__c")
    ]
    assert written == [ids[place]]
