"""Bulk calls: a job is queued, works, then tells one result per row in order."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulators.zendesk.refusals import Refused, not_found, too_many_jobs
from simulators.zendesk.shapes import stamp
from simulators.zendesk.state import Record, State

LIVING = 30
KEPT_S = 3600
QUEUED_SHARE = 0.3

Apply = Callable[[int, Record], Record]


@dataclass(slots=True)
class Job:
    """One bulk job. `apply` does one row and answers its result."""

    id: str
    verb: str
    rows: list[Record]
    apply: Apply
    started_at: float
    due_at: float
    results: list[Record] | None = None
    killed: bool = False
    extra: Record = field(default_factory=dict)


class Jobs:
    """The account's bulk jobs. Due work is done by whoever comes next."""

    def __init__(self, state: State, chance: random.Random) -> None:
        self.state = state
        self.chance = chance
        self.jobs: dict[str, Job] = {}

    def start(self, verb: str, rows: list[Record], apply: Apply) -> Job:
        """A new job. Raises 429 when 30 are already queued or running."""
        living = sum(1 for one in self.jobs.values() if one.results is None and not one.killed)
        if living >= int(self.state.options["jobs_limit"]):
            raise too_many_jobs()
        now = self.state.now()
        number = f"V3-{self.chance.getrandbits(128):032x}"
        job = Job(number, verb, rows, apply, now, now + float(self.state.options["job_delay_s"]))
        self.jobs[number] = job
        return job

    def work(self) -> None:
        """Finish every job that is due, and forget those of an hour ago."""
        now = self.state.now()
        for job in list(self.jobs.values()):
            if job.results is None and not job.killed and job.due_at <= now:
                job.results = [self._done(job, at, row) for at, row in enumerate(job.rows)]
            if now - job.started_at > KEPT_S:
                del self.jobs[job.id]

    def kill(self) -> int:
        """Kill every job that has not run yet; how many there were."""
        waiting = [one for one in self.jobs.values() if one.results is None]
        for one in waiting:
            one.killed = True
        return len(waiting)

    def forget(self) -> None:
        """Lose every job, as after an hour: its id answers 404. Work that was due is done first."""
        self.jobs.clear()

    def shown(self, number: str, base: str) -> Record:
        """One job_status. Raises 404 for a job that is unknown or forgotten."""
        job = self.jobs.get(number)
        if job is None:
            raise not_found()
        return self.status(job, base)

    def status(self, job: Job, base: str) -> Record:
        told = self._progress(job)
        return {**self._named(job, base), **told}

    def fresh(self, job: Job, base: str) -> Record:
        """What the call that started the job answers."""
        blank = {"progress": None, "status": "queued", "message": None, "results": None}
        return {**self._named(job, base), **blank}

    @staticmethod
    def _named(job: Job, base: str) -> Record:
        """`job_type` came in 2024."""
        verb, noun = job.verb.split(" ")
        action = {"Creating": "Create", "Updating": "Update", "Upserting": "Create or Update"}[verb]
        return {
            "id": job.id,
            "job_type": f"Bulk {action} {noun.capitalize()}",
            "url": f"{base}/api/v2/job_statuses/{job.id}.json",
            "total": len(job.rows),
        }

    def _progress(self, job: Job) -> Record:
        if job.killed:
            return {"progress": 0, "status": "killed", "message": "Killed", "results": None}
        if job.results is not None:
            told = f"Completed at {stamp(job.due_at).replace('T', ' ').replace('Z', ' +0000')}"
            return {
                "progress": len(job.rows),
                "status": "completed",
                "message": told,
                "results": job.results,
            }
        done = (self.state.now() - job.started_at) / max(job.due_at - job.started_at, 0.001)
        if done < QUEUED_SHARE:
            return {"progress": None, "status": "queued", "message": None, "results": None}
        at = max(1, int(done * len(job.rows)))
        return {
            "progress": at,
            "status": "working",
            "message": f"{job.verb} #{at}",
            "results": None,
        }

    def _done(self, job: Job, at: int, row: Record) -> Record:
        try:
            return job.apply(at, row)
        except Refused as exc:
            return failed(job.verb, at, row, exc)


def failed(verb: str, at: int, row: Record, exc: Refused) -> Record:
    """A failed row. Updates tell id and index (recorded), others the index as `id`."""
    told = getattr(exc, "sentence", "Not found" if exc.status == 404 else "Not allowed")
    action, noun = verb.split(" ")
    noun = noun.capitalize()
    if action == "Updating":
        return {"id": row.get("id"), "index": at, "error": f"{noun}UpdateFailed", "details": told}
    kind = "UpdateError" if action == "Upserting" else "CreateError"
    return {
        "id": at,
        "error": f"{noun}{kind}",
        "details": f"Name: {told.split(': ', 1)[-1]}",
        "status": "Failed",
    }


def created(record: Record) -> Record:
    """The row of a *_many create."""
    return {"id": record["id"], "status": "Created"}


def ticket_created(at: int, record: Record) -> Record:
    """The row of tickets/create_many, which has the index."""
    return {"account_id": 18_525_119, "id": record["id"], "index": at}


def upserted(record: Record, *, fresh: bool) -> Record:
    """The row of create_or_update_many."""
    return {
        "id": record["id"],
        "status": "Created" if fresh else "Updated",
        "email": record["email"],
    }


def updated(record: Record, action: str = "update") -> dict[str, Any]:
    """The row of update_many and destroy_many."""
    status = "Updated" if action == "update" else "Deleted"
    return {"id": record["id"], "action": action, "status": status, "success": True}
