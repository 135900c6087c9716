"""Whether a connection may be worked on now, and how long it rests after trouble."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from connector import audit
from connector.connections.parking import park_deliveries
from connector.log import get_logger
from connector.responses import failures, schedule
from connector.responses.prepare import chance

RATE = "rate"
TLS_FAILED, TLS_TRIES = "tls_failed", 3


def ready(connection: Connection, connection_id: int) -> Any:  # noqa: ANN401 - a row
    """The connection's row when it may be worked on now."""
    return connection.execute(READY, {"c": connection_id}).one_or_none()


def failures_of(connection: Connection, connection_id: int) -> int:
    """How many calls failed in a row."""
    asked = text("SELECT failures FROM connection WHERE id = :c")
    return int(connection.execute(asked, {"c": connection_id}).scalar_one())


def wake(connection: Connection, connection_id: int) -> int:
    """The long pause the CRM asked for is over: what was parked for it is due again; how much."""
    return connection.execute(WAKE, {"c": connection_id}).rowcount


def rest(
    connection: Connection, workspace_id: int, connection_id: int, trouble: failures.Trouble
) -> None:
    """Pause the connection as the CRM asked, or by the breaker; a good wave closes the breaker."""
    if not (trouble.throttled or trouble.failed):
        if not trouble.held_back:
            connection.execute(RECOVERED, {"c": connection_id})
        return
    failed = int(trouble.failed is not None)
    count = connection.execute(COUNT_FAILURE, {"c": connection_id, "n": failed}).scalar_one()
    wait_s = trouble.pause_s
    if wait_s is None and (trouble.throttled or count >= schedule.BREAKER_AFTER):
        wait_s = schedule.pause_s(max(0, count - schedule.BREAKER_AFTER), chance=chance())
    if wait_s is not None:
        _pause(connection, workspace_id, connection_id, wait_s=wait_s, trouble=trouble)


def _pause(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    *,
    wait_s: float,
    trouble: failures.Trouble,
) -> None:
    long = trouble.throttled and wait_s > schedule.LONG_PAUSE_S
    reason = RATE if long else "throttled" if trouble.throttled else "breaker"
    paused = {"c": connection_id, "wait": wait_s, "reason": reason}
    news = connection.execute(REST, paused).rowcount
    if not (long and news):
        return
    # A pause of hours is shown on every delivery that waits for it, and said once.
    parked = park_deliveries(connection, workspace_id, connection_id, reason=RATE)
    get_logger(__name__).warning("crm_limit_reached", connection_id=connection_id, parked=parked)
    audit.record(
        connection,
        workspace_id,
        actor="system",
        action="connection.limit_reached",
        object=f"connection:{connection_id}",
        detail={"wait_s": round(wait_s), "parked": parked},
    )


READY = text(
    """
    SELECT c.app, c.failures FROM connection c JOIN workspace w ON w.id = c.workspace_id
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
REST = text(
    """
    UPDATE connection SET resume_at = now() + make_interval(secs => :wait), resume_reason = :reason
     WHERE id = :c AND (resume_at IS NULL OR resume_at < now() + make_interval(secs => :wait))
    """
)
RECOVERED = text(
    """
    UPDATE connection SET failures = 0, resume_at = NULL, resume_reason = NULL
     WHERE id = :c AND (failures > 0 OR (resume_at IS NOT NULL AND resume_at <= now()))
    """
)
