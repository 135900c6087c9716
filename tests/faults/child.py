"""What the processes of the fault tests run, to be killed at an exact place.

    python -m tests.faults.child drain WORKSPACE CONNECTION    one job as a work-horse runs it
    python -m tests.faults.child dies-at-pop QUEUE [QUEUE]     a worker killed between pop and start

ANSWERBACK_FAILPOINTS says where a job dies; the second form is the one place that no failpoint of
ours can reach, because RQ has the job and nobody else.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import redis

from connector import jobs, queues
from connector.log import configure_log
from connector.settings import load_settings
from connector.workers import HubWorker, worker_on


class DiesAtPop(HubWorker):
    """Killed after it has taken a job from the queue, before anything of it has begun."""

    def execute_job(self, _job: Any, _queue: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def job(kind: str, workspace_id: str, connection_id: str) -> None:
    configure_log(load_settings().log_level)
    getattr(jobs, kind)(queues.VERSION, int(workspace_id), int(connection_id), 0)


def dies_at_pop(*names: str) -> None:
    with redis.Redis.from_url(str(load_settings().redis_url)) as connection:
        worker = worker_on(connection, names)
        worker.__class__ = DiesAtPop
        worker.work(logging_level="CRITICAL")


def main(argv: list[str]) -> None:
    if argv[0] == "dies-at-pop":
        dies_at_pop(*argv[1:])
    else:
        job(*argv)


if __name__ == "__main__":
    main(sys.argv[1:])
