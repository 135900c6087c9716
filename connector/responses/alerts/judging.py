"""What is wrong in a workspace now: alerts are opened, kept and closed. SQL only, no calls.

    connection   a connection needs attention
    errors       of what was settled at a connection within an hour, much failed
    parked       deliveries stand until a person does something
    lag          what is due waits too long, at a connection or to be planned

An alert ends when its trouble has been away for CALM_S. What a channel is told: that it began, and,
if it was told so, that it ended. Trouble that comes back within AGAIN_S of its last beginning waits
for that hour to pass, and is never told if it is over by then: nobody gets a storm of messages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from schemas.priority import Priority

CALM_S, AGAIN_S = 300, 3_600
MOST_LOOKED_AT, MOST_WAITING, MOST_SHOWN = 5_000, 20_000, 50
# Where a person says nothing else (schemas/workspace.py).
ERROR_PERCENT, ERRORS_FROM, PARKED_FROM, LAG_MINUTES = 20, 10, 1, 15


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it is shown; `ended_at` None: it stands."""

    id: int
    kind: str
    connection_id: int | None
    connection: str | None
    figures: Mapping[str, Any]
    began_at: datetime
    ended_at: datetime | None


def judge(connection: Connection, workspace_id: int, settings: Mapping[str, Any]) -> bool:
    """Look, and keep what was found; whether something is to be told now. `settings` are those of
    the workspace about alerts. Several schedulers may do it at once.
    """
    found = connection.execute(WRONG, _limits(workspace_id, settings)).mappings().all()
    rows = json.dumps([dict(row) for row in found])
    told = {"w": workspace_id, "again": AGAIN_S, "calm": CALM_S}
    standing = connection.execute(KEEP, {**told, "rows": rows}).all()
    fresh = [row.id for row in standing if row.is_new]
    if fresh:
        connection.execute(TELL_BEGAN, {**told, "ids": fresh})
    ended = connection.execute(CLOSE, {**told, "ids": [row.id for row in standing]}).scalars().all()
    if ended:
        connection.execute(TELL_ENDED, {**told, "ids": list(ended)})
        connection.execute(UNSAID, {**told, "ids": list(ended)})
    return is_due(connection, workspace_id)


def is_due(connection: Connection, workspace_id: int) -> bool:
    """Whether somebody is to be told something now."""
    return bool(connection.execute(IS_DUE, {"w": workspace_id}).scalar_one())


def listed(connection: Connection, workspace_id: int, *, standing: bool = False) -> Sequence[Alert]:
    """The newest alerts, those that stand first; `standing`: these alone."""
    rows = connection.execute(LISTED, {"w": workspace_id, "most": MOST_SHOWN, "standing": standing})
    return [Alert(**row) for row in rows.mappings()]


def _limits(workspace_id: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "w": workspace_id,
        "most": MOST_LOOKED_AT,
        "waiting": MOST_WAITING,
        "live": int(Priority.LIVE),
        "percent": settings.get("error_percent", ERROR_PERCENT),
        "some": ERRORS_FROM,
        "parked": PARKED_FROM,
        "lag_s": settings.get("lag_minutes", LAG_MINUTES) * 60,
    }


# Each part looks at bounded, indexed rows, so that it costs the same however long a workspace has
# been working. What goes on by itself is nobody's alert: causes.BY_ITSELF; what a person has paused
# neither. What stands for a lost grant is told by its connection. A row that was tried is late
# since it came, another since it was due: a replay of old rows is no lag.
WRONG = text(
    """
    WITH here AS (
      SELECT id, state, reason_code FROM connection
       WHERE workspace_id = :w AND deleted_at IS NULL AND paused_at IS NULL),
    settled AS (
      SELECT connection_id, count(*) FILTER (WHERE state = 'dead') AS failed, count(*) AS settled
        FROM (SELECT connection_id, state, settled_at FROM delivery
               WHERE workspace_id = :w ORDER BY id DESC LIMIT :most) newest
       WHERE state IN ('done', 'dead') AND settled_at > now() - interval '1 hour'
       GROUP BY connection_id),
    parked AS (
      SELECT h.id, n.count FROM here h CROSS JOIN LATERAL (
        SELECT count(*) FROM (
          SELECT FROM delivery d WHERE d.connection_id = h.id AND d.state = 'parked'
             AND d.reason NOT IN ('rate', 'provision', 'file', 'paused', 'auth', 'crypto')
           LIMIT :waiting) one) n),
    late AS (
      SELECT h.id, n.since FROM here h CROSS JOIN LATERAL (
        SELECT min(CASE WHEN attempts > 0 THEN created_at ELSE due_at END) AS since FROM (
          SELECT attempts, created_at, due_at FROM delivery d
           WHERE d.connection_id = h.id AND d.state = 'pending' AND d.priority <= :live
           LIMIT :waiting) one) n
       WHERE h.state = 'connected'
         AND NOT EXISTS (SELECT FROM workspace WHERE id = :w AND paused_at IS NOT NULL)),
    unplanned AS (
      SELECT min(plan_due_at) AS since FROM (
        SELECT plan_due_at FROM response
         WHERE workspace_id = :w AND planned_at IS NULL AND priority <= :live
         ORDER BY plan_due_at, id LIMIT :waiting) one)
    SELECT 'connection' AS kind, id AS connection_id,
           jsonb_build_object('reason', reason_code) AS figures
      FROM here WHERE state = 'needs_attention'
    UNION ALL
    SELECT 'errors', s.connection_id,
           jsonb_build_object('failed', s.failed, 'settled', s.settled)
      FROM settled s JOIN here h ON h.id = s.connection_id
     WHERE s.failed >= :some AND s.failed * 100 >= s.settled * :percent
    UNION ALL
    SELECT 'parked', id, jsonb_build_object('count', count) FROM parked WHERE count >= :parked
    UNION ALL
    SELECT 'lag', id, jsonb_build_object('since', since) FROM late
     WHERE since < now() - make_interval(secs => :lag_s)
    UNION ALL
    SELECT 'lag', NULL, jsonb_build_object('since', since) FROM unplanned
     WHERE since < now() - make_interval(secs => :lag_s)
    """
)
KEEP = text(
    """
    INSERT INTO alert (workspace_id, kind, connection_id, figures)
    SELECT :w, r.kind, r.connection_id, r.figures
      FROM jsonb_to_recordset(CAST(:rows AS jsonb))
           AS r(kind text, connection_id bigint, figures jsonb)
    ON CONFLICT (workspace_id, kind, coalesce(connection_id, 0)) WHERE ended_at IS NULL
    DO UPDATE SET figures = EXCLUDED.figures, seen_at = now(), clear_since = NULL
    RETURNING id, (xmax = 0) AS is_new
    """
)
TELL_BEGAN = text(
    """
    INSERT INTO alert_notice (workspace_id, alert_id, channel_id, phase, due_at)
    SELECT :w, a.id, c.id, 'began', greatest(now(), (
             SELECT max(b.began_at) + make_interval(secs => :again) FROM alert b
              WHERE b.workspace_id = :w AND b.kind = a.kind AND b.id <> a.id
                AND b.connection_id IS NOT DISTINCT FROM a.connection_id))
      FROM alert a JOIN alert_channel c ON c.workspace_id = a.workspace_id
      JOIN connection k ON k.id = c.connection_id AND k.deleted_at IS NULL
     WHERE a.id = ANY(:ids)
    ON CONFLICT DO NOTHING
    """
)
CLOSE = text(
    """
    WITH seen AS (
      UPDATE alert SET clear_since = coalesce(clear_since, now()),
             ended_at = CASE WHEN clear_since < now() - make_interval(secs => :calm) THEN now() END
       WHERE workspace_id = :w AND ended_at IS NULL AND id <> ALL(:ids)
      RETURNING id, ended_at)
    SELECT id FROM seen WHERE ended_at IS NOT NULL
    """
)
TELL_ENDED = text(
    """
    INSERT INTO alert_notice (workspace_id, alert_id, channel_id, phase)
    SELECT :w, n.alert_id, n.channel_id, 'ended' FROM alert_notice n
     WHERE n.workspace_id = :w AND n.alert_id = ANY(:ids) AND n.phase = 'began'
       AND (n.state = 'sent' OR n.lease_until > now())
    ON CONFLICT DO NOTHING
    """
)
UNSAID = text(
    """
    DELETE FROM alert_notice
     WHERE workspace_id = :w AND alert_id = ANY(:ids) AND phase = 'began' AND state = 'pending'
       AND (lease_until IS NULL OR lease_until < now())
    """
)
# Quiet: nothing is told until then; what still stands is told afterwards.
IS_DUE = text(
    """
    SELECT EXISTS (
      SELECT FROM alert_notice n JOIN workspace w ON w.id = n.workspace_id
       WHERE n.workspace_id = :w AND n.state = 'pending' AND n.due_at <= now()
         AND (n.lease_until IS NULL OR n.lease_until < now())
         AND coalesce((w.settings #>> '{alerts,quiet_until}')::timestamptz <= now(), true))
    """
)
LISTED = text(
    """
    SELECT a.id, a.kind, a.connection_id, c.name AS connection, a.figures, a.began_at, a.ended_at
      FROM alert a LEFT JOIN connection c ON c.id = a.connection_id
     WHERE a.workspace_id = :w AND (NOT :standing OR a.ended_at IS NULL)
     ORDER BY a.ended_at IS NOT NULL, a.began_at DESC, a.id DESC LIMIT :most
    """
)
