"""A step for every file of a response, at each CRM that is fed with its contact. Pure.

A file that is still being fetched parks its steps (`file`); one that cannot be had makes dead steps
that say why, so that somebody sees it where they look for the answer.
"""

from __future__ import annotations

from typing import Any

from connector.responses.case import ConnectionFacts, Draft
from connector.responses.filefacts import FileFacts
from connector.responses.standard import at, match_as_fed
from connector.responses.steps import FILE, Step, contact_lane

WAITS = "file"
REMOVED = "file_removed"
REMOVED_TEXT = "the file has been deleted here: files are kept for their time only"


def file_steps(draft: Draft) -> None:
    """Files go where the contact is fed, unless the connection's own switch is off."""
    for connection in at(draft, draft.fed):
        takes = connection.traits.file_limit is not None
        match = match_as_fed(draft, connection)
        if takes and match is not None and connection.standard.get("files", True):
            for one in draft.case.files:
                draft.add(_step(draft, connection, one, match=match))


def _step(
    draft: Draft, connection: ConnectionFacts, one: FileFacts, *, match: dict[str, str]
) -> Step:
    campaign = draft.case.campaign
    state, reason = _state(connection, one)
    failed = state == "dead"
    return Step(
        key=f"file:{connection.id}:{one.place}:{one.answer}",
        kind=FILE,
        connection_id=connection.id,
        linger_s=connection.linger_s,
        entity=connection.traits.contact_entity,
        lane=contact_lane(draft.person.id),
        payload={
            "match": match,
            "linked": True,
            "file": one.id,
            "answer": one.answer,
            "question": _question(draft, one),
            "title": _title(draft),
            "thread": f"{draft.person.id}-{campaign.id if campaign else 0}",
        },
        campaign_id=campaign.id if campaign else None,
        state=state,
        reason=reason,
        error_code=(one.reason or REMOVED) if failed else None,
        error=(one.error or REMOVED_TEXT) if failed else None,
        error_field=one.answer if failed else None,
    )


def _state(connection: ConnectionFacts, one: FileFacts) -> tuple[str, str | None]:
    if one.state in {"failed", "removed"}:
        return "dead", WAITS
    if connection.waits:
        return "parked", connection.waits
    return ("pending", None) if one.state == "fetched" else ("parked", WAITS)


def _question(draft: Draft, one: FileFacts) -> str:
    answer: dict[str, Any] = draft.case.body["answers"][one.answer]
    return str(answer.get("title") or one.answer)


def _title(draft: Draft) -> str:
    body = draft.case.body
    for named in (body.get("campaign") or {}, body.get("survey") or {}):
        if named.get("name") or named.get("id"):
            return str(named.get("name") or named["id"])
    return str(body["response_id"])
