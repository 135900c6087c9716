"""Notes: created in batches with their contact, found again through the contact by their marker,
and archived when their response is deleted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from datetime import UTC
from types import MappingProxyType
from typing import Any

from adapters.errors import BrokenContract
from adapters.hubspot.associations import linked
from adapters.hubspot.client import Client
from adapters.hubspot.refusals import check_complete
from adapters.hubspot.traits import API, ROWS
from adapters.hubspot.writing import outcomes_of, send
from adapters.values import BatchResult, Note, Outcome, Retraction, Status

NOTES = "notes"
ABSENT = 404
# HubSpot's own type ids of "note to ..." (associations guide, 2026-11).
LINKS = {"contacts": 202, "companies": 190, "deals": 214}


def check(entity: str) -> None:
    """Raises BrokenContract where records of this kind take no notes."""
    if entity not in LINKS and not _is_custom(entity):
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
    link = _link_to(client, entity)
    inputs = [_input(link, one, files.get(one.key)) for one in notes]
    answer = send(client, path, entity=NOTES, inputs=inputs, rows=len(notes))
    keys = {one.key: frozenset({one.key}) for one in notes}
    return BatchResult(outcomes_of(answer, keys, created=True))


def noted(client: Client, entity: str, notes: Sequence[Note]) -> Mapping[str, str]:
    """The port's `noted`: all notes of these contacts are read, two calls for most."""
    found = linked(client, entity, NOTES, sorted({one.remote_id for one in notes}))
    ids = sorted({each for held in found.values() for each in held})
    texts = bodies(client, NOTES, "hs_note_body", ids)
    return {
        one.key: note_id
        for one in notes
        for note_id in found.get(one.remote_id, ())
        if one.marker in texts.get(note_id, "")
    }


def retract(client: Client, things: Sequence[Retraction]) -> BatchResult:
    """The port's `retract`. The files go before the notes that name them: the other way round, a
    crash between the two would leave files that nobody finds again.
    """
    ids = sorted({one.found for one in things})
    standing = carried(client, ids)
    files = [one for one in things if one.is_file]
    for file_id in [each for one in files for each in standing.get(one.found, ())]:
        path = "/files/v3/files/{id}"
        client.call("DELETE", path, params={"id": file_id}, seen=frozenset({ABSENT}), writes=True)
    if standing:
        path = f"/crm/objects/{API}/{{object}}/batch/archive"
        body = {"inputs": [{"id": one} for one in standing]}
        client.call("POST", path, params={"object": NOTES}, body=body, writes=True)
    told = [Status.WRITTEN if one.found in standing else Status.UNCHANGED for one in things]
    return BatchResult(
        tuple(
            Outcome(one.key, status, remote_id=one.found)
            for one, status in zip(things, told, strict=True)
        )
    )


def carried(client: Client, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The notes that are there, each with the ids of the files that it carries."""
    body = {
        "properties": ["hs_attachment_ids"],
        "propertiesWithHistory": [],
        "inputs": [{"id": one} for one in ids],
    }
    path = f"/crm/objects/{API}/{{object}}/batch/read"
    told = client.call("POST", path, params={"object": NOTES}, body=body).body
    found = {}
    for one in told.get("results") or ():
        held = str((one.get("properties") or {}).get("hs_attachment_ids") or "")
        found[str(one["id"])] = [each for each in held.split(";") if each]
    return found


def _is_custom(entity: str) -> bool:
    """HubSpot lets notes be linked to every custom object (custom objects guide, 2026-11), of which
    these are the full names.
    """
    return re.fullmatch(r"p[0-9]+_.+", entity) is not None


def _link_to(client: Client, entity: str) -> Mapping[str, Any]:
    """How a note is linked to records of this kind: the type of a custom object differs from
    account to account, and only a note that is made with its link is found again by it.
    """
    if entity in LINKS:
        return {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": LINKS[entity]}
    path = f"/crm/associations/{API}/{{object}}/{{other}}/labels"
    told = client.call("GET", path, params={"object": NOTES, "other": entity}).body
    for one in told.get("results") or ():
        if one.get("label") is None:
            type_id = int(one["typeId"])
            return {"associationCategory": str(one["category"]), "associationTypeId": type_id}
    message = f"HubSpot links no notes to {entity}"
    raise BrokenContract(message, code="notes_not_possible")


def _input(link: Mapping[str, Any], one: Note, file_id: str | None) -> Mapping[str, Any]:
    at = one.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    carries = {"hs_attachment_ids": file_id} if file_id else {}
    return {
        "objectWriteTraceId": one.key,
        "properties": {"hs_timestamp": at, "hs_note_body": one.html, **carries},
        "associations": [{"to": {"id": one.remote_id}, "types": [dict(link)]}],
    }


def bodies(client: Client, kind: str, field: str, ids: Sequence[str]) -> Mapping[str, str]:
    """The texts of these notes or tasks, by id."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), ROWS):
        body = {
            "properties": [field],
            "propertiesWithHistory": [],
            "inputs": [{"id": one} for one in ids[start : start + ROWS]],
        }
        path = f"/crm/objects/{API}/{{object}}/batch/read"
        told = client.call("POST", path, params={"object": kind}, body=body).body
        check_complete(told)
        for one in told.get("results") or ():
            text = (one.get("properties") or {}).get(field) or ""
            # HubSpot may write the markup anew; the marker itself is plain text.
            found[str(one["id"])] = html.unescape(str(text))
    return found
