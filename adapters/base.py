"""The adapter port: what the hub asks of a CRM, method by method. Pure.

An adapter is `SomeCRM(account, wire, entities)`: who it is, how it reaches the network, and the
downloaded definitions of the entities it will touch (it needs them to turn canonical values into
the CRM's own form and back; see schemas/fields.py). It is made for one job, used by one thread and
thrown away. It does not retry, sleep, cache, start threads or log values: the limiter (a hook in
the wire) and the outbox decide.

The values that cross it are in adapters/values.py, the errors of a whole call in
adapters/errors.py; a row's own fault is never an exception but its Outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from adapters.values import (
    Account,
    Attachment,
    Batch,
    BatchResult,
    Identity,
    Message,
    Note,
    Outcome,
    Record,
    Retraction,
    Row,
    Started,
    TagChange,
    TagOptions,
    Task,
    Uploaded,
)
from schemas.fields import Entity

if TYPE_CHECKING:
    # Only for its name: the pure modules import this file and must not reach an HTTP client.
    from adapters.http import Wire
    from adapters.traits import Traits


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
