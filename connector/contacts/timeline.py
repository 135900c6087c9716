"""What happened to one contact: responses, deliveries, and each write with the value before.

Newest first. A spot in it is (time, kind, id), so that a page begins where the last one ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

KINDS = ("delivery", "ledger", "response")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a page ended."""

    at: datetime
    kind: str
    id: int


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `detail` holds ids, states and, for a write, before and after."""

    at: datetime
    kind: str
    id: int
    detail: dict[str, Any]

    @property
    def spot(self) -> Spot:
        return Spot(self.at, self.kind, self.id)


# A delivery is listed once, at its last change of state; what it wrote are lines of the ledger.
_EVENTS = """
SELECT r.received_at AS at, 'response' AS kind, r.id,
       jsonb_build_object('response_id', r.response_id, 'revision', r.revision, 'event', r.event,
         'source', r.source, 'campaign_id', r.campaign_id, 'answered_at', r.answered_at,
         'planned_at', r.planned_at) AS detail
  FROM response r WHERE r.workspace_id = :workspace AND r.contact_id = :contact
UNION ALL
SELECT l.written_at, 'ledger', l.id,
       jsonb_build_object('delivery_id', l.delivery_id, 'edit_id', l.edit_id,
         'edited_by', e.actor, 'connection_id', l.connection_id, 'response_id', l.response_id,
         'entity', l.entity, 'remote_id', l.remote_id, 'field', l.field,
         'before', l.before, 'after', l.after, 'created', l.created)
  FROM ledger l LEFT JOIN edit e ON e.id = l.edit_id
 WHERE l.workspace_id = :workspace AND l.contact_id = :contact
UNION ALL
SELECT coalesce(d.settled_at, d.created_at), 'delivery', d.id,
       jsonb_build_object('connection_id', d.connection_id, 'response_id', d.response_id,
         'kind', d.kind, 'entity', d.entity, 'state', d.state, 'reason', d.reason,
         'error_code', d.error_code, 'error_field', d.error_field, 'attempts', d.attempts)
  FROM delivery d WHERE d.workspace_id = :workspace AND d.contact_id = :contact
"""
_PAGE = text(
    f"SELECT * FROM ({_EVENTS}) e"  # noqa: S608 - no part of it comes from outside
    " WHERE (CAST(:at AS timestamptz) IS NULL OR (e.at, e.kind, e.id) < (:at, :kind, :id))"
    " AND (CAST(:field AS text) IS NULL"
    "      OR (e.kind = 'ledger' AND e.detail->>'field' = CAST(:field AS text)))"
    " ORDER BY e.at DESC, e.kind DESC, e.id DESC LIMIT :limit"
)
# The newest line of each field of each record that stands for the contact, or was made for it.
_HELD = text(
    """
    SELECT l.*, e.actor AS edited_by, r.response_id AS platform_response_id FROM (
      SELECT DISTINCT ON (connection_id, entity, remote_id, field) id, connection_id, entity,
             remote_id, field, before, after, written_at, delivery_id, edit_id, response_id
        FROM ledger WHERE workspace_id = :workspace AND contact_id = :contact
       ORDER BY connection_id, entity, remote_id, field, id DESC) l
      LEFT JOIN edit e ON e.id = l.edit_id
      LEFT JOIN response r ON r.id = l.response_id
     ORDER BY l.id DESC LIMIT :most
    """
)
MOST_FIELDS = 200


def timeline(
    connection: Connection,
    workspace_id: int,
    contact_id: int,
    *,
    field: str | None = None,
    after: Spot | None = None,
    limit: int = 100,
) -> list[Event]:
    """The events that lie before `after` in time, newest first; with `field` the writes of a CRM's
    field of that name alone: why it holds what it holds.
    """
    rows = connection.execute(
        _PAGE,
        {
            "workspace": workspace_id,
            "contact": contact_id,
            "field": field,
            "at": after.at if after else None,
            "kind": after.kind if after else "",
            "id": after.id if after else 0,
            "limit": limit,
        },
    )
    return [Event(row.at, row.kind, row.id, row.detail) for row in rows]


def held(connection: Connection, workspace_id: int, contact_id: int) -> list[dict[str, Any]]:
    """What we wrote last into each field of the contact's records, newest first, at most
    MOST_FIELDS: the ledger's line, with who edited it or which response it is of.
    """
    asked = {"workspace": workspace_id, "contact": contact_id, "most": MOST_FIELDS}
    return [dict(row) for row in connection.execute(_HELD, asked).mappings()]
