"""Responses that a platform has told of without their answers, still to be fetched. SQL only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from schemas.sources.base import Notice

# How many of a list are due at once.
AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Claimed:
    """One notice whose turn it is, and the token that fences its settlement."""

    id: int
    source_id: int
    notice: Notice
    attempts: int
    token: UUID = field(repr=False)


def enter(
    connection: Connection,
    workspace_id: int,
    source_id: int,
    notices: Sequence[Notice],
    *,
    apart_s: float = 0.0,
) -> None:
    """Keep what was told of. One that waits already for the same response is enough. Of many, those
    behind the first few are due one after the other, `apart_s` seconds apart.
    """
    rows = [
        {"key": one.key, "what": dict(one.what), "wait_s": apart_s * max(0, place - AT_ONCE)}
        for place, one in enumerate(notices)
    ]
    if rows:
        options = {"w": workspace_id, "s": source_id, "rows": json.dumps(rows)}
        connection.execute(ENTER, options)


def claim(connection: Connection, *, count: int, lease_s: float) -> tuple[Claimed, ...]:
    """Lease up to `count` that are due, oldest first. Commit before anything is fetched."""
    token = uuid4()
    rows = connection.execute(CLAIM, {"n": count, "lease": lease_s, "token": token})
    return tuple(
        Claimed(row.id, row.source_id, Notice(row.key, row.what), row.attempts, token)
        for row in rows
    )


def settle(connection: Connection, one: Claimed, *, response: int | None) -> None:
    """Its response is stored."""
    connection.execute(FETCHED, {"id": one.id, "token": one.token, "r": response})


def again(connection: Connection, one: Claimed, *, wait_s: float, reason: str, error: str) -> None:
    """It is tried again later; the reason of the last try is shown meanwhile."""
    options = {"id": one.id, "token": one.token, "reason": reason, "error": error}
    connection.execute(AGAIN, options | {"wait": wait_s})


def give_up(connection: Connection, one: Claimed, *, reason: str, error: str) -> None:
    """It cannot be had; a person may ask for it again."""
    options = {"id": one.id, "token": one.token, "reason": reason, "error": error}
    connection.execute(FAILED, options)


def rest(connection: Connection, one: Claimed, *, wait_s: float) -> None:
    """One that is never done with, as a poll: its next turn comes then, as if it were the first."""
    options = {"id": one.id, "token": one.token, "wait": wait_s}
    connection.execute(REST, options)


def retry(connection: Connection, source_id: int) -> int:
    """Those of a source that wait or could not be had are due now; how many."""
    return connection.execute(RETRY, {"s": source_id}).rowcount


def listed(connection: Connection, source_id: int, *, limit: int) -> list[Mapping[str, Any]]:
    """The newest ones of a source, with what became of them."""
    rows = connection.execute(LIST, {"s": source_id, "n": limit}).mappings()
    return [dict(row) for row in rows]


ENTER = text(
    """
    INSERT INTO hook_notice (workspace_id, source_id, key, what, due_at)
    SELECT :w, :s, r.key, r.what, now() + make_interval(secs => r.wait_s)
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(key text, what jsonb, wait_s float)
    ON CONFLICT (workspace_id, source_id, key) WHERE state = 'pending' AND lease_until IS NULL
    DO NOTHING
    """
)
# A crash counts as a try. Deleted sources fetch nothing more.
CLAIM = text(
    """
    WITH due AS MATERIALIZED (
      SELECT n.id FROM hook_notice n JOIN hook_source s ON s.id = n.source_id
       WHERE n.state = 'pending' AND n.due_at <= now() AND s.disabled_at IS NULL
         AND (n.lease_until IS NULL OR n.lease_until < now())
       ORDER BY n.due_at, n.id LIMIT :n FOR UPDATE OF n SKIP LOCKED
    )
    UPDATE hook_notice n
       SET lease_until = now() + make_interval(secs => :lease), lease_token = :token,
           attempts = attempts + 1
      FROM due WHERE n.id = due.id
    RETURNING n.id, n.source_id, n.key, n.what, n.attempts
    """
)
FETCHED = text(
    """
    UPDATE hook_notice
       SET state = 'fetched', reason = NULL, error = NULL, response = :r, settled_at = now(),
           lease_token = NULL
     WHERE id = :id AND state = 'pending' AND lease_token = :token
    """
)
# The lease stays, as a mark that it was tried: a newer notice of the same response is kept beside.
AGAIN = text(
    """
    UPDATE hook_notice
       SET due_at = now() + make_interval(secs => :wait), reason = :reason, error = :error,
           lease_until = now(), lease_token = NULL
     WHERE id = :id AND state = 'pending' AND lease_token = :token
    """
)
REST = text(
    """
    UPDATE hook_notice
       SET due_at = now() + make_interval(secs => :wait), reason = NULL, error = NULL,
           attempts = 0, lease_until = now(), lease_token = NULL
     WHERE id = :id AND state = 'pending' AND lease_token = :token
    """
)
FAILED = text(
    """
    UPDATE hook_notice
       SET state = 'failed', reason = :reason, error = :error, settled_at = now(),
           lease_token = NULL
     WHERE id = :id AND state = 'pending' AND lease_token = :token
    """
)
RETRY = text(
    """
    UPDATE hook_notice
       SET state = 'pending', attempts = 0, due_at = now(), settled_at = NULL, lease_until = now()
     WHERE source_id = :s AND (state = 'failed' OR (state = 'pending' AND due_at > now()))
    """
)
LIST = text(
    """
    SELECT id, key, state, reason, error, attempts, due_at, created_at, settled_at, response
      FROM hook_notice WHERE source_id = :s ORDER BY id DESC LIMIT :n
    """
)
