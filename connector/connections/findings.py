"""What downloads found changed, kept once each: told, parked for, and closed when it is mended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, update

from adapters.rights import Rights
from connector import audit
from connector.connections.changes import (
    LOST,
    Change,
    changes_of,
    lost_rights,
    permission_lost,
    still_lost,
)
from connector.connections.impact import impact_of
from connector.connections.profile import Profile
from connector.connections.uses import uses_at
from connector.log import get_logger
from connector.tables import drift
from schemas.fields import Entity

# A month of answers is looked through once per change, not per delivery.
STATEMENT_MS = 30_000
MOST_SHOWN = 200


def note(
    connection: Connection,
    here: Profile,
    *,
    before: Mapping[str, Entity],
    now: Mapping[str, Entity],
    cause: str,
    rights: tuple[Rights | None, Rights | None] = (None, None),
) -> int:
    """Keep what has changed, close what is mended, park what cannot be written; how many changes
    break something. In the transaction that stores the new definitions.

    A person is told only of what is felt here: what no mapping and no answer of last month touches
    is kept, and closed at once. `rights`: as they were told before and now, None where nobody
    told.
    """
    asked = {"ms": str(STATEMENT_MS)}
    connection.execute(text("SELECT set_config('statement_timeout', :ms, true)"), asked)
    broken = sum(
        _kept(connection, here, then, now.get(name), cause=cause)
        for name, then in before.items()
        if then != now.get(name)
    )
    broken += sum(
        _kept_changes(connection, here, (permission_lost(one, lost),), one, one, cause=cause)
        for one, lost in _taken_away(now, *rights)
    )
    _close(connection, here, now, rights[1])
    close_unused(connection, here)
    _park(connection, here, now)
    return broken


def shown(connection: Connection, workspace_id: int, connection_id: int) -> list[dict[str, Any]]:
    """The findings of a connection, newest first."""
    asked = (
        select(drift)
        .where(drift.c.workspace_id == workspace_id, drift.c.connection_id == connection_id)
        .order_by(drift.c.id.desc())
        .limit(MOST_SHOWN)
    )
    return [
        {
            "id": row.id,
            "entity": row.entity,
            "cause": row.cause,
            "breaks": row.breaks,
            "changes": row.changes,
            # What was found by an earlier version tells of mappings alone.
            "extra_fields": [],
            "record_fields": [],
            "input_forms": [],
            **row.impact,
            "found_at": row.found_at,
            "mended_at": row.mended_at,
            "closed_as": row.impact.get("closed_as", "mended") if row.mended_at else None,
        }
        for row in connection.execute(asked)
    ]


def _kept(
    connection: Connection, here: Profile, before: Entity, after: Entity | None, *, cause: str
) -> int:
    changes = changes_of(before, after)
    return _kept_changes(connection, here, changes, before, after, cause=cause) if changes else 0


def _taken_away(
    now: Mapping[str, Entity], before: Rights | None, after: Rights | None
) -> Iterator[tuple[Entity, tuple[str, ...]]]:
    """Entities of which the connected user has lost a right, and which."""
    if before is None or after is None:
        return
    for name, entity in now.items():
        then, has = before.entities.get(name), after.entities.get(name)
        lost = lost_rights(then, has) if then and has else ()
        if lost:
            yield entity, lost


def _kept_changes(
    connection: Connection,
    here: Profile,
    changes: Sequence[Change],
    before: Entity,
    after: Entity | None,
    *,
    cause: str,
) -> int:
    uses = uses_at(connection, here)
    impact = impact_of(connection, here.id, changes, before=before, after=after, uses=uses)
    breaking = [one for one in changes if one.breaks]
    connection.execute(
        insert(drift).values(
            workspace_id=here.workspace_id,
            connection_id=here.id,
            entity=before.name,
            cause=cause,
            changes=[one.told() for one in changes],
            impact=impact.told(),
            breaks=bool(breaking),
            mended_at=None if breaking and impact.is_felt else func.now(),
        )
    )
    if breaking and impact.is_felt:
        detail = {
            "entity": before.name,
            "changes": [f"{one.kind.value} {one.field}".strip() for one in breaking[:50]],
            **impact.told(),
        }
        _tell(connection, here, detail)
    return len(breaking)


def _tell(connection: Connection, here: Profile, detail: Mapping[str, Any]) -> None:
    """Once per finding: the same definitions are no change the next time."""
    get_logger(__name__).warning(
        "crm_schema_drifted",
        workspace_id=here.workspace_id,
        connection_id=here.id,
        mappings=len(detail["mappings"]),
        would_fail=detail["would_fail"],
    )
    audit.record(
        connection,
        here.workspace_id,
        actor="system",
        action="connection.drifted",
        object=f"connection:{here.id}",
        detail=detail,
    )


def _open(connection: Connection, here: Profile) -> list[Any]:
    asked = select(drift.c.id, drift.c.entity, drift.c.changes).where(
        drift.c.connection_id == here.id, drift.c.breaks, drift.c.mended_at.is_(None)
    )
    return list(connection.execute(asked))


def _close(
    connection: Connection, here: Profile, now: Mapping[str, Entity], rights: Rights | None
) -> None:
    """What has come back is mended. What only narrows a field stays told until it widens again."""
    mended = [
        row.id
        for row in _open(connection, here)
        if not any(
            _holds(one, row.entity, now.get(row.entity), rights)
            for one in row.changes
            if one["breaks"]
        )
    ]
    if mended:
        closing = update(drift).where(drift.c.id.in_(mended)).values(mended_at=func.now())
        connection.execute(closing)


def _holds(
    change: Mapping[str, Any], entity: str, now: Entity | None, rights: Rights | None
) -> bool:
    if change["kind"] == "permission_lost":
        has = rights.entities.get(entity) if rights else None
        return has is None or not all(getattr(has, one) for one in change["before"].split(", "))
    if change["kind"] in LOST:
        return still_lost(change, now)
    field = now.field(change["field"]) if now else None
    if change["kind"] == "required":
        return field is not None and field.required
    if change["kind"] == "retyped":
        return field is not None and field.type != change["before"]
    # Shortened, or options gone: a later finding tells what became of it.
    return field is not None


def close_unused(connection: Connection, here: Profile) -> None:
    """Close what was told because of mappings, extra fields, input forms or response records that
    do not use it any more: nobody is hit by it.

    What the standard integration writes stays open, and so does what deliveries still wait for.
    """
    used = uses_at(connection, here).pairs()
    connection.execute(UNUSED, {"c": here.id, "used": json.dumps(used)})


def _park(connection: Connection, here: Profile, now: Mapping[str, Entity]) -> None:
    """What waits for a field that is lost would only be refused: it waits for a person instead."""
    lost = [
        {"entity": row.entity, "field": one["field"]}
        for row in _open(connection, here)
        for one in row.changes
        if one["kind"] in LOST and still_lost(one, now.get(row.entity))
    ]
    if lost:
        connection.execute(PARK, {"c": here.id, "lost": json.dumps(lost)})


UNUSED = text(
    """
    UPDATE drift d SET mended_at = now(), impact = d.impact || '{"closed_as": "unused"}'::jsonb
     WHERE d.connection_id = :c AND d.breaks AND d.mended_at IS NULL
       AND EXISTS (SELECT FROM jsonb_each(d.impact) hit
                    WHERE hit.key IN ('mappings', 'extra_fields', 'record_fields', 'input_forms')
                      AND jsonb_array_length(hit.value) > 0)
       AND NOT EXISTS (
           SELECT FROM jsonb_array_elements(d.changes) h
            WHERE (h->>'breaks')::boolean AND (
                  EXISTS (
                  SELECT FROM jsonb_to_recordset(CAST(:used AS jsonb)) u(entity text, field text)
                   WHERE d.entity ~ ('^(?:' || u.entity || ')$')
                     AND h->>'field' IN ('', u.field))
               OR EXISTS (
                  SELECT FROM delivery w
                   WHERE w.connection_id = :c AND w.state = 'parked' AND w.reason = 'mapping'
                     AND w.entity = d.entity AND coalesce(w.error_field, '') = h->>'field')
               OR EXISTS (
                  SELECT FROM mapping m
                    JOIN mapping_version v ON v.mapping_id = m.id AND v.version = m.published
                   WHERE m.connection_id = :c AND m.deleted_at IS NULL
                     AND v.body->>'entity' = d.entity
                     AND (h->>'field' = '' OR h->>'kind' = 'required'
                          OR v.body->'identify'->>'field' = h->>'field'
                          OR EXISTS (SELECT FROM jsonb_each_text(v.body->'links') k
                                      WHERE k.value = h->>'field')
                          OR EXISTS (SELECT FROM jsonb_array_elements(v.body->'rows') r
                                      WHERE r->>'field' = h->>'field')))))
    """
)
PARK = text(
    """
    WITH lost AS MATERIALIZED (
      SELECT * FROM jsonb_to_recordset(CAST(:lost AS jsonb)) AS l(entity text, field text))
    UPDATE delivery d
       SET state = 'parked', reason = 'mapping', error_field = nullif(lost.field, ''),
           error_code = CASE WHEN lost.field = '' THEN 'entity_unknown' ELSE 'field_gone' END,
           error = CASE WHEN lost.field = '' THEN 'the CRM has no ' || lost.entity || ' any more'
                   ELSE 'the CRM has no writable field ' || lost.field || ' any more' END
      FROM lost
     WHERE d.connection_id = :c AND d.state = 'pending' AND d.kind = 'fields'
       AND d.entity = lost.entity AND (lost.field = '' OR d.payload->'values' ? lost.field)
    """
)
