"""Compares what a person saw and wants with what the CRM holds now. Pure.

A value that the CRM holds already is no conflict, whoever wrote it: so an edit whose answer was
lost can simply be sent again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from connector.responses.decide import reads_same
from connector.responses.fold import EMPTY
from schemas.fields import Field, FieldType, FieldValue

_NUMBERS = frozenset({FieldType.INTEGER, FieldType.NUMBER})


@dataclass(frozen=True, slots=True)
class Change:
    """What one field is to hold, and what the person saw in it. `place`: which change of the
    request it is.
    """

    field: Field
    value: FieldValue
    was: FieldValue
    place: int = 0

    @property
    def name(self) -> str:
        return self.field.name


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that somebody else has changed since it was seen."""

    field: str
    yours: FieldValue
    was: FieldValue
    now: FieldValue


class Effect(StrEnum):
    """What the record shows of a write whose answer was lost."""

    WRITTEN = "written"
    NOT_WRITTEN = "not_written"
    UNKNOWN = "unknown"


def etag_of(entity: str, remote_id: str, values: Mapping[str, FieldValue]) -> str:
    """A word that differs when the record or one of these values does."""
    told = json.dumps([entity, remote_id, sorted(values.items())], ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def conflicts(changes: Iterable[Change], held: Mapping[str, FieldValue]) -> tuple[Conflict, ...]:
    """The fields that hold neither what was seen nor what is wanted."""
    return tuple(
        Conflict(one.name, one.value, one.was, held.get(one.name))
        for one in changes
        if not _holds(one.field, one.was, held) and not _holds(one.field, one.value, held)
    )


def differing(changes: Iterable[Change], held: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """The values that have to be written."""
    return {one.name: one.value for one in changes if not _holds(one.field, one.value, held)}


def effect_of(changes: Sequence[Change], held: Mapping[str, FieldValue]) -> Effect:
    """Whether the record holds what was sent, or still what it held before."""
    # A CRM sets spaces, lines and the case of an address its own way.
    if all(reads_same(one.value, held.get(one.name)) for one in changes):
        return Effect.WRITTEN
    if all(_holds(one.field, one.was, held) for one in changes):
        return Effect.NOT_WRITTEN
    return Effect.UNKNOWN


def _holds(field: Field, value: FieldValue, held: Mapping[str, FieldValue]) -> bool:
    """Exactly this value; a list is a set, a number a number, and nothing is nothing."""
    now = held.get(field.name)
    if value == now or (value in EMPTY and now in EMPTY):
        return True
    if isinstance(value, tuple) and isinstance(now, tuple):
        return set(value) == set(now)
    return field.type in _NUMBERS and _number(value) is not None and _number(value) == _number(now)


def _number(value: FieldValue) -> Decimal | None:
    try:
        return None if isinstance(value, bool | tuple) or value is None else Decimal(value)
    except InvalidOperation:
        return None
