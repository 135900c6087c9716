"""A change in the CRM names the extra fields and the response records that it hits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import discover, drift
from connector.responses.configuration import mappings
from connector.responses.extras import choosing
from simulators.kit.server import running
from simulators.salesforce.service import Salesforce
from tests.world import CRMSeen, World

RECORD = "NPSToday_Response__c"


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    """An org whose contacts are shown with their title, and that keeps a record of each response;
    no mapping touches it.
    """
    with running(Salesforce()) as url:
        seen = world.connect("salesforce", url)
        world.standard("salesforce", record=True)
        chosen(world, seen, "Title")
        yield seen


def chosen(world: World, crm: CRMSeen, *names: str) -> None:
    with world.database.begin(world.workspace_id) as store:
        wanted = [{"field": one} for one in names]
        choosing.save(store, world.workspace_id, crm.connection_id, wanted)


def hidden(world: World, crm: CRMSeen, name: str) -> None:
    crm.control("options", {"field_changes": {name: {"visible": False}}})
    discover.download(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")


def found(world: World, crm: CRMSeen) -> dict[str, Any]:
    with world.database.begin(world.workspace_id) as store:
        (one,) = drift.shown(store, world.workspace_id, crm.connection_id)["drift"]
    return dict(one)


def test_an_extra_field_is_named_until_it_is_not_shown_any_more(world: World, crm: CRMSeen) -> None:
    hidden(world, crm, "Contact.Title")
    one = found(world, crm)
    assert (one["extra_fields"], one["record_fields"], one["mappings"]) == (["Title"], [], [])
    assert one["mended_at"] is None
    (told,) = world.rows("SELECT detail FROM audit WHERE action = 'connection.drifted'")
    assert told.detail["extra_fields"] == ["Title"]
    chosen(world, crm)
    assert found(world, crm)["closed_as"] == "unused"


def test_a_field_of_the_response_records_is_named_until_none_are_kept(
    world: World, crm: CRMSeen
) -> None:
    hidden(world, crm, f"{RECORD}.Segment__c")
    one = found(world, crm)
    assert (one["extra_fields"], one["record_fields"]) == ([], ["Segment__c"])
    assert one["mended_at"] is None
    world.standard("salesforce", record=False)
    discover.download(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")
    assert found(world, crm)["closed_as"] == "unused"


def test_a_link_of_a_mapping_is_named_until_the_mapping_is_gone(world: World, crm: CRMSeen) -> None:
    mapping_id = world.mapping(
        "salesforce",
        entity="Case",
        identify={"variable": "hidden.case", "field": "Id"},
        rows=[{"variable": "answers.nps", "field": "NPS_Score__c"}],
        links={"contact": "ContactId"},
    )
    hidden(world, crm, "Case.ContactId")
    one = found(world, crm)
    assert [hit["fields"] for hit in one["mappings"]] == [["ContactId"]]
    assert one["mended_at"] is None
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("DELETE FROM automation_version"))
        store.execute(text("DELETE FROM automation"))
        mappings.delete(store, world.workspace_id, mapping_id)
    assert found(world, crm)["closed_as"] == "unused"


def test_what_nothing_uses_is_closed_at_once(world: World, crm: CRMSeen) -> None:
    hidden(world, crm, "Contact.Department")
    one = found(world, crm)
    assert one["mended_at"] is not None
    assert (one["extra_fields"], one["record_fields"]) == ([], [])
