"""A worker is killed in the middle of a backfill: it goes on where it was, and repeats nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.processes import Processes
from tests.responses.test_backfill import begun, counted
from tests.world import CRMSeen, World, answered

RESPONSES = 250  # one batch of 200, and what is left


@pytest.mark.parametrize(("at", "planned"), [(1, 0), (2, 200)])
def test_a_killed_backfill_writes_each_response_once(
    world: World, connected: Callable[..., CRMSeen], processes: Processes, at: int, planned: int
) -> None:
    world.push(*(answered(number) for number in range(RESPONSES)))
    world.plan()
    crm = connected("hubspot")
    (mapping_id,) = world.rows("SELECT id FROM mapping")[0]
    number = begun(world, mapping_id)
    processes.killed_job("backfill", world.workspace_id, 0, at=f"backfill_kept=kill@{at}")
    assert counted(world, mapping_id, number).get("to_write", 0) == planned
    assert len(world.deliveries(kind="fields")) == planned
    world.settle()
    assert counted(world, mapping_id, number) == {"to_write": RESPONSES}
    assert [one.state for one in world.deliveries(kind="fields")] == ["done"] * RESPONSES
    assert len(crm.contacts()) == RESPONSES
