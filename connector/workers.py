"""RQ's worker as we need it: no pickle, no orphaned work-horse, quick to notice a dead neighbour.

What RQ 3.0 does when processes are killed was measured (docs/adr/0003-redis-is-a-doorbell.md);
nothing here relies on its retries: the sweeper finds an abandoned delivery whatever became of the
job.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import redis
from redis.client import Pipeline
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from adapters.registry import adapter_for, apps
from connector import failpoints, stopping
from connector.connections import described
from connector.engines import engine_environ, engines
from connector.engines.process import wait_until
from connector.log import configure_log, get_logger
from connector.queues import QUEUE
from connector.settings import Settings, adopt_environ, load_settings

# A worker that waits in BLMOVE for longer does no maintenance and is not missed for minutes.
WORKER_TTL_S, MAINTENANCE_S, MONITORING_S = 20, 2, 5
AGAIN_S = 1.0
# Of the ten seconds that a stop may take.
HORSE_ENDS_WITHIN_S = 8.0
PR_SET_PDEATHSIG = 1


class HubWorker(Worker):
    """Its work-horse dies with it, and is told when it is asked to stop."""

    # RQ's own grows to a minute: after a long absence of Redis nobody would work for as long.
    max_connection_wait_time = AGAIN_S

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Between two looks for work the worker ends when it was asked to stop. RQ's signal handler
        ends it by an exception, which is lost where it meets code that takes every exception: in
        the middle of a line of the log, say.
        """
        if stopping.is_stopping() and self.get_state() == WorkerStatus.IDLE:
            raise StopRequested
        super().heartbeat(timeout, pipeline)

    def setup_work_horse_signals(self) -> None:
        """In the forked child: SIGTERM asks the drain to end, the parent's death ends it."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        stopping.reset()
        signal.signal(signal.SIGTERM, stopping.request_stop)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:  # the parent died before the kernel was told
            os._exit(1)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Noted here first: with Redis away RQ fails at noting it there, and who has not heard of
        it waits for Redis, for ever when its parent is dead.
        """
        stopping.request_stop()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def handle_warm_shutdown_request(self) -> None:
        """RQ waits for the job; our jobs are long and end early when told."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)

    def let_horse_end(self) -> None:
        """Until the job that was asked to stop has: it would be cut when its parent ends."""
        with contextlib.suppress(ChildProcessError):
            wait_until(
                lambda: not self.horse_pid or os.waitpid(self.horse_pid, os.WNOHANG)[0] != 0,
                timeout_s=HORSE_ENDS_WITHIN_S,
                every_s=0.1,
            )


def run_worker(settings: Settings, queues: Sequence[str]) -> None:
    """Work until SIGTERM or SIGINT. One queue per process is the safe number."""
    configure_log(settings.log_level)
    failpoints.configure(settings)
    described.install(settings)
    import_before_the_forks()
    with engines(settings) as running, redis.Redis.from_url(str(running.redis_url)) as connection:
        # A work-horse reads the settings for itself, and must find the engines that we found.
        adopt_environ(engine_environ(running))
        while not stopping.is_stopping() and not _worked(connection, queues):
            stopping.wait(AGAIN_S)


def _worked(connection: redis.Redis, queues: Sequence[str]) -> bool:
    """Work until asked to stop; False when Redis went away under it.

    RQ's worker waits for Redis while it is idle, but ends when it loses it in the middle of a job.
    """
    worker = worker_on(connection, queues)
    try:
        worker.work(logging_level="WARNING")
    except redis.RedisError as exc:
        get_logger(__name__).warning("redis_away_worker_waits", kind=type(exc).__name__)
        # RQ's own handlers, which are still there, would wait for a job that nobody works on.
        stopping.stop_on_signals()
        if stopping.is_stopping():
            worker.let_horse_end()
        return False
    return True


def worker_on(connection: redis.Redis, queues: Sequence[str]) -> HubWorker:
    """A worker for these queues, not yet at work."""
    return HubWorker(
        [Queue(name, connection=connection, serializer=JSONSerializer) for name in queues],
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        maintenance_interval=MAINTENANCE_S,
        job_monitoring_interval=MONITORING_S,
        log_job_description=False,  # it would print the job's arguments
    )


def import_before_the_forks() -> None:
    """Import once what every work-horse needs: each would take three seconds of its job for it."""
    import_sdks()
    importlib.import_module("connector.jobs")


def import_sdks() -> None:
    """Import every adapter's SDK: they cost up to a second each.

    An extra that is not installed is said in one line; its connections will say the same.
    """
    for app in apps():
        try:
            adapter_for(app)
        except ImportError as exc:
            get_logger(__name__).warning("adapter_not_installed", app=app, missing=exc.name)


def main() -> None:
    run_worker(load_settings(), sys.argv[1:] or [QUEUE])
