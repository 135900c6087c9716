"""Which fields of the CRM's contact an admin has chosen as extra fields, against the downloaded
definitions: in order, each with a label and whether it may be edited here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, select, update

from adapters.traits import Traits
from connector.connections import findings
from connector.connections.profile import Profile, load
from connector.problems import Code, Place, Refusal
from connector.tables import connection as connections
from connector.tables import entity_snapshot
from schemas.fields import Entity, Field, FieldType, entity_from_json
from schemas.phrases import phrase

# Why a field cannot be edited here.
UNKNOWN, READ_ONLY, UNFIT, OURS, BY_CHOICE = (
    "unknown_field",
    "read_only",
    "type_unsupported",
    "kept_by_us",
    "not_editable",
)
SENTENCES: Mapping[str, str] = {
    UNKNOWN: phrase("the CRM has no such field, or hides it from the connected user"),
    READ_ONLY: phrase("the CRM does not let the connected user write the field"),
    UNFIT: phrase("fields of this kind cannot be written"),
    OURS: phrase("score tags are kept in this field: nobody edits it here"),
    BY_CHOICE: phrase("the field is only shown here"),
}


@dataclass(frozen=True, slots=True)
class Extra:
    """One chosen field. `field` None: the CRM has it no more. `why_not`: a word where it cannot be
    edited, None where it can.
    """

    name: str
    label: str
    field: Field | None
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen at one connection; `entity` None before the first download."""

    profile: Profile
    entity: Entity | None
    extras: tuple[Extra, ...]

    @property
    def readable(self) -> tuple[str, ...]:
        """The names of those that can be asked for."""
        return tuple(one.name for one in self.extras if one.field is not None)


def read(connection: Connection, workspace_id: int, connection_id: int) -> dict[str, Any]:
    """The choice as the API shows it. Raises Refusal(NOT_FOUND)."""
    chosen = chosen_at(connection, load(connection, workspace_id, connection_id))
    fields = [
        {
            "field": one.name,
            "label": one.label,
            "type": one.field.type.value if one.field else None,
            "editable": one.why_not is None,
            "why_not": one.why_not,
        }
        for one in chosen.extras
    ]
    return {"entity": chosen.profile.traits.contact_entity, "fields": fields}


def save(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    wanted: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Choose these fields instead of those before; what is chosen then.

    Raises Refusal: not_found, no_field_definitions, setting_invalid with every faulty place.
    """
    profile = load(connection, workspace_id, connection_id)
    entity = contact_entity(connection, profile)
    if entity is None and wanted:
        raise Refusal(Code.NO_FIELD_DEFINITIONS)
    if entity is not None and (places := tuple(_wrong(wanted, entity, profile.traits))):
        raise Refusal(Code.SETTING_INVALID, places=places)
    connection.execute(
        update(connections)
        .where(connections.c.workspace_id == workspace_id, connections.c.id == connection_id)
        .values(extra_fields={"fields": [dict(one) for one in wanted]}, updated_at=func.now())
    )
    # What had drifted and is not shown any more needs nobody.
    findings.close_unused(connection, profile)
    return read(connection, workspace_id, connection_id)


def chosen_at(connection: Connection, profile: Profile) -> Chosen:
    """What is chosen at a connection, as its newest definitions have it."""
    asked = select(connections.c.extra_fields).where(
        connections.c.workspace_id == profile.workspace_id, connections.c.id == profile.id
    )
    stored = (connection.execute(asked).scalar_one() or {}).get("fields", ())
    entity = contact_entity(connection, profile)
    extras = tuple(extra_of(one, entity, profile.traits) for one in stored)
    return Chosen(profile, entity, extras)


def contact_entity(connection: Connection, profile: Profile) -> Entity | None:
    """The definition of what stands for a person at this connection."""
    definition = connection.execute(
        select(entity_snapshot.c.definition).where(
            entity_snapshot.c.workspace_id == profile.workspace_id,
            entity_snapshot.c.connection_id == profile.id,
            entity_snapshot.c.entity == profile.traits.contact_entity,
            entity_snapshot.c.current,
        )
    ).scalar_one_or_none()
    return None if definition is None else entity_from_json(definition)


def touching(chosen: Chosen, names: Iterable[str]) -> Chosen:
    """The same with these fields besides, as far as the CRM has them: what somebody was about to
    write is looked at, chosen or not.
    """
    entity, traits = chosen.entity, chosen.profile.traits
    there = {one.name for one in chosen.extras}
    more = [{"field": name} for name in names if name not in there]
    return replace(
        chosen, extras=(*chosen.extras, *(extra_of(one, entity, traits) for one in more))
    )


def extra_of(stored: Mapping[str, Any], entity: Entity | None, traits: Traits) -> Extra:
    """A stored choice as the definitions have it."""
    name = stored["field"]
    field = entity.field(name) if entity else None
    label = stored.get("label") or (field.label if field else name)
    only_shown = BY_CHOICE if stored.get("editable") is False else None
    return Extra(name, label, field, _why_not(field, traits) or only_shown)


def _why_not(field: Field | None, traits: Traits) -> str | None:
    if field is None:
        return UNKNOWN
    if field.name == traits.tags.field:
        return OURS
    if field.type is FieldType.OTHER:
        return UNFIT
    return None if field.updatable else READ_ONLY


def _wrong(wanted: Sequence[Mapping[str, Any]], entity: Entity, traits: Traits) -> Iterator[Place]:
    seen: set[str] = set()
    for at, one in enumerate(wanted):
        name = one["field"]
        why_not = _why_not(entity.field(name), traits)
        if name in seen:
            yield Place(
                f"/fields/{at}/field", "duplicate", phrase("%(name)s stands twice", name=name)
            )
        elif why_not == UNKNOWN:
            yield Place(
                f"/fields/{at}/field",
                UNKNOWN,
                phrase("%(label)s has no field %(name)s", label=entity.label, name=name),
            )
        elif why_not and one.get("editable"):
            yield Place(f"/fields/{at}/editable", why_not, SENTENCES[why_not])
        seen.add(name)
