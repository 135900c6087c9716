"""Scores as numbers, in a field of its own for each campaign."""

from __future__ import annotations

from typing import Any

from connector.responses import deliver
from connector.responses.tags import campaign_field
from tests.responses.scene import LATER, joined, states
from tests.world import CRMSeen, World, answered, people

OWN = {"tag_strategy": "field_per_campaign"}
MEETING = ("5000", "Møde")
FIELD = campaign_field("Møde", template="NPS_{campaign}__c", longest=36)


def with_field(crm: CRMSeen, name: str = FIELD) -> None:
    field = {"object": "Contact", "name": name, "label": name, "type": "double", "precision": 2}
    crm.control("seed", {"fields": [field]})


def seen(crm: CRMSeen) -> Any:
    (contact,) = crm.control("state")["contacts"]
    return contact


def test_a_score_goes_to_its_campaigns_own_field_and_no_tag_is_touched(world: World) -> None:
    with joined(world, "salesforce", note="none", settings=OWN) as crm:
        with_field(crm)
        crm.seed(people(1))
        world.push(answered(0, score=9, campaign=MEETING))
        world.settle()
        assert seen(crm)["fields"][FIELD] == 9
        assert seen(crm)["tags"] == []
        assert states(world, kind="tag") == [("done", None)]


def test_an_older_score_never_overwrites_a_newer_one_there(world: World) -> None:
    with joined(world, "salesforce", note="none", settings=OWN) as crm:
        with_field(crm)
        crm.seed(people(1))
        world.push(answered(1, email="c0@example.test", score=3, at=LATER))
        world.settle()
        world.push(answered(0, score=9))
        world.settle()
        assert seen(crm)["fields"][FIELD] == 3


def test_a_score_that_stands_already_is_not_written_again(world: World) -> None:
    """Although the field was made after the definitions were downloaded."""
    with joined(world, "salesforce", note="none", settings=OWN) as crm:
        with_field(crm)
        crm.seed(people(1))
        world.push(answered(0))
        world.settle()
        world.push(answered(1, email="c0@example.test", at=LATER))
        world.settle()
        assert [one.error_code for one in world.deliveries(kind="tag")] == [None, "unchanged"]


def test_a_campaign_without_its_field_waits_by_name_and_its_neighbours_go_on(
    world: World,
) -> None:
    with joined(world, "salesforce", note="none", settings=OWN) as crm:
        crm.seed(people(1))
        world.push(answered(0))
        world.settle()
        (tag,) = world.deliveries(kind="tag")
        assert (tag.state, tag.reason, tag.error_field) == ("parked", "mapping", FIELD)
        assert states(world, kind="fields") == [("done", None)]
        assert float(seen(crm)["fields"]["NPS_Score__c"]) == 9


# --- HubSpot makes the fields by itself -----------------------------------------------------------

HUBSPOT_FIELD = campaign_field("Møde", template="npstoday_{campaign}_score", longest=60)


def properties(crm: CRMSeen) -> Any:
    return seen(crm)["properties"]


def test_hubspot_gets_a_number_property_for_each_campaign(world: World) -> None:
    with joined(world, "hubspot", note="none", settings=OWN) as crm:
        crm.seed(people(1))
        world.push(answered(0, score=9, campaign=MEETING))
        world.settle()
        assert properties(crm)[HUBSPOT_FIELD] == "9"
        assert seen(crm)["tags"] == []
        assert states(world, kind="tag") == [("done", None)]


def test_an_older_score_never_overwrites_a_newer_one_at_hubspot(world: World) -> None:
    with joined(world, "hubspot", note="none", settings=OWN) as crm:
        crm.seed(people(1))
        world.push(answered(1, email="c0@example.test", score=3, at=LATER))
        world.settle()
        world.push(answered(0, score=9))
        world.settle()
        assert properties(crm)[HUBSPOT_FIELD] == "3"


def test_a_property_that_somebody_removed_is_made_anew(world: World) -> None:
    with joined(world, "hubspot", note="none", settings=OWN) as crm:
        crm.seed(people(1))
        world.push(answered(0, score=9))
        world.settle()
        crm.control("seed", {"remove_properties": {"contacts": [HUBSPOT_FIELD]}})
        world.push(answered(1, email="c0@example.test", score=4, at=LATER))
        world.settle()
        assert properties(crm)[HUBSPOT_FIELD] == "4"
        assert {one.state for one in world.deliveries()} == {"done"}


def test_a_text_property_of_that_name_is_not_written_to(world: World) -> None:
    with joined(world, "hubspot", note="none", settings=OWN) as crm:
        taken = {"name": HUBSPOT_FIELD, "label": "Theirs", "type": "string", "fieldType": "text"}
        crm.control("seed", {"properties": {"contacts": [taken]}})
        crm.seed(people(1))
        world.push(answered(0))
        world.plan()
        deliver.provide_tags(world.hub, world.workspace_id, crm.connection_id)
        (row,) = world.rows("SELECT state, error_code FROM tag_provision")
        assert (row.state, row.error_code) == ("parked", "tag_field_taken")
        assert HUBSPOT_FIELD not in properties(crm)
