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
    " WHERE CAST(:at AS timestamptz) IS NULL OR (e.at, e.kind, e.id) < (:at, :kind, :id)"
    " ORDER BY e.at DESC, e.kind DESC, e.id DESC LIMIT :limit"
)


def timeline(
    connection: Connection,
    workspace_id: int,
    contact_id: int,
    *,
    after: Spot | None = None,
    limit: int = 100,
) -> list[Event]:
    """The events that lie before `after` in time, newest first."""
    rows = connection.execute(
        _PAGE,
        {
            "workspace": workspace_id,
            "contact": contact_id,
            "at": after.at if after else None,
            "kind": after.kind if after else "",
            "id": after.id if after else 0,
            "limit": limit,
        },
    )
    return [Event(row.at, row.kind, row.id, row.detail) for row in rows]
