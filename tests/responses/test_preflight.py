"""The permission pre-flight: what is published, against what the connected user may do."""

from __future__ import annotations

from typing import Any

import pytest

from connector.responses.configuration.preflight import Preflight, preflight
from tests.responses.scene import joined
from tests.world import FIELDS, CRMSeen, World

APPS = ("hubspot", "salesforce", "zendesk")


def seen(world: World, crm: CRMSeen) -> Preflight:
    return preflight(world.hub.desk, world.workspace_id, crm.connection_id)


@pytest.mark.parametrize("app", APPS)
def test_a_mapping_that_may_be_written_lacks_nothing(world: World, app: str) -> None:
    with joined(world, app) as crm:
        told = seen(world, crm)
        assert (told.lacks, told.scopes_missing, told.ready) == ((), (), True)
        named = {(one.entity, one.field) for one in told.usable}
        assert (FIELDS[app]["entity"], FIELDS[app]["score"]) in named
        assert all(one.read and one.update for one in told.usable if one.field == "nps_score")


@pytest.mark.parametrize(
    ("change", "operation", "word"),
    [({"visible": False}, "read", "no field"), ({"updateable": False}, "update", "update")],
)
def test_a_field_the_user_may_not_use_is_named_with_the_mapping_it_hits(
    world: World, change: dict[str, Any], operation: str, word: str
) -> None:
    with joined(world, "salesforce") as crm:
        crm.control("options", {"field_changes": {"Contact.NPS_Score__c": change}})
        told = seen(world, crm)
        lacks = {(one.field, one.operation) for one in told.lacks}
        assert ("NPS_Score__c", operation) in lacks
        assert not told.ready
        first = next(one for one in told.lacks if one.field == "NPS_Score__c")
        assert first.by.startswith("mapping ")
        assert word in first.text
        assert "Salesforce" in first.mend


def test_a_scope_that_was_taken_away_hides_the_entity_and_is_told(world: World) -> None:
    with joined(world, "hubspot") as crm:
        world.standard("hubspot", record=True)
        told = seen(world, crm)
        assert [one.by for one in told.lacks if one.field is None] == ["response records"]
        assert "crm.objects.contacts.write" in told.scopes


def test_salesforce_tells_its_edition_and_zendesk_the_role(world: World) -> None:
    with joined(world, "salesforce") as crm:
        assert seen(world, crm).edition == "Enterprise Edition"
    with joined(world, "zendesk") as crm:
        assert seen(world, crm).role == "admin"
