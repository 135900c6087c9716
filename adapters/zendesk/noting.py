"""Notes: one internal, solved ticket per contact and campaign, later responses as its comments.

The ticket is known from an earlier note, or found by its external id (a list, not the search: it
knows what was written); a note in it by its marker. A user's own `notes` field has no history and
no place for a marker. First notes are opened a hundred a job: a ticket is then the note's id, since
a job does not tell the comment's.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from adapters.errors import BrokenContract, OutcomeUnknown, StillRunning
from adapters.values import Account, BatchResult, Note, Outcome, Retraction, Started, Status
from adapters.zendesk import jobs
from adapters.zendesk.answers import Forbidden, RecordGone, RowRefused
from adapters.zendesk.client import Client, object_of, reaching
from adapters.zendesk.rows import one_by_one

TAGS = ("npstoday",)
PREFIX = "answerback-"
IDEMPOTENCY = "Idempotency-Key"
ID_LIMIT = 255
# Behind the marker of a note in the comment that says that its response is deleted.
MARK = "-deleted"
# A job costs its own call and at least one poll: up to here single calls are as cheap and faster.
SINGLE_UP_TO = 2
ALLOWED = "bulk_notes"
JOBS_AGAIN_S = 15.0
# A thousand jobs an hour are more than the limit of thirty at a time lets through.
JOB_PAGES = 10
RUNNING = frozenset({"queued", "working"})
# Who this account lets a solved ticket be assigned to: a user's number, "" where it asks for
# nobody, "open" where none of ours can be solved. The connection's test learns the connected user.
ASSIGNEE, NOBODY, OPEN = "note_assignee", "", "open"
# The hub's word for what nobody can take back.
NOT_RETRACTABLE = "not_retractable"
TICKET_CLOSED = "ticket_closed"
CLOSED = "the ticket is closed, and Zendesk takes no comment there any more: look at its file there"
ABOUT_ASSIGNEE = frozenset({"assignee_id", "assignee", "group_id", "group", "status"})


class NoteDesk:
    """The note calls of one job."""

    def __init__(self, client: Client, account: Account) -> None:
        self.client, self.account = client, account
        self.api: Any = client.zenpy.tickets
        self.assignee = str(account.learnt.get(ASSIGNEE, NOBODY))
        self._opening: bool | None = None
        # What a look has just read of a thread, for the note that follows it.
        self._read: dict[str, list[Any]] = {}

    def noted(self, notes: Sequence[Note]) -> dict[str, str]:
        """The port's `noted`. Raises StillRunning while a job may be writing one of them."""
        # Asked first: a job that ends between the two has its tickets there at the look. And once:
        # every job that can hold one of these was begun before this desk was made.
        if self._opening is None:
            self._opening = self._is_opening()
        found = self._found(notes)
        if self._opening and len(found) < len({one.key for one in notes}):
            message = "Zendesk is still opening tickets"
            raise StillRunning(message, wait_s=JOBS_AGAIN_S)
        return found

    def start(self, notes: Sequence[Note]) -> Started | BatchResult:
        """The port's `start_notes`: one job."""
        if len(notes) <= SINGLE_UP_TO or not self.account.learnt.get(ALLOWED, True):
            return BatchResult(())
        try:
            with reaching():
                job = self.api.create([self._ticket_of(one, ()) for one in notes])
        except Forbidden:
            return BatchResult((), learnt={ALLOWED: False})
        except OutcomeUnknown as exc:
            raise OutcomeUnknown(str(exc), wait_s=jobs.LOOK_AFTER_S, code=exc.code) from exc
        rows = [jobs.Waiting(one.key) for one in notes]
        return jobs.started(self.account, jobs.Handle(str(job.id), "tickets", jobs.NOTES, rows))

    def collect(self, handle: jobs.Handle) -> BatchResult | Started:
        """The outcomes of a job that opens tickets, or the next poll."""
        told = jobs.results_of(self.client, handle)
        if told is None:
            return jobs.polled_again(handle)
        outcomes = jobs.outcomes_of(handle, told, None)
        named = (replace(one, remote_id=_note_id(one.remote_id or "", "")) for one in outcomes)
        return BatchResult(tuple(named), learnt=jobs.learnt_from(handle))

    def note(self, notes: Sequence[Note]) -> BatchResult:
        """The port's `note`."""
        outcomes = one_by_one(notes, self.note_one)
        known = self.assignee == str(self.account.learnt.get(ASSIGNEE, NOBODY))
        return BatchResult(outcomes, learnt={} if known else {ASSIGNEE: self.assignee})

    def retract(self, things: Sequence[Retraction]) -> BatchResult:
        """The port's `retract`: no comment of a ticket can be deleted, a further one marks it."""
        marks = [_mark_of(one) for one in things]
        found = self._found(marks)
        fresh = [one for one in marks if one.key not in found]
        done = {one.key: one for one in one_by_one(fresh, self.note_one)}
        return BatchResult(tuple(_marked(one, done, found) for one in marks))

    def said_in(self, ticket: str, note: Note) -> str | None:
        """The comment of this ticket that has the note's marker: one call. None where there is
        none, or no such ticket.
        """
        try:
            return dict(self._found_in(ticket, [note])).get(note.key)
        except RecordGone:
            return None

    def say_in(self, ticket: str, note: Note, uploads: Sequence[str] = ()) -> Outcome:
        """One comment of a ticket that is not ours to choose, with the files of these upload
        tokens.
        """
        audit = self._comment(ticket, note, uploads)
        told = _note_id(ticket, _said(audit))
        return Outcome(note.key, Status.WRITTEN, remote_id=told, created=True)

    def retract_in(self, things: Sequence[Retraction]) -> BatchResult:
        """The port's `retract` of files on tickets that mappings have made: a comment there. A
        closed ticket takes none any more.
        """
        marks = [(_mark_of(one), one.found.partition("/")[0]) for one in things]
        return BatchResult(tuple(self._marked_in(mark, ticket) for mark, ticket in marks))

    def _marked_in(self, mark: Note, ticket: str) -> Outcome:
        found = self.said_in(ticket, mark)
        if found:
            return Outcome(mark.key, Status.UNCHANGED, remote_id=found)
        (outcome,) = one_by_one((mark,), lambda note: self.say_in(ticket, note))
        if outcome.code == "not_found":
            return Outcome(mark.key, Status.UNCHANGED)
        if outcome.code == TICKET_CLOSED:
            return replace(outcome, code=NOT_RETRACTABLE, message=CLOSED)
        return _marked(mark, {mark.key: outcome}, {})

    def _found(self, notes: Sequence[Note]) -> dict[str, str]:
        found: dict[str, str] = {}
        for thread in dict.fromkeys(one.thread for one in notes):
            wanted = [one for one in notes if one.thread == thread]
            self._read[thread] = self._tickets(thread)
            for ticket in self._read[thread]:
                found.update(self._found_in(str(ticket.id), wanted))
        return found

    def note_one(self, note: Note, uploads: Sequence[str] = ()) -> Outcome:
        """One note, with the files of these upload tokens."""
        audit = self._joined(note, uploads) if note.earlier else None
        if audit is None:
            first = note.is_first
            audit = self._open(note, uploads) if first else self._looked_up(note, uploads)
        return Outcome(
            note.key,
            Status.WRITTEN,
            remote_id=_note_id(str(audit.ticket.id), _said(audit)),
            created=True,
        )

    def _joined(self, note: Note, uploads: Sequence[str]) -> Any:
        """The ticket we know of with this note in it; None when it is gone or takes none."""
        try:
            return self._comment(str(note.earlier).partition("/")[0], note, uploads)
        except (RecordGone, RowRefused):
            return None

    def _looked_up(self, note: Note, uploads: Sequence[str]) -> Any:
        # A closed ticket takes no comment any more: the next note opens a new one. So it does where
        # the ticket is another person's: another installation may use the same numbers.
        living = [
            one
            for one in self._known_tickets(note.thread)
            if one.status != "closed" and str(one.requester_id) == note.remote_id
        ]
        if living:
            return self._comment(str(living[0].id), note, uploads)
        return self._open(note, uploads)

    def _open(self, note: Note, uploads: Sequence[str]) -> Any:
        """A new ticket. The header makes Zendesk answer the first one again, where it knows it
        (unverified); the external id finds it in any case.
        """
        headers = self.client.session.headers
        headers[IDEMPOTENCY] = note.marker.replace(" ", "")[:ID_LIMIT]
        try:
            return self._created(note, uploads)
        except RowRefused as exc:
            if exc.field == "requester_id":
                # The person was deleted, or merged into another, since we read them.
                raise RecordGone from exc
            raise
        finally:
            del headers[IDEMPOTENCY]

    def _created(self, note: Note, uploads: Sequence[str]) -> Any:
        refused = RowRefused("refused", "assignee_id")
        for assignee in self._assignees():
            self.assignee = assignee
            try:
                return self.api.create(self._ticket_of(note, uploads))
            except RowRefused as exc:
                if exc.field not in ABOUT_ASSIGNEE:
                    raise
                refused = exc
        raise refused

    def _assignees(self) -> Iterator[str]:
        """Who was taken before, the connected user, nobody, and nobody in a ticket left open. "A
        ticket must have an assignee in order to be solved" (vendor's documentation of 2012, as its
        Ruby client shipped it); an agent who is in no group cannot be one (zenpy issue 628).
        """
        known = self.assignee
        yield known
        me = str(self.client.zenpy.users.me().to_dict()["id"])
        yield from (one for one in (me, NOBODY, OPEN) if one != known)

    def _ticket_of(self, note: Note, uploads: Sequence[str]) -> Any:
        body = _ticket_of(note, uploads)
        if self.assignee == OPEN:
            del body["status"]
        elif self.assignee != NOBODY:
            body["assignee_id"] = int(self.assignee)
        return object_of("ticket", body)

    def _comment(self, ticket: str, note: Note, uploads: Sequence[str]) -> Any:
        body = {"id": int(ticket), "comment": _comment_of(note, uploads)}
        return self.api.update(object_of("ticket", body))

    def _known_tickets(self, thread: str) -> list[Any]:
        """Its tickets, as the look right before it has read them."""
        read = self._read.pop(thread, None)
        return self._tickets(thread) if read is None else read

    def _tickets(self, thread: str) -> list[Any]:
        # zenpy does not encode the value.
        return list(self.api(external_id=quote(_external_id(thread), safe="")))

    def _is_opening(self) -> bool:
        """Whether a job of the account that makes tickets is queued or working; where the list of
        jobs cannot be seen (unverified who may) nobody knows, and waiting for ever helps nobody.
        """
        try:
            return any(_is_opening(one) for one in self._jobs())
        except (Forbidden, RecordGone, BrokenContract):
            return False

    def _jobs(self) -> Iterator[Mapping[str, Any]]:
        """The account's jobs of the last hour or so, which of them first is not said."""
        for number in range(1, JOB_PAGES + 1):
            asked = {"page": str(number)} if number > 1 else {}
            told = self.client.get("job_statuses.json", **asked)
            yield from told.get("job_statuses") or ()
            if not told.get("next_page"):
                return

    def _found_in(self, ticket: str, notes: Sequence[Note]) -> Iterator[tuple[str, str]]:
        said = [(str(one.id), _text_of(one)) for one in self.api.comments(int(ticket))]
        for note in notes:
            held = next((number for number, text in said if note.marker in text), None)
            if held is not None:
                yield note.key, _note_id(ticket, held)


def _is_opening(job: Mapping[str, Any]) -> bool:
    is_about_tickets = "ticket" in str(job.get("job_type", "ticket")).lower()
    return job.get("status") in RUNNING and is_about_tickets


def _mark_of(one: Retraction) -> Note:
    marker = f"{one.note.marker}{MARK}"
    text = f"✗ {one.note.marker}"
    page = f"<p>{html.escape(text)}</p><p>ref: {html.escape(marker)}</p>"
    return replace(
        one.note,
        key=one.key,
        marker=marker,
        text=f"{text}\nref: {marker}",
        html=page,
        earlier=one.found,
        is_first=False,
    )


def _marked(note: Note, done: Mapping[str, Outcome], found: Mapping[str, str]) -> Outcome:
    if note.key in found:
        return Outcome(note.key, Status.UNCHANGED, remote_id=found[note.key])
    outcome = done[note.key]
    left = {"left": outcome.remote_id} if outcome.status is Status.WRITTEN else {}
    return replace(outcome, detail={**outcome.detail, **left})


def _ticket_of(note: Note, uploads: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "subject": note.title,
        "requester_id": int(note.remote_id),
        "comment": _comment_of(note, uploads),
        "status": "solved",
        "tags": list(TAGS),
        "external_id": _external_id(note.thread),
    }


def _comment_of(note: Note, uploads: Sequence[str]) -> Any:
    body: dict[str, Any] = {"html_body": note.html, "public": False}
    if uploads:
        body["uploads"] = list(uploads)
    return object_of("comment", body)


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
