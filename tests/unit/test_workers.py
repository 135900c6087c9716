"""The RQ worker through real kills: no orphaned work-horse, a quick stop, no pickle."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.job import JobStatus
from rq.serializers import DefaultSerializer, JSONSerializer

from connector import stopping, workers
from connector.engines import Valkey
from connector.engines.process import is_alive, wait_until

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 60


@pytest.fixture
def broker(child_environ: dict[str, str]) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(child_environ["REDIS_URL"]) as client:
        yield client


@pytest.fixture
def hub(broker: redis.Redis) -> Queue:
    return Queue("hub", connection=broker, serializer=JSONSerializer)


@pytest.fixture
def start_worker(
    child_environ: dict[str, str],
) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "worker.py"], cwd=ROOT, env=child_environ))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


def horse_of(worker: subprocess.Popen[bytes]) -> int | None:
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text(encoding="utf-8")
    return int(children.split()[0]) if children.split() else None


def working_horse(worker: subprocess.Popen[bytes], hub: Queue) -> int:
    """The pid of the worker's child once it is at the job, its signals set."""
    job_id = next(iter(hub.job_ids), None) or hub.started_job_registry.get_job_ids()[0]

    def at_it() -> bool:
        job = hub.fetch_job(job_id)
        return bool(job and job.get_status() == JobStatus.STARTED and horse_of(worker))

    assert wait_until(at_it, timeout_s=60)
    horse = horse_of(worker)
    assert horse
    return horse


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_the_work_horse_dies_with_its_killed_parent(
    start_worker: Callable[[], subprocess.Popen[bytes]], hub: Queue
) -> None:
    hub.enqueue("time.sleep", LONG_S)
    worker = start_worker()
    horse = working_horse(worker, hub)
    worker.kill()
    worker.wait()
    assert wait_until(lambda: not is_alive(horse), timeout_s=5)


def test_a_worker_asked_to_stop_asks_its_job_and_ends_within_ten_seconds(
    start_worker: Callable[[], subprocess.Popen[bytes]], hub: Queue
) -> None:
    hub.enqueue("connector.stopping.wait", LONG_S)
    worker = start_worker()
    working_horse(worker, hub)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0


def states(hub: Queue) -> list[str]:
    """What the workers say they are doing."""
    return [str(one.get_state()) for one in Worker.all(connection=hub.connection)]


@pytest.mark.parametrize("jobs", [1, 0])
def test_a_worker_asked_to_stop_while_redis_is_away_ends_and_lets_its_job_end(
    start_worker: Callable[[], subprocess.Popen[bytes]], hub: Queue, valkey: Valkey, jobs: int
) -> None:
    """Its parent was killed, and with it the broker: nobody would end it later."""
    worker = start_worker()
    if jobs:
        hub.enqueue("connector.stopping.wait", LONG_S)
        working_horse(worker, hub)
    else:
        # It tells of itself before it listens to signals, and looks for work only then.
        assert wait_until(lambda: states(hub) == ["idle"], timeout_s=60)
    horse = horse_of(worker)
    valkey.kill()
    try:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
        assert not (horse and is_alive(horse))
    finally:
        valkey.start()


def test_a_stop_that_was_swallowed_ends_the_worker_at_its_next_look(broker: redis.Redis) -> None:
    """The signal may come while something takes every exception: a line of the log."""
    worker = workers.worker_on(broker, ["hub"])
    stopping.request_stop()
    try:
        with pytest.raises(StopRequested):
            worker.dequeue_job_and_maintain_ttl(None)
    finally:
        stopping.reset()


def test_a_worker_looks_for_redis_every_second_however_long_it_is_away(
    broker: redis.Redis, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a stop that was swallowed meanwhile ends it at the next look."""
    worker = workers.worker_on(broker, ["hub"])
    waits: list[float] = []

    def waited(wait_s: float) -> None:
        waits.append(wait_s)
        if len(waits) == 8:
            stopping.request_stop()

    # It has told that it is idle, and looks for work next.
    monkeypatch.setattr(worker, "procline", lambda _: valkey.kill())
    monkeypatch.setattr("rq.worker.base.time.sleep", waited)
    try:
        with pytest.raises(StopRequested):
            worker.dequeue_job_and_maintain_ttl(None)
    finally:
        monkeypatch.undo()
        stopping.reset()
        valkey.start()
    assert waits == [workers.AGAIN_S] * 8


def test_a_pickled_job_is_refused_and_not_loaded(broker: redis.Redis, tmp_path: Path) -> None:
    """Whoever can write to Redis must not be able to run code in the worker."""
    trap = tmp_path / "sprung"
    Queue("hub", connection=broker, serializer=DefaultSerializer).enqueue(
        "time.sleep", Trap(str(trap))
    )
    worker = workers.worker_on(broker, ["hub"])
    worker.work(burst=True, logging_level="CRITICAL")
    assert not trap.exists()
    assert Queue("hub", connection=broker).count == 0


def test_the_trap_of_the_test_above_springs_when_it_is_unpickled(tmp_path: Path) -> None:
    DefaultSerializer.loads(DefaultSerializer.dumps(Trap(str(tmp_path / "sprung"))))
    assert (tmp_path / "sprung").exists()


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path(self.path),)  # type: ignore[return-value]


def test_an_adapter_that_is_not_installed_does_not_stop_the_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("adapters.registry.ADAPTERS", {"gone": "adapters.gone:Gone"})
    workers.import_sdks()


def test_waiting_ends_at_once_when_asked_to_stop() -> None:
    assert stopping.wait(0.001) is False
    stopping.request_stop()
    assert stopping.is_stopping()
    assert stopping.wait(LONG_S) is True
    stopping.reset()
