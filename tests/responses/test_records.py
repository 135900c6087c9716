"""A record of its own for each response: linked to the contact, once, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from adapters.provisioning import Part
from connector.connections import furnishing
from connector.responses.prepare import wanted_at
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.kit.simulator import Simulator
from simulators.odoo.service import Odoo
from simulators.salesforce.service import Salesforce
from simulators.zendesk.service import Zendesk
from tests.world import CRMSeen, World, answered, people

# How each CRM calls what is asked here: the response's own fields, and the contact it belongs to.
NAMES: Mapping[str, Mapping[str, str]] = {
    "hubspot": {"key": "response_id", "score": "score", "segment": "segment", "tag": "tag"},
    "odoo": {"key": "x_response_id", "score": "x_score", "segment": "x_segment", "tag": "x_tag"},
    "salesforce": {
        "key": "Response_Id__c",
        "score": "Score__c",
        "segment": "Segment__c",
        "tag": "Tag__c",
    },
    "zendesk": {"key": "external_id", "score": "score", "segment": "segment", "tag": "tag"},
}
# Named before it is there, so that the connection is allowed to see it.
SETTINGS: Mapping[str, Mapping[str, Any]] = {"zendesk": {"entities": ["npstoday_response"]}}
LATER = "2026-11-23T01:02:00Z"


EMPTY: Mapping[str, Callable[[], Simulator]] = {
    "hubspot": lambda: HubSpot(options={"enterprise": True}),
    "odoo": lambda: Odoo(options={"administrator": True}),
    "salesforce": lambda: Salesforce(options={"package_installed": False}),
    "zendesk": lambda: Zendesk(options={"job_delay_s": 0, "index_lag_s": 0}),
}


def empty(app: str) -> Simulator:
    """An account in which nothing of ours is there."""
    return EMPTY[app]()


@pytest.fixture(params=sorted(EMPTY))
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    """An account that was empty, furnished, and keeps a record of each response."""
    with running(empty(request.param)) as url:
        seen = world.connect(request.param, url, **SETTINGS.get(request.param, {}))
        furnished(world, seen)
        world.standard(request.param, record=True, create=True)
        yield seen


def furnished(world: World, crm: CRMSeen) -> None:
    here = (world.hub.desk, world.workspace_id, crm.connection_id)
    furnishing.furnish(*here, parts=frozenset(Part), wanted_at=wanted_at, actor="test")
    if crm.app == "odoo":
        crm.control("options", {"administrator": False})


def records(crm: CRMSeen) -> list[dict[str, Any]]:
    """The response records of the CRM: their fields by our words, and the contacts they name."""
    state = crm.control("state")
    if crm.app == "hubspot":
        (rows,) = state["custom"].values()
        told = [(one["properties"], list(one["links"].get("contacts", {}))) for one in rows]
    elif crm.app == "odoo":
        rows = state["made"]["x_npstoday_response"]
        told = [(one["fields"], [str(one["fields"].get("x_contact_id"))]) for one in rows]
    elif crm.app == "zendesk":
        rows = state["custom_objects"]["npstoday_response"]
        fields = [{**one, **one["custom_object_fields"]} for one in rows]
        told = [(one, [str(one["contact"])]) for one in fields]
    else:
        rows = state["records"]["NPSToday_Response__c"]
        told = [(one["fields"], [one["fields"].get("Contact__c")]) for one in rows]
    names = NAMES[crm.app]
    return [
        {**{word: fields.get(name) for word, name in names.items()}, "contacts": contacts}
        for fields, contacts in told
    ]


def contact_id(crm: CRMSeen, email: str) -> str:
    return str(crm.contacts()[email]["id"])


def test_each_response_but_an_anonymous_one_becomes_a_record_of_its_own_on_its_contact(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    anonymous = {**answered(2), "respondent": {"anonymous": True}}
    world.push(
        answered(0, score=9), answered(1, email="c0@example.test", score=3, at=LATER), anonymous
    )
    world.settle()
    here = contact_id(crm, "c0@example.test")
    found = sorted(records(crm), key=lambda one: str(one["score"]))
    assert [one["contacts"] for one in found] == [[here], [here]]
    assert [one["segment"] for one in found] == ["Detractor", "Promoter"]
    assert [str(one["score"]).removesuffix(".0") for one in found] == ["3", "9"]
    assert found[1]["tag"] == "NPSToday.Møde.9"
    assert len({one["key"] for one in found}) == 2


def test_a_contact_that_is_new_is_made_first_in_the_same_wave(world: World, crm: CRMSeen) -> None:
    world.push(answered(0))
    world.settle()
    (record,) = records(crm)
    assert record["contacts"] == [contact_id(crm, "c0@example.test")]
    (delivery,) = [one for one in world.deliveries() if one.step.startswith("record:")]
    assert (delivery.state, delivery.claims) == ("done", 1)


def test_an_edited_response_updates_its_own_record_and_an_older_revision_does_not(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    for revision, score, at in ((1, 9, "2026-11-22T01:02:00Z"), (3, 2, LATER), (2, 9, LATER)):
        world.push(answered(0, score=score, revision=revision, at=at))
        world.settle()
    (record,) = records(crm)
    assert record["segment"] == "Detractor"


# --- what it belongs to ---------------------------------------------------------------------------


def test_a_contact_that_is_not_there_and_may_not_be_made_has_no_record(
    world: World, crm: CRMSeen
) -> None:
    world.standard(crm.app, record=True, create=False)
    world.push(answered(0))
    world.settle()
    assert records(crm) == []
    (delivery,) = [one for one in world.deliveries() if one.step.startswith("record:")]
    assert (delivery.state, delivery.reason) == ("dead", "not_found")


def test_a_record_goes_to_the_contact_that_took_the_place_of_a_deleted_one(
    world: World, crm: CRMSeen
) -> None:
    (gone,) = crm.seed(people(1))
    world.linked(crm.app, {"c0@example.test": gone})
    crm.control("seed", {"delete": [gone]})
    (here,) = crm.seed(people(1))
    world.push(answered(0))
    world.settle()
    (record,) = records(crm)
    assert record["contacts"] == [here]


def test_a_contact_deleted_between_its_look_and_the_record_is_looked_for_again(
    world: World, crm: CRMSeen
) -> None:
    """The link is stale and no other step of the contact is there to notice."""
    (gone,) = crm.seed(people(1))
    world.linked(crm.app, {"c0@example.test": gone})
    crm.control("seed", {"delete": [gone]})
    (here,) = crm.seed(people(1))
    world.standard(crm.app, record=True, create=True, fields=False, note=False, tag=False)
    world.push(answered(0))
    world.settle()
    (record,) = records(crm)
    assert record["contacts"] == [here]


def test_the_deal_or_ticket_that_the_platform_names_is_linked(world: World, crm: CRMSeen) -> None:
    crm.seed(people(2))
    word = "ticket_id" if crm.app == "zendesk" else "deal_id"
    told = {
        "zendesk": {"tickets": [{"subject": "Big", "description": "Big"}]},
        "hubspot": {"deals": [{"dealname": "Big"}]},
        "odoo": {"leads": [{"name": "Big"}]},
        "salesforce": {
            "records": {
                "Opportunity": [{"Name": "Big", "StageName": "Proposal", "CloseDate": "2026-12-01"}]
            }
        },
    }[crm.app]
    made = crm.control("seed", told)
    ours = (made.get(one) for one in ("deals", "leads", "tickets"))
    deal = (next(filter(None, ours), None) or made["records"]["Opportunity"])[0]
    world.push(answered(0, meta={word: deal}), answered(1, meta={word: "006000000000001AAA"}))
    world.settle()
    state = crm.control("state")
    places = (state.get(one) for one in ("custom", "made", "custom_objects", "records"))
    assert str(deal) in str(next(filter(None, places)))
    assert len(records(crm)) == 2
    assert "dead" not in world.states()


# --- faults ---------------------------------------------------------------------------------------

# Path and method of the call, and what its body says.
CREATE = {
    "zendesk": (r"/npstoday_response/(records|jobs)$", "POST", ""),
    "hubspot": (r"npstoday_response/batch/create$", "POST", ""),
    "odoo": ("/jsonrpc$", "POST", '"x_npstoday_response", "load"'),
    "salesforce": (r"/composite/sobjects/?$", "POST", ""),
}


def test_a_record_that_our_store_has_forgotten_is_not_made_twice(
    world: World, crm: CRMSeen
) -> None:
    """As after a restored backup: the CRM has it, and we believe that it cannot."""
    crm.seed(people(1))
    world.push(answered(0))
    world.settle()
    world.rows(
        "UPDATE delivery SET state = 'pending', claims = 0, settled_at = NULL, remote_id = NULL"
        " WHERE step LIKE 'record:%' RETURNING id"
    )
    world.settle()
    (record,) = records(crm)
    assert record["contacts"] == [contact_id(crm, "c0@example.test")]
    assert world.states() == {"done": 4}


@pytest.mark.parametrize("action", [{"drop_after": True}, {"drop_before": True}, {"status": 503}])
def test_a_lost_answer_leaves_exactly_one_record(
    world: World, crm: CRMSeen, action: dict[str, Any]
) -> None:
    crm.seed(people(3))
    world.standard(crm.app, record=True, fields=False, note=False, tag=False)
    world.push(*(answered(number) for number in range(3)))
    crm.fault(*CREATE[crm.app], **action)
    world.settle()
    assert len(records(crm)) == 3
    assert len({one["key"] for one in records(crm)}) == 3
    assert world.states() == {"done": 3}


def test_a_lost_answer_about_the_link_leaves_one_record_that_is_linked(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    world.push(answered(0))
    # The others link as they create.
    linking = {**CREATE, "hubspot": (r"/associate/default$", "POST", "")}
    crm.fault(*linking[crm.app], drop_after=True)
    world.settle()
    (record,) = records(crm)
    assert record["contacts"] == [contact_id(crm, "c0@example.test")]


def test_a_field_taken_away_from_the_entity_is_named_and_the_contact_goes_on(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    lost = NAMES[crm.app]["segment"]
    if crm.app == "hubspot":
        (full,) = crm.control("state")["custom"]
        crm.control("seed", {"remove_properties": {full: [lost]}})
    elif crm.app == "odoo":
        crm.control("seed", {"remove_fields": {"x_npstoday_response": [lost]}})
    elif crm.app == "zendesk":
        crm.control("seed", {"remove_object_fields": {"npstoday_response": [lost]}})
    else:
        changed = {f"NPSToday_Response__c.{lost}": {"visible": False}}
        crm.control("options", {"field_changes": changed})
    world.push(answered(0))
    world.settle()
    (delivery,) = [one for one in world.deliveries() if one.step.startswith("record:")]
    assert (delivery.state, delivery.reason) == ("parked", "mapping")
    assert crm.tags("c0@example.test") != []


def test_no_record_is_planned_where_the_entity_is_not_there(world: World) -> None:
    with running(Salesforce(options={"package_installed": False})) as url:
        seen = world.connect("salesforce", url)
        world.standard("salesforce", record=True, note=False, tag=False)
        seen.seed(people(1))
        world.push(answered(0))
        world.settle()
        (row,) = world.rows("SELECT verdicts FROM response")
        assert row.verdicts[f"record:{seen.connection_id}"] == "record_not_provisioned"
