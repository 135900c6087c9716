"""Tasks for people: created in one collections call, found again by their marker. Pure.

A description cannot be asked for in a query, so all tasks of the person are read and looked
through. An open task moves nobody's LastActivityDate; a closed one does, and then somebody has done
something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simple_salesforce.format import format_soql

from adapters.salesforce.finding import ids_in, same_id
from adapters.salesforce.refusals import GONE, row_outcome
from adapters.salesforce.traits import OWNER
from adapters.values import Outcome, Row, Status, Task
from schemas.salesforce import Complaint, RowResult

TASK = "Task"
LONGEST_TITLE, LONGEST_TEXT = 255, 32_000
# By the first three signs of a record's id: whose owner can be asked for.
PEOPLE = {"003": "Contact", "00Q": "Lead"}


def links_query(tasks: Sequence[Task]) -> str | None:
    """A query for all tasks of these people; None when nobody can have any."""
    ids = ids_in(one.remote_id for one in tasks)
    if not ids:
        return None
    return format_soql("SELECT Id, WhoId, Description FROM Task WHERE WhoId IN {}", ids)


def found_in(held: Iterable[Mapping[str, Any]], tasks: Sequence[Task]) -> dict[str, str]:
    """Key -> id of the task whose description holds the marker, on the right person."""
    found: dict[str, str] = {}
    for one in held:
        text, who = str(one.get("Description") or ""), same_id(str(one.get("WhoId") or ""))
        for task in tasks:
            if task.marker in text and same_id(task.remote_id) == who:
                found.setdefault(task.key, str(one["Id"]))
    return found


def owner_queries(tasks: Sequence[Task]) -> list[str]:
    """The queries for who looks after the people whose task names nobody."""
    asked = [one.remote_id for one in tasks if not one.owner]
    queries = []
    for prefix, entity in PEOPLE.items():
        ids = ids_in(one for one in asked if one.startswith(prefix))
        if ids:
            query = f"SELECT Id, OwnerId FROM {entity} WHERE Id IN {{}}"  # noqa: S608 - a constant
            queries.append(format_soql(query, ids))
    return queries


def records_of(tasks: Sequence[Task], owners: Mapping[str, str]) -> dict[str, Any]:
    """The body of the collections call; each task alone."""
    return {"allOrNone": False, "records": [_record(one, owners) for one in tasks]}


def outcome_of(task: Task, told: RowResult) -> Outcome:
    """What became of one task."""
    if told.done:
        return Outcome(task.key, Status.WRITTEN, told.remote_id, created=True)
    # A reference to a person who is gone names its field: it is the task's person that is.
    own = tuple(Complaint(one.code) if one.code in GONE else one for one in told.complaints)
    return row_outcome(Row(task.key, {"Subject": task.title}, task.remote_id), own)


def _record(one: Task, owners: Mapping[str, str]) -> dict[str, Any]:
    owner = one.owner or owners.get(same_id(one.remote_id), "")
    tail = f"\nref: {one.marker}"
    return {
        "attributes": {"type": TASK},
        "WhoId": one.remote_id,
        "Subject": one.title[:LONGEST_TITLE],
        "Description": one.text[: LONGEST_TEXT - len(tail)] + tail,
        "Status": "Not Started",
        "ActivityDate": one.due.isoformat(),
        **({OWNER: owner} if owner else {}),
    }
