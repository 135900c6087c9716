"""A job that a CRM works on by itself is waited for as long as it takes: that is no try."""

from __future__ import annotations

from typing import Any

import pytest

from tests.responses.scene import joined, known
from tests.world import CRMSeen, World, answered

BULK = 210
LOST: list[tuple[str, dict[str, Any]]] = [
    ("zendesk", {"drop_after": True}),
    ("zendesk", {"html_after": True}),
    ("zendesk", {"bad_json_after": True}),
    ("zendesk", {"status": 503}),
    ("salesforce", {"drop_after": True}),
    ("salesforce", {"status": 503}),
]
JOBS = {
    "zendesk": ("job_statuses/", 4, {}),
    "salesforce": ("jobs/ingest/", BULK, {"bulk_from": "205"}),
}


def sent(world: World, crm: CRMSeen, count: int) -> None:
    """So many responses, whose batch the CRM works on now."""
    known(world, crm, count)
    world.push(*(answered(n) for n in range(count)))
    world.plan()
    world.drain(crm.app)
    assert "awaiting" in world.states()


@pytest.mark.parametrize(("app", "action"), LOST, ids=[f"{a}-{next(iter(b))}" for a, b in LOST])
def test_a_poll_that_gets_no_answer_is_asked_again(
    world: World, app: str, action: dict[str, Any]
) -> None:
    path, count, settings = JOBS[app]
    with joined(world, app, note="none", settings=settings) as crm:
        sent(world, crm, count)
        waiting = {one.id: one.handle for one in world.deliveries(state="awaiting")}
        crm.fault(path, "GET", **action)
        world.hurry()
        world.drain(app)
        polled = [one for one in world.deliveries() if one.id in waiting]
        assert {one.state for one in polled} == {"awaiting"}
        assert {one.id: one.handle for one in polled} == waiting
        world.settle()
        assert {(one.state, one.attempts) for one in world.deliveries()} == {("done", 0)}


def until_notes_wait_for_the_job(world: World, crm: CRMSeen) -> int:
    """The job that opens their tickets runs; what began it got no answer. The clock's offset."""
    crm.fault("tickets/create_many", "POST", drop_after=True)
    offset_s = 0
    for _ in range(20):
        if any("create_many" in one["path"] for one in crm.calls()):
            return offset_s
        offset_s += 61
        crm.control("clock", {"offset_s": offset_s})
        world.hurry()
        world.drain("zendesk")
    message = "no job for the notes was begun"
    raise AssertionError(message)


def test_notes_wait_for_a_job_that_may_hold_them_and_burn_no_try(world: World) -> None:
    with joined(world, "zendesk", options={"job_delay_s": 60.0}) as crm:
        sent(world, crm, 4)
        offset_s = until_notes_wait_for_the_job(world, crm)
        burnt = [one.attempts for one in world.deliveries(kind="note")]
        for _ in range(15):
            world.hurry()
            world.drain("zendesk")
        notes = world.deliveries(kind="note")
        assert {(one.state, one.error_code) for one in notes} == {("pending", "job_running")}
        assert [one.attempts for one in notes] == burnt
        assert world.rows("SELECT resume_at, failures FROM connection") == [(None, 0)]
        crm.control("clock", {"offset_s": offset_s + 120})
        world.settle()
        assert [len(one["comments"]) for one in crm.control("state")["tickets"]] == [1] * 4
