"""The outbox: steps become rows, rows are claimed, leased, given back and settled. SQL only.

A claim takes up to `lanes` lanes with all their due rows: one row of a lane is the head, the
others are folded into it. Claims of one connection queue up at an advisory lock, and the unique
index on (connection, lane) in flight is the second wall. Every write to a claimed row carries the
lease token: a worker that was stalled past its lease changes nothing. Due times and leases are the
database's `now()`; no worker's clock takes part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, text

from connector.responses.steps import Delivery, Rank, Settlement, Step

MAX_CRASHES = 3
# A lane holds about three steps (fields, tag, note) of a response; a scan of this many rows a lane
# fills the wave.
ROWS_PER_LANE = 6


@dataclass(frozen=True, slots=True)
class Wave:
    """What one claim took: the deliveries by lane, and the token that fences their settlement.

    `probe`: the wave asks after a pause whether the CRM takes calls again; others wait until then.
    """

    token: UUID
    deliveries: tuple[Delivery, ...]
    probe: datetime | None = None

    def by_lane(self) -> Mapping[str, list[Delivery]]:
        """The deliveries of each lane, oldest answer first."""
        lanes: dict[str, list[Delivery]] = {}
        for one in sorted(self.deliveries, key=lambda one: one.rank.order):
            lanes.setdefault(one.lane, []).append(one)
        return lanes


# --- from plan ----------------------------------------------------------------------------------


def enqueue(
    connection: Connection, workspace_id: int, planned: Iterable[tuple[Rank, int, Step]]
) -> int:
    """Insert the steps of (rank, contact id, step) that are not there yet; how many were new.

    The order guard's clocks are raised in the same transaction, also for steps that are parked: an
    older answer must not be written while a newer one waits.
    """
    rows = [_row(workspace_id, rank, contact_id, step) for rank, contact_id, step in planned]
    if not rows:
        return 0
    stored = connection.execute(INSERT_STEPS, {"rows": json.dumps(rows)})
    connection.execute(RAISE_CLOCKS, {"rows": json.dumps(rows)})
    return stored.rowcount


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
        campaign_id, state, reason, error_code, error, error_field, settled_at, due_at)
    SELECT s.workspace_id, s.response_id, s.answered_at, s.revision, s.contact_id, s.step, s.kind,
        s.connection_id, s.entity, s.lane, s.payload, s.mapping_id, s.mapping_version,
        s.automation_id, s.campaign_id, s.state, s.reason, s.error_code, s.error, s.error_field,
        CASE WHEN s.state = 'dead' THEN now() END,
        now() + make_interval(secs => s.linger_s)
      FROM steps s JOIN fresh f USING (response_id, step)
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


# --- claims -------------------------------------------------------------------------------------


def claim(
    connection: Connection, connection_id: int, *, lanes: int, lease_s: float, fragile: bool = False
) -> Wave:
    """Lease up to `lanes` lanes with all their due rows. Commit before anything else is done.

    `fragile` takes only what has crashed twice already, and is asked with one lane: the third
    crash then takes no neighbour with it.
    """
    token = uuid4()
    _queue_up(connection, connection_id)
    options = {
        "c": connection_id,
        "lanes": lanes,
        "scan": lanes * ROWS_PER_LANE,
        "lease": lease_s,
        "token": token,
        "fragile": MAX_CRASHES - 1 if fragile else 0,
        "sturdy": MAX_CRASHES if fragile else MAX_CRASHES - 1,
    }
    return Wave(token, tuple(_delivery(row) for row in connection.execute(CLAIM, options)))


def claim_poll(connection: Connection, connection_id: int, *, lease_s: float) -> Wave:
    """Lease every row of one asynchronous job whose next poll is due; an empty wave when none
    is.
    """
    token = uuid4()
    _queue_up(connection, connection_id)
    options = {"c": connection_id, "lease": lease_s, "token": token}
    return Wave(token, tuple(_delivery(row) for row in connection.execute(CLAIM_POLL, options)))


def take_back_abandoned(connection: Connection, connection_id: int) -> int:
    """Rows whose lease ran out: their process died. Back to pending (or awaiting), a crash
    counted; the third is dead.
    """
    _queue_up(connection, connection_id)
    return connection.execute(TAKE_BACK, {"c": connection_id, "max_crashes": MAX_CRASHES}).rowcount


def park_paused(connection: Connection, connection_id: int) -> int:
    """What became due again (a reconnect, a retry, a replay) although its mapping is paused goes
    back to waiting for that; how much.
    """
    return connection.execute(PARK_PAUSED, {"c": connection_id}).rowcount


def _queue_up(connection: Connection, connection_id: int) -> None:
    """Claims of one connection go one after the other: two would split a lane's rows between
    them.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(7001, :c)"), {"c": connection_id % 2**31})


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        response_id=row.response_id,
        contact_id=row.contact_id,
        campaign_id=row.campaign_id,
        mapping_id=row.mapping_id,
        kind=row.kind,
        entity=row.entity,
        lane=row.lane,
        payload=row.payload,
        rank=Rank(row.answered_at, row.revision, row.response_id),
        claims=row.claims,
        attempts=row.attempts,
        handle=row.handle,
        sent=row.sent,
    )


# Statistics know nothing of a burst: they count no pending row, and a join planned for one row is
# quadratic in ten thousand. So each part can only be run one way. The busy lanes are a hashed set,
# the rows of a lane are looked up under the states that only the lane's index covers, and the rows
# to lease by their ids. FOR UPDATE makes the state hold until then.
CLAIM = text(
    """
    WITH due AS MATERIALIZED (
      SELECT d.id, d.lane, d.due_at FROM delivery d
       WHERE d.connection_id = :c AND d.state = 'pending' AND d.due_at <= now()
         AND d.crashes >= :fragile AND d.crashes < :sturdy
         AND coalesce(d.mapping_id, 0) NOT IN (
             SELECT id FROM mapping WHERE connection_id = :c AND paused_at IS NOT NULL)
         AND d.lane NOT IN (
             SELECT o.lane FROM delivery o WHERE o.connection_id = :c AND o.state = 'leased'
             UNION ALL
             SELECT o.lane FROM delivery o WHERE o.connection_id = :c AND o.state = 'awaiting')
       ORDER BY d.due_at, d.id LIMIT :scan
    ), lanes AS MATERIALIZED (
      SELECT lane FROM due GROUP BY lane ORDER BY min(due_at), min(id) LIMIT :lanes
    ), held AS MATERIALIZED (
      SELECT d.id, d.lane, d.state FROM delivery d
       WHERE d.connection_id = :c AND d.lane = ANY(ARRAY(SELECT lane FROM lanes))
         AND d.state IN ('pending', 'leased', 'awaiting') AND d.due_at <= now()
         AND coalesce(d.mapping_id, 0) NOT IN (
             SELECT id FROM mapping WHERE connection_id = :c AND paused_at IS NOT NULL)
         FOR UPDATE
    ), chosen AS MATERIALIZED (
      SELECT id, min(id) OVER (PARTITION BY lane) AS head FROM held WHERE state = 'pending'
    )
    UPDATE delivery d
       SET state = 'leased', reason = NULL, lease_until = now() + make_interval(secs => :lease),
           lease_token = :token, claims = claims + 1, folded_into = nullif(chosen.head, d.id)
      FROM chosen WHERE d.id = chosen.id
    RETURNING d.*
    """
)

CLAIM_POLL = text(
    """
    WITH job AS (
      SELECT handle->>'job' AS id FROM delivery
       WHERE connection_id = :c AND state = 'awaiting' AND due_at <= now() ORDER BY due_at LIMIT 1
    )
    UPDATE delivery d
       SET state = 'leased', lease_until = now() + make_interval(secs => :lease),
           lease_token = :token
      FROM job WHERE d.connection_id = :c AND d.state = 'awaiting' AND d.handle->>'job' = job.id
    RETURNING d.*
    """
)

PARK_PAUSED = text(
    """
    WITH paused AS MATERIALIZED (
      SELECT id, coalesce(paused_reason, 'paused') AS reason FROM mapping
       WHERE connection_id = :c AND paused_at IS NOT NULL)
    UPDATE delivery d SET state = 'parked', reason = paused.reason
      FROM paused
     WHERE d.connection_id = :c AND d.state = 'pending' AND d.mapping_id = paused.id
    """
)

# A poll does not count as a claim; one that died may have sent notes, which `claims` must tell.
TAKE_BACK = text(
    """
    UPDATE delivery
       SET state = CASE WHEN crashes + 1 >= :max_crashes THEN 'dead'
                        WHEN handle IS NOT NULL THEN 'awaiting' ELSE 'pending' END,
           reason = CASE WHEN crashes + 1 >= :max_crashes THEN 'crashes' END,
           error_code = CASE WHEN crashes + 1 >= :max_crashes THEN 'crashes' ELSE error_code END,
           error = CASE WHEN crashes + 1 >= :max_crashes
                        THEN 'the process died three times while working on it' ELSE error END,
           settled_at = CASE WHEN crashes + 1 >= :max_crashes THEN now() END,
           folded_into = CASE WHEN handle IS NOT NULL AND crashes + 1 < :max_crashes
                              THEN folded_into END,
           claims = claims + CASE WHEN handle IS NOT NULL THEN 1 ELSE 0 END,
           crashes = crashes + 1, lease_token = NULL, lease_until = NULL, due_at = now()
     WHERE connection_id = :c AND state = 'leased' AND lease_until < now()
    """
)


# --- settlement ---------------------------------------------------------------------------------


def settle(
    connection: Connection, token: UUID, settlements: Sequence[Settlement]
) -> frozenset[int]:
    """Write what became of claimed rows; the ids that were still ours. The others belong to
    somebody else by now.
    """
    if not settlements:
        return frozenset()
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
    return frozenset(row.id for row in ours)


SETTLE = text(
    """
    WITH rows AS (
      SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        id bigint, state text, reason text, code text, message text, field text, remote_id text,
        wait_s float, burnt int, unsent int, handle jsonb, sent jsonb)
    )
    UPDATE delivery d
       SET state = r.state, reason = r.reason, error_code = r.code, error = r.message,
           error_field = r.field, remote_id = coalesce(r.remote_id, d.remote_id),
           attempts = d.attempts + r.burnt, claims = d.claims - r.unsent,
           due_at = CASE WHEN r.wait_s IS NULL THEN d.due_at
                         ELSE now() + make_interval(secs => r.wait_s) END,
           handle = r.handle, sent = coalesce(r.sent, d.sent), lease_token = NULL, lease_until =
           NULL, folded_into = CASE WHEN r.state = 'awaiting' THEN d.folded_into
                              WHEN r.state = 'pending' THEN NULL ELSE d.folded_into END,
           settled_at = CASE WHEN r.state IN ('done', 'superseded', 'dead', 'cancelled')
                             THEN now() END
      FROM rows r WHERE d.id = r.id AND d.state = 'leased' AND d.lease_token = :token
    RETURNING d.id
    """
)
