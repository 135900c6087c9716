"""Rows 1 and 8 to 14: whole processes of the hub die, as the kernel or a platform kills them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from threading import Thread
from typing import Any

import pytest
import redis
import requests

from connector.app import create_app
from connector.engines.process import wait_until
from connector.queues import DRAIN, QUEUE, Doorbell
from tests.faults.conftest import LEASE_S, WITH_TOKENS
from tests.faults.crowd import crowd, pushed, said, settled_before, verdict
from tests.faults.processes import Processes, free_port, horse_of, is_gone, kill_group
from tests.world import CRMSeen, World

pytestmark = pytest.mark.waited_for

RECOVERY_S = 40
SERVED = [("granian", app) for app in ("hubspot", "salesforce", "zendesk")]
SERVED.append(("gunicorn", "hubspot"))


def ring(world: World, crm: CRMSeen) -> None:
    bell = Doorbell(str(world.hub.settings.redis_url))
    assert bell.ring(DRAIN, world.workspace_id, crm.connection_id)


def comes_right(crm: CRMSeen, items: list[dict[str, Any]], *, within_s: float) -> bool:
    # Reading everything every 10 ms would keep the simulator from its work.
    return wait_until(lambda: verdict(crm, items) == [], timeout_s=within_s, every_s=0.1)


def nothing_open(world: World) -> bool:
    return wait_until(lambda: not world.open(), timeout_s=RECOVERY_S, every_s=0.1)


@pytest.mark.parametrize("queues", [(QUEUE,), (QUEUE, "other")], ids=["one-queue", "two-queues"])
def test_fault_01_killed_between_taking_a_job_and_beginning_it(
    world: World, crm: CRMSeen, processes: Processes, queues: tuple[str, ...]
) -> None:
    """RQ loses such a job (with two queues for ever): the sweep must ring again within 2 s."""
    items = pushed(world, crm)
    worker = processes.start("dies_at_pop", *queues)
    processes.scheduler()
    worker.join(RECOVERY_S)
    assert worker.exitcode == -signal.SIGKILL
    assert wait_until(lambda: waiting_jobs(world) > 0, timeout_s=2)
    processes.worker()
    assert comes_right(crm, items, within_s=RECOVERY_S)


def test_fault_01_killed_at_the_beginning_of_a_job(
    world: World, crm: CRMSeen, processes: Processes
) -> None:
    items = pushed(world, crm)
    processes.killed_job("drain", world.workspace_id, crm.connection_id, at="pop=kill")
    world.settle()
    assert verdict(crm, items) == []


def waiting_jobs(world: World) -> int:
    with redis.Redis.from_url(str(world.hub.settings.redis_url)) as client:
        return int(client.llen(f"rq:queue:{QUEUE}"))


# --- 8: inside a token refresh --------------------------------------------------------------------


@pytest.mark.parametrize("crm", WITH_TOKENS, indirect=True)
def test_fault_08_killed_after_the_provider_rotated_the_refresh_token(
    world: World, crm: CRMSeen, processes: Processes
) -> None:
    """The new tokens are lost with the process: where the CRM rotates, a person must reconnect, and
    until then everything waits; where it does not, the next refresh mends it.
    """
    items = pushed(world, crm)
    crm.control("oauth", {"expire": True})
    processes.killed_job("drain", world.workspace_id, crm.connection_id, at="rotated=kill")
    world.expire_leases()
    world.drain(crm.app)
    if crm.control("state")["options"]["rotate_refresh"]:
        assert {one.reason for one in world.deliveries(state="parked")} == {"auth"}
        assert len(alerts(world)) == 1
        world.reconnect(crm.app, crm.connection_id, crm.url)
    world.settle()
    assert verdict(crm, items) == []


def alerts(world: World) -> list[Any]:
    return world.rows("SELECT detail FROM audit WHERE action = 'connection.needs_attention'")


# --- 9 to 11: workers -----------------------------------------------------------------------------


@pytest.fixture
def at_work(world: World, processes: Processes) -> Callable[[CRMSeen], ForkServerProcess]:
    """A worker whose work-horse is in the middle of a drain: the CRM answers slowly."""

    def begin(crm: CRMSeen) -> ForkServerProcess:
        crm.control("options", {"latency_ms": 300})
        worker = processes.worker()
        ring(world, crm)
        begun = wait_until(lambda: "leased" in world.states(), timeout_s=RECOVERY_S)
        assert begun
        assert horse_of(worker)
        return worker

    return begin


def test_fault_09_a_work_horse_does_not_outlive_its_killed_parent(
    world: World,
    crm: CRMSeen,
    processes: Processes,
    at_work: Callable[[CRMSeen], ForkServerProcess],
) -> None:
    items = pushed(world, crm)
    worker = at_work(crm)
    horse = horse_of(worker)
    worker.kill()
    assert horse
    assert wait_until(lambda: is_gone(horse), timeout_s=5)
    take_over(crm, processes)
    assert comes_right(crm, items, within_s=LEASE_S + RECOVERY_S)
    assert nothing_open(world)


def test_fault_10_a_killed_work_horse_counts_as_a_crash_and_the_work_is_done_again(
    world: World,
    crm: CRMSeen,
    processes: Processes,
    at_work: Callable[[CRMSeen], ForkServerProcess],
) -> None:
    items = pushed(world, crm)
    worker = at_work(crm)
    horse = horse_of(worker)
    assert horse
    os.kill(horse, signal.SIGKILL)
    crm.control("options", {"latency_ms": 0})
    processes.scheduler()
    assert comes_right(crm, items, within_s=LEASE_S + RECOVERY_S)
    assert nothing_open(world)
    assert worker.is_alive()
    assert max(one.crashes for one in world.deliveries()) == 1
    assert {one.attempts for one in world.deliveries()} == {0}


def test_fault_11_a_worker_asked_to_stop_hands_back_what_it_holds_within_ten_seconds(
    world: World,
    crm: CRMSeen,
    processes: Processes,
    at_work: Callable[[CRMSeen], ForkServerProcess],
) -> None:
    items = pushed(world, crm)
    worker = at_work(crm)
    worker.terminate()
    worker.join(10)
    assert worker.exitcode == 0
    assert "leased" not in world.states()
    assert {one.crashes for one in world.deliveries()} == {0}
    take_over(crm, processes)
    assert comes_right(crm, items, within_s=RECOVERY_S)


def take_over(crm: CRMSeen, processes: Processes) -> None:
    crm.control("options", {"latency_ms": 0})
    processes.scheduler()
    processes.worker()


# --- 12, 13: the web ------------------------------------------------------------------------------


def push(world: World, port: int, item: dict[str, Any]) -> requests.Response:
    return requests.post(
        f"http://127.0.0.1:{port}/api/v1/responses",
        json=item,
        headers={"Authorization": f"Bearer {world.key}"},
        timeout=20,
    )


def push_again(world: World, item: dict[str, Any]) -> Any:
    """The client's retry, answered by another web process."""
    app = create_app(world.hub.settings, world.database)
    bearer = {"Authorization": f"Bearer {world.key}"}
    return app.test_client().post("/api/v1/responses", json=item, headers=bearer)


@pytest.mark.parametrize(("server", "crm"), SERVED, indirect=["crm"])
def test_fault_12_the_web_killed_in_the_middle_of_a_request_has_promised_nothing(
    world: World, crm: CRMSeen, processes: Processes, server: str
) -> None:
    """It dies with its transaction open: the push waits for a lock that the test holds."""
    item, port = said(1, 1), free_port()
    web = processes.web(server, port)
    killer = Thread(target=kill_when_it_waits, args=(world, web))
    with world.database.begin(world.workspace_id) as store:
        store.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", lock(world))
        killer.start()
        with pytest.raises(requests.RequestException):
            push(world, port, item)
        killer.join()
    assert world.rows("SELECT id FROM response") == []
    answer = push_again(world, item)
    assert (answer.status_code, answer.json["duplicate"]) == (202, False)
    world.settle()
    assert verdict(crm, [item]) == []


def lock(world: World) -> tuple[str, int]:
    """What intake locks for this response id: `api`, a separator, the id."""
    return f"api{chr(31)}r1", world.workspace_id


def kill_when_it_waits(world: World, web: subprocess.Popen[bytes]) -> None:
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    wait_until(lambda: bool(world.rows(waiting)), timeout_s=10)
    kill_group(web)


@pytest.mark.parametrize(("server", "crm"), SERVED, indirect=["crm"])
def test_fault_13_the_web_killed_after_the_commit_says_duplicate_to_the_retry(
    world: World, crm: CRMSeen, processes: Processes, server: str
) -> None:
    item, port = said(1, 1), free_port()
    web = processes.web(server, port, ANSWERBACK_FAILPOINTS="web_committed=kill")
    with pytest.raises(requests.RequestException):
        push(world, port, item)
    kill_group(web)
    answer = push_again(world, item)
    assert answer.status_code in {200, 202}
    assert answer.json["duplicate"] is True
    world.settle()
    assert verdict(crm, [item]) == []


# --- 14: the scheduler ----------------------------------------------------------------------------


def test_fault_14_a_killed_scheduler_loses_nothing(
    world: World, crm: CRMSeen, processes: Processes
) -> None:
    """Nobody rings but the scheduler here: it is killed and started again, as a supervisor does."""
    items = settled_before(world, crm)
    processes.worker()
    first = processes.scheduler()
    world.push(*crowd()[:3])
    assert comes_right(crm, items + crowd()[:3], within_s=RECOVERY_S)
    kill_group(first)
    world.push(*crowd()[3:])
    processes.scheduler()
    assert comes_right(crm, items + crowd(), within_s=RECOVERY_S)
    assert nothing_open(world)
