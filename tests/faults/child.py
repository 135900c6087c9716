"""What the processes of the fault tests run, to be killed: the hub's own programs, and two of ours.

Each runs in a process forked from one that has imported everything (multiprocessing's forkserver):
a start costs a tenth of a second instead of four. The environment is all that a program is given.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from typing import Any

import redis

from connector import failpoints, jobs, queues, sweep, workers
from connector.log import configure_log
from connector.responses.extras import editing
from connector.responses.extras.carrying import Wanted
from connector.settings import adopt_environ, load_settings

PRELOADED = (
    "tests.faults.child", "adapters.hubspot", "adapters.odoo", "adapters.salesforce",
    "adapters.zendesk",
)  # fmt: skip


class DiesAtPop(workers.HubWorker):
    """Killed after it has taken a job from the queue, before anything of it has begun: the one
    place that no failpoint of ours can reach, because RQ has the job and nobody else.
    """

    def execute_job(self, _job: Any, _queue: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def run(program: str, environ: Mapping[str, str], *arguments: str) -> None:
    """One of PROGRAMS in a session of its own, as if started from a shell."""
    os.setsid()
    adopt_environ(environ)
    PROGRAMS[program](*arguments)


def worker(*names: str) -> None:
    workers.run_worker(load_settings(), names or [queues.QUEUE])


def scheduler() -> None:
    sweep.main()


def dies_at_pop(*names: str) -> None:
    with redis.Redis.from_url(str(load_settings().redis_url)) as connection:
        one = workers.worker_on(connection, names)
        one.__class__ = DiesAtPop
        one.work(logging_level="CRITICAL")


def job(kind: str, workspace_id: str, connection_id: str) -> None:
    """One job as a work-horse runs it."""
    settings = load_settings()
    configure_log(settings.log_level)
    failpoints.configure(settings)  # a work-horse has them from its worker
    getattr(jobs, kind)(queues.VERSION, int(workspace_id), int(connection_id), 0)


def edit(workspace_id: str, contact_id: str, connection_id: str, changes: str) -> None:
    """A person's edit as the web process makes it."""
    settings = load_settings()
    failpoints.configure(settings)
    wanted = Wanted(int(connection_id), json.loads(changes))
    hub = jobs.hub_of(settings)
    editing.edit(hub, int(workspace_id), int(contact_id), wanted, actor="key:me")


PROGRAMS: Mapping[str, Callable[..., None]] = {
    "worker": worker,
    "scheduler": scheduler,
    "dies_at_pop": dies_at_pop,
    "job": job,
    "edit": edit,
}
