"""Leases: due rows are claimed, and taken back from a process that died. SQL only.

A claim takes up to `lanes` lanes with all their due rows: one row of a lane is the head, the
others are folded into it. Claims of one connection queue up at an advisory lock, and the unique
index on (connection, lane) in flight is the second wall. Due times and leases are the database's
`now()`; no worker's clock takes part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, text

from connector.responses.steps import Delivery, Rank
from schemas.priority import Priority

MAX_CRASHES = 3
# A lane holds about three steps (fields, tag, note) of a response; a scan of this many rows a lane
# fills the wave.
ROWS_PER_LANE = 6
# A wave of a whole bulk job takes thirty thousand rows by one statement. One that was ended for its
# length would be tried again for ever.
STATEMENT_MS = 30_000


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


def claim(
    connection: Connection,
    connection_id: int,
    *,
    lanes: int,
    lease_s: float,
    slowest: Priority = Priority.BACKFILL,
    crashes: int = 0,
) -> Wave:
    """Lease up to `lanes` lanes with all their due rows, the most urgent first. Commit before
    anything else is done.

    `slowest`: a lane whose due rows are all less urgent is left waiting.

    `crashes`: only lanes with due rows that have crashed just so often begin the claim. What has
    crashed is asked for with fewer lanes: the next crash then takes few neighbours with it.
    """
    token = uuid4()
    queue_up(connection, connection_id)
    options = {
        "c": connection_id,
        "lanes": lanes,
        "scan": lanes * ROWS_PER_LANE,
        "lease": lease_s,
        "token": token,
        "slowest": int(slowest),
        "crashes": crashes,
    }
    return Wave(token, tuple(_delivery(row) for row in connection.execute(CLAIM, options)))


def lanes_due(connection: Connection, connection_id: int, *, most: int) -> int:
    """How many lanes have due rows, counted among the oldest rows that `most` lanes can have."""
    queue_up(connection, connection_id)
    scan = most * ROWS_PER_LANE
    return int(connection.execute(LANES_DUE, {"c": connection_id, "scan": scan}).scalar_one())


def claim_poll(connection: Connection, connection_id: int, *, lease_s: float) -> Wave:
    """Lease every row of one asynchronous job whose next poll is due; an empty wave when none
    is.
    """
    token = uuid4()
    queue_up(connection, connection_id)
    options = {"c": connection_id, "lease": lease_s, "token": token}
    return Wave(token, tuple(_delivery(row) for row in connection.execute(CLAIM_POLL, options)))


def take_back_abandoned(connection: Connection, connection_id: int) -> int:
    """Rows whose lease ran out: their process died. Back to pending (or awaiting), a crash
    counted; the third is dead.
    """
    queue_up(connection, connection_id)
    return connection.execute(TAKE_BACK, {"c": connection_id, "max_crashes": MAX_CRASHES}).rowcount


def park_paused(connection: Connection, connection_id: int) -> int:
    """What became due again (a reconnect, a retry, a replay) although its mapping is paused goes
    back to waiting for that; how much.
    """
    return connection.execute(PARK_PAUSED, {"c": connection_id}).rowcount


def queue_up(connection: Connection, connection_id: int) -> None:
    """Claims of one connection go one after the other, people's edits among them: two would split a
    lane's rows between them. What follows in the transaction may take its time, and reads due rows
    in their index's order.
    """
    asked = {"c": connection_id % 2**31, "ms": str(STATEMENT_MS)}
    connection.execute(QUEUE_UP, asked)


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


# Statistics that count what waited before a burst have all of it read and sorted for each claim:
# where an index holds the order, this has it read in that order up to the limit.
QUEUE_UP = text(
    """
    SELECT pg_advisory_xact_lock(7001, :c), set_config('statement_timeout', :ms, true),
           set_config('enable_sort', 'off', true)
    """
)
# Statistics know nothing of a burst: they count no pending row, and a join planned for one row is
# quadratic in ten thousand. So each part can only be run one way. The busy lanes are a hashed set,
# the rows of a lane are looked up under the states that only the lane's index covers, and the rows
# to lease by their ids. FOR UPDATE makes the state hold until then. Each priority is looked up for
# itself, in the index's order: no backlog of replays is read to find what has just been answered.
CLAIM = text(
    """
    WITH due AS MATERIALIZED (
      SELECT p.priority, one.id, one.lane, one.due_at
        FROM (VALUES (0::smallint), (1::smallint), (2::smallint), (3::smallint)) AS p(priority)
        CROSS JOIN LATERAL (
          SELECT d.id, d.lane, d.due_at FROM delivery d
           WHERE d.connection_id = :c AND d.state = 'pending' AND d.priority = p.priority
             AND d.due_at <= now() AND d.crashes = :crashes
             AND coalesce(d.mapping_id, 0) NOT IN (
                 SELECT id FROM mapping WHERE connection_id = :c AND paused_at IS NOT NULL)
             AND d.lane NOT IN (
                 SELECT o.lane FROM delivery o WHERE o.connection_id = :c AND o.state = 'leased'
                 UNION ALL
                 SELECT o.lane FROM delivery o
                  WHERE o.connection_id = :c AND o.state = 'awaiting'
                 UNION ALL
                 SELECT e.lane FROM edit e
                  WHERE e.connection_id = :c AND e.state = 'open' AND e.held_until > now())
           ORDER BY d.due_at, d.id LIMIT :scan) one
       WHERE p.priority <= :slowest
       ORDER BY p.priority, one.due_at, one.id LIMIT :scan
    ), lanes AS MATERIALIZED (
      SELECT lane FROM due GROUP BY lane ORDER BY min(priority), min(due_at), min(id) LIMIT :lanes
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

LANES_DUE = text(
    """
    SELECT count(DISTINCT lane) FROM (
      SELECT one.lane
        FROM (VALUES (0::smallint), (1::smallint), (2::smallint), (3::smallint)) AS p(priority)
        CROSS JOIN LATERAL (
          SELECT d.lane FROM delivery d
           WHERE d.connection_id = :c AND d.state = 'pending' AND d.priority = p.priority
             AND d.due_at <= now()
           ORDER BY d.due_at, d.id LIMIT :scan) one
       LIMIT :scan) AS due
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
