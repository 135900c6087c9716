"""Files: uploaded, then attached to a comment of the contact's note ticket.

An upload that no comment takes up is deleted by Zendesk itself after an hour, so only the comment
has to be looked for, by its marker.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from adapters.base import Account, Attachment, Note, Outcome
from adapters.errors import OutcomeUnknown
from adapters.zendesk.client import Client
from adapters.zendesk.noting import NoteDesk
from adapters.zendesk.rows import one_by_one


def filed(client: Client, account: Account, file: Attachment) -> str | None:
    """The port's `filed`: two calls."""
    return NoteDesk(client, account).noted((file.note,)).get(file.key)


def file(client: Client, account: Account, one: Attachment) -> Outcome:
    """The port's `file`: three calls."""

    def act(note: Note) -> Outcome:
        return NoteDesk(client, account).note_one(note, (_uploaded(client, one),))

    (outcome,) = one_by_one((one.note,), act)
    return outcome


def _uploaded(client: Client, one: Attachment) -> str:
    """The token by which a comment takes the upload up."""
    # zenpy's own upload wants a file on disk or guesses the name.
    url = f"{client.origin}/api/v2/uploads.json?filename={quote(one.name, safe='')}"
    headers = {"Content-Type": one.content_type}
    told: dict[str, Any] = client.session.post(url, data=one.content, headers=headers).json()
    token = (told.get("upload") or {}).get("token")
    if not isinstance(token, str) or not token:
        message = "Zendesk's answer to an upload has no token"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return token
