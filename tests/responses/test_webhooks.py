"""A response's end becomes one message for each webhook, in the transaction of what ends it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import text

from connector.responses import deliver, replay
from connector.tables import webhook_message
from connector.webhooks import endpoints, events
from tests.responses.scene import joined, known
from tests.world import World, answered, people


def listening(world: World, *events: str) -> int:
    """A webhook that nothing is sent to: its messages wait to be looked at."""
    with world.database.begin(world.workspace_id) as store:
        made = endpoints.create(
            store,
            world.hub.desk,
            world.workspace_id,
            name="h",
            url="https://hooks.example.test/h",
            events=list(events or ("response.delivered", "response.failed")),
        )
        endpoints.pause(store, world.workspace_id, made.id)
    return made.id


def told(world: World) -> list[tuple[str, dict[str, Any]]]:
    with world.database.begin(world.workspace_id) as store:
        rows = store.execute(webhook_message.select().order_by(webhook_message.c.id)).all()
    return [(row.event, row.data) for row in rows]


def test_a_response_is_told_of_once_when_its_last_step_is_settled(world: World) -> None:
    listening(world)
    with joined(world, "hubspot") as hubspot, joined(world, "odoo") as odoo:
        known(world, hubspot, 1)
        odoo.seed(people(1))
        world.push(answered(0, why="private words"))
        world.plan()
        world.drain("hubspot")
        assert told(world) == []
        world.settle()
    ((event, data),) = told(world)
    assert (event, data["response_id"], data["state"]) == ("response.delivered", "r0", "delivered")
    assert {one["app"] for one in data["steps"]} == {"hubspot", "odoo"}
    assert {one["state"] for one in data["steps"]} == {"done"}
    assert "private" not in str(data)
    assert "@" not in str(data)


def test_steps_that_end_at_the_same_moment_at_two_crms_tell_of_it_once(world: World) -> None:
    """Each transaction sees the other's step as open until it has locked the response."""
    listening(world)
    with joined(world, "hubspot"), joined(world, "odoo"):
        world.push(answered(0))
        world.plan()
        by_connection: dict[int, list[int]] = {}
        for one in world.deliveries():
            by_connection.setdefault(one.connection_id, []).append(one.id)
        assert len(by_connection) == 2
        _settle_at_once(world, *by_connection.values())
    assert [event for event, _ in told(world)] == ["response.delivered"]


def _settle_at_once(world: World, first: list[int], second: list[int]) -> None:
    """Both have written their rows before either commits."""
    wrote, done = threading.Event(), threading.Event()

    def other() -> None:
        with world.database.begin(world.workspace_id) as store:
            store.execute(DONE, {"ids": second})
            wrote.set()
            events.settled(store, world.workspace_id, second)
        done.set()

    thread = threading.Thread(target=other)
    with world.database.begin(world.workspace_id) as store:
        store.execute(DONE, {"ids": first})
        events.settled(store, world.workspace_id, first)
        thread.start()
        assert wrote.wait(10)
        assert not done.wait(0.2)
    thread.join()


DONE = text("UPDATE delivery SET state = 'done', settled_at = now() WHERE id = ANY(:ids)")


def test_a_refused_step_is_told_of_with_its_words_and_its_mending_too(world: World) -> None:
    listening(world)
    with joined(world, "hubspot") as hubspot:
        known(world, hubspot, 1)
        told_by_it = '[{"isValid":false,"error":"INVALID_INTEGER","name":"nps_score"}]'
        body = {"category": "VALIDATION_ERROR", "message": f"Not valid: {told_by_it}"}
        hubspot.fault("contacts/batch/update", "POST", status=400, body=body)
        world.push(answered(0))
        world.settle()
        ((event, data), *_) = told(world)
        assert event == "response.failed"
        dead = [one for one in data["steps"] if one["state"] == "dead"]
        assert dead
        assert all(one["error_code"] and one["error"] for one in dead)
        with world.database.begin(world.workspace_id) as store:
            replay.replay_all(store, world.workspace_id, {"state": "dead"})
        world.settle()
    assert told(world)[-1][0] == "response.delivered"


def test_what_comes_to_nothing_and_what_cannot_be_planned_is_told_of(
    world: World, monkeypatch: Any
) -> None:
    listening(world)
    world.push(answered(0))
    world.plan()
    ((event, data),) = told(world)
    assert (event, data["steps"], data["source"]) == ("response.delivered", [], "api")
    monkeypatch.setattr("connector.responses.planner.plan", _broken)
    monkeypatch.setattr("connector.responses.planner.MAX_PLAN_FAILURES", 1)
    world.push(answered(1))
    world.plan()
    event, data = told(world)[-1]
    assert (event, data["state"], data["verdict"]) == (
        "response.failed",
        "planning_failed",
        "plan_failed",
    )


def _broken(*_: Any, **__: Any) -> None:
    raise RuntimeError


def test_a_webhook_hears_only_what_it_asked_for_and_nothing_of_a_test(world: World) -> None:
    listening(world, "response.failed")
    world.push(answered(0))
    world.plan()
    assert told(world) == []


def test_nothing_is_told_of_what_was_rolled_back(world: World, monkeypatch: Any) -> None:
    listening(world)
    with joined(world, "hubspot") as hubspot:
        known(world, hubspot, 1)
        world.push(answered(0))
        world.plan()
        monkeypatch.setattr("connector.responses.settling.breaker.judge", _broken)
        (one, *_) = world.deliveries()
        with pytest.raises(RuntimeError):
            deliver.drain(world.hub, world.workspace_id, one.connection_id)
        assert told(world) == []
        assert "done" not in world.states()
