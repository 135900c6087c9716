"""The values that cross the adapter port: who is called, what is asked, what came of it. Pure."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from schemas.fields import FieldValue


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
