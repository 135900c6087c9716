"""What is used of a CRM's definitions besides mappings: the standard integration, response records,
extra fields, input forms.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select

from adapters.traits import Traits
from connector.connections.profile import Profile
from connector.tables import connection as connections
from connector.tables import input_form


@dataclass(frozen=True, slots=True)
class FormUse:
    """The fields of one input form."""

    id: int
    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uses:
    """Fields by what uses them. `record_entity` is a regular expression, None where no records are
    kept; the others are fields of `contact`.
    """

    contact: str
    standard: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    record_entity: str | None = None
    record: tuple[str, ...] = ()
    forms: tuple[FormUse, ...] = ()

    def extras_hit(self, entity: str, names: Collection[str]) -> tuple[str, ...]:
        """The extra fields among these names of an entity; "" among them means all of it."""
        return _hit(self.extras, names) if entity == self.contact else ()

    def forms_hit(self, entity: str, names: Collection[str]) -> tuple[Mapping[str, Any], ...]:
        """The input forms with some of these fields: {id, name, fields}."""
        if entity != self.contact:
            return ()
        found = ((one, _hit(one.fields, names)) for one in self.forms)
        return tuple(
            {"id": one.id, "name": one.name, "fields": list(hit)} for one, hit in found if hit
        )

    def record_hit(self, entity: str, names: Collection[str]) -> tuple[str, ...]:
        """The same for what a response's record consists of."""
        if self.record_entity is None or not re.fullmatch(self.record_entity, entity):
            return ()
        return _hit(self.record, names)

    def pairs(self) -> list[Mapping[str, str]]:
        """Every {entity, field}; the entity is a regular expression."""
        of_forms = (name for one in self.forms for name in one.fields)
        names = (*self.standard, *self.extras, *of_forms)
        own = [(re.escape(self.contact), name) for name in names]
        records = [(self.record_entity or "", name) for name in self.record]
        return [{"entity": entity, "field": name} for entity, name in (*own, *records)]


def uses_at(connection: Connection, here: Profile) -> Uses:
    """What is used at this connection now."""
    asked = select(connections.c.standard, connections.c.extra_fields).where(
        connections.c.id == here.id
    )
    row = connection.execute(asked).one()
    used = uses_of(row.standard or {}, (row.extra_fields or {}).get("fields", ()), here.traits)
    return replace(used, forms=tuple(_forms(connection, here)))


def _forms(connection: Connection, here: Profile) -> Iterator[FormUse]:
    asked = (
        select(input_form.c.id, input_form.c.name, input_form.c.body)
        .where(
            input_form.c.workspace_id == here.workspace_id,
            input_form.c.connection_id == here.id,
            input_form.c.deleted_at.is_(None),
        )
        .order_by(input_form.c.name)
    )
    for row in connection.execute(asked):
        yield FormUse(row.id, row.name, tuple(one["field"] for one in row.body["fields"]))


def uses_of(
    standard: Mapping[str, Any], chosen: Sequence[Mapping[str, Any]], traits: Traits
) -> Uses:
    """The same by the settings themselves."""
    extras = tuple(str(one["field"]) for one in chosen)
    if not standard.get("enabled"):
        return Uses(traits.contact_entity, extras=extras)
    own = tuple(filter(None, (*traits.standard_fields.values(), traits.tags.field)))
    if traits.record is None or not standard.get("record"):
        return Uses(traits.contact_entity, own, extras)
    return Uses(traits.contact_entity, own, extras, traits.record.entity, tuple(_record(traits)))


def _record(traits: Traits) -> Iterator[str]:
    if traits.record is not None:
        links = (name for name, _ in traits.record.links.values())
        yield from (traits.record.key, *traits.record.fields.values(), *links)


def _hit(used: Sequence[str], names: Collection[str]) -> tuple[str, ...]:
    return tuple(used) if "" in names else tuple(one for one in used if one in names)
