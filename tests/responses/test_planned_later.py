"""What could not be planned when it came is planned when its reason is gone."""

from __future__ import annotations

import random
import string

from sqlalchemy import text

from connector.responses import replay
from connector.responses.configuration import automations
from tests.responses.scene import joined, states
from tests.world import World, answered, people


def run(world: World, statement: str) -> None:
    with world.database.begin(world.workspace_id) as store:
        store.execute(text(statement))


def replayed(world: World, **only: object) -> int:
    with world.database.begin(world.workspace_id) as store:
        return replay.replay_all(store, world.workspace_id, only)


def published(world: World) -> None:
    (one,) = world.rows("SELECT id FROM automation")
    with world.database.begin(world.workspace_id) as store:
        automations.publish(store, world.workspace_id, one.id)


def test_a_long_identifying_answer_does_not_break_planning(world: World) -> None:
    """It goes into an index, whose rows hold 2,700 bytes; noise, so that no compression helps."""
    letters = string.ascii_letters + string.digits
    why = "".join(random.Random(1).choices(letters, k=6000))
    with joined(world, "hubspot", identify={"variable": "answers.why", "field": "email"}):
        world.push(answered(0, why=why))
        world.plan()
        (found,) = world.rows("SELECT plan_error FROM response")
        assert found.plan_error is None
        assert len(world.deliveries(kind="fields")) == 1


GIVEN_UP = "UPDATE response SET planned_at = now(), plan_failures = 8, plan_error = 'KeyError'"


def test_a_response_whose_planning_failed_for_good_can_be_replayed(world: World) -> None:
    with joined(world, "hubspot") as crm:
        crm.seed(people(1))
        world.push(answered(0))
        run(world, GIVEN_UP)
        assert replayed(world) == 1
        world.settle()
        assert states(world, kind="fields") == [("done", None)]
        assert replayed(world) == 0


def test_a_replay_of_something_else_leaves_it_where_it_is(world: World) -> None:
    with joined(world, "hubspot") as crm:
        world.push(answered(0), answered(1))
        run(world, GIVEN_UP)
        assert replayed(world, connection_id=crm.connection_id) == 0
        assert replayed(world, state="parked") == 0
        assert replayed(world, state="dead", response_id=2) == 1


def test_what_came_while_an_automation_was_parked_is_planned_when_it_is_mended(
    world: World,
) -> None:
    with joined(world, "hubspot") as crm:
        crm.seed(people(1))
        run(world, "UPDATE automation SET parked_reason = 'division'")
        world.push(answered(0))
        world.settle()
        (one,) = world.rows("SELECT verdicts FROM response")
        assert "automation_parked" in one.verdicts.values()
        assert states(world, kind="fields") == []
        published(world)
        world.settle()
        assert states(world, kind="fields") == [("done", None)]
        (one,) = world.rows("SELECT verdicts FROM response")
        assert "automation_parked" not in one.verdicts.values()


def test_publishing_what_was_not_parked_plans_nothing_again(world: World) -> None:
    with joined(world, "hubspot") as crm:
        crm.seed(people(1))
        world.push(answered(0))
        world.settle()
        published(world)
        assert world.rows("SELECT FROM response WHERE planned_at IS NULL") == []
