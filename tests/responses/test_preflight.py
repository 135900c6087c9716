"""The permission pre-flight: what is published, against what the connected user may do."""

from __future__ import annotations

from typing import Any

import pytest

from connector.responses.configuration.preflight import Preflight, preflight
from connector.responses.extras import choosing
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


@pytest.mark.parametrize(
    ("app", "granted"),
    [("hubspot", "crm.objects.contacts.write"), ("zendesk", "users:write")],
)
def test_a_scope_that_was_taken_away_hides_the_entity_and_is_told(
    world: World, app: str, granted: str
) -> None:
    with joined(world, app) as crm:
        world.standard(app, record=True)
        told = seen(world, crm)
        assert [one.by for one in told.lacks if one.field is None] == ["response records"]
        assert granted in told.scopes


def test_salesforce_tells_its_edition_and_zendesk_the_role_and_by_its_rate_the_plan(
    world: World,
) -> None:
    with joined(world, "salesforce") as crm:
        assert seen(world, crm).edition == "Enterprise Edition"
    with joined(world, "zendesk", options={"rate": 0}) as crm:
        told = seen(world, crm)
        assert (told.role, told.edition) == ("admin", "Enterprise (700 calls a minute)")
        assert "copies a person's tags onto each new ticket" in told.words[-1]
        assert "may act on them" in told.words[-1]


def test_hubspot_s_plan_shows_by_its_custom_objects_alone(world: World) -> None:
    with joined(world, "hubspot", options={"enterprise": True}) as crm:
        assert seen(world, crm).edition == "Enterprise"
        crm.control("options", {"enterprise": False})
        told = seen(world, crm)
        assert told.edition == ""
        assert {one.what for one in told.room} == {
            "records of contacts", "custom properties of contacts",
        }  # fmt: skip


def test_what_runs_low_is_said_and_refuses_nothing(world: World) -> None:
    options = {"file_mb": (1000, 100), "data_mb": (1000, 101)}
    with joined(world, "salesforce", options=options) as crm:
        told = seen(world, crm)
        assert told.ready
        assert {one.what: one.is_low for one in told.room} == {
            "data storage": False, "file storage": True,
        }  # fmt: skip
        assert "Only 100 of 1,000 MB are left: file storage." in told.words
        assert "101 of 1,000 MB are left: data storage." in told.words


@pytest.mark.parametrize(
    ("app", "options"),
    [("salesforce", {"limits_told": "calls"}), ("salesforce", {"limits_told": "none"}),
     ("hubspot", {"limits_told": False})],
)  # fmt: skip
def test_a_user_who_may_not_ask_for_limits_is_told_the_rest(
    world: World, app: str, options: dict[str, Any]
) -> None:
    with joined(world, app, options=options) as crm:
        told = seen(world, crm)
        assert (told.room, told.ready) == ((), True)
        assert told.words[0] == "Everything that is published may be written."


def test_an_extra_field_that_may_not_be_edited_is_named(world: World) -> None:
    with joined(world, "salesforce") as crm:
        chosen: list[dict[str, Any]] = [
            {"field": "NPS_Score__c", "editable": True},
            {"field": "NPS_Comment__c", "editable": None},
        ]
        with world.database.begin(world.workspace_id) as store:
            choosing.save(store, world.workspace_id, crm.connection_id, chosen)
        lost = {f"Contact.{one['field']}": {"updateable": False} for one in chosen}
        crm.control("options", {"field_changes": lost})
        told = {(one.by, one.field, one.operation) for one in seen(world, crm).lacks}
        assert ("extra fields", "NPS_Score__c", "update") in told
        assert not any(field == "NPS_Comment__c" for _, field, _ in told)
