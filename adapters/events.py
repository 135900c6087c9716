"""What a CRM tells of its records by itself: merged, deleted, erased. Pure.

An app with `Traits.tells` has a module `events` with a `TELLER`. Who learns of a merge at once
shows the right record beside a contact, and spares the next delivery a look; what nobody tells is
found out then all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from adapters.cards import CardRequest


class Fate(StrEnum):
    """What became of a record. `ERASED`: deleted because the person asked to be forgotten."""

    MERGED = "merged"
    DELETED = "deleted"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """One record's fate; `survivor`: the id of the record that a merged one has become."""

    account: str
    entity: str
    remote_id: str
    fate: Fate
    survivor: str | None = None


class Unreadable(ValueError):
    """The message is no list of this app's events."""


@dataclass(frozen=True, slots=True)
class Teller:
    """How an app's messages are believed and read.

    `is_genuine`: whether one of these secrets of OAuth clients signed it; hostile input never
    raises. `mark`: the same message sent again has the same, another one never; after `fresh_s` a
    message is no proof any more. `accounts`: those of which a decoded message speaks; `events`:
    what of it matters here, in its order. Both raise Unreadable.
    """

    is_genuine: Callable[[CardRequest, Sequence[str]], bool]
    mark: Callable[[CardRequest], str]
    fresh_s: int
    accounts: Callable[[object], tuple[str, ...]]
    events: Callable[[object], tuple[RecordEvent, ...]]
