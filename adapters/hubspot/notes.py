"""Notes: created in batches with their contact, found again through the contact by their marker."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import UTC
from types import MappingProxyType
from typing import Any

from adapters.base import BatchResult, Note
from adapters.errors import BrokenContract
from adapters.hubspot.associations import linked
from adapters.hubspot.client import Client
from adapters.hubspot.refusals import check_complete
from adapters.hubspot.traits import API, ROWS
from adapters.hubspot.writing import outcomes_of, send

NOTES = "notes"
# HubSpot's own type ids of "note to ..." (associations guide, 2026-11).
LINKS = {"contacts": 202, "companies": 190, "deals": 214}


def check(entity: str) -> None:
    """Raises BrokenContract where records of this kind take no notes."""
    if entity not in LINKS:
        message = f"HubSpot takes no notes for {entity} from here"
        raise BrokenContract(message, code="notes_not_possible")


def note(
    client: Client,
    entity: str,
    notes: Sequence[Note],
    *,
    files: Mapping[str, str] = MappingProxyType({}),
) -> BatchResult:
    """The port's `note`. `files`: key of a note -> id of the uploaded file that it carries."""
    check(entity)
    path = f"/crm/objects/{API}/{{object}}/batch/create"
    inputs = [_input(entity, one, files.get(one.key)) for one in notes]
    answer = send(client, path, entity=NOTES, inputs=inputs, rows=len(notes))
    keys = {one.key: frozenset({one.key}) for one in notes}
    return BatchResult(outcomes_of(answer, keys, created=True))


def noted(client: Client, entity: str, notes: Sequence[Note]) -> Mapping[str, str]:
    """The port's `noted`: all notes of these contacts are read, two calls for most."""
    found = linked(client, entity, NOTES, sorted({one.remote_id for one in notes}))
    bodies = _bodies(client, sorted({each for ids in found.values() for each in ids}))
    return {
        one.key: note_id
        for one in notes
        for note_id in found.get(one.remote_id, ())
        if one.marker in bodies.get(note_id, "")
    }


def _input(entity: str, one: Note, file_id: str | None) -> Mapping[str, Any]:
    at = one.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    link = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": LINKS[entity]}
    carries = {"hs_attachment_ids": file_id} if file_id else {}
    return {
        "objectWriteTraceId": one.key,
        "properties": {"hs_timestamp": at, "hs_note_body": one.html, **carries},
        "associations": [{"to": {"id": one.remote_id}, "types": [link]}],
    }


def _bodies(client: Client, ids: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(ids), ROWS):
        body = {
            "properties": ["hs_note_body"],
            "propertiesWithHistory": [],
            "inputs": [{"id": one} for one in ids[start : start + ROWS]],
        }
        path = f"/crm/objects/{API}/{{object}}/batch/read"
        told = client.call("POST", path, params={"object": NOTES}, body=body).body
        check_complete(told)
        for one in told.get("results") or ():
            text = (one.get("properties") or {}).get("hs_note_body") or ""
            # HubSpot may write the markup anew; the marker itself is plain text.
            found[str(one["id"])] = html.unescape(str(text))
    return found
