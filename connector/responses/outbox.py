"""The outbox: steps become rows, and claimed rows are settled. SQL only.

Every write to a claimed row carries its lease's token: a worker that was stalled past its lease
changes nothing. Due times are the database's `now()`; no worker's clock takes part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from connector.responses.steps import Rank, Settlement, Step
from schemas.priority import Priority

# Rows of one statement: a wave of a whole bulk job has tens of thousands, and the statement timeout
# is each statement's own.
AT_ONCE = 2_000

# --- from plan ----------------------------------------------------------------------------------


def enqueue(
    connection: Connection,
    workspace_id: int,
    planned: Iterable[tuple[Rank, int, Step]],
    *,
    priority: Priority = Priority.INTERACTIVE,
) -> int:
    """Insert the steps of (rank, contact id, step) that are not there yet; how many were new.

    They stand in the lane of their response, or in that of `priority` where it is slower.

    The order guard's clocks are raised in the same transaction, also for steps that are parked: an
    older answer must not be written while a newer one waits.
    """
    rows = [_row(workspace_id, rank, contact_id, step) for rank, contact_id, step in planned]
    if not rows:
        return 0
    options = {"rows": json.dumps(rows), "slowest": int(priority)}
    stored = connection.execute(INSERT_STEPS, options)
    raise_clocks(connection, rows)
    return stored.rowcount


def raise_clocks(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """What is older than these, of their targets, is not written any more."""
    connection.execute(RAISE_CLOCKS, {"rows": json.dumps(rows)})


def _row(workspace_id: int, rank: Rank, contact_id: int, step: Step) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "response_id": rank.response_id,
        "answered_at": rank.answered_at.isoformat(),
        "revision": rank.revision,
        "contact_id": contact_id,
        "step": step.key,
        "kind": step.kind,
        "connection_id": step.connection_id,
        "entity": step.entity,
        "lane": step.lane,
        "payload": dict(step.payload),
        "targets": list(step.targets),
        "mapping_id": step.mapping_id,
        "mapping_version": step.mapping_version,
        "automation_id": step.automation_id,
        "campaign_id": step.campaign_id,
        "state": step.state,
        "reason": step.reason,
        "error_code": step.error_code,
        "error": step.error,
        "error_field": step.error_field,
        "linger_s": step.linger_s,
    }


INSERT_STEPS = text(
    """
    WITH steps AS (
      SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s(
        workspace_id bigint, response_id bigint, answered_at timestamptz, revision int,
        contact_id bigint, step text, kind text, connection_id bigint, entity text, lane text,
        payload jsonb, mapping_id bigint, mapping_version int, automation_id bigint,
        campaign_id bigint, state text, reason text, error_code text, error text, error_field text,
        linger_s float)
    ), fresh AS (
      INSERT INTO step_key (workspace_id, response_id, step)
      SELECT workspace_id, response_id, step FROM steps ON CONFLICT DO NOTHING
      RETURNING response_id, step
    )
    INSERT INTO delivery (workspace_id, response_id, answered_at, revision, contact_id, step, kind,
        connection_id, entity, lane, payload, mapping_id, mapping_version, automation_id,
        campaign_id, state, reason, error_code, error, error_field, settled_at, priority, due_at)
    SELECT s.workspace_id, s.response_id, s.answered_at, s.revision, s.contact_id, s.step, s.kind,
        s.connection_id, s.entity, s.lane, s.payload, s.mapping_id, s.mapping_version,
        s.automation_id, s.campaign_id, s.state, s.reason, s.error_code, s.error, s.error_field,
        CASE WHEN s.state = 'dead' THEN now() END, greatest(r.priority, :slowest),
        now() + make_interval(secs => s.linger_s)
      FROM steps s JOIN fresh f USING (response_id, step) JOIN response r ON r.id = s.response_id
    """
)

# In key order, so that two planners meet the clocks in the same order and do not deadlock.
RAISE_CLOCKS = text(
    """
    INSERT INTO target_clock AS clock
           (workspace_id, connection_id, lane, target, answered_at, revision, response_id)
    SELECT DISTINCT ON (connection_id, lane, target)
           workspace_id, connection_id, lane, target, answered_at, revision, response_id
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS s(
        workspace_id bigint, response_id bigint, answered_at timestamptz, revision int,
        connection_id bigint, lane text, targets text[])
      CROSS JOIN LATERAL unnest(s.targets) AS target
     ORDER BY connection_id, lane, target, answered_at DESC, revision DESC, response_id DESC
    ON CONFLICT (connection_id, lane, target) DO UPDATE
       SET answered_at = excluded.answered_at, revision = excluded.revision,
           response_id = excluded.response_id
     WHERE (excluded.answered_at, excluded.revision, excluded.response_id)
         > (clock.answered_at, clock.revision, clock.response_id)
    """
)


# --- settlement ---------------------------------------------------------------------------------


def settle(
    connection: Connection, token: UUID, settlements: Sequence[Settlement]
) -> frozenset[int]:
    """Write what became of claimed rows; the ids that were still ours. The others belong to
    somebody else by now.
    """
    ours: set[int] = set()
    for start in range(0, len(settlements), AT_ONCE):
        ours |= _settled(connection, token, settlements[start : start + AT_ONCE])
    return frozenset(ours)


def _settled(connection: Connection, token: UUID, settlements: Sequence[Settlement]) -> set[int]:
    rows = [
        {
            "id": one.delivery_id,
            "state": one.state,
            "reason": one.reason,
            "code": one.code,
            "message": one.message,
            "field": one.field,
            "remote_id": one.remote_id,
            "wait_s": one.wait_s,
            "burnt": int(one.burnt),
            "unsent": int(one.unsent),
            "handle": dict(one.handle) if one.handle is not None else None,
            "sent": dict(one.sent) if one.sent is not None else None,
        }
        for one in settlements
    ]
    ours = connection.execute(SETTLE, {"rows": json.dumps(rows), "token": token})
    return {row.id for row in ours}


# What was in somebody's hands when its campaign's tags were renamed is done once more (retag.py).
_AGAIN = "(r.state = 'done' AND d.payload ? 'again')"
SETTLE = text(
    f"""
    WITH rows AS (
      SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        id bigint, state text, reason text, code text, message text, field text, remote_id text,
        wait_s float, burnt int, unsent int, handle jsonb, sent jsonb)
    )
    UPDATE delivery d
       SET state = CASE WHEN {_AGAIN} THEN 'pending' ELSE r.state END,
           payload = CASE WHEN {_AGAIN} THEN d.payload - 'again' ELSE d.payload END,
           reason = r.reason, error_code = r.code, error = r.message,
           error_field = r.field, remote_id = coalesce(r.remote_id, d.remote_id),
           attempts = d.attempts + r.burnt, claims = d.claims - r.unsent,
           due_at = CASE WHEN {_AGAIN} THEN now()
                         WHEN r.wait_s IS NULL THEN d.due_at
                         ELSE now() + make_interval(secs => r.wait_s) END,
           handle = r.handle, sent = coalesce(r.sent, d.sent), lease_token = NULL, lease_until =
           NULL, folded_into = CASE WHEN r.state = 'awaiting' THEN d.folded_into
                              WHEN r.state = 'pending' OR {_AGAIN} THEN NULL
                              ELSE d.folded_into END,
           settled_at = CASE WHEN r.state IN ('done', 'superseded', 'dead', 'cancelled')
                              AND NOT {_AGAIN} THEN now() END
      FROM rows r WHERE d.id = r.id AND d.state = 'leased' AND d.lease_token = :token
    RETURNING d.id
    """  # noqa: S608 - a constant of this file
)
