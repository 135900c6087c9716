"""Rows 1 to 8: a worker process is killed at an exact place (faults.md 5), for each CRM.

The verdict always comes from the simulated CRM: every accepted response has its fields, exactly one
tag per campaign and exactly one note.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.crowd import pushed, said, settled_before, verdict
from tests.faults.processes import Processes
from tests.world import CRMSeen, World


def die(world: World, crm: CRMSeen, processes: Processes, at: str) -> None:
    processes.killed_job("drain", world.workspace_id, crm.connection_id, at=at)


def recover(world: World) -> None:
    """The lease has run out, and whoever comes next takes over."""
    world.expire_leases()
    world.settle()


@pytest.mark.waited_for
def test_fault_02_killed_after_the_claim(world: World, crm: CRMSeen, processes: Processes) -> None:
    items = pushed(world, crm)
    die(world, crm, processes, "claimed=kill")
    assert verdict(crm, items)
    assert "leased" in world.states()
    world.settle()
    assert verdict(crm, items) == []


def test_fault_03_killed_after_the_lookup(world: World, crm: CRMSeen, processes: Processes) -> None:
    items = pushed(world, crm)
    die(world, crm, processes, "looked_up=kill")
    recover(world)
    assert verdict(crm, items) == []


@pytest.mark.parametrize("write", [1, 2, 3])
def test_fault_04_killed_after_a_write_whose_answer_was_not_read(
    world: World, crm: CRMSeen, processes: Processes, write: int
) -> None:
    items = pushed(world, crm)
    die(world, crm, processes, f"crm_sent=kill@{write}")
    recover(world)
    assert verdict(crm, items) == []


def test_fault_05_killed_between_fields_and_notes(
    world: World, crm: CRMSeen, processes: Processes
) -> None:
    items = pushed(world, crm)
    die(world, crm, processes, "between=kill")
    recover(world)
    assert verdict(crm, items) == []


def test_fault_06_killed_after_the_writes_before_done_is_committed(
    world: World, crm: CRMSeen, processes: Processes
) -> None:
    items = pushed(world, crm)
    die(world, crm, processes, "created=kill")
    recover(world)
    assert verdict(crm, items) == []


def test_fault_07_killed_after_done_was_committed(
    world: World, crm: CRMSeen, processes: Processes
) -> None:
    items = pushed(world, crm)
    die(world, crm, processes, "committed=kill")
    recover(world)
    assert verdict(crm, items) == []


@pytest.mark.parametrize("place", ["crm_sent", "between", "created", "committed"])
def test_fault_06_killed_while_taking_the_outcome_of_an_asynchronous_batch(
    world: World, connected: Callable[..., CRMSeen], processes: Processes, place: str
) -> None:
    """Zendesk works on batches by itself: tags and notes follow in the wave of the poll."""
    crm = connected("zendesk")
    before = [*settled_before(world, crm), said(1, 2, score=9), said(2, 3, score=4)]
    world.push(*before[1:])
    world.settle()
    later = "2026-11-23T01:00:00Z"
    items = [said(3 + one, one, score=6, at=later) for one in (0, 2, 3)]
    world.push(*items)
    world.plan()
    world.drain(crm.app)
    assert world.states() == {"done": 9, "awaiting": 9}
    world.hurry()
    die(world, crm, processes, f"{place}=kill")
    recover(world)
    assert verdict(crm, before + items) == []
