"""A mapping saved and switched on, as an admin does it, feeds the CRM from the next response on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connector.campaigns import register, surveys
from connector.problems import Refusal
from connector.responses.configuration import mappings
from schemas.config import MappingSchema
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.salesforce.service import Salesforce
from tests.world import CRMSeen, World, answered, people


@pytest.fixture
def hubspot(world: World) -> Iterator[CRMSeen]:
    with running(HubSpot(options={})) as url:
        yield world.connect("hubspot", url)


def switched_on(world: World, **changes: Any) -> dict[str, Any]:
    body = MappingSchema().load(
        {
            "name": "After the meeting",
            "connection": "hubspot-main",
            "entity": "contacts",
            "operation": "upsert",
            "identify": {"variable": "contact.email", "field": "email"},
            "rows": [{"variable": "answers.nps", "field": "nps_score"}],
        }
        | changes
    )
    with world.database.begin(world.workspace_id) as store:
        saved = mappings.save(store, world.workspace_id, body=body, actor="test", mapping_id=None)
        return mappings.publish(
            store,
            world.workspace_id,
            saved["id"],
            actor="test",
            switch_on=True,
            accept_warnings=True,
        )


def test_save_and_switch_on_feeds_the_next_response(world: World, hubspot: CRMSeen) -> None:
    hubspot.seed(people(1))
    assert switched_on(world)["published"] == 1
    world.push(answered(0))
    world.settle()
    assert float(hubspot.value("c0@example.test", "score")) == 9


@pytest.mark.parametrize(
    "variable",
    ["flags.callback", "categories.service", "contact.tier", "hidden.store", "answers.grid.staff"],
)
def test_matrix_rows_and_what_platforms_and_contacts_bring_along_can_be_mapped(
    world: World, hubspot: CRMSeen, variable: str
) -> None:
    campaign_with_a_survey(world)
    row = {"variable": variable, "field": "nps_summary"}
    assert switched_on(world, campaign="5000", rows=[row])["published"] == 1


def test_a_computed_value_may_name_them_too_and_no_unknown_answer(
    world: World, hubspot: CRMSeen
) -> None:
    campaign_with_a_survey(world)
    assert switched_on(world, campaign="5000", rows=[computed("hidden.store")])["published"] == 1
    with pytest.raises(Refusal) as told:
        switched_on(world, campaign="5000", rows=[computed("answers.npz")])
    assert [place.code for place in told.value.places] == ["transform_invalid"]


def computed(variable: str) -> dict[str, Any]:
    step = {"name": "cel", "expression": f"value + {variable}"}
    return {"variable": "answers.why", "field": "nps_comment", "transforms": [step]}


def campaign_with_a_survey(world: World) -> None:
    questions = [
        {"key": "nps", "type": "nps"},
        {"key": "why", "type": "text"},
        {"key": "grid", "type": "matrix", "rows": [{"value": "staff"}]},
    ]
    with world.database.begin(world.workspace_id) as store:
        body = {"name": "S", "questions": questions}
        surveys.save(store, world.workspace_id, platform_id="s1", body=body, learnt_from="api")
        body = {"name": "Møde", "survey": "s1"}
        register.save(store, world.workspace_id, platform_id="5000", body=body, tag_name="Møde")


def test_an_entity_the_crm_does_not_have_is_refused_by_name(world: World, hubspot: CRMSeen) -> None:
    with pytest.raises(Refusal) as told:
        switched_on(world, entity="people")
    assert [place.code for place in told.value.places] == ["unknown_entity"]
    assert "contacts" in told.value.places[0].text


def test_publishing_warns_of_options_that_a_record_type_lacks(world: World) -> None:
    partner = {"object": "Contact", "name": "Partner", "options": {"Satisfaction__c": ["Neutral"]}}
    with running(Salesforce()) as url:
        control = f"{url}/__sim__/seed"
        requests.post(control, json={"record_types": [partner]}, timeout=10).raise_for_status()
        world.connect("salesforce", url)
    told = switched_on(
        world,
        connection="salesforce-main",
        entity="Contact",
        operation="update",
        identify={"variable": "contact.email", "field": "Email"},
        rows=[{"variable": "answers.happy", "field": "Satisfaction__c"}],
    )
    warned = [one for one in told["warnings"] if one["code"] == "option_not_offered"]
    assert [one["pointer"] for one in warned] == ["/rows/0"]
    assert "Partner do not offer Very satisfied" in warned[0]["text"]
    assert told["published"] == 1


def test_a_mapping_for_another_campaign_is_fed_by_that_one(world: World, hubspot: CRMSeen) -> None:
    hubspot.seed(people(2))
    switched_on(world, campaign="5000")
    moved = switched_on(world, campaign="6000")
    assert moved["triggered_by"] == ["After the meeting: every response"]
    world.push(answered(0), answered(1, campaign=("6000", "Besøg")))
    world.settle()
    assert hubspot.value("c0@example.test", "score") is None
    assert float(hubspot.value("c1@example.test", "score")) == 9


def test_an_automation_that_a_person_has_changed_is_left_alone(
    world: World, hubspot: CRMSeen
) -> None:
    switched_on(world, campaign="5000")
    world.rows(
        "UPDATE automation_version SET body = body || jsonb_build_object('if', 'answers.nps > 6')"
        " RETURNING id"
    )
    assert switched_on(world, campaign="6000")["triggered_by"] == [
        "After the meeting: every response 2"
    ]


def test_mappings_whose_long_names_begin_alike_are_fed_apart(
    world: World, hubspot: CRMSeen
) -> None:
    first, second = (f"{'x' * 110} {number}" for number in (1, 2))
    switched_on(world, name=first)
    other = switched_on(world, name=second)["triggered_by"]
    again = switched_on(world, name=first)["triggered_by"]
    assert (len(other), len(again)) == (1, 1)
    assert other != again
