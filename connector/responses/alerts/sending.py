"""Tells channels of alerts: what is due is leased, sent, and settled; what fails is tried again.

The same way out as automations': the address is judged at each try, the account's rate is kept.
A message keeps its id however often it is sent, so that a receiver can tell a repeat.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Row, text

from adapters.base import Messenger
from adapters.errors import AdapterError
from adapters.values import Message, Status
from connector.connections.at_rate import adapter_at
from connector.connections.desk import Desk
from connector.connections.parking import what_to_do
from connector.connections.tokens import reach
from connector.log import get_logger
from connector.problems import not_found
from connector.responses.alerts.wording import Occasion, Reader, Said, SayIn, said, tried_out

AT_ONCE, LEASE_S = 20, 120
# After each try that failed; then it is given up.
WAITS_S = (60, 300, 900, 3_600)
ENGLISH = "en"


def send_due(desk: Desk, workspace_id: int, *, say_in: SayIn) -> int:
    """Tell what is due; how many were told."""
    with desk.database.begin(workspace_id) as connection:
        options = {"w": workspace_id, "most": AT_ONCE, "lease": LEASE_S}
        rows = connection.execute(CLAIM, options).all()
    return sum(_told(desk, workspace_id, row, say_in) for row in rows)


def send_test(
    desk: Desk, workspace_id: int, channel_id: int, *, now: datetime, say_in: SayIn
) -> str:
    """Tell one channel that it is tried out; why it could not be told, "" if it was.

    Raises Refusal(NOT_FOUND).
    """
    with desk.database.begin(workspace_id) as connection:
        row = connection.execute(CHANNEL, {"w": workspace_id, "id": channel_id}).one_or_none()
    if row is None:
        raise not_found()
    message_id = str(uuid5(NAMESPACE_URL, f"alert-test:{channel_id}:{now.timestamp()}"))
    fault = _sent(
        desk, workspace_id, row, tried_out(_reader(row, say_in)), message_id=message_id, at=now
    )
    with desk.database.begin(workspace_id) as connection:
        _note(connection, channel_id, fault)
    return fault


def _told(desk: Desk, workspace_id: int, row: Row[Any], say_in: SayIn) -> bool:
    ended_at = row.ended_at if row.phase == "ended" else None
    home = f"{desk.public_url}/w/{row.slug}"
    of = Occasion(
        row.kind, row.subject_id, row.subject, row.figures, row.workspace, home, row.began_at,
        ended_at, what_to_do(reason) if (reason := row.figures.get("reason")) else "",
    )  # fmt: skip
    message_id = str(uuid5(NAMESPACE_URL, f"alert:{workspace_id}:{row.id}"))
    at = ended_at or row.began_at
    what = said(of, _reader(row, say_in))
    fault = _sent(desk, workspace_id, row, what, message_id=message_id, at=at)
    wait_s = WAITS_S[row.attempts - 1] if row.attempts <= len(WAITS_S) else None
    options = {"id": row.id, "attempts": row.attempts, "fault": fault or None, "wait": wait_s}
    with desk.database.begin(workspace_id) as connection:
        connection.execute(SETTLE, options)
        _note(connection, row.channel_id, fault)
    return not fault


def _reader(row: Row[Any], say_in: SayIn) -> Reader:
    """Who reads it; UTC where the system knows no such zone."""
    try:
        zone = ZoneInfo(row.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return Reader(row.language or ENGLISH, zone, say_in)


def _note(connection: Connection, channel_id: int, fault: str) -> None:
    connection.execute(NOTE, {"id": channel_id, "fault": fault or None})


def _sent(
    desk: Desk, workspace_id: int, row: Row[Any], what: Said, *, message_id: str, at: datetime
) -> str:
    """The code of what kept it from being taken, "" if it was."""
    message = Message(
        key=message_id, id=message_id, event=what.event, at=at, title=what.title, text=what.text,
        to=tuple(row.recipients), told=what.told,
    )  # fmt: skip
    try:
        outcome = _messenger(desk, workspace_id, row.connection_id).tell(message)
    except AdapterError as exc:
        get_logger(__name__).warning("alert_not_told", channel_id=row.channel_id, code=exc.code)
        return exc.code
    return "" if outcome.status is Status.WRITTEN else outcome.code or "message_refused"


def _messenger(desk: Desk, workspace_id: int, connection_id: int) -> Messenger:
    """The adapter as one that tells; no other connection can be a channel."""
    made = adapter_at(desk, reach(desk, workspace_id, connection_id))
    if not isinstance(made, Messenger):
        message = "the adapter tells nobody"
        raise TypeError(message)
    return made


_LANGUAGE = "w.settings #>> '{alerts,language}'"
_QUIET = "(w.settings #>> '{alerts,quiet_until}')::timestamptz"
# A try counts from when it is leased, so that a kill counts as one.
CLAIM = text(
    f"""
    WITH due AS MATERIALIZED (
      SELECT n.id FROM alert_notice n JOIN workspace w ON w.id = n.workspace_id
       WHERE n.workspace_id = :w AND n.state = 'pending' AND n.due_at <= now()
         AND (n.lease_until IS NULL OR n.lease_until < now())
         AND coalesce({_QUIET} <= now(), true)
       ORDER BY n.due_at, n.id LIMIT :most FOR UPDATE OF n SKIP LOCKED),
    taken AS (
      UPDATE alert_notice n
         SET lease_until = now() + make_interval(secs => :lease), attempts = attempts + 1
        FROM due WHERE n.id = due.id
      RETURNING n.id, n.alert_id, n.channel_id, n.phase, n.attempts)
    SELECT t.id, t.channel_id, t.phase, t.attempts, h.connection_id, h.recipients, a.kind,
           a.connection_id AS subject_id, c.name AS subject, a.figures, a.began_at, a.ended_at,
           w.name AS workspace, w.slug, w.timezone,
           {_LANGUAGE} AS language
      FROM taken t JOIN alert a ON a.id = t.alert_id
      JOIN alert_channel h ON h.id = t.channel_id
      JOIN workspace w ON w.id = a.workspace_id
      LEFT JOIN connection c ON c.id = a.connection_id
     ORDER BY t.id
    """  # noqa: S608 - a constant of this module
)
# The try's own number fences it: one whose lease ran out settles nothing.
SETTLE = text(
    """
    UPDATE alert_notice
       SET state = CASE WHEN CAST(:fault AS text) IS NULL THEN 'sent'
                        WHEN CAST(:wait AS float) IS NULL THEN 'failed' ELSE 'pending' END,
           due_at = CASE WHEN CAST(:fault AS text) IS NULL OR CAST(:wait AS float) IS NULL
                         THEN due_at ELSE now() + make_interval(secs => CAST(:wait AS float)) END,
           settled_at = CASE WHEN CAST(:fault AS text) IS NULL OR CAST(:wait AS float) IS NULL
                             THEN now() END,
           error_code = :fault, lease_until = NULL
     WHERE id = :id AND attempts = :attempts AND state = 'pending'
    """
)
NOTE = text(
    """
    UPDATE alert_channel
       SET told_at = CASE WHEN CAST(:fault AS text) IS NULL THEN now() ELSE told_at END,
           failed_at = CASE WHEN CAST(:fault AS text) IS NULL THEN NULL ELSE now() END,
           error_code = :fault
     WHERE id = :id
    """
)
CHANNEL = text(
    """
    SELECT h.id AS channel_id, h.connection_id, h.recipients, w.timezone,
           w.settings #>> '{alerts,language}' AS language
      FROM alert_channel h JOIN workspace w ON w.id = h.workspace_id
     WHERE h.workspace_id = :w AND h.id = :id
    """
)
