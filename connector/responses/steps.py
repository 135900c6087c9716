"""A step: one intended effect of one response, on its way from the pure plan into the outbox. Pure.

`payload` by kind, JSON-native:

    every kind  "match": {"field": ..., "value": ...}, "linked": whether our contact's link may
                stand for the match
    fields      "operation", "ambiguous", "values": {field: value}, "keep": fields written only
                when empty there, "create": {field: value} added when the record has to be created
                "refs": {field: {"entity", "field", "value", "create"}}: what has to be looked up;
                ("or": further entities whose record stands in for it)
                "contact": the field that refers to the contact's own record, where it has one
                "inherit": {field: [{"via", "entity", "field"}]}: what is read on the record that
                the field `via` refers to; "optional": fields that go if the CRM refuses them
                "links": {answer: our file's id}: whose placeholders in "values" become the
                links of their files
                "serves": [our files' ids]: that links in "values" lead to, served by us
                "made": where it only creates, what was made of the response before (Made): added
                in a wave, never stored
    tag         "campaign": tag name, "score"
    note        "marker", "title", "text", "html", "thread"
    file        "file": our file's id, "answer", "question", "title", "thread"
                "only_made": it hangs on nothing but the record that its mapping has made (made.py)
    message     "id", "event", "title", "text", "to", "told", "once"; "match" only names the message
    task        "marker", "title", "text", "due_in_days", "owner"
    undo        "of": the kind that is taken back, "step": its key; for a tag "campaign". What goes
                back is looked up when it is claimed (restoring.py, withdrawn.py): "back" for
                fields, "scores" and "score" for a tag, "made" for notes and files
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FIELDS, TAG, NOTE, FILE = "fields", "tag", "note", "file"
MESSAGE, UNDO, TASK = "message", "undo", "task"
# Signs of an identifying value that a lane spells out.
LONGEST_VALUE, READABLE = 200, 100


@dataclass(frozen=True, slots=True)
class Step:
    """One outbox row to be. `key` is unique in its response, so that planning twice makes one row.

    `lane` names what must not be worked on by two at once. `targets` are the places whose newest
    answer wins. `state` is `pending`, or `parked` with its `reason`.
    """

    key: str
    kind: str
    connection_id: int
    entity: str
    lane: str
    payload: Mapping[str, Any]
    targets: tuple[str, ...] = ()
    mapping_id: int | None = None
    mapping_version: int | None = None
    automation_id: int | None = None
    campaign_id: int | None = None
    state: str = "pending"
    reason: str | None = None
    error_code: str | None = None
    error: str | None = None
    error_field: str | None = None
    linger_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Rank:
    """Which of two answers of one target is newer: by time, then revision, then accept order."""

    answered_at: datetime
    revision: int
    response_id: int

    def is_older_than(self, other: Rank) -> bool:
        """Whether `other` was answered later."""
        return self.order < other.order

    @property
    def order(self) -> tuple[datetime, int, int]:
        """What ranks are sorted by."""
        return self.answered_at, self.revision, self.response_id


@dataclass(frozen=True, slots=True)
class Made:
    """What a mapping has made of any version of a response, in the payload under "made": `records`
    certainly; `perhaps` are the values of those whose fate nobody knows. `own` is the step of the
    version itself, as the store had it before the wave.
    """

    records: frozenset[str] = frozenset()
    perhaps: tuple[Mapping[str, Any], ...] = ()
    own: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One claimed outbox row. `sent`: what the record held before a call whose answer was lost."""

    id: int
    response_id: int
    contact_id: int
    campaign_id: int | None
    mapping_id: int | None
    kind: str
    entity: str
    lane: str
    payload: Mapping[str, Any]
    rank: Rank
    claims: int
    attempts: int
    handle: Mapping[str, Any] | None = None
    sent: Mapping[str, Any] | None = None

    @property
    def only_creates(self) -> bool:
        """Whether it may make a record, and write none that somebody else has made."""
        return self.kind == FIELDS and self.payload["operation"] == "create"

    @property
    def may_have_been_sent(self) -> bool:
        """An earlier claim did not end well: look up what is not idempotent before sending it."""
        return self.claims > 1

    @property
    def about(self) -> str:
        """The kind of effect it makes or takes back."""
        return str(self.payload["of"]) if self.kind == UNDO else self.kind


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a claimed row becomes. `wait_s`: due that many seconds from now (state pending or
    awaiting).

    `burnt`: whether an attempt counts. `unsent`: the claim sent nothing of this delivery, so that
    it does not count among those that may have. `message` is plain text without values.
    """

    delivery_id: int
    state: str
    reason: str | None = None
    code: str | None = None
    message: str | None = None
    field: str | None = None
    remote_id: str | None = None
    wait_s: float | None = None
    burnt: bool = False
    unsent: bool = False
    handle: Mapping[str, Any] | None = None
    sent: Mapping[str, Any] | None = None


def contact_lane(contact_id: int) -> str:
    """The lane of everything that is written on one contact."""
    return f"contact:{contact_id}"


def record_lane(entity: str, field: str, value: str) -> str:
    """The lane of a record that is not the contact itself.

    Lanes are indexed, and an index row holds 2,700 bytes at most: of a long value a readable
    beginning and its SHA-256 stand for it.
    """
    folded = value.lower()
    if len(folded) > LONGEST_VALUE:
        digest = hashlib.sha256(folded.encode()).hexdigest()
        folded = f"{folded[:READABLE]}:{digest}"
    return f"{entity}:{field}:{folded}"


def field_target(entity: str, field: str) -> str:
    """The order guard's name for one field of a lane's record."""
    return f"field:{entity}.{field}"


def tag_target(campaign_id: int) -> str:
    """The order guard's name for one campaign's score tag on a lane's contact."""
    return f"tag:{campaign_id}"
