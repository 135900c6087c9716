"""After the notes of a wave: tasks for people, in batches.

One that another version of its response has opened is known. One that an earlier try may have
opened, or another version without telling, is looked for by its marker first: creating tasks is not
idempotent anywhere. Of versions that come together the newest opens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from adapters.base import TaskTaker
from adapters.errors import AdapterError
from adapters.values import BatchResult, Outcome, Status, Task
from connector import clock
from connector.failpoints import failpoint
from connector.responses.ledger import Entry
from connector.responses.steps import Delivery, Settlement
from connector.responses.work import DONE, Work, chunks, each_outcome

Asked = tuple[Delivery, Task]
UNCHANGED = "unchanged"


def task(work: Work, every: Sequence[tuple[Delivery, str]]) -> None:
    """Open a task for every one of these (delivery, remote id of its contact's record)."""
    unknown = [pair for pair in every if not _is_known(work, pair[0])]
    asked = [(one, task_of(one, remote_id)) for one, remote_id in unknown]
    newest = {told.marker: (one, told) for one, told in sorted(asked, key=_rank)}
    for part in chunks(list(newest.values()), work.known.traits.task_batch or 1):
        _open(work, part)
    for one, told in asked:
        opener, _ = newest[told.marker]
        if one is not opener and work.is_done(opener):
            work.done(one, work.results.settlements[opener.id].remote_id, code=UNCHANGED)


def _rank(asked: Asked) -> tuple[Any, ...]:
    return asked[0].rank.order


def _is_known(work: Work, one: Delivery) -> bool:
    """Whether another version has opened it: it stays, whatever somebody has made of it since."""
    remote_id = work.known.opened.get(one.payload["marker"])
    if remote_id is not None:
        work.done(one, remote_id, code=UNCHANGED)
    return remote_id is not None


def task_of(one: Delivery, remote_id: str) -> Task:
    """The task that a delivery asks for. It is due by the day on which it is opened."""
    payload = one.payload
    return Task(
        key=str(one.id),
        remote_id=remote_id,
        marker=payload["marker"],
        title=payload["title"],
        text=payload["text"],
        due=clock.now().date() + timedelta(days=int(payload["due_in_days"])),
        owner=payload["owner"],
    )


def _open(work: Work, part: Sequence[Asked]) -> None:
    if work.is_over:
        return
    entity = part[0][0].entity
    try:
        fresh = _not_there(work, entity, part)
    except AdapterError as exc:
        work.failed([one for one, _ in part], exc)
        return
    if not fresh:
        return

    def send() -> BatchResult:
        with work.caller.writing():
            tasks = [asked for _, asked in fresh]
            result = work.caller.call(lambda crm: _taker(crm).task(entity, tasks))
        failpoint("task_sent")
        return result

    each_outcome(work, [one for one, _ in fresh], send, lambda one, told: _opened(work, one, told))


def _not_there(work: Work, entity: str, part: Sequence[Asked]) -> list[Asked]:
    doubtful = [asked for one, asked in part if one.may_have_been_sent or one.rank.revision > 1]
    if not doubtful:
        return list(part)
    found = work.caller.ask(lambda crm: _taker(crm).tasked(entity, doubtful))
    for one, asked in part:
        if asked.key in found:
            _opened(work, one, Outcome(asked.key, Status.UNCHANGED, remote_id=found[asked.key]))
    return [(one, asked) for one, asked in part if asked.key not in found]


def _opened(work: Work, one: Delivery, outcome: Outcome) -> None:
    unchanged = UNCHANGED if outcome.status is Status.UNCHANGED else None
    remote_id, marker = outcome.remote_id or "", one.payload["marker"]
    work.results.entries.append(
        Entry(one.id, one.entity, remote_id, "task", None, marker, created=True)
    )
    work.results.settle(Settlement(one.id, DONE, code=unchanged, remote_id=remote_id))


def _taker(crm: object) -> TaskTaker:
    """The adapter as one that takes tasks; plan makes no step that its app cannot take."""
    if not isinstance(crm, TaskTaker):
        message = "the adapter takes no tasks"
        raise TypeError(message)
    return crm
