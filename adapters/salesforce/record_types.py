"""Record types: which of them an object uses, and which options of a list each of them offers.

A describe tells the record types and all options of a list, not which type offers which. That is
asked for one type at a time at `ui-api/object-info/{object}/picklist-values/{record type}` (User
Interface API Developer Guide, since version 41; looked up 2026-11-29). The layouts of an object
tell it too, among whole pages. A list that takes any value refuses none for a record's type; a
restricted one does (public reports of INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from adapters.values import Outcome, Row, Status
from schemas.fields import Entity, Field, RecordType
from schemas.salesforce import SHORT_ID, Unreadable

RECORD_TYPE = "RecordTypeId"
_REFUSED = "unknown_option"


def record_types_in(described: Mapping[str, Any]) -> tuple[RecordType, ...]:
    """The record types in use: active ones, but the master, which every object has and which offers
    everything. Raises Unreadable.
    """
    try:
        return tuple(
            RecordType(
                str(one["recordTypeId"]),
                str(one["developerName"]),
                str(one["name"]),
                default=bool(one["defaultRecordTypeMapping"]),
            )
            for one in described.get("recordTypeInfos") or ()
            if one["active"] and not one["master"]
        )
    except (KeyError, TypeError) as exc:
        message = "a record type lacks a part"
        raise Unreadable(message) from exc


def has_lists(entity: Entity) -> bool:
    """Whether record types could differ in anything that is written here."""
    return any(one.options for one in entity.fields)


def offers_path(entity: str, record_type: RecordType) -> str:
    """Where the options of one record type are told."""
    return f"ui-api/object-info/{quote(entity, safe='')}/picklist-values/{record_type.id}"


def offers_in(answer: object) -> dict[str, frozenset[str]]:
    """The values a record type offers, by field. Raises Unreadable."""
    try:
        told: Mapping[str, Any] = answer["picklistFieldValues"]  # type: ignore[index]
        return {
            name: frozenset(str(each["value"]) for each in one["values"])
            for name, one in told.items()
        }
    except (KeyError, TypeError, AttributeError) as exc:
        message = "the options of a record type are not told as they should be"
        raise Unreadable(message) from exc


def offering(entity: Entity, told: Mapping[str, Mapping[str, frozenset[str]]]) -> Entity:
    """The entity with what each record type offers. `told`: by the type's name, then by field."""
    return replace(entity, fields=tuple(_offering(one, told) for one in entity.fields))


def explained(
    outcomes: Mapping[str, Outcome],
    rows: Sequence[Row],
    entity: Entity | None,
    *,
    types_of: Callable[[Sequence[str]], Mapping[str, str]],
) -> dict[str, Outcome]:
    """The outcomes, those whose option only the record's own type lacks with that type named.

    `types_of` tells the record type of records, by short id; it is asked only when it matters.
    """
    narrowed = [one for one in rows if _could_be_the_type(outcomes.get(one.key), entity)]
    if entity is None or not narrowed:
        return dict(outcomes)
    known = types_of([one.remote_id for one in narrowed if one.remote_id])
    told = {one.key: _told(one, outcomes[one.key], entity, known) for one in narrowed}
    return dict(outcomes) | told


def _offering(field: Field, told: Mapping[str, Mapping[str, frozenset[str]]]) -> Field:
    every = [one.value for one in field.options if one.active]
    offered = (
        (name, tuple(one for one in every if one in by_field[field.name]))
        for name, by_field in told.items()
        if field.name in by_field
    )
    return replace(field, offered=tuple(one for one in offered if len(one[1]) < len(every)))


def _could_be_the_type(outcome: Outcome | None, entity: Entity | None) -> bool:
    if outcome is None or entity is None or outcome.code != _REFUSED or outcome.field is None:
        return False
    field = entity.field(outcome.field)
    return field is not None and bool(field.offered)


def _told(row: Row, outcome: Outcome, entity: Entity, known: Mapping[str, str]) -> Outcome:
    record_type = _type_of(row, entity.record_types, known)
    field = entity.field(str(outcome.field))
    if record_type is None or field is None:
        return outcome
    offered = field.offered_by.get(record_type.name)
    written = row.values.get(field.name)
    chosen = written if isinstance(written, tuple) else (written,)
    if offered is None or (written is not None and all(one in offered for one in chosen)):
        return outcome
    text = f"records of the type {record_type.label} do not offer this option of {field.label}"
    return replace(outcome, status=Status.REJECTED, code="option_not_offered", message=text)


def _type_of(row: Row, types: Iterable[RecordType], known: Mapping[str, str]) -> RecordType | None:
    remote_id = row.remote_id or ""
    given = row.values.get(RECORD_TYPE) or known.get(remote_id[:SHORT_ID])
    if given is None and not remote_id:
        return next((one for one in types if one.default), None)
    return next((one for one in types if one.id[:SHORT_ID] == str(given)[:SHORT_ID]), None)
