"""Salesforce: one address that a contact and a lead hold, from the push to the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from simulators.kit.server import running
from simulators.salesforce.service import Salesforce
from tests.world import CRMSeen, World, answered, people

ADDRESS = "c0@example.test"


def written(crm: CRMSeen) -> dict[str, Mapping[str, Any]]:
    """The contact and the lead, by what they are."""
    state = crm.control("state")
    (lead,) = state["records"]["Lead"]
    return {"contact": crm.contacts()[ADDRESS], "lead": lead}


@pytest.mark.parametrize(
    ("chosen", "who"), [({}, "contact"), ({"contact_or_lead": "lead"}, "lead")]
)
def test_fields_tag_and_note_go_to_who_is_meant(
    world: World, chosen: dict[str, str], who: str
) -> None:
    with running(Salesforce()) as url:
        crm = world.connect("salesforce", url, **chosen)
        crm.seed(people(1))
        row = {"LastName": "Prospect", "Company": "Acme", "Email": ADDRESS}
        crm.control("seed", {"records": {"Lead": [row]}})
        world.mapping("salesforce", rows=[{"variable": "answers.nps", "field": "NPS_Score__c"}])
        world.standard("salesforce")
        world.push(answered(0))
        world.settle()
        seen = written(crm)
    meant, other = seen.pop(who), next(iter(seen.values()))
    assert meant["fields"]["NPS_Score__c"] == 9
    assert len(meant["tags"]) == 1
    assert len(meant["notes"]) == 1
    assert "NPS_Score__c" not in other["fields"]
    assert not other["tags"]
    assert other["notes"] == []


def test_a_response_of_a_lead_is_its_record_and_the_contacts_once_it_is_converted(
    world: World,
) -> None:
    """Nobody is a contact with this address, and none may be made."""
    with running(Salesforce()) as url:
        crm = world.connect("salesforce", url)
        row = {"LastName": "Prospect", "Company": "Acme", "Email": ADDRESS}
        (lead,) = crm.control("seed", {"records": {"Lead": [row]}})["records"]["Lead"]
        world.standard("salesforce", record=True, fields=False, note=False, tag=False)
        world.push(answered(0))
        world.settle()
        assert record_of(crm)["Lead__c"] == lead
        (contact,) = crm.seed(people(1))
        crm.control("seed", {"convert": [{"lead": lead, "contact": contact}]})
        world.push(answered(0, score=2, revision=2, at="2026-11-23T01:02:00Z"))
        world.settle()
        assert record_of(crm)["Contact__c"] == contact


def record_of(crm: CRMSeen) -> Mapping[str, Any]:
    (one,) = crm.control("state")["records"]["NPSToday_Response__c"]
    fields: Mapping[str, Any] = one["fields"]
    return fields
