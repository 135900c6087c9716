"""Files: uploaded into a folder of ours, then attached by notes to their contacts, 100 a call.

An upload is repeated without harm: its name is random and ours, and `overwrite` replaces a file of
the same name and folder. So only the note has to be looked for, by its marker.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from urllib3 import encode_multipart_formdata

from adapters.hubspot import notes
from adapters.hubspot.client import Client
from adapters.values import Attachment, BatchResult, Outcome, Status, Uploaded

# The files API has no dated name yet that we have seen documented (2026-11).
UPLOAD = "/files/v3/files"
FOLDER = "/answerback"
OPTIONS = {
    # Only who is signed in to the portal may open it.
    "access": "PRIVATE",
    "overwrite": True,
    "duplicateValidationStrategy": "NONE",
    "duplicateValidationScope": "EXACT_FOLDER",
}
# This file is refused, the next one need not be.
REFUSED = frozenset({400, 413, 415})


def filed(client: Client, entity: str, file: Attachment) -> str | None:
    """The port's `filed`: the note that carries the file."""
    return notes.noted(client, entity, (file.note,)).get(file.key)


def file(client: Client, entity: str, one: Attachment) -> Outcome | Uploaded:
    """The port's `file`: one call, which attaches nothing yet."""
    notes.check(entity)
    file_id = _uploaded(client, one)
    if file_id is None:
        text = "HubSpot refuses this file: its type or its size"
        return Outcome(one.key, Status.REJECTED, code="file_refused", message=text)
    return Uploaded(replace(one, content=b""), file_id)


def enclose(client: Client, entity: str, files: Sequence[Uploaded]) -> BatchResult:
    """The port's `enclose`: a note each, all by one call."""
    carried = {one.file.key: one.upload_id for one in files}
    return notes.note(client, entity, [one.file.note for one in files], files=carried)


def link(client: Client, note_id: str) -> str | None:
    """The address of the file that a note carries; only who is signed in to the portal may open
    it.
    """
    for file_id in notes.carried(client, (note_id,)).get(note_id, ()):
        path = f"{UPLOAD}/{{id}}"
        answer = client.call("GET", path, params={"id": file_id}, seen=frozenset({notes.ABSENT}))
        if answer.status != notes.ABSENT and answer.body.get("url"):
            return str(answer.body["url"])
    return None


def _uploaded(client: Client, one: Attachment) -> str | None:
    """The id of the uploaded file; None when HubSpot refuses it."""
    body, content_type = encode_multipart_formdata(
        {
            "file": (one.stored_name, one.content, one.content_type),
            "fileName": one.stored_name,
            "folderPath": FOLDER,
            "options": json.dumps(OPTIONS),
        }
    )
    answer = client.call(
        "POST", UPLOAD, body=body, content_type=content_type, seen=REFUSED, writes=True
    )
    return None if answer.status in REFUSED else str(answer.body["id"])
