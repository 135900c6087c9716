"""The doorbell: one slow connection has its own few workers, and a lost job is rung for again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from connector import jobs
from connector.connections import upkeep
from connector.queues import DRAIN, PLAN, QUEUE, VERSION, WAKE_MS, Doorbell
from connector.responses import deliver, fetching, planner
from connector.settings import Settings
from connector.sweep import MAX_DRAINS, Due, Sweep
from tests.responses.scene import joined, known
from tests.world import World, answered, founded


@pytest.fixture
def bell(settings: Settings) -> Doorbell:
    return Doorbell(str(settings.redis_url))


@pytest.fixture
def queue(settings: Settings) -> Iterator[Queue]:
    with redis.Redis.from_url(str(settings.redis_url)) as connection:
        yield Queue(QUEUE, connection=connection, serializer=JSONSerializer)


def drains(queue: Queue) -> list[tuple[int, int, int]]:
    """The arguments of the drains that are rung for, which are taken off the queue."""
    rung = [job for job in queue.jobs if str(job.func_name).endswith(DRAIN)]
    for job in rung:
        queue.remove(job)
    return [tuple(job.args[1:]) for job in rung]


def test_one_slow_connection_does_not_take_every_worker(
    world: World, bell: Doorbell, queue: Queue
) -> None:
    with joined(world, "hubspot") as crm, ExitStack() as busy:
        known(world, crm, 400)
        world.push(*(answered(n) for n in range(400)))
        world.plan()
        sweep = Sweep(world.hub, bell)
        begun = 0
        for _ in range(12):
            sweep.once()
            for workspace_id, connection_id, number in drains(queue):
                # A worker takes it, and is then busy with a CRM that answers slowly.
                bell.heard(DRAIN, workspace_id, connection_id, number=number)
                busy.enter_context(bell.at_work(DRAIN, workspace_id, connection_id, number=number))
                begun += 1
        assert 1 < begun <= MAX_DRAINS


def test_a_drain_that_works_for_long_is_not_rung_for_again(bell: Doorbell, queue: Queue) -> None:
    with bell.at_work(DRAIN, 1, 1, number=0) as mine:
        assert mine
        time.sleep(WAKE_MS / 1000 + 0.3)
        assert not bell.ring(DRAIN, 1, 1, number=0)
        assert bell.ring(DRAIN, 1, 2, number=0)
    assert bell.ring(DRAIN, 1, 1, number=0)
    assert drains(queue) == [(1, 2, 0), (1, 1, 0)]


def test_a_killed_drain_is_rung_for_again_within_two_seconds(
    bell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Doorbell, "_renew", lambda *_: None)  # its thread died with the process
    with bell.at_work(DRAIN, 1, 1, number=0):
        time.sleep(WAKE_MS / 1000 + 0.1)
        assert bell.ring(DRAIN, 1, 1, number=0)


def test_a_flush_does_not_end_what_a_drain_said(bell: Doorbell, queue: Queue) -> None:
    with bell.at_work(DRAIN, 1, 1, number=0):
        queue.connection.flushdb()
        time.sleep(0.6)
        assert not bell.ring(DRAIN, 1, 1, number=0)


def test_a_second_job_for_the_same_drain_does_nothing(
    world: World, bell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    monkeypatch.setattr(jobs, "hub", lambda: world.hub)
    monkeypatch.setattr(jobs, "_bell", lambda: bell)
    monkeypatch.setattr(deliver, "drain", lambda _hub, _workspace, one: begun.append(one))
    with bell.at_work(DRAIN, 1, 7, number=0):
        jobs.drain(VERSION, 1, 7, 0)
    assert begun == []
    jobs.drain(VERSION, 1, 7, 0)
    assert begun == [7]


def test_without_redis_a_drain_works_all_the_same() -> None:
    with Doorbell("redis://127.0.0.1:1/0").at_work(DRAIN, 1, 1, number=0) as mine:
        assert mine


def test_a_fault_of_ours_in_one_workspace_stops_the_scheduler_for_no_other(
    world: World, bell: Doorbell, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = founded(settings, world.hub.database, slug="other")
    seen: list[int] = []

    def broken(_hub: object, workspace_id: int) -> None:
        seen.append(workspace_id)
        if workspace_id == world.workspace_id:
            raise KeyError

    monkeypatch.setattr(upkeep, "keep_up", broken)
    monkeypatch.setattr(fetching, "remove_delivered", broken)
    Sweep(world.hub, bell).once()
    assert sorted(seen) == sorted([world.workspace_id, other.workspace_id] * 2)


def test_a_fault_of_ours_in_work_done_here_stops_no_other_work(
    world: World, bell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def broken(_hub: object, *_: object, **__: object) -> None:
        raise KeyError

    monkeypatch.setattr(planner, "plan_waiting", broken)
    monkeypatch.setattr(deliver, "drain", lambda *_, **__: done.append("drain"))
    Sweep(world.hub, bell)._work([Due(PLAN, 1, None, 1), Due(DRAIN, 1, 1, 1)])
    assert done == ["drain"]
