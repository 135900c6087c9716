"""Row 21 behind the API: PostgreSQL crashes while work is on its way.

Rows 20 to 23 as a client of the API sees them are in tests/api/test_store_faults.py.
"""

from __future__ import annotations

import time

from connector.db import DatabaseAway
from connector.engines import Postgres
from connector.engines.process import wait_until
from tests.faults.crowd import pushed, said, verdict
from tests.faults.processes import Processes
from tests.world import CRMSeen, World

RECOVERY_S = 60


def test_fault_21_a_crash_of_postgresql_in_the_middle_of_a_wave_doubles_nothing(
    world: World, crm: CRMSeen, processes: Processes, postgres: Postgres
) -> None:
    items = pushed(world, crm)
    crm.control("options", {"latency_ms": 80})
    worker, scheduler = processes.worker(), processes.scheduler()
    assert wait_until(lambda: "leased" in world.states(), timeout_s=RECOVERY_S)
    time.sleep(0.2)  # a few calls have been sent
    postgres.restart_immediate()
    assert wait_until(lambda: verdict(crm, items) == [], timeout_s=RECOVERY_S, every_s=0.1)
    assert worker.is_alive()
    assert scheduler.is_alive()
    assert wait_until(lambda: is_settled(world), timeout_s=RECOVERY_S, every_s=0.1)
    assert verdict(crm, items) == []


def test_fault_21_a_crash_at_the_settling_of_a_wave_doubles_nothing(
    world: World, crm: CRMSeen, processes: Processes, postgres: Postgres
) -> None:
    """The effects stand at the CRM, nothing of it is committed: the next wave finds them there."""
    items = pushed(world, crm)
    stalled = processes.start(
        "job",
        "drain",
        str(world.workspace_id),
        str(crm.connection_id),
        ANSWERBACK_FAILPOINTS="created=sleep:2@1",
    )
    assert wait_until(
        lambda: bool(crm.calls(kinds=["note"])) or not stalled.is_alive(), timeout_s=20
    )
    postgres.stop_immediate()
    stalled.join(RECOVERY_S)
    postgres.start()
    items.append(said(99, 0, at="2026-11-24T01:00:00Z"))
    assert wait_until(lambda: is_pushed(world, items[-1]), timeout_s=RECOVERY_S)
    world.expire_leases()
    world.settle()
    assert verdict(crm, items) == []


def is_settled(world: World) -> bool:
    try:
        return not world.open()
    except DatabaseAway:
        return False


def is_pushed(world: World, item: dict[str, object]) -> bool:
    try:
        return bool(world.push(item))
    except DatabaseAway:
        return False
