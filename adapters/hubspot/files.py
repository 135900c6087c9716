"""Files: uploaded into a folder of ours, then attached by a note to their contact.

An upload is repeated without harm: its name is random and ours, and `overwrite` replaces a file of
the same name and folder. So only the note has to be looked for, by its marker.
"""

from __future__ import annotations

import json

from urllib3 import encode_multipart_formdata

from adapters.base import Attachment, Outcome, Status
from adapters.errors import BrokenContract
from adapters.hubspot import notes
from adapters.hubspot.client import Client
from adapters.hubspot.traits import API
from adapters.hubspot.writing import outcomes_of, send

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


def file(client: Client, entity: str, one: Attachment) -> Outcome:
    """The port's `file`: two calls."""
    if entity not in notes.LINKS:
        message = f"HubSpot takes no files for {entity} from here"
        raise BrokenContract(message, code="files_not_possible")
    file_id = _uploaded(client, one)
    if file_id is None:
        text = "HubSpot refuses this file: its type or its size"
        return Outcome(one.key, Status.REJECTED, code="file_refused", message=text)
    given = notes.input_of(entity, one.note, hs_attachment_ids=file_id)
    path = f"/crm/objects/{API}/{{object}}/batch/create"
    answer = send(client, path, entity=notes.NOTES, inputs=[given], rows=1)
    (outcome,) = outcomes_of(answer, {one.key: frozenset({one.key})}, created=True)
    return outcome


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
