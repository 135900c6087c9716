"""Notes: one internal, solved ticket per contact and campaign, later responses as its comments.

The ticket is found by its external id (a list, not the search: it knows what was written), a note
in it by its marker. A user's own `notes` field has no history and no place for a marker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

from adapters.base import BatchResult, Note, Outcome, Status
from adapters.zendesk.client import Client, object_of
from adapters.zendesk.rows import one_by_one

TAGS = ("npstoday",)
PREFIX = "answerback-"
IDEMPOTENCY = "Idempotency-Key"
ID_LIMIT = 255


class NoteDesk:
    """The note calls of one job."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.api: Any = client.zenpy.tickets

    def noted(self, notes: Sequence[Note]) -> dict[str, str]:
        """The port's `noted`."""
        found: dict[str, str] = {}
        for thread in dict.fromkeys(one.thread for one in notes):
            wanted = [one for one in notes if one.thread == thread]
            for ticket in self._tickets(thread):
                found.update(self._found_in(str(ticket.id), wanted))
        return found

    def note(self, notes: Sequence[Note]) -> BatchResult:
        """The port's `note`."""
        return BatchResult(one_by_one(notes, self._note))

    def _note(self, note: Note) -> Outcome:
        # A closed ticket takes no comment any more: the next note opens a new one.
        living = [one for one in self._tickets(note.thread) if one.status != "closed"]
        audit = self._comment(living[0], note) if living else self._open(note)
        return Outcome(
            note.key,
            Status.WRITTEN,
            remote_id=_note_id(str(audit.ticket.id), _said(audit)),
            created=True,
        )

    def _open(self, note: Note) -> Any:
        """A new ticket. The header makes Zendesk answer the first one again, where it knows it
        (unverified); the external id finds it in any case.
        """
        body = {
            "subject": note.title,
            "requester_id": int(note.remote_id),
            "comment": _comment_of(note),
            "status": "solved",
            "tags": list(TAGS),
            "external_id": _external_id(note.thread),
        }
        headers = self.client.session.headers
        headers[IDEMPOTENCY] = note.marker.replace(" ", "")[:ID_LIMIT]
        try:
            return self.api.create(object_of("ticket", body))
        finally:
            del headers[IDEMPOTENCY]

    def _comment(self, ticket: Any, note: Note) -> Any:
        body = {"id": int(ticket.id), "comment": _comment_of(note)}
        return self.api.update(object_of("ticket", body))

    def _tickets(self, thread: str) -> Iterable[Any]:
        # zenpy does not encode the value.
        return list(self.api(external_id=quote(_external_id(thread), safe="")))

    def _found_in(self, ticket: str, notes: Sequence[Note]) -> Iterator[tuple[str, str]]:
        said = [(str(one.id), _text_of(one)) for one in self.api.comments(int(ticket))]
        for note in notes:
            held = next((number for number, text in said if note.marker in text), None)
            if held is not None:
                yield note.key, _note_id(ticket, held)


def _comment_of(note: Note) -> Any:
    return object_of("comment", {"html_body": note.html, "public": False})


def _said(audit: Any) -> str:
    """The id of the comment that a ticket's creation or update made."""
    events = getattr(audit.audit, "events", None) or ()
    told = [one if isinstance(one, dict) else one.to_dict() for one in events]
    return next((str(one["id"]) for one in told if one.get("type") == "Comment"), "")


def _text_of(comment: Any) -> str:
    told = comment.to_dict()
    return " ".join(str(told.get(name) or "") for name in ("plain_body", "html_body", "body"))


def _note_id(ticket: str, comment: str) -> str:
    return f"{ticket}/{comment}"


def _external_id(thread: str) -> str:
    return f"{PREFIX}{thread}"[:ID_LIMIT]
