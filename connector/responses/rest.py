"""Whether a connection may be worked on now, and how long it rests after trouble."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from connector import audit
from connector.connections.parking import park_deliveries
from connector.log import get_logger
from connector.responses import failures, schedule
from connector.responses.prepare import chance

RATE = "rate"
TLS_FAILED, TLS_TRIES = "tls_failed", 3
# While one wave asks whether the CRM takes calls again, the others wait (faults.md row 28).
PROBE_S = 5.0


def ready(connection: Connection, connection_id: int) -> Any:  # noqa: ANN401 - a row
    """The connection's row when it may be worked on now."""
    return connection.execute(READY, {"c": connection_id}).one_or_none()


def probe(connection: Connection, connection_id: int) -> datetime | None:
    """Take it on to ask, after a pause, whether the CRM takes calls again: until when the others
    wait for the answer. None: somebody else is asking.
    """
    asked = {"c": connection_id, "wait": PROBE_S}
    until: datetime | None = connection.execute(PROBE, asked).scalar_one_or_none()
    return until


def probe_was_needless(
    connection: Connection, connection_id: int, *, until: datetime | None
) -> None:
    """Nothing was asked after all: the next wave may."""
    if until is not None:
        connection.execute(END_PROBE, {"c": connection_id, "probe": until})


def failures_of(connection: Connection, connection_id: int) -> int:
    """How many calls failed in a row."""
    asked = text("SELECT failures FROM connection WHERE id = :c")
    return int(connection.execute(asked, {"c": connection_id}).scalar_one())


def wake(connection: Connection, connection_id: int) -> int:
    """The long pause the CRM asked for is over: what was parked for it is due again; how much."""
    return connection.execute(WAKE, {"c": connection_id}).rowcount


def rest(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    trouble: failures.Trouble,
    *,
    calls: int,
    probe: datetime | None = None,
) -> None:
    """Pause the connection as the CRM asked, or by the breaker; a good wave closes the breaker.

    `calls`: how many the wave made; without any it has proved nothing. `probe`: what `probe` gave
    it.
    """
    if not (trouble.throttled or trouble.failed):
        if calls and not trouble.held_back:
            connection.execute(RECOVERED, {"c": connection_id, "probe": probe})
        else:
            probe_was_needless(connection, connection_id, until=probe)
        return
    unsaid = trouble.throttled and trouble.pause_s is None
    failed = int(trouble.failed is not None or unsaid)
    count = connection.execute(COUNT_FAILURE, {"c": connection_id, "n": failed}).scalar_one()
    wait_s = trouble.pause_s
    if unsaid:
        wait_s = schedule.pause_s(count - 1, chance=chance())
    elif wait_s is None and count >= schedule.BREAKER_AFTER:
        wait_s = schedule.pause_s(count - schedule.BREAKER_AFTER, chance=chance())
    if wait_s is not None:
        paused = {"c": connection_id, "wait": wait_s, "probe": probe}
        _pause(connection, workspace_id, paused, trouble=trouble)


def _pause(
    connection: Connection,
    workspace_id: int,
    paused: Mapping[str, Any],
    *,
    trouble: failures.Trouble,
) -> None:
    wait_s = paused["wait"]
    long = trouble.day_is_used_up or wait_s > schedule.LONG_PAUSE_S
    long = trouble.throttled and long
    reason = RATE if long else "throttled" if trouble.throttled else "breaker"
    news = connection.execute(REST, {**paused, "reason": reason}).one_or_none()
    if long and news is not None:
        _show(connection, workspace_id, paused, is_told=news.was == RATE)


def _show(
    connection: Connection, workspace_id: int, paused: Mapping[str, Any], *, is_told: bool
) -> None:
    """A pause of hours is shown on every delivery that waits for it, and said once."""
    connection_id = paused["c"]
    parked = park_deliveries(connection, workspace_id, connection_id, reason=RATE)
    if is_told:
        return
    get_logger(__name__).warning("crm_limit_reached", connection_id=connection_id, parked=parked)
    audit.record(
        connection,
        workspace_id,
        actor="system",
        action="connection.limit_reached",
        object=f"connection:{connection_id}",
        detail={"wait_s": round(paused["wait"]), "parked": parked},
    )


READY = text(
    """
    SELECT c.app, c.failures, c.resume_at, c.settings,
           coalesce((c.standard ->> 'record')::boolean, false) AS keeps_records
      FROM connection c JOIN workspace w ON w.id = c.workspace_id
     WHERE c.id = :c AND c.state = 'connected' AND c.paused_at IS NULL AND w.paused_at IS NULL
       AND c.deleted_at IS NULL AND (c.resume_at IS NULL OR c.resume_at <= now())
    """
)
WAKE = text(
    """
    UPDATE delivery d SET state = 'pending', reason = NULL, due_at = now()
      FROM connection c
     WHERE d.connection_id = :c AND d.state = 'parked' AND d.reason = 'rate'
       AND c.id = d.connection_id AND (c.resume_at IS NULL OR c.resume_at <= now())
    """
)
COUNT_FAILURE = text(
    "UPDATE connection SET failures = failures + :n WHERE id = :c RETURNING failures"
)
# The lock lets exactly one of several claims that saw the pause end have the probe.
PROBE = text(
    """
    UPDATE connection SET resume_at = now() + make_interval(secs => :wait)
     WHERE id = :c AND resume_at <= now() RETURNING resume_at
    """
)
END_PROBE = text("UPDATE connection SET resume_at = now() WHERE id = :c AND resume_at = :probe")
# A longer pause that somebody else has been asked for stays; what holds the others off for our own
# probe is no such pause, but it is not shortened either.
REST = text(
    """
    UPDATE connection c
       SET resume_at = greatest(c.resume_at, now() + make_interval(secs => :wait)),
           resume_reason = :reason
      FROM (SELECT id, resume_reason FROM connection WHERE id = :c FOR UPDATE) before
     WHERE c.id = before.id
       AND (c.resume_at IS NULL OR c.resume_at = CAST(:probe AS timestamptz)
            OR c.resume_at < now() + make_interval(secs => :wait))
    RETURNING before.resume_reason AS was
    """
)
# A wave that began before another worker's 429 does not end the pause that the CRM asked for.
RECOVERED = text(
    """
    UPDATE connection SET failures = 0, resume_at = NULL, resume_reason = NULL
     WHERE id = :c AND (failures > 0 OR resume_at IS NOT NULL)
       AND (resume_at IS NULL OR resume_at <= now() OR resume_at = CAST(:probe AS timestamptz))
    """
)
