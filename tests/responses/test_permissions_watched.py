"""Permissions are looked at once after connecting and every night: a lost one is told before an
answer finds out, and what nobody uses any more is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import drift
from connector.connections.drift import CONNECTED
from connector.connections.findings import close_unused
from connector.connections.profile import load
from connector.problems import Refusal
from connector.responses.configuration import mappings, preflight
from simulators.kit.server import running
from simulators.salesforce import Salesforce
from tests.world import CRMSeen, World, answered, people


@pytest.fixture
def org() -> Salesforce:
    return Salesforce()


@pytest.fixture
def crm(world: World, org: Salesforce) -> Iterator[CRMSeen]:
    """A connected org with a mapping that has written an answer."""
    with running(org) as url:
        seen = world.connect("salesforce", url)
        world.mapping("salesforce", note="none")
        seen.seed(people(1))
        world.push(answered(0))
        world.settle()
        yield seen


def check(world: World, crm: CRMSeen) -> int:
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE drift_check SET due_at = now() - interval '1 s'"))
    return drift.check(
        world.hub.desk, world.workspace_id, crm.connection_id, after_connecting=preflight.tell
    )


def again(world: World, crm: CRMSeen) -> int:
    """Another night."""
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            text(
                "INSERT INTO drift_check (workspace_id, connection_id, cause, local_date)"
                " SELECT :w, :c, 'nightly', coalesce(max(local_date), current_date) + 1"
                " FROM drift_check"
            ),
            {"w": world.workspace_id, "c": crm.connection_id},
        )
    return check(world, crm)


def may(org: Salesforce, **rights: Any) -> None:
    org.store.objects["Contact"] = replace(org.store.objects["Contact"], **rights)


def findings(world: World, crm: CRMSeen) -> list[dict[str, Any]]:
    with world.database.begin(world.workspace_id) as store:
        shown: list[dict[str, Any]] = drift.shown(store, world.workspace_id, crm.connection_id)[
            "drift"
        ]
    return shown


def known(world: World, crm: CRMSeen) -> preflight.Preflight:
    with world.database.begin(world.workspace_id) as store:
        return preflight.known(store, world.hub.desk, world.workspace_id, crm.connection_id)


def told(world: World) -> list[Any]:
    asked = "SELECT detail FROM audit WHERE action = 'connection.preflighted'"
    return [one.detail for one in world.rows(asked)]


def test_after_connecting_permissions_are_looked_at_once_and_told(
    world: World, org: Salesforce, crm: CRMSeen
) -> None:
    may(org, createable=False)
    assert [one.cause for one in world.rows("SELECT cause FROM drift_check")] == [CONNECTED]
    check(world, crm)
    (one,) = told(world)
    assert one["ready"] is False
    assert "the user may not create Contact" in one["words"][0]
    again(world, crm)
    assert len(told(world)) == 1


def test_what_was_told_last_is_known_without_asking(
    world: World, org: Salesforce, crm: CRMSeen
) -> None:
    check(world, crm)
    calls = len(crm.calls())
    seen = known(world, crm)
    assert (seen.ready, seen.edition) == (True, "Enterprise Edition")
    assert {one.what for one in seen.room} == {"data storage", "file storage"}
    may(org, createable=False)
    assert known(world, crm).ready
    assert len(crm.calls()) == calls


def test_nothing_is_known_before_anything_was_told(world: World) -> None:
    with running(Salesforce()) as url:
        seen = world.connect("salesforce", url)
        with world.database.begin(world.workspace_id) as store:
            store.execute(text("DELETE FROM entity_snapshot"))
        with pytest.raises(Refusal) as caught:
            known(world, seen)
    assert caught.value.code == "no_field_definitions"


def test_testing_a_connection_that_works_asks_for_no_further_check(
    world: World, crm: CRMSeen
) -> None:
    check(world, crm)
    world.reconnect("salesforce", crm.connection_id, crm.url)
    assert [one.cause for one in world.rows("SELECT cause FROM drift_check")] == [CONNECTED]


def test_a_lost_permission_is_told_at_night_with_what_it_hits_and_closed_when_it_is_back(
    world: World, org: Salesforce, crm: CRMSeen
) -> None:
    check(world, crm)
    may(org, createable=False, updateable=False)
    assert again(world, crm) == 1
    (one,) = findings(world, crm)
    (change,) = one["changes"]
    assert (change["kind"], change["before"]) == ("permission_lost", "create, update")
    assert [hit["name"] for hit in one["mappings"]] == ["salesforce-mapping"]
    assert (one["looked_at"], one["would_fail"], one["closed_as"]) == (1, 1, None)
    assert again(world, crm) == 0
    may(org, createable=True)
    again(world, crm)
    assert findings(world, crm)[0]["mended_at"] is None
    may(org, updateable=True)
    again(world, crm)
    assert [one["closed_as"] for one in findings(world, crm)] == ["mended"]


def test_a_permission_that_nobody_tells_of_is_not_lost(
    world: World, org: Salesforce, crm: CRMSeen
) -> None:
    may(org, createable=False)
    check(world, crm)
    again(world, crm)
    assert findings(world, crm) == []


def lose_the_score(world: World, crm: CRMSeen) -> None:
    check(world, crm)
    crm.control("options", {"field_changes": {"Contact.NPS_Score__c": {"visible": False}}})
    again(world, crm)
    assert [one["mended_at"] for one in findings(world, crm)] == [None]


def test_a_lost_field_is_closed_once_the_mapping_does_without_it(
    world: World, crm: CRMSeen
) -> None:
    lose_the_score(world, crm)
    again(world, crm)
    assert [one["closed_as"] for one in findings(world, crm)] == [None]
    without(world)
    again(world, crm)
    assert [one["closed_as"] for one in findings(world, crm)] == ["unused"]


def test_publishing_the_mapping_without_it_closes_it_at_once(world: World, crm: CRMSeen) -> None:
    lose_the_score(world, crm)
    (row,) = world.rows("SELECT id FROM mapping")
    with world.database.begin(world.workspace_id) as store:
        body = mappings.read(store, world.workspace_id, row.id)["body"]
        rows = [one for one in body["rows"] if one["field"] != "NPS_Score__c"]
        draft = {**body, "rows": rows}
        mappings.save(store, world.workspace_id, body=draft, actor="test", mapping_id=row.id)
        mappings.publish(
            store, world.workspace_id, row.id, actor="test", switch_on=False, accept_warnings=True
        )
    assert [one["closed_as"] for one in findings(world, crm)] == ["unused"]


def test_it_stays_open_while_a_delivery_waits_for_it(world: World, crm: CRMSeen) -> None:
    lose_the_score(world, crm)
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            text(
                "UPDATE delivery SET state = 'parked', reason = 'mapping',"
                " error_field = 'NPS_Score__c' WHERE kind = 'fields'"
            )
        )
    without(world)
    closing(world, crm)
    assert [one["closed_as"] for one in findings(world, crm)] == [None]


def test_what_the_standard_integration_writes_stays_open(world: World, crm: CRMSeen) -> None:
    lose_the_score(world, crm)
    world.standard("salesforce")
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            text(
                "UPDATE drift SET changes = replace(changes::text, 'NPS_Score__c',"
                " 'LastName')::jsonb"
            )
        )
    without(world)
    closing(world, crm)
    assert [one["closed_as"] for one in findings(world, crm)] == [None]


def without(world: World) -> None:
    """The published mapping has no row for the score any more."""
    world.rows(
        "UPDATE mapping_version SET body = jsonb_set(body, '{rows}', ("
        " SELECT jsonb_agg(r) FROM jsonb_array_elements(body->'rows') r"
        "  WHERE r->>'field' <> 'NPS_Score__c')) RETURNING 1"
    )


def closing(world: World, crm: CRMSeen) -> None:
    with world.database.begin(world.workspace_id) as store:
        close_unused(store, load(store, world.workspace_id, crm.connection_id))
