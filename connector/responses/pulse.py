"""How a workspace is doing: what came in and was written in the last day, how long it took, what
waits. Only reads.

Figures of the day look at the newest rows alone, so that they cost the same however long a
workspace has been working: where more came in than that, `counted_from` says how far back they go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

MOST_COUNTED, MOST_TIMED, HOURS = 50_000, 1_000, 24


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour: responses that came in, steps that were written, steps that failed."""

    begins_at: datetime
    received: int
    written: int
    failed: int


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours, the oldest first."""

    hours: tuple[Hour, ...]
    counted_from: datetime | None

    @property
    def received(self) -> int:
        """Responses in all."""
        return sum(one.received for one in self.hours)

    @property
    def written(self) -> int:
        """Steps written in all."""
        return sum(one.written for one in self.hours)

    @property
    def failed(self) -> int:
        """Steps failed in all."""
        return sum(one.failed for one in self.hours)


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds from the answer to our 202 until it stood in the CRM, of the newest steps."""

    p50_s: float
    p95_s: float
    steps: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is on its way: steps that wait for their turn, responses that are to be planned, and
    since when the oldest waits (None: nothing does).
    """

    steps: int
    responses: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What a new workspace has behind it, as its own rows tell. `mapping_id`: the mapping that is
    to be tried and published, None where there is none or none is left to publish.
    """

    connected: bool
    fields_known: bool
    mapped: bool
    published: bool
    received: bool
    written: bool
    mapping_id: int | None

    @property
    def behind(self) -> tuple[bool, ...]:
        """The five steps in their order, each with whether it is done."""
        return (self.connected, self.fields_known, self.mapped, self.published, self.written)

    @property
    def next(self) -> int | None:
        """The first step that is to be done, from 1; None: all are."""
        return next((at for at, done in enumerate(self.behind, start=1) if not done), None)

    @property
    def are_done(self) -> bool:
        """Whether an answer has reached a CRM: then the workspace has found its way, by whatever
        steps.
        """
        return self.written


def day(connection: Connection, workspace_id: int) -> Day:
    """The last 24 hours by the hour."""
    options = {"w": workspace_id, "most": MOST_COUNTED, "hours": HOURS - 1}
    rows = connection.execute(DAY, options).all()
    hours = tuple(Hour(row.hour, row.received, row.written, row.failed) for row in rows)
    return Day(hours, rows[0].counted_from)


def speed(connection: Connection, workspace_id: int) -> Speed | None:
    """How long it took lately; None where nothing was written within a day."""
    row = connection.execute(SPEED, {"w": workspace_id, "most": MOST_TIMED}).one()
    return Speed(row.p50, row.p95, row.n) if row.n else None


def backlog(connection: Connection, workspace_id: int) -> Backlog:
    """What waits, at most 100,000 of each counted."""
    row = connection.execute(BACKLOG, {"w": workspace_id}).one()
    oldest = [one for one in (row.oldest_step, row.oldest_response) if one is not None]
    return Backlog(row.steps, row.responses, min(oldest, default=None))


def first_steps(connection: Connection, workspace_id: int) -> FirstSteps:
    """What has been done of connecting, mapping and pushing."""
    return FirstSteps(**connection.execute(FIRST_STEPS, {"w": workspace_id}).mappings().one())


DAY = text(
    """
    WITH hours AS (
      SELECT generate_series(date_trunc('hour', now()) - make_interval(hours => :hours),
                             date_trunc('hour', now()), interval '1 hour') AS hour),
    steps AS (
      SELECT state, settled_at, created_at FROM delivery
       WHERE workspace_id = :w ORDER BY id DESC LIMIT :most),
    came AS (
      SELECT received_at FROM response WHERE workspace_id = :w ORDER BY id DESC LIMIT :most),
    settled AS (
      SELECT date_trunc('hour', settled_at) AS hour,
             count(*) FILTER (WHERE state = 'done') AS written,
             count(*) FILTER (WHERE state = 'dead') AS failed
        FROM steps WHERE settled_at >= (SELECT min(hour) FROM hours) GROUP BY 1),
    received AS (
      SELECT date_trunc('hour', received_at) AS hour, count(*) AS n
        FROM came WHERE received_at >= (SELECT min(hour) FROM hours) GROUP BY 1),
    reach AS (
      SELECT CASE WHEN count(*) = :most AND min(created_at) > (SELECT min(hour) FROM hours)
                  THEN min(created_at) END AS counted_from FROM steps)
    SELECT h.hour, coalesce(r.n, 0) AS received, coalesce(s.written, 0) AS written,
           coalesce(s.failed, 0) AS failed, reach.counted_from
      FROM hours h CROSS JOIN reach
      LEFT JOIN settled s USING (hour) LEFT JOIN received r USING (hour)
     ORDER BY h.hour
    """
)
SPEED = text(
    """
    WITH newest AS (
      SELECT state, settled_at, response_id FROM delivery
       WHERE workspace_id = :w ORDER BY id DESC LIMIT :most * 5),
    done AS (
      SELECT extract(epoch FROM d.settled_at - r.received_at) AS s
        FROM newest d JOIN response r ON r.id = d.response_id
       WHERE d.state = 'done' AND d.settled_at > now() - interval '1 day' LIMIT :most)
    SELECT count(*) AS n, percentile_cont(0.5) WITHIN GROUP (ORDER BY s) AS p50,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY s) AS p95 FROM done
    """
)
BACKLOG = text(
    """
    WITH one AS (
      SELECT d.created_at FROM connection c JOIN delivery d ON d.connection_id = c.id
       WHERE c.workspace_id = :w AND d.state IN ('pending', 'leased', 'awaiting') LIMIT 100000),
    two AS (
      SELECT received_at FROM response
       WHERE workspace_id = :w AND planned_at IS NULL AND plan_due_at < 'infinity'
       LIMIT 100000)
    SELECT (SELECT count(*) FROM one) AS steps, (SELECT min(created_at) FROM one) AS oldest_step,
           (SELECT count(*) FROM two) AS responses,
           (SELECT min(received_at) FROM two) AS oldest_response
    """
)
FIRST_STEPS = text(
    """
    SELECT EXISTS (SELECT FROM connection WHERE workspace_id = :w AND state <> 'new'
                      AND deleted_at IS NULL) AS connected,
           EXISTS (SELECT FROM entity_snapshot WHERE workspace_id = :w) AS fields_known,
           standard.enabled OR mine.there AS mapped,
           standard.enabled
             OR EXISTS (SELECT FROM automation WHERE workspace_id = :w AND published IS NOT NULL
                      AND deleted_at IS NULL) AS published,
           EXISTS (SELECT FROM response WHERE workspace_id = :w) AS received,
           EXISTS (SELECT FROM ledger WHERE workspace_id = :w AND delivery_id IS NOT NULL)
             AS written,
           mine.unpublished AS mapping_id
      FROM (SELECT EXISTS (SELECT FROM connection WHERE workspace_id = :w AND deleted_at IS NULL
                      AND standard ->> 'enabled' = 'true') AS enabled) standard,
           (SELECT count(*) > 0 AS there, min(id) FILTER (WHERE published IS NULL) AS unpublished
              FROM mapping WHERE workspace_id = :w AND deleted_at IS NULL) mine
    """
)
