"""Messages that are due go out: claimed, sent outside any transaction, then settled.

A message is tried ten times within three days, then it has failed and waits for a person. A
receiver that fails three times in a row is left alone for a while and then tried with one message;
after three days of nothing but failures, or when it says 410, its webhook is disabled with the
reason shown. What happens meanwhile waits with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from adapters import webhooks
from adapters.errors import AdapterError, ReconnectNeeded, Throttled
from adapters.http import Wire
from adapters.webhooks import Hook
from connector import audit, clock, stopping
from connector.connections.desk import Desk
from connector.connections.vault import SealBroken
from connector.connections.wayout import Outward
from connector.db import refuse_inside_transaction, retried
from connector.failpoints import failpoint
from connector.log import get_logger
from connector.problems import Refusal
from connector.webhooks import endpoints, events

AT_ONCE, SEND_S, CALL_S = 20, 8.0, 10.0
# A call lasts `CALL_S` at most, and all of a claim is sent one after the other.
LEASE_S = AT_ONCE * CALL_S + 60
# Before the second try and on; the tenth failure is the last. As Standard Webhooks 1.0.0 advises.
WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
# From the third failure in a row the receiver rests, longer each time.
RESTS_AFTER, REST_S, LONGEST_REST_S = 3, 30, 3_600
DISABLED_AFTER_S = 3 * 86_400
KEPT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message whose turn it is, and the token that fences its settlement."""

    id: int
    message_id: UUID
    event: str
    data: Mapping[str, Any]
    occurred_at: datetime
    attempts: int
    token: UUID


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try came to; `status` None: no answer. `code` None: it was taken."""

    status: int | None
    ms: int
    code: str | None = None
    error: str | None = None
    wait_s: float | None = None
    ends: bool = False


def send_due(desk: Desk, workspace_id: int, webhook_id: int, *, for_s: float = SEND_S) -> int:
    """Send what is due until nothing is, or `for_s` seconds are over; how many were taken."""
    ends_at, taken = clock.monotonic() + for_s, 0
    while clock.monotonic() < ends_at and not stopping.is_stopping():
        claimed = retried(partial(_claim, desk, workspace_id, webhook_id))
        if not claimed:
            break
        hook = _hook(desk, workspace_id, webhook_id)
        if hook is None:
            break
        failpoint("message_claimed")
        taken += _sent(desk, workspace_id, webhook_id, hook=hook, claimed=claimed, ends_at=ends_at)
    return taken


def try_out(desk: Desk, workspace_id: int, webhook_id: int) -> Tried:
    """Send one test message now and tell what came of it; nothing is kept. Refusal(NOT_FOUND)."""
    with desk.database.begin(workspace_id) as connection:
        hook = endpoints.hook_of(connection, desk, workspace_id, webhook_id)
    return _posted(desk, hook, uuid4(), events.TEST, clock.now(), {"webhook_id": webhook_id})


def remove_old(connection: Connection, workspace_id: int) -> int:
    """Delete messages, with their log, that are older than `KEPT_DAYS`; how many."""
    return connection.execute(OLD, {"w": workspace_id, "days": KEPT_DAYS}).rowcount


def _claim(desk: Desk, workspace_id: int, webhook_id: int) -> list[Claimed]:
    token = uuid4()
    options = {"h": webhook_id, "n": AT_ONCE, "lease": LEASE_S, "token": token}
    with desk.database.begin(workspace_id) as connection:
        rows = connection.execute(CLAIM, options).all()
    return [
        Claimed(row.id, row.message_id, row.event, row.data, row.occurred_at, row.attempts, token)
        for row in sorted(rows, key=lambda row: row.id)
    ]


def _hook(desk: Desk, workspace_id: int, webhook_id: int) -> Hook | None:
    """None where the webhook was removed meanwhile, or its secrets do not open: it is disabled."""
    try:
        with desk.database.begin(workspace_id) as connection:
            return endpoints.hook_of(connection, desk, workspace_id, webhook_id)
    except Refusal:
        return None
    except SealBroken:
        with desk.database.begin(workspace_id) as connection:
            error = "the stored secret cannot be opened: put the key-encryption key back"
            _disable(connection, workspace_id, webhook_id, reason="crypto", error=error)
        return None


def _sent(
    desk: Desk,
    workspace_id: int,
    webhook_id: int,
    *,
    hook: Hook,
    claimed: list[Claimed],
    ends_at: float,
) -> int:
    """How many were taken. After a failure, or when time is up, the rest is handed back."""
    taken = 0
    for number, one in enumerate(claimed, start=1):
        tried = _posted(desk, hook, one.message_id, one.event, one.occurred_at, one.data)
        failpoint("message_sent")
        retried(partial(_settle, desk, workspace_id, webhook_id, one, tried))
        taken += tried.code is None
        if tried.code is not None or clock.monotonic() >= ends_at or stopping.is_stopping():
            left = claimed[number:]
            retried(partial(_hand_back, desk, workspace_id, left))
            break
    return taken


def _posted(
    desk: Desk,
    hook: Hook,
    message_id: UUID,
    event: str,
    at: datetime,
    data: Mapping[str, Any],
) -> Tried:
    refuse_inside_transaction()
    heard: list[int] = []
    out = Outward(desk.allowed, CALL_S)
    wire = Wire(answered=lambda status, _: heard.append(status), out=out)
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = webhooks.body_of(event, moment, data)
    began, fault = clock.monotonic(), None
    try:
        now_s = clock.now().timestamp()
        webhooks.send(wire, hook, body, message_id=f"msg_{message_id.hex}", now_s=now_s)
    except AdapterError as exc:
        fault = exc
    ms, status = round((clock.monotonic() - began) * 1000), heard[0] if heard else None
    if fault is None:
        return Tried(status, ms)
    wait_s = fault.wait_s if isinstance(fault, Throttled) else None
    ends = isinstance(fault, ReconnectNeeded) and status == 410
    return Tried(status, ms, fault.code, str(fault), wait_s, ends)


# --- settling -------------------------------------------------------------------------------------


def _settle(desk: Desk, workspace_id: int, webhook_id: int, one: Claimed, tried: Tried) -> None:
    """Write what a try came to, unless the lease has gone to somebody else."""
    with desk.database.begin(workspace_id) as connection:
        state, wait_s = _next(one, tried)
        options = {"id": one.id, "token": one.token, "state": state, "wait": wait_s}
        if connection.execute(SETTLE, options).rowcount != 1:
            return
        told = {"ms": tried.ms, "status": tried.status, "code": tried.code, "error": tried.error}
        connection.execute(NOTE, {"w": workspace_id, "id": one.id, **told})
        if tried.code is None:
            connection.execute(WELL, {"h": webhook_id})
            return
        _count_failure(connection, workspace_id, webhook_id, tried)


def _next(one: Claimed, tried: Tried) -> tuple[str, float]:
    """The message's state, and after how many seconds it is due again."""
    if tried.code is None:
        return "delivered", 0.0
    if one.attempts > len(WAITS_S) and not tried.ends:
        return "failed", 0.0
    return "pending", max(tried.wait_s or 0.0, WAITS_S[min(one.attempts, len(WAITS_S)) - 1])


def _count_failure(
    connection: Connection, workspace_id: int, webhook_id: int, tried: Tried
) -> None:
    limits = {"after": RESTS_AFTER, "rest": REST_S, "longest": LONGEST_REST_S}
    row = connection.execute(
        ILL, {"h": webhook_id, "error": tried.error, "wait": tried.wait_s or 0.0, **limits}
    ).one()
    if tried.ends or row.failing_s >= DISABLED_AFTER_S:
        reason = tried.code or "" if tried.ends else "failing"
        _disable(connection, workspace_id, webhook_id, reason=reason, error=tried.error or "")


def _disable(
    connection: Connection, workspace_id: int, webhook_id: int, *, reason: str, error: str
) -> None:
    options = {"h": webhook_id, "reason": reason, "error": error}
    if connection.execute(DISABLE, options).rowcount != 1:
        return
    get_logger(__name__).warning("webhook_disabled", webhook_id=webhook_id, reason=reason)
    audit.record(
        connection,
        workspace_id,
        actor="system",
        action="webhook.disabled",
        object=f"webhook:{webhook_id}",
        detail={"reason": reason},
    )


def _hand_back(desk: Desk, workspace_id: int, left: list[Claimed]) -> None:
    if left:
        with desk.database.begin(workspace_id) as connection:
            ids = [one.id for one in left]
            connection.execute(HAND_BACK, {"ids": ids, "token": left[0].token})


# A crash counts as a try. While the receiver fails, one message is enough to find out.
CLAIM = text(
    """
    WITH due AS MATERIALIZED (
      SELECT m.id FROM webhook_message m JOIN webhook h ON h.id = m.webhook_id
       WHERE h.id = :h AND h.state = 'active'
         AND (h.rests_until IS NULL OR h.rests_until <= now())
         AND m.state = 'pending' AND m.due_at <= now()
         AND (m.lease_until IS NULL OR m.lease_until < now())
       ORDER BY m.due_at, m.id
       LIMIT (SELECT CASE WHEN failures = 0 THEN :n ELSE 1 END FROM webhook WHERE id = :h)
         FOR UPDATE OF m SKIP LOCKED
    )
    UPDATE webhook_message m
       SET lease_until = now() + make_interval(secs => :lease), lease_token = :token,
           attempts = attempts + 1
      FROM due WHERE m.id = due.id
    RETURNING m.id, m.message_id, m.event, m.data, m.occurred_at, m.attempts
    """
)
SETTLE = text(
    """
    UPDATE webhook_message
       SET state = :state, lease_until = NULL, lease_token = NULL,
           due_at = CASE WHEN :state = 'pending' THEN now() + make_interval(secs => :wait)
                         ELSE due_at END,
           settled_at = CASE WHEN :state = 'pending' THEN NULL ELSE now() END
     WHERE id = :id AND state = 'pending' AND lease_token = :token
    """
)
NOTE = text(
    "INSERT INTO webhook_attempt (workspace_id, message_id, status, ms, code, error)"
    " VALUES (:w, :id, :status, :ms, :code, :error)"
)
WELL = text(
    """
    UPDATE webhook SET failures = 0, failing_since = NULL, rests_until = NULL, error = NULL,
                       delivered_at = now()
     WHERE id = :h AND (failures > 0 OR delivered_at IS NULL
                        OR delivered_at < now() - interval '10 seconds')
    """
)
ILL = text(
    """
    UPDATE webhook
       SET failures = failures + 1, failing_since = coalesce(failing_since, now()), error = :error,
           rests_until = CASE
             WHEN failures + 1 >= :after THEN now() + make_interval(secs => greatest(:wait,
               least(:longest, :rest * 2 ^ least(failures + 1 - :after, 10))))
             WHEN :wait > 0 THEN now() + make_interval(secs => :wait) END
     WHERE id = :h
    RETURNING extract(epoch FROM now() - failing_since) AS failing_s
    """
)
DISABLE = text(
    "UPDATE webhook SET state = 'disabled', reason = :reason, error = :error"
    " WHERE id = :h AND state = 'active'"
)
HAND_BACK = text(
    """
    UPDATE webhook_message
       SET lease_until = NULL, lease_token = NULL, attempts = attempts - 1
     WHERE id = ANY(:ids) AND state = 'pending' AND lease_token = :token
    """
)
OLD = text(
    "DELETE FROM webhook_message WHERE workspace_id = :w"
    " AND occurred_at < now() - make_interval(days => :days)"
)
