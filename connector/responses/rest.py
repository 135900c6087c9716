"""Whether a connection may be worked on now, and how long it rests after trouble."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from connector.responses import failures, schedule
from connector.responses.prepare import chance


def ready(connection: Connection, connection_id: int) -> Any:  # noqa: ANN401 - a row
    """The connection's row when it may be worked on now."""
    return connection.execute(READY, {"c": connection_id}).one_or_none()


def rest(connection: Connection, connection_id: int, trouble: failures.Trouble) -> None:
    """Pause the connection as the CRM asked, or by the breaker; a good wave closes the breaker."""
    if trouble.throttled or trouble.failed:
        failed = trouble.failed is not None
        count = connection.execute(
            COUNT_FAILURE, {"c": connection_id, "n": int(failed)}
        ).scalar_one()
        wait_s = trouble.pause_s
        if wait_s is None and (trouble.throttled or count >= schedule.BREAKER_AFTER):
            wait_s = schedule.pause_s(max(0, count - schedule.BREAKER_AFTER), chance=chance())
        if wait_s is not None:
            reason = "throttled" if trouble.throttled else "breaker"
            connection.execute(REST, {"c": connection_id, "wait": wait_s, "reason": reason})
    elif not trouble.held_back:
        connection.execute(RECOVERED, {"c": connection_id})


READY = text(
    """
    SELECT c.app, c.failures FROM connection c JOIN workspace w ON w.id = c.workspace_id
     WHERE c.id = :c AND c.state = 'connected' AND c.paused_at IS NULL AND w.paused_at IS NULL
       AND c.deleted_at IS NULL AND (c.resume_at IS NULL OR c.resume_at <= now())
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
