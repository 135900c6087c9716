"""Files: uploaded, then attached to an internal comment: of the contact's note ticket, or of the
ticket that a mapping has made.

An upload that no comment takes up is deleted by Zendesk itself after an hour, so only the comment
has to be looked for, by its marker.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from adapters.errors import OutcomeUnknown
from adapters.values import Account, Attachment, Note, Outcome
from adapters.zendesk.answers import RecordGone
from adapters.zendesk.client import Client
from adapters.zendesk.noting import NoteDesk
from adapters.zendesk.rows import one_by_one
from adapters.zendesk.traits import TICKETS


def filed(client: Client, account: Account, entity: str, file: Attachment) -> str | None:
    """The port's `filed`: two calls, one for a ticket."""
    desk = NoteDesk(client, account)
    if entity == TICKETS:
        return desk.said_in(file.remote_id, file.note)
    return desk.noted((file.note,)).get(file.key)


def file(client: Client, account: Account, entity: str, one: Attachment) -> Outcome:
    """The port's `file`: three calls, two for a ticket."""
    desk = NoteDesk(client, account)

    def act(note: Note) -> Outcome:
        uploads = (_uploaded(client, one),)
        if entity == TICKETS:
            return desk.say_in(note.remote_id, note, uploads)
        return desk.note_one(note, uploads)

    (outcome,) = one_by_one((one.note,), act)
    return outcome


def link(client: Client, note_id: str) -> str | None:
    """The address of the file that a comment carries; the ticket may have been deleted."""
    ticket, _, comment = note_id.partition("/")
    try:
        told = client.get(f"tickets/{ticket}/comments.json")
    except RecordGone:
        return None
    for one in told.get("comments") or ():
        if str(one.get("id")) == comment:
            for each in one.get("attachments") or ():
                return str(each["content_url"])
    return None


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
