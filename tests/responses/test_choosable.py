"""Which entities can be added to a connection: asked of the CRM, added, downloaded."""

from __future__ import annotations

from typing import Any

import pytest

from connector.connections import choosable, connect, discover
from connector.connections.choosable import Choice
from connector.problems import Refusal
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from simulators.odoo.service import Odoo
from simulators.salesforce.service import Salesforce
from simulators.splio.service import Splio
from simulators.zendesk.service import Zendesk
from tests.responses.test_hubspot_depth import told
from tests.world import CRMSeen, World, answered

VISIT = {
    "name": "visit",
    "labels": {"singular": "Visit", "plural": "Visits"},
    "primaryDisplayProperty": "title",
    "requiredProperties": [],
    "properties": [{"name": "title", "label": "Title", "type": "string", "fieldType": "text"}],
    "associatedObjects": ["CONTACT"],
}


def offered(world: World, crm: CRMSeen) -> Choice:
    return choosable.choice(world.hub.desk, world.workspace_id, crm.connection_id)


def names(found: Choice, *, downloaded: bool) -> list[str]:
    return [one.name for one in found.entities if one.downloaded is downloaded]


def add(world: World, crm: CRMSeen, name: str) -> None:
    changes = connect.Changes(settings={"entities": [name]})
    there = (world.hub.desk, world.workspace_id, crm.connection_id)
    connect.change(*there, changes=changes, actor="test")
    discover.download(*there, actor="test")


def test_an_object_of_salesforce_is_offered_added_and_downloaded(world: World) -> None:
    with running(Salesforce()) as url:
        crm = world.connect("salesforce", url)
        field = {"name": "Title__c", "label": "Title"}
        one: dict[str, Any] = {"name": "Visit__c", "prefix": "a0V", "fields": [field]}
        crm.control("seed", {"objects": [one]})
        found = offered(world, crm)
        assert found.addable
        assert "Contact" in names(found, downloaded=True)
        assert {"Visit__c", "Task"} <= set(names(found, downloaded=False))
        # What nothing can be written to is no choice.
        assert "TopicAssignment" not in names(found, downloaded=False)
        add(world, crm, "Visit__c")
        assert "Visit__c" in names(offered(world, crm), downloaded=True)


def test_a_custom_object_of_hubspot_is_offered_by_its_full_name(world: World) -> None:
    with running(HubSpot(options={"enterprise": True})) as url:
        crm = world.connect("hubspot", url)
        made = told(url, "/crm-object-schemas/2026-09/schemas", VISIT)
        (one,) = names(offered(world, crm), downloaded=False)
        assert one == made["fullyQualifiedName"]
        for name in (one, made["objectTypeId"]):
            add(world, crm, name)
            assert name in names(offered(world, crm), downloaded=True)
            assert names(offered(world, crm), downloaded=False) == []


def test_a_plan_without_custom_objects_offers_none(world: World) -> None:
    with running(HubSpot(options={})) as url:
        crm = world.connect("hubspot", url)
        found = offered(world, crm)
    assert found.addable
    assert names(found, downloaded=False) == []


def test_a_model_of_odoo_is_offered_added_and_downloaded(world: World) -> None:
    with running(Odoo()) as url:
        crm = world.connect("odoo", url)
        found = offered(world, crm)
        assert found.addable
        assert "res.partner" in names(found, downloaded=True)
        others = names(found, downloaded=False)
        assert "res.users" in others
        # By which Odoo itself works, and what is downloaded already.
        assert not [one for one in others if one.startswith(("ir.", "mail.", "res.partner:"))]
        add(world, crm, "res.users")
        assert "res.users" in names(offered(world, crm), downloaded=True)
        crm.control("options", {"denied": ["read ir.model"]})
        assert names(offered(world, crm), downloaded=False) == []


TOUR: dict[str, Any] = {
    "key": "tour",
    "title": "Tour",
    "fields": [{"key": "score", "type": "integer", "title": "Score"}],
}
EACH_TOUR = {
    "name": "tours",
    "entity": "tour",
    "identify": {"variable": "response.id", "field": "external_id"},
    "rows": [
        {"variable": "contact.email", "field": "name"},
        {"variable": "answers.nps", "field": "score"},
    ],
    "note": "none",
}


def test_an_object_of_zendesk_is_offered_added_and_written(world: World) -> None:
    with running(Zendesk()) as url:
        crm = world.connect("zendesk", url)
        crm.control("seed", {"custom_objects": [TOUR, {"key": "walk"}]})
        assert offered(world, crm).addable
        # Their scope is only asked for where one is named.
        assert names(offered(world, crm), downloaded=False) == []
        add(world, crm, "tour")
        world.reconnect("zendesk", crm.connection_id, crm.url)
        add(world, crm, "tour")
        assert {"users", "tour"} <= set(names(offered(world, crm), downloaded=True))
        assert names(offered(world, crm), downloaded=False) == ["walk"]
        world.mapping("zendesk", **EACH_TOUR)
        crm.fault("/tour/records", "POST", drop_after=True)
        world.push(answered(0, score=9), answered(1, score=2))
        world.settle()
        told = crm.control("state")["custom_objects"]["tour"]
    seen = {one["external_id"]: (one["name"], one["custom_object_fields"]) for one in told}
    assert len(told) == len(seen)
    assert seen == {
        f"r{number}": (f"c{number}@example.test", {"score": score})
        for number, score in ((0, 9), (1, 2))
    }


def test_an_app_without_such_a_list_shows_what_is_downloaded(world: World) -> None:
    with running(Splio()) as url:
        found = offered(world, world.connect("splio", url))
    assert not found.addable
    assert names(found, downloaded=True)


def test_a_crm_that_is_away_is_a_refusal(world: World) -> None:
    with running(Salesforce()) as url:
        crm = world.connect("salesforce", url)
        crm.fault("/sobjects/?$", status=503)
        with pytest.raises(Refusal) as raised:
            offered(world, crm)
    assert raised.value.code == "crm_unavailable"
