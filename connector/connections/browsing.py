"""Looks through field definitions: which fields a person means, and what there is to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from schemas.fields import Entity, Field

# A page of a CRM's contact with its hundreds of fields.
PAGE = 100


@dataclass(frozen=True, slots=True)
class Summary:
    """What is downloaded of one connection. `entities`: {name, label, fields (their number)}."""

    connection_id: int
    name: str
    app: str
    state: str
    entities: tuple[Mapping[str, Any], ...]
    seen_at: datetime | None

    @property
    def fields(self) -> int:
        """How many fields in all."""
        return sum(int(one["fields"]) for one in self.entities)


def summaries(connection: Connection, workspace_id: int) -> tuple[Summary, ...]:
    """Every connection of the workspace by name, with what is downloaded of it; counts only."""
    rows = connection.execute(SUMMARIES, {"w": workspace_id})
    return tuple(
        Summary(row.id, row.name, row.app, row.state, tuple(row.entities), row.seen_at)
        for row in rows
    )


def matching(
    fields: Iterable[Field], *, search: str = "", kind: str = "", only: str = ""
) -> tuple[Field, ...]:
    """The fields in which every word of the search stands (name, label or an option), nearest
    first, else in the CRM's order. `kind`: a FieldType; `only`: required, unique or writable.
    """
    words = search.casefold().split()
    kept = [
        one for one in fields
        if (not kind or one.type.value == kind) and _is(one, only) and _says(one, words)
    ]  # fmt: skip
    return tuple(sorted(kept, key=lambda one: _distance(one, words)) if words else kept)


def entity_named(entities: Iterable[Entity], name: str, *, instead: str) -> Entity | None:
    """The entity of that name; without a name `instead`, or else the first. None: no such."""
    every = {one.name: one for one in entities}
    if name:
        return every.get(name)
    return every.get(instead) or next(iter(every.values()), None)


def _is(one: Field, only: str) -> bool:
    return {
        "required": one.required,
        "unique": one.unique or one.identifies,
        "writable": one.creatable or one.updatable,
    }.get(only, True)


def _says(one: Field, words: list[str]) -> bool:
    said = [one.name, one.label, *(o.label for o in one.options), *(o.value for o in one.options)]
    whole = "\n".join(said).casefold()
    return all(word in whole for word in words)


def _distance(one: Field, words: list[str]) -> int:
    """0: the field is called so; 1: begins so; 2: has it in its name; 3: an option says it."""
    names, asked = (one.name.casefold(), one.label.casefold()), " ".join(words)
    if asked in names:
        return 0
    if any(name.startswith(asked) for name in names):
        return 1
    return 2 if any(all(word in name for word in words) for name in names) else 3


SUMMARIES = text(
    """
    SELECT c.id, c.name, c.app, c.state, max(s.seen_at) AS seen_at,
           coalesce(jsonb_agg(jsonb_build_object(
               'name', s.entity, 'label', s.definition->>'label',
               'fields', jsonb_array_length(s.definition->'fields')) ORDER BY s.entity)
             FILTER (WHERE s.id IS NOT NULL), '[]') AS entities
      FROM connection c LEFT JOIN entity_snapshot s ON s.connection_id = c.id AND s.current
     WHERE c.workspace_id = :w AND c.deleted_at IS NULL
     GROUP BY c.id ORDER BY c.name
    """
)
