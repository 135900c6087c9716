"""The adapter port: what the hub asks of a CRM, the values that cross it, and the errors. Pure.

An adapter is `SomeCRM(account, wire, entities)`: who it is, how it reaches the network, and the
downloaded definitions of the entities it will touch (it needs them to turn canonical values into
the CRM's own form and back; see schemas/fields.py). It is made for one job, used by one thread and
thrown away. It does not retry, sleep, cache, start threads or log values: the limiter (a hook in
the wire) and the outbox decide.

The errors of a whole call are in adapters/errors.py; a row's own fault is never an exception but
its Outcome.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from schemas.fields import Entity, FieldValue

if TYPE_CHECKING:
    # Only for its name: the pure modules import this file and must not reach an HTTP client.
    from adapters.http import Wire
    from adapters.traits import Traits

# --- values -----------------------------------------------------------------------------------


class Operation(StrEnum):
    """What a batch does with its rows at the CRM."""

    CREATE = "create"
    UPDATE = "update"


class Status(StrEnum):
    """What became of one row."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Account:
    """Which account of the CRM, and how we may speak to it.

    `base_url` overrides the CRM's own address (sandbox, simulator); None means the CRM's address
    made from `settings` (for example Zendesk's subdomain) or `instance_url` (Salesforce's token
    answer). `token` is the access token or key. `learnt` is what the connection has learnt about
    the account (tag style kept, bulk allowed...): read-only here; an adapter reports news in
    `BatchResult.learnt`.
    """

    token: str = dataclasses.field(repr=False)
    base_url: str | None = None
    instance_url: str | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    learnt: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered the probe: the remote account and user, and what the admin should be told."""

    account_id: str
    account_name: str
    user_id: str = ""
    notes: tuple[str, ...] = ()
    learnt: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """One record read from the CRM: canonical values of the fields that were wanted.

    `updated_at` is the CRM's own time of last change where it tells one: a rule may choose the
    newest.
    """

    remote_id: str
    values: Mapping[str, FieldValue]
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a batch. `key` is ours (unique in the batch, at most 64 signs of [0-9A-Za-z-])
    and travels as trace id where the CRM has one. `remote_id` is set for an update, None for a
    create.
    """

    key: str
    values: Mapping[str, FieldValue]
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows for one (entity, operation), at most `Traits.write_batch` of them (a bulk
    job's: `Traits.bulk_batch`), no target twice.
    """

    entity: str
    operation: Operation
    rows: tuple[Row, ...]
    match_field: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row. `code` is a stable word, `message` plain text without values.

    `field` names the refused field where the CRM says it. `remote_id` is the record that now holds
    the row (the survivor's id after a merge). `detail` is adapter news about this row, for example
    the tag spelling kept.
    """

    key: str
    status: Status
    remote_id: str | None = None
    created: bool = False
    code: str = ""
    message: str = ""
    field: str | None = None
    detail: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """One outcome per row, in the batch's order. `learnt` is merged into the connection's learnt
    facts.
    """

    outcomes: tuple[Outcome, ...]
    learnt: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """The CRM works asynchronously: ask `Pollable.collect(handle)` after `poll_after_s` seconds.

    `handle` is JSON-native and holds all that `collect` needs (job id, keys in request order).
    """

    handle: Mapping[str, Any]
    poll_after_s: float
    learnt: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TagChange:
    """Replace one campaign's score tag on one record, where tags have an endpoint of their own.

    `spellings`: the new tag, one spelling per style in order of preference, already rendered by
    the codec; the first one that the account keeps is used. `owned`: every spelling of every score
    of this campaign; those present and not the new one are removed, after the new one stands. No
    other tag is touched. Without a spelling the campaign's tag is only removed. The outcome's
    `detail["tag"]` is the spelling kept, `detail["style"]` its index. `held`: the record's tags as
    `TagTaker.tagged` answered a moment ago; None when they are not known, and the adapter reads
    them.
    """

    key: str
    remote_id: str
    spellings: tuple[str, ...]
    owned: frozenset[str]
    held: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A readable note for one record. `marker` is unique per response and stands in the text, so
    that a note can be found again. `thread` names what later notes of the contact join where notes
    are tickets (contact and campaign). `text` is plain, `html` escaped; the adapter takes the one
    its CRM wants. `earlier`: the remote id of an earlier note of the thread, as `note` answered it;
    None when none is known. `is_first`: certainly nothing of the thread was ever sent, so that no
    earlier note need be looked for.
    """

    key: str
    remote_id: str
    marker: str
    title: str
    text: str
    html: str
    at: datetime
    thread: str
    earlier: str | None = None
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of an answer for one record. `marker` is random and unique per file: it is part of the
    file's name at the CRM's side, or stands beside it, so that the file can be found again.

    `name` is what people read, with its ending; `question` what was asked; `thread` as in a Note;
    `title` names a ticket that has to be opened for it.
    """

    key: str
    remote_id: str
    marker: str
    name: str
    content_type: str
    question: str
    title: str
    at: datetime
    thread: str
    content: bytes = dataclasses.field(repr=False)

    @property
    def stored_name(self) -> str:
        """The marker as a file name, with the ending of the file."""
        _, dot, ending = self.name.rpartition(".")
        return f"{self.marker}{dot}{ending}" if dot else self.marker

    @property
    def note(self) -> Note:
        """The note that carries the file where a file hangs on a note or a comment."""
        shown = f"{self.question}: {self.name}"
        page = f"<p>{html.escape(shown)}</p><p>ref: {self.marker}</p>"
        return Note(
            key=self.key,
            remote_id=self.remote_id,
            marker=self.marker,
            title=self.title,
            text=f"{shown}\nref: {self.marker}",
            html=page,
            at=self.at,
            thread=self.thread,
        )


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that the CRM has stored and that hangs on nothing yet. `file` holds no content any
    more; `upload_id` is the CRM's own.
    """

    file: Attachment
    upload_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody is told of a response: people read `title` and `text`, a system reads `told`.

    `id` stays the same however often it is sent. `event` is a word of ours (`response.completed`),
    `at` when it was answered, `to` e-mail addresses where the app needs them.
    """

    key: str
    id: str
    event: str
    at: datetime
    title: str = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)
    to: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    told: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Retraction:
    """A note or file of ours that is taken back, because its response is not there any more.

    `note` is the note as it was written, or the one that carries the file; `found` the remote id
    that `note`, `file` or `enclose` has told, or `noted` or `filed` has found.
    """

    key: str
    note: Note
    found: str
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """Something for a person to do about the contact whose record this is. `marker` is unique per
    response and automation and stands in the text, so that a task can be found again. `owner`: the
    CRM's own id of who is to do it, empty for whoever looks after the contact.
    """

    key: str
    remote_id: str
    marker: str
    title: str = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)
    due: date
    owner: str = ""


@dataclass(frozen=True, slots=True)
class TagOptions:
    """The tags a campaign needs as options of a choice field: its eleven scores, in this CRM's
    rendering. `field`: the number field it needs instead, where each campaign has one of its own.
    """

    campaign: str
    tags: tuple[str, ...]
    field: str | None = None


# --- the port ------------------------------------------------------------------------------------


class CRM(Protocol):
    """What every adapter can do."""

    traits: ClassVar[Traits]

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None: ...

    def probe(self) -> Identity:
        """One cheap call that proves the token and tells the account. Raises any AdapterError."""
        ...

    def entities(self) -> tuple[Entity, ...]:
        """The definitions of `traits.entities` plus the custom entities named in
        `account.settings["entities"]`, fresh from the CRM.
        """
        ...

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """Every record whose `field` holds one of `values`, keyed by the value as asked: () =
        none, several = all.

        Consistent (never a lagging search). `field` may be `traits.id_field`: then a merged record
        answers with the survivor, a deleted one with (). E-mail compares whatever its case. At
        most `traits.read_batch` values; the adapter makes as few calls as the CRM allows. `want`
        names the fields each Record's values must have; a wanted field the CRM does not know
        raises PauseMapping naming it.
        """
        ...

    def write(self, batch: Batch) -> BatchResult | Started:
        """Write the rows; one outcome per row in order. Only the given fields are touched. An
        update of a record that is gone is `rejected("not_found")`, of one that was merged
        `retry("moved")` with the survivor's `remote_id` where the CRM tells it; a create whose
        unique value exists already is `rejected("duplicate")`, likewise with the `remote_id`.
        """
        ...


@runtime_checkable
class ConditionalWriter(Protocol):
    """A CRM that itself can refuse a write to a record that somebody has changed meanwhile."""

    def write_unchanged(self, entity: str, row: Row, *, since: datetime) -> Outcome:
        """As `write` of one update, unless the record was changed after `since`, which is the
        `updated_at` that `find` told: then `retry("changed")`, and certainly nothing was written.

        Only as true as the CRM's own times are fine: whoever calls has compared the values first.
        """
        ...


@runtime_checkable
class Pollable(Protocol):
    """An adapter whose writes may answer Started."""

    def collect(self, handle: Mapping[str, Any]) -> BatchResult | Started:
        """The job's outcomes, or Started again while it runs. A job the CRM has forgotten raises
        OutcomeUnknown; a question that got no answer TryLater.
        """
        ...


@runtime_checkable
class TagTaker(Protocol):
    """A CRM whose tags have endpoints of their own (TagPlace.ENDPOINT)."""

    def tagged(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The tags of these records, at most `traits.read_batch` of them, in as few calls as the
        CRM allows. A record that is gone is left out.
        """
        ...

    def retag(self, entity: str, changes: Sequence[TagChange]) -> BatchResult:
        """Per change: add the new spelling, compare what the CRM kept, then remove the other owned
        ones. The contact is never left with none. A repeat changes nothing (`unchanged`).
        """
        ...


@runtime_checkable
class NoteTaker(Protocol):
    """A CRM that can hold notes on a contact. Creating is not idempotent: look for the marker
    first.
    """

    def noted(self, entity: str, notes: Sequence[Note]) -> Mapping[str, str]:
        """Which of these notes exist already: key -> remote id of the note. Read consistently (by
        association or external id), never by a lagging search.
        """
        ...

    def note(self, entity: str, notes: Sequence[Note]) -> BatchResult:
        """Create the notes; `remote_id` is the note's id. At most `traits.note_batch` notes."""
        ...


@runtime_checkable
class NoteStarter(Protocol):
    """A NoteTaker whose CRM creates many notes by itself. Its outcomes come by `collect`."""

    def start_notes(self, entity: str, notes: Sequence[Note]) -> Started | BatchResult:
        """Begin to create these notes, each the first of its thread, at most `traits.write_batch`.

        A result without outcomes: nothing was sent, the account or the number of notes does not
        suit; `note` them. A row that the batch then refuses was certainly not written.
        """
        ...


@runtime_checkable
class TaskTaker(Protocol):
    """A CRM that gives people tasks about a contact. Creating is not idempotent: look for the
    marker first.
    """

    def tasked(self, entity: str, tasks: Sequence[Task]) -> Mapping[str, str]:
        """Which of these tasks exist already: key -> remote id. Read consistently."""
        ...

    def task(self, entity: str, tasks: Sequence[Task]) -> BatchResult:
        """Create the tasks, open; `remote_id` is the task's id. At most `traits.task_batch`."""
        ...


@runtime_checkable
class FileTaker(Protocol):
    """A CRM that can hold files on a contact. Creating is not idempotent: look for the marker
    first. One file a call, so that no more than one is in memory.
    """

    def filed(self, entity: str, file: Attachment) -> str | None:
        """The remote id of this file if it hangs on its record already, whatever an earlier call
        answered. Read consistently, never by a lagging search.
        """
        ...

    def file(self, entity: str, file: Attachment) -> Outcome | Uploaded:
        """Store the file and attach it to the record; `remote_id` is the file's id. A part of an
        earlier try that stands already (an upload without its note) is taken up, not made twice.
        """
        ...


@runtime_checkable
class FileEncloser(Protocol):
    """A FileTaker whose `file` answers Uploaded: many files are attached by one call."""

    def enclose(self, entity: str, files: Sequence[Uploaded]) -> BatchResult:
        """Attach the files to their records, at most `traits.note_batch` of them; `remote_id` is
        that of what carries the file. Not idempotent: `filed` finds what stands.
        """
        ...


@runtime_checkable
class FileLinker(Protocol):
    """A FileTaker that tells where a file can be opened: whoever takes files does."""

    def file_link(self, entity: str, remote_id: str) -> str | None:
        """The address at which people of the CRM open the file that `file`, `enclose` or `filed`
        told of; None where it is gone.
        """
        ...


@runtime_checkable
class Messenger(Protocol):
    """An app that tells people or systems and keeps no records (`Traits.messages`)."""

    def tell(self, message: Message) -> Outcome:
        """Send one message. What was sent can neither be looked up nor taken back: after an unknown
        outcome it goes again under the same id.
        """
        ...


@runtime_checkable
class Retractor(Protocol):
    """A NoteTaker or FileTaker: whoever takes notes and files takes them back."""

    def retract(self, entity: str, things: Sequence[Retraction]) -> BatchResult:
        """Remove these, at most 100; where the CRM removes none, mark them so that a reader sees
        it, and answer the mark's remote id as `detail["left"]`. What is gone already is
        `unchanged`; a repeat does nothing.
        """
        ...


@runtime_checkable
class ReviewTaker(Protocol):
    """An app that a respondent can be led to (`Traits.invites`)."""

    def review_link(self, *, reference: str, email: str, name: str) -> str:
        """The address at which this person may review; one call at the most, since their browser
        waits. `reference`: the response's id at its platform.
        """
        ...


@runtime_checkable
class Provisioner(Protocol):
    """A CRM where something must be created before a tag can be written."""

    def provision_tags(self, entity: str, options: Sequence[TagOptions]) -> None:
        """Make sure the tag field exists and has these options. Never removes an option. A repeat
        does nothing.
        """
        ...
