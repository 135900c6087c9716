"""Finds records by id or by a field, in one call: a search sees every committed write.

Archived records are looked at too, and step back behind active ones: a contact that somebody has
archived is written and not made anew beside it. So do addresses for invoices and deliveries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from adapters.errors import OutcomeUnknown, PauseMapping
from adapters.odoo.client import Client
from adapters.odoo.traits import TRAITS
from adapters.values import Record
from schemas.fields import Entity, FieldType
from schemas.odoo import (
    NORMALIZED,
    PARTNER,
    SENT_ONLY,
    Unreadable,
    from_native,
    kind_of,
    moment_of,
)

STAMP, ACTIVE, PLACE = "write_date", "active", "type"
MAIN_ADDRESS = "contact"
# `id` in a domain is a 64-bit number at most.
LONGEST_ID = 18
T = TypeVar("T")
Told = Mapping[str, Any]


def find(
    client: Client, entity: Entity, field: str, values: Sequence[str], *, want: Sequence[str]
) -> Mapping[str, tuple[Record, ...]]:
    """The port's `find`."""
    want = [one for one in want if not _is_sent_only(entity, one)]
    if field == TRAITS.id_field:
        return _by_id(client, entity, values, want)
    asked = list(dict.fromkeys(one.strip() for one in values if one.strip()))
    held, domain = _domain(entity, field, asked)
    extra = [one for one in (ACTIVE, PLACE) if _steps_back(entity, one)]
    told = _read(client, entity, domain, want=want, extra=[held, *extra]) if asked else []
    by_value: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        by_value[_key(entity, field, one.get(held))].append(one)
    found = {value: _foremost(by_value[_key(entity, field, value)]) for value in values}
    return {
        value: tuple(_record(one, want, entity) for one in hits) for value, hits in found.items()
    }


def _by_id(
    client: Client, entity: Entity, values: Sequence[str], want: Sequence[str]
) -> Mapping[str, tuple[Record, ...]]:
    ids = [int(one) for one in values if one.isdigit() and len(one) <= LONGEST_ID]
    told = _read(client, entity, [["id", "in", ids]], want=want, extra=[]) if ids else []
    found = {str(one["id"]): _record(one, want, entity) for one in told}
    return {one: (found[one],) if one in found else () for one in values}


def _read(
    client: Client,
    entity: Entity,
    domain: Sequence[Any],
    *,
    want: Sequence[str],
    extra: Sequence[str],
) -> list[Told]:
    fields = list(dict.fromkeys([*want, *extra, STAMP]))
    told = client.search_read(kind_of(entity.name).model, domain, fields)
    for one in told[:1]:
        # Old versions leave an unknown field out without a word (measured, 11).
        lost = next((name for name in [*want, *extra] if name not in one), None)
        if lost is not None:
            message = f"{entity.name} has no field {lost}"
            raise PauseMapping(message, code="field_gone", field=lost)
    return told


def _domain(entity: Entity, field: str, asked: Sequence[str]) -> tuple[str, list[Any]]:
    """(the field that holds the value, the domain)."""
    only = [list(one) for one in kind_of(entity.name).only]
    if not _is_email(entity, field):
        definition = entity.field(field)
        whole = definition is not None and definition.type is FieldType.INTEGER
        values = [int(one) for one in asked if one.isdigit()] if whole else list(asked)
        return field, [*only, [field, "in", values]]
    if entity.field(NORMALIZED) is not None:
        # Stored in lower case, and without a name around it, where the version has it (13, U).
        return NORMALIZED, [*only, [NORMALIZED, "in", [one.lower() for one in asked]]]
    leaves = [[field, "=ilike", _literal(one)] for one in asked]
    return field, [*only, *["|"] * (len(leaves) - 1), *leaves]


def _literal(text: str) -> str:
    """The text as a pattern that matches it alone, whatever its case."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _is_sent_only(entity: Entity, name: str) -> bool:
    definition = entity.field(name)
    return definition is not None and definition.native_type == SENT_ONLY


def _is_email(entity: Entity, field: str) -> bool:
    definition = entity.field(field)
    return definition is not None and definition.type is FieldType.EMAIL


def _key(entity: Entity, field: str, value: object) -> str:
    text = str(value).strip()
    return text.casefold() if _is_email(entity, field) else text


def _steps_back(entity: Entity, name: str) -> bool:
    known = entity.field(name) is not None
    return known and (name == ACTIVE or kind_of(entity.name).model == PARTNER)


def _foremost(hits: Iterable[Told]) -> list[Told]:
    """Of several hits those of the best rank."""
    ranked = [(_rank(one), one) for one in hits]
    best = min((rank for rank, _ in ranked), default=None)
    return [one for rank, one in ranked if rank == best]


def _rank(one: Told) -> tuple[bool, bool]:
    return one.get(ACTIVE) is False, one.get(PLACE, MAIN_ADDRESS) not in {MAIN_ADDRESS, False}


def _record(told: Told, want: Iterable[str], entity: Entity) -> Record:
    try:
        values = {name: from_native(entity.field(name), told.get(name)) for name in want}
        return Record(str(told["id"]), values, moment_of(told.get(STAMP)))
    except (Unreadable, KeyError) as exc:
        message = "a record of Odoo cannot be read by its definitions"
        raise OutcomeUnknown(message, code="answer_unreadable") from exc
