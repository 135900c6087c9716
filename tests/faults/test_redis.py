"""Rows 15 to 19: Redis is emptied, restarted, away, slow, full: a doorbell, so nothing is lost."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from connector import sweep
from connector.app import create_app
from connector.engines import Valkey
from connector.engines.process import wait_until
from connector.jobs import hub_of
from connector.queues import Doorbell
from connector.sweep import Sweep
from tests.faults.crowd import said, verdict
from tests.faults.processes import Processes
from tests.faults.proxy import Proxy
from tests.world import CRMSeen, World, people

COUNT = 40
RECOVERY_S = 60
CATCHES_UP_S = 2.0
# Whoever asks the database or the CRM without a pause keeps the processes from their work.
LOOK_S = 0.05


@pytest.fixture
def rude(valkey: Valkey) -> Iterator[redis.Redis]:
    """An operator's connection, and a Valkey that is itself again afterwards."""
    with redis.Redis.from_url(valkey.url) as client:
        yield client
        with contextlib.suppress(redis.ConnectionError):
            client.config_set("requirepass", "")
    if not valkey.answers():
        valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory", 0)
        client.config_set("appendonly", "yes")


def crowd_of(crm: CRMSeen, world: World) -> list[dict[str, Any]]:
    crm.seed(people(COUNT))
    items = [said(n, n) for n in range(COUNT)]
    crm.control("options", {"latency_ms": 30})
    world.push(*items)
    return items


def some_done(world: World) -> bool:
    return wait_until(
        lambda: world.states().get("done", 0) > 0, timeout_s=RECOVERY_S, every_s=LOOK_S
    )


def comes_right(crm: CRMSeen, items: list[dict[str, Any]]) -> bool:
    return wait_until(lambda: verdict(crm, items) == [], timeout_s=RECOVERY_S, every_s=0.2)


def planned_within_s(world: World, response_id: str) -> float:
    """How long it takes until somebody has planned this response."""
    began = time.monotonic()
    asked = "SELECT FROM response WHERE response_id = :r AND planned_at IS NOT NULL"
    assert wait_until(
        lambda: bool(world.rows(asked, r=response_id)), timeout_s=RECOVERY_S, every_s=LOOK_S
    )
    return time.monotonic() - began


# --- 15, 16: what it held is gone -----------------------------------------------------------------


def test_fault_15_redis_emptied_in_the_middle_of_the_work_loses_nothing(
    world: World, crm: CRMSeen, processes: Processes, rude: redis.Redis
) -> None:
    items = crowd_of(crm, world)
    # Two workers, as every installation has: one may be in the middle of a wave.
    processes.worker()
    processes.worker()
    processes.scheduler()
    assert some_done(world)
    waits = []
    for number in range(3):
        rude.flushall()
        items.append(said(COUNT + number, number, at="2026-11-23T01:00:00Z"))
        world.push(items[-1])
        waits.append(planned_within_s(world, items[-1]["response_id"]))
    # The median: one of three may meet both workers busy on a machine that is.
    assert sorted(waits)[1] <= CATCHES_UP_S
    assert comes_right(crm, items)


def test_fault_15_an_emptied_rate_limiter_causes_no_429(
    world: World, connected: Callable[..., CRMSeen], processes: Processes, rude: redis.Redis
) -> None:
    """Its counts are gone too: HubSpot's 110 calls in ten seconds must still not be exceeded."""
    crm = connected("hubspot")
    items = crowd_of(crm, world)
    processes.worker()
    processes.scheduler()
    assert some_done(world)
    rude.flushall()
    more = [said(COUNT + n, n, at="2026-11-23T01:00:00Z") for n in range(COUNT)]
    for one in more:
        world.push(one)
    assert comes_right(crm, items + more)
    assert [one for one in crm.calls() if one["status"] == 429] == []


def test_fault_16_redis_killed_without_persistence_loses_nothing(
    world: World, crm: CRMSeen, processes: Processes, rude: redis.Redis, valkey: Valkey
) -> None:
    items = crowd_of(crm, world)
    rude.config_set("appendonly", "no")
    processes.worker()
    processes.scheduler()
    assert some_done(world)
    valkey.kill()
    items.append(said(COUNT, 0, at="2026-11-23T01:00:00Z"))
    world.push(items[-1])
    valkey.start()
    assert comes_right(crm, items)


# --- 17, 19: it is away, or as good as away -------------------------------------------------------


def stopped(valkey: Valkey, _rude: redis.Redis) -> str:
    valkey.stop()
    return valkey.url


def full(valkey: Valkey, rude: redis.Redis) -> str:
    rude.config_set("maxmemory", 1)
    return valkey.url


def locked(valkey: Valkey, rude: redis.Redis) -> str:
    rude.config_set("requirepass", "another")
    return valkey.url.replace("unix://", "unix://:wrong@")


def test_fault_17_without_redis_pushes_are_taken_and_the_scheduler_drains(
    world: World,
    crm: CRMSeen,
    valkey: Valkey,
    rude: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Not the captured output: a logger that an earlier test has used keeps that test's stream.
    lines: list[str] = []
    said_here = SimpleNamespace(warning=lambda line, **_: lines.append(line))
    monkeypatch.setattr(sweep, "get_logger", lambda _name: said_here)
    works_alone(world, crm, stopped(valkey, rude))
    assert lines.count("redis_away_draining_here") == 1


@pytest.mark.parametrize("away", [full, locked])
def test_fault_19_a_redis_that_refuses_is_as_good_as_away(
    world: World,
    crm: CRMSeen,
    valkey: Valkey,
    rude: redis.Redis,
    away: Callable[[Valkey, redis.Redis], str],
) -> None:
    works_alone(world, crm, away(valkey, rude))


def works_alone(world: World, crm: CRMSeen, redis_url: str) -> None:
    crm.seed(people(3))
    settings = replace(world.hub.settings, redis_url=redis_url)
    items = [said(n, n) for n in range(5)]
    assert pushed_by_http(world, settings, items) == {202}
    swept(settings, until=lambda: verdict(crm, items) == [])


def pushed_by_http(world: World, settings: Any, items: list[dict[str, Any]]) -> set[int]:
    client = create_app(settings, world.database).test_client()
    bearer = {"Authorization": f"Bearer {world.key}"}
    return {client.post("/api/v1/responses", json=one, headers=bearer).status_code for one in items}


def swept(settings: Any, *, until: Callable[[], bool]) -> None:
    """What the scheduler process does, in this one."""
    hub = hub_of(settings)
    scheduler = Sweep(hub, Doorbell(str(settings.redis_url)))
    try:
        ends_at = time.monotonic() + RECOVERY_S
        while not until():
            assert time.monotonic() < ends_at
            scheduler.once()
            time.sleep(LOOK_S)  # the scheduler itself pauses ten times as long
    finally:
        hub.database.close()


# --- 18: it is slow -------------------------------------------------------------------------------


def test_fault_18_a_slow_redis_does_not_slow_a_push(world: World, valkey: Valkey) -> None:
    with Proxy(valkey.url) as line:
        line.delay_s = 2.0
        settings = replace(world.hub.settings, redis_url=f"redis://127.0.0.1:{line.port}")
        client = create_app(settings, world.database).test_client()
        bearer = {"Authorization": f"Bearer {world.key}"}
        took = []
        for number in range(100):
            began = time.monotonic()
            answer = client.post("/api/v1/responses", json=said(number, number), headers=bearer)
            took.append(time.monotonic() - began)
            assert answer.status_code == 202
    assert sorted(took)[98] < 0.3
