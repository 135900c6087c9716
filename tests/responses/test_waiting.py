"""What waits for a person or for the CRM is named so, and moves when its reason is gone."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from connector.connections import parking
from connector.problems import Refusal
from connector.responses import replay
from connector.responses.configuration import mappings
from tests.responses.scene import joined, known, states
from tests.world import World, answered, people


def paused(world: World) -> None:
    with world.database.begin(world.workspace_id) as store:
        mappings.pause(store, world.workspace_id, mapping_id(world))


def resumed(world: World) -> None:
    with world.database.begin(world.workspace_id) as store:
        mappings.resume(store, world.workspace_id, mapping_id(world))


def mapping_id(world: World) -> int:
    (row,) = world.rows("SELECT id FROM mapping")
    return int(row.id)


def run(world: World, statement: str) -> None:
    with world.database.begin(world.workspace_id) as store:
        store.execute(text(statement))


def test_a_paused_mapping_stays_paused_through_a_reconnect(world: World) -> None:
    with joined(world, "hubspot") as crm:
        crm.seed(people(1))
        desk, here = world.hub.desk, world.workspace_id
        parking.park(desk, here, crm.connection_id, code="invalid_grant", seen_version=None)
        world.push(answered(0))
        world.plan()
        paused(world)
        world.reconnect("hubspot", crm.connection_id, crm.url)
        world.settle()
        assert crm.value("c0@example.test", "score") in (None, "")
        assert states(world, kind="fields") == [("parked", "paused")]
        resumed(world)
        world.settle()
        assert crm.value("c0@example.test", "score") == "9"


def test_what_is_tried_again_waits_for_a_mapping_that_was_paused_meanwhile(world: World) -> None:
    """It was leased when the mapping was paused, so the pause could not park it."""
    with joined(world, "hubspot", note="none") as crm:
        known(world, crm, 1)
        world.push(answered(0))
        world.plan()
        run(world, "UPDATE mapping SET paused_at = now()")
        world.drain("hubspot")
        assert states(world, kind="fields") == [("parked", "paused")]
        assert [one.claims for one in world.deliveries(kind="fields")] == [0]


def test_the_neighbours_of_a_paused_mapping_go_on(world: World) -> None:
    score = [{"variable": "answers.nps", "field": "nps_score"}]
    comment = [{"variable": "answers.why", "field": "nps_comment"}]
    with joined(world, "hubspot", rows=score, note="none") as crm:
        world.mapping("hubspot", name="second", rows=comment, note="none")
        crm.seed(people(1))
        world.push(answered(0))
        world.plan()
        run(world, "UPDATE mapping SET paused_at = now() WHERE name = 'second'")
        world.settle()
        assert sorted(states(world, kind="fields")) == [("done", None), ("parked", "paused")]


def test_a_deleted_mapping_is_not_replayed(world: World) -> None:
    with joined(world, "hubspot", note="none") as crm:
        crm.seed(people(1))
        world.push(answered(0))
        world.settle()
        run(world, "UPDATE delivery SET state = 'dead', reason = 'attempts' WHERE kind = 'fields'")
        run(world, "UPDATE mapping SET deleted_at = now(), published = NULL")
        (dead,) = world.deliveries(kind="fields")
        with world.database.begin(world.workspace_id) as store:
            assert replay.replay_all(store, world.workspace_id, {}) == 0
        with (
            world.database.begin(world.workspace_id) as store,
            pytest.raises(Refusal, match="conflict"),
        ):
            replay.replay_one(store, world.workspace_id, dead.id)


# --- tags -----------------------------------------------------------------------------------------

OPTION_GONE = (
    'Property values were not valid: [{"isValid":false,"error":"INVALID_OPTION",'
    '"name":"npstoday_tags"}]'
)


def test_a_tag_whose_option_is_gone_is_made_again_and_goes_on(world: World) -> None:
    with joined(world, "hubspot") as crm:
        known(world, crm, 1)
        world.push(answered(0, score=7, response_id="before", at="2026-11-01T00:00:00Z"))
        world.settle()
        body = {"status": "error", "category": "VALIDATION_ERROR", "message": OPTION_GONE}
        fault = {"path": "contacts/batch/update", "body": "npstoday_tags"}
        crm.control("fault", fault | {"action": {"status": 400, "body": body}})
        world.push(answered(0))
        world.plan()
        world.drain("hubspot")
        assert ("parked", "provision") in states(world, kind="tag")
        (asked,) = world.rows("SELECT state, due_at > now() AS later FROM tag_provision")
        assert (asked.state, asked.later) == ("pending", True)
        world.settle()
        assert set(states(world)) == {("done", None)}
        assert crm.tags("c0@example.test") == ["NPSToday.Møde.9"]
