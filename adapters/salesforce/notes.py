"""Notes as ContentNotes: what is sent, what came back, how a note is found again. Pure.

Never as tasks or events: those move Contact.LastActivityDate and with it the hub's own inactivity
trigger. The marker stands in the title, because a note's body cannot be asked for in a query.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simple_salesforce.format import format_soql

from adapters.salesforce.finding import ids_in, same_id
from adapters.salesforce.refusals import GONE, row_outcome
from adapters.salesforce.traits import API_VERSION
from adapters.values import Note, Outcome, Retraction, Row, Status
from schemas.salesforce import Complaint, Unreadable, complaints_in

MAX_TITLE = 255
_ROOT = f"/services/data/v{API_VERSION}"
_CREATED = 201
_HALTED = "PROCESSING_HALTED"


def links_query(notes: Sequence[Note]) -> str | None:
    """A query for all notes of these records; None when no record can have any."""
    ids = ids_in(one.remote_id for one in notes)
    if not ids:
        return None
    return format_soql(
        "SELECT ContentDocumentId, LinkedEntityId, ContentDocument.Title "
        "FROM ContentDocumentLink WHERE LinkedEntityId IN {}",
        ids,
    )


def found_in(links: Iterable[Mapping[str, Any]], notes: Sequence[Note]) -> dict[str, str]:
    """Key -> id of the note whose title holds the marker, on the right record."""
    found: dict[str, str] = {}
    for link in links:
        document = link.get("ContentDocument") or {}
        title, home = str(document.get("Title") or ""), same_id(str(link["LinkedEntityId"]))
        for note in notes:
            if note.marker in title and same_id(note.remote_id) == home:
                found.setdefault(note.key, str(link["ContentDocumentId"]))
    return found


def composite_of(notes: Sequence[Note]) -> dict[str, Any]:
    """One composite call that creates the notes and links each to its record, all or none."""
    calls: list[dict[str, Any]] = []
    for place, note in enumerate(notes):
        reference = f"note{place}"
        content = base64.b64encode(note.html.encode()).decode()
        body = {"Title": title_of(note), "Content": content}
        calls.append(_post("ContentNote", reference, body))
        link = {
            "ContentDocumentId": f"@{{{reference}.id}}",
            "LinkedEntityId": note.remote_id,
            "ShareType": "V",
        }
        calls.append(_post("ContentDocumentLink", f"link{place}", link))
    return {"allOrNone": True, "compositeRequest": calls}


def title_of(note: Note) -> str:
    """The title with the marker at its end, cut to what a title may hold."""
    tail = f" ({note.marker})"
    return note.title[: MAX_TITLE - len(tail)] + tail


def outcomes_of(answer: Any, notes: Sequence[Note]) -> tuple[Outcome, ...]:
    """One outcome per note. Raises Unreadable."""
    parts = answer.get("compositeResponse") if isinstance(answer, dict) else None
    if not isinstance(parts, list) or len(parts) != 2 * len(notes):
        message = "the composite answer does not hold two results per note"
        raise Unreadable(message)
    pairs = zip(notes, parts[::2], parts[1::2], strict=True)
    return tuple(_outcome(note, made, linked) for note, made, linked in pairs)


def retracted(
    one: Retraction,
    documents: Mapping[str, str | None],
    told: Mapping[str, Sequence[Complaint]],
) -> Outcome:
    """What became of one document that was to be deleted; one that is gone is as good."""
    document = documents[one.key]
    complaints = told.get(document or "", ())
    if document is None or any(each.code in GONE for each in complaints):
        return Outcome(one.key, Status.UNCHANGED, remote_id=one.found)
    if complaints:
        return row_outcome(Row(one.key, {}, one.found), tuple(complaints))
    return Outcome(one.key, Status.WRITTEN, remote_id=one.found)


def _outcome(note: Note, made: Mapping[str, Any], linked: Mapping[str, Any]) -> Outcome:
    if made["httpStatusCode"] == linked["httpStatusCode"] == _CREATED:
        return Outcome(note.key, Status.WRITTEN, str(made["body"]["id"]), created=True)
    own = [one for one in _complaints(made, linked) if one.code != _HALTED]
    if own:
        # The link's reference to a contact that is gone carries a field name: it is the note's
        # target that is missing.
        gone = {"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"}
        first = Complaint(own[0].code) if own[0].code in gone else own[0]
        return row_outcome(Row(note.key, {"Title": note.title}, note.remote_id), (first,))
    text = "another note of the same call was refused"
    return Outcome(note.key, Status.RETRY, code="rolled_back", message=text)


def _complaints(*parts: Mapping[str, Any]) -> list[Complaint]:
    return [each for one in parts for each in complaints_in(one.get("body"))]


def _post(entity: str, reference: str, body: dict[str, Any]) -> dict[str, Any]:
    url = f"{_ROOT}/sobjects/{entity}"
    return {"method": "POST", "url": url, "referenceId": reference, "body": body}
