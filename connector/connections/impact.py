"""What a change of definitions does to us: the mappings it hits, the answers it would refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema
from sqlalchemy import Connection, text

from connector.connections.changes import Change, ChangeKind
from connector.connections.uses import Uses
from schemas.fields import Entity, canonical
from schemas.record import compile_record_schema, refusals

# Of the last month, the newest: enough to tell none from some from most.
DAYS, MOST_ANSWERS = 30, 5_000
# Changes that touch whatever is written to the entity.
_OF_ALL = frozenset({ChangeKind.ENTITY_REMOVED, ChangeKind.REQUIRED, ChangeKind.PERMISSION_LOST})


@dataclass(frozen=True, slots=True)
class Impact:
    """`mappings` are {id, name, fields}; `input_forms` too; `extra_fields` and `record_fields` are
    the names of those that are shown beside a contact, and of those that a response's record is
    made of. Of `looked_at` answers of the last month that touch what has changed, `would_fail`
    could be written before and cannot be now.
    """

    mappings: tuple[Mapping[str, Any], ...] = ()
    looked_at: int = 0
    would_fail: int = 0
    extra_fields: tuple[str, ...] = ()
    record_fields: tuple[str, ...] = ()
    input_forms: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_felt(self) -> bool:
        """Whether anything here touches what has changed."""
        own = self.extra_fields or self.record_fields or self.input_forms
        return bool(self.mappings or self.looked_at or own)

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "mappings": list(self.mappings),
            "extra_fields": list(self.extra_fields),
            "record_fields": list(self.record_fields),
            "input_forms": list(self.input_forms),
            "looked_at": self.looked_at,
            "would_fail": self.would_fail,
        }


def impact_of(
    connection: Connection,
    connection_id: int,
    changes: Sequence[Change],
    *,
    before: Entity,
    after: Entity | None,
    uses: Uses,
) -> Impact:
    """What these changes of one entity do. Reads only; counts, and keeps no value. `uses`: what is
    used at the connection besides mappings.
    """
    breaking = [one for one in changes if one.breaks]
    if not breaking:
        return Impact()
    names = {one.field for one in breaking}
    is_all = any(one.kind in _OF_ALL for one in breaking)
    hit = mappings_hit(connection, connection_id, breaking, entity=before.name)
    asked = {
        "c": connection_id,
        "entity": before.name,
        "fields": sorted(names),
        "all": is_all,
        "days": DAYS,
        "most": MOST_ANSWERS,
    }
    extras, records = uses.extras_hit(before.name, names), uses.record_hit(before.name, names)
    forms = uses.forms_hit(before.name, {""} if is_all else names)
    payloads = [row.payload for row in connection.execute(ANSWERS, asked)]
    if any(one.kind is ChangeKind.PERMISSION_LOST for one in breaking):
        # Which of them would have made a record, only the CRM could tell: all are at risk.
        return Impact(hit, len(payloads), len(payloads), extras, records, forms)
    failing = _failing(payloads, before, after)
    return Impact(hit, len(payloads), failing, extras, records, forms)


def mappings_hit(
    connection: Connection, connection_id: int, changes: Sequence[Change], *, entity: str
) -> tuple[Mapping[str, Any], ...]:
    """The published mappings that write or look up what has changed: {id, name, fields}, by
    name.
    """
    names = {one.field for one in changes}
    is_all = any(one.kind in _OF_ALL for one in changes)
    return tuple(
        {"id": row.id, "name": row.name, "fields": sorted(set(row.fields) & names)}
        for row in connection.execute(MAPPINGS, {"c": connection_id, "entity": entity})
        if is_all or set(row.fields) & names
    )


def _failing(payloads: Sequence[Mapping[str, Any]], before: Entity, after: Entity | None) -> int:
    if after is None:
        return len(payloads)
    then, now = compile_record_schema(before)(), compile_record_schema(after)()
    return sum(
        _is_refused(one, now, after) and not _is_refused(one, then, before) for one in payloads
    )


def _is_refused(payload: Mapping[str, Any], schema: Schema, entity: Entity) -> bool:
    values = {name: canonical(value) for name, value in payload["values"].items()}
    creating = payload.get("operation") == "create"
    if creating:
        made = payload.get("create") or {}
        values |= {name: canonical(value) for name, value in made.items()}
    return bool(refusals(schema, entity, values, creating=creating))


MAPPINGS = text(
    """
    SELECT m.id, m.name, ARRAY(
             SELECT row->>'field' FROM jsonb_array_elements(v.body->'rows') AS row
             UNION SELECT value FROM jsonb_each_text(v.body->'links')
             UNION SELECT v.body->'identify'->>'field') AS fields
      FROM mapping m JOIN mapping_version v ON v.mapping_id = m.id AND v.version = m.published
     WHERE m.connection_id = :c AND m.deleted_at IS NULL AND v.body->>'entity' = :entity
     ORDER BY m.name
    """
)
ANSWERS = text(
    """
    SELECT payload FROM delivery
     WHERE connection_id = :c AND kind = 'fields' AND entity = :entity
       AND created_at > now() - make_interval(days => :days)
       AND (:all OR payload->'values' ?| CAST(:fields AS text[]))
     ORDER BY id DESC LIMIT :most
    """
)
