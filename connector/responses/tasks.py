"""Something for a person to do about a contact, opened in the CRM by an automation. Pure.

A response opens a task once, however often it is edited: its marker is the same, and who works on
it has it already. When the score changes afterwards, or the response is deleted, the task stays: it
is somebody's work by now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

from connector.responses.case import AutomationFacts, Case, ConnectionFacts, Draft
from connector.responses.standard import match_as_fed
from connector.responses.steps import TASK, Step, contact_lane
from connector.responses.wording import worded

TASKS = UUID("0d5b7a52-6a0e-4d4b-9a4f-6f0f0a7b3c11")
LONGEST_TITLE, LONGEST_TEXT = 200, 8_000
DUE_IN_DAYS = 2
TITLE = "{campaign.name}: {computed.score}, {contact.name}"


def task_steps(
    draft: Draft,
    automation: AutomationFacts,
    action: Mapping[str, Any],
    connections: Iterable[ConnectionFacts],
) -> None:
    """The THEN action `task`, at these connections."""
    for connection in connections:
        match = match_as_fed(draft, connection)
        if connection.traits.task_batch and match is not None:
            draft.add(_step(draft, automation, action, connection=connection, match=match))
        else:
            draft.verdicts[f"task:{connection.id}"] = "no_match" if match is None else "no_tasks"


def _step(
    draft: Draft,
    automation: AutomationFacts,
    action: Mapping[str, Any],
    *,
    connection: ConnectionFacts,
    match: Mapping[str, str],
) -> Step:
    case, place = draft.case, automation.body["then"].index(action)
    return Step(
        key=f"task:{automation.id}:{place}:{connection.id}",
        kind=TASK,
        connection_id=connection.id,
        linger_s=connection.linger_s,
        entity=connection.traits.contact_entity,
        lane=contact_lane(draft.person.id),
        payload={
            "match": match,
            "linked": True,
            "marker": str(uuid5(TASKS, f"{automation.id}:{place}:{case.key}")),
            "title": _title(case, action),
            "text": worded(action.get("text", ""), case.variables)[:LONGEST_TEXT],
            "due_in_days": action.get("due_in_days", DUE_IN_DAYS),
            "owner": action.get("owner", ""),
        },
        automation_id=automation.id,
        campaign_id=case.campaign.id if case.campaign else None,
        state="parked" if connection.waits else "pending",
        reason=connection.waits,
    )


def _title(case: Case, action: Mapping[str, Any]) -> str:
    text = worded(action.get("subject") or TITLE, case.variables)
    return " ".join(text.split())[:LONGEST_TITLE]
