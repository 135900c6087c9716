"""Tasks for people: a ticket of the type *task* each, with a due date, found again by its external
id (a list, not the search: it knows what was written).

Its first comment is internal, so the person it is about is not written to. Zendesk keeps nobody who
looks after a person: a task that names no agent is assigned to nobody, and the account's own rules
and views decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from adapters.values import BatchResult, Outcome, Status, Task
from adapters.zendesk.answers import RecordGone, RowRefused
from adapters.zendesk.client import Client, object_of
from adapters.zendesk.noting import TAGS
from adapters.zendesk.rows import one_by_one

PREFIX = "answerback-task-"


def task(client: Client, tasks: Sequence[Task]) -> BatchResult:
    """The port's `task`: a call each."""
    return BatchResult(one_by_one(tasks, lambda one: _open(client, one)))


def tasked(client: Client, tasks: Sequence[Task]) -> dict[str, str]:
    """The port's `tasked`: a call each. Solved and closed ones count: somebody has done them."""
    found: dict[str, str] = {}
    for one in tasks:
        # zenpy does not encode the value.
        for ticket in client.zenpy.tickets(external_id=quote(_external_id(one), safe="")):
            # Another installation may use the same numbers.
            if str(ticket.requester_id) == one.remote_id:
                found.setdefault(one.key, str(ticket.id))
    return found


def _open(client: Client, one: Task) -> Outcome:
    try:
        audit = client.zenpy.tickets.create(object_of("ticket", _ticket_of(one)))
    except RowRefused as refused:
        if refused.field == "requester_id":
            # The person was deleted, or merged into another, since we read them.
            raise RecordGone from refused
        raise
    return Outcome(one.key, Status.WRITTEN, remote_id=str(audit.ticket.id), created=True)


def _ticket_of(one: Task) -> dict[str, Any]:
    body = f"{one.text}\nref: {one.marker}".strip()
    ticket: dict[str, Any] = {
        "type": "task",
        "subject": one.title,
        "requester_id": int(one.remote_id),
        "comment": object_of("comment", {"body": body, "public": False}),
        "due_at": f"{one.due.isoformat()}T12:00:00Z",
        "tags": list(TAGS),
        "external_id": _external_id(one),
    }
    if one.owner:
        if not one.owner.isdigit():
            code, field = "invalid_value", "assignee_id"
            raise RowRefused(code, field)
        ticket["assignee_id"] = int(one.owner)
    return ticket


def _external_id(one: Task) -> str:
    return f"{PREFIX}{one.marker}"
