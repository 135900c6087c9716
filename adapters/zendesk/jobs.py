"""Zendesk's bulk jobs: what is kept of one while it runs, and what its rows say when it is done.

The rows of an answer stand in the order of the request (said by Zendesk's staff; recorded for
updates). A failed row of an update carries the record's id and its `index`, one of the other bulk
calls carries the index in place of the id: so rows are told by index or place, never by their id.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.errors import OutcomeUnknown, asking
from adapters.values import Account, Outcome, Started, Status
from adapters.zendesk.answers import RecordGone, RowRefused, refused_by
from adapters.zendesk.client import Client, reaching
from adapters.zendesk.rows import gone, rejected
from schemas.fields import Entity

# Recorded jobs took 5 to 6 seconds. The first poll moves towards what this account needs.
FIRST_POLL_S, POLL_S, LEAST_S, MOST_S = 2.0, 1.5, 0.5, 8.0
# A job whose answer was lost may still begin: nobody looks for its tickets before that.
LOOK_AFTER_S = 60.0
LEARNT = "first_poll_s"
# The stage of a job that opens the tickets of notes (noting.py).
NOTES = "notes"
GOOD = frozenset({"Created", "Updated"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row of a running job. `identity`: the values a new record may be a duplicate by."""

    key: str
    remote_id: str | None = None
    identity: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Handle:
    """A running job. `stage`: update, create, resolve (asking for the ids of duplicates), notes.

    `settled` are the outcomes of the create that a resolve completes, or of the rows that were not
    sent, as JSON.
    """

    job: str
    entity: str
    stage: str
    rows: Sequence[Waiting]
    first_poll_s: float = FIRST_POLL_S
    polls: int = 0
    settled: Sequence[Mapping[str, Any]] = field(default=())


def started(account: Account, handle: Handle) -> Started:
    """The job has begun: when to ask first."""
    wait_s = float(account.learnt.get(LEARNT, FIRST_POLL_S))
    return Started(_to_json(dataclasses.replace(handle, first_poll_s=wait_s)), wait_s)


def polled_again(handle: Handle) -> Started:
    """The job still runs: when to ask next."""
    return Started(_to_json(dataclasses.replace(handle, polls=handle.polls + 1)), POLL_S)


def handle_of(told: Mapping[str, Any]) -> Handle:
    """A stored handle."""
    rows = tuple(Waiting(one[0], one[1], one[2]) for one in told["rows"])
    return Handle(**{**told, "rows": rows})


def results_of(client: Client, handle: Handle) -> Sequence[Mapping[str, Any]] | None:
    """The rows of a finished job, None while it runs.

    Raises OutcomeUnknown for a job that failed as a whole or that Zendesk has forgotten (an hour),
    TryLater where the question got no answer.
    """
    try:
        job = _asked(client, handle.job)
    except RecordGone as exc:
        message = "Zendesk has forgotten the job"
        raise OutcomeUnknown(message, code="job_lost") from exc
    if job.status in {"queued", "working"}:
        return None
    if job.status != "completed" or not isinstance(job.results, list):
        message = "Zendesk did not finish the job"
        raise OutcomeUnknown(message, code="job_failed")
    return _in_order([one.to_dict() for one in job.results], len(handle.rows))


def _asked(client: Client, job: str) -> Any:
    """The job's status. A question whose answer was lost says nothing about the job."""
    try:
        with reaching():
            return client.zenpy.job_status(id=job)
    except OutcomeUnknown as exc:
        raise asking(exc) from exc


def outcomes_of(
    handle: Handle, told: Sequence[Mapping[str, Any]], entity: Entity | None
) -> tuple[Outcome, ...]:
    """One outcome per row of the job, in order."""
    return tuple(
        outcome_of(handle, row, one, entity) for row, one in zip(handle.rows, told, strict=True)
    )


def is_refused(told: Mapping[str, Any]) -> bool:
    """Whether a row of an answer says that it failed."""
    return bool(told.get("error")) or told.get("status") == "Failed"


def outcome_of(
    handle: Handle, row: Waiting, told: Mapping[str, Any], entity: Entity | None
) -> Outcome:
    """The outcome of one row."""
    if is_refused(told):
        return _refused(row, str(told.get("details") or told.get("error")), entity)
    is_new = handle.stage in {"create", NOTES}
    number = row.remote_id if handle.stage == "update" else str(told["id"])
    return Outcome(row.key, Status.WRITTEN, remote_id=number, created=is_new)


def learnt_from(handle: Handle) -> dict[str, Any]:
    """A later first poll if the job needed several, an earlier one if the first sufficed."""
    change = 1.25 if handle.polls else 0.8
    wait_s = min(max(handle.first_poll_s * change, LEAST_S), MOST_S)
    return {LEARNT: round(wait_s, 2)}


def merged(handle: Handle, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """A create's outcomes with the ids its resolve found; those of any other job as they are."""
    if handle.stage != "resolve":
        return tuple(outcomes)
    holders = {one.key: one.remote_id for one in outcomes}
    return tuple(
        dataclasses.replace(one, remote_id=holders.get(one.key) or one.remote_id)
        for one in restored(handle)
    )


def restored(handle: Handle) -> tuple[Outcome, ...]:
    """The outcomes that were settled before the job began."""
    return tuple(Outcome(**{**one, "status": Status(one["status"])}) for one in handle.settled)


def stored(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON, without what is at its default."""
    told = {"key": outcome.key, "status": outcome.status.value}
    for name in ("remote_id", "created", "code", "message", "field"):
        if getattr(outcome, name):
            told[name] = getattr(outcome, name)
    return told


def _to_json(handle: Handle) -> dict[str, Any]:
    told = {one.name: getattr(handle, one.name) for one in dataclasses.fields(handle)}
    told["rows"] = [[row.key, row.remote_id, row.identity] for row in handle.rows]
    told["settled"] = list(handle.settled)
    return told


def _in_order(told: Sequence[Mapping[str, Any]], count: int) -> list[Mapping[str, Any]]:
    placed = {
        one.get("index") if one.get("index") is not None else at: one for at, one in enumerate(told)
    }
    if set(placed) != set(range(count)):
        message = "Zendesk's job answers other rows than it was given"
        raise OutcomeUnknown(message, code="job_rows_differ")
    return [placed[at] for at in range(count)]


def _refused(row: Waiting, sentence: str, entity: Entity | None) -> Outcome:
    refused: RowRefused = refused_by(sentence, entity)
    return gone(row.key) if refused.code == "not_found" else rejected(row.key, refused)
