"""The files of answers still to be fetched: claimed, then kept, tried again or given up. SQL only.

Steps that wait for a file are parked with the reason `file`. Planning holds a share lock on the
rows it has looked at until it commits; whoever settles a file waits for that and then finds every
step, so none is left behind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from connector.webhooks import events


@dataclass(frozen=True, slots=True)
class Claimed:
    """One file whose turn it is, and the token that fences its settlement."""

    id: int
    response_id: int
    answer: str
    url: str
    name: str | None
    expires_at: datetime | None
    attempts: int
    token: UUID = field(repr=False)


def is_due(connection: Connection) -> bool:
    """Whether some file of this workspace waits to be fetched."""
    return bool(connection.execute(IS_DUE).scalar_one())


def claim(connection: Connection, *, count: int, lease_s: float) -> tuple[Claimed, ...]:
    """Lease up to `count` files that are due, oldest first. Commit before anything is fetched."""
    token = uuid4()
    rows = connection.execute(CLAIM, {"n": count, "lease": lease_s, "token": token})
    return tuple(
        Claimed(
            row.id,
            row.response_id,
            row.answer,
            row.url or "",
            row.name,
            row.expires_at,
            row.attempts,
            token,
        )
        for row in rows
    )


IS_DUE = text(
    "SELECT EXISTS (SELECT FROM answer_file WHERE state = 'pending' AND due_at <= now()"
    " AND (lease_until IS NULL OR lease_until < now()))"
)
# A crash counts as a try: a file that kills its worker is given up like one that never comes.
CLAIM = text(
    """
    WITH due AS MATERIALIZED (
      SELECT id FROM answer_file
       WHERE state = 'pending' AND due_at <= now()
         AND (lease_until IS NULL OR lease_until < now())
       ORDER BY due_at, id LIMIT :n FOR UPDATE SKIP LOCKED
    )
    UPDATE answer_file f
       SET lease_until = now() + make_interval(secs => :lease), lease_token = :token,
           attempts = attempts + 1
      FROM due WHERE f.id = due.id
    RETURNING f.id, f.response_id, f.answer, f.url, f.name, f.expires_at, f.attempts
    """
)


def bytes_kept(connection: Connection, response_id: int) -> int:
    """How much of this response's files is kept; its rows are locked, so that two files of one
    response are not both the last that fits.
    """
    rows = connection.execute(SIZES, {"r": response_id})
    return sum(row.size_bytes or 0 for row in rows if row.state == "fetched")


def keep(
    connection: Connection, workspace_id: int, one: Claimed, content: bytes, *, content_type: str
) -> tuple[int, ...]:
    """Keep a fetched file and let the steps go that wait for it; their connections.

    A claim that is no longer ours changes nothing.
    """
    options = {
        "id": one.id,
        "token": one.token,
        "type": content_type,
        "size": len(content),
        "digest": hashlib.sha256(content).digest(),
    }
    if connection.execute(FETCHED, options).rowcount != 1:
        return ()
    connection.execute(KEEP, {"w": workspace_id, "id": one.id, "content": content})
    rows = connection.execute(LET_GO, {"r": one.response_id, "file": str(one.id)})
    return tuple({row.connection_id for row in rows})


def give_up(
    connection: Connection, workspace_id: int, one: Claimed, *, reason: str, error: str
) -> None:
    """The file cannot be had: its steps are dead, with the reason in words."""
    options = {"id": one.id, "token": one.token, "reason": reason, "error": error}
    if connection.execute(FAILED, options).rowcount == 1:
        told = {
            "r": one.response_id,
            "file": str(one.id),
            "reason": reason,
            "error": error,
            "answer": one.answer,
        }
        buried = connection.execute(BURY, told)
        events.settled(connection, workspace_id, [row.id for row in buried])


def again(connection: Connection, one: Claimed, *, wait_s: float, reason: str, error: str) -> None:
    """The file is tried again later; the reason of the last try is shown meanwhile."""
    options = {
        "id": one.id,
        "token": one.token,
        "wait": wait_s,
        "reason": reason,
        "error": error,
    }
    connection.execute(AGAIN, options)


def has_passed(connection: Connection, moment: datetime) -> bool:
    """Whether a moment lies behind us, by the database's clock."""
    return bool(connection.execute(HAS_PASSED, {"moment": moment}).scalar_one())


HAS_PASSED = text("SELECT :moment < now()")
SIZES = text(
    "SELECT state, size_bytes FROM answer_file WHERE response_id = :r ORDER BY id FOR UPDATE"
)
FETCHED = text(
    """
    UPDATE answer_file
       SET state = 'fetched', reason = NULL, error = NULL, content_type = :type,
           size_bytes = :size, digest = :digest, settled_at = now(), lease_until = NULL,
           lease_token = NULL
     WHERE id = :id AND state = 'pending' AND lease_token = :token
    """
)
KEEP = text("INSERT INTO file_content (workspace_id, file_id, content) VALUES (:w, :id, :content)")
# Not before the fields of its contact: they may still linger, or wait for another try, and they
# are what makes the record.
LET_GO = text(
    """
    UPDATE delivery d
       SET state = 'pending', reason = NULL, error_code = NULL, error = NULL, error_field = NULL,
           due_at = greatest(now(), d.due_at, (
             SELECT max(f.due_at) FROM delivery f
              WHERE f.workspace_id = d.workspace_id AND f.response_id = d.response_id
                AND f.connection_id = d.connection_id AND f.kind = 'fields'
                AND f.state IN ('pending', 'awaiting')))
     WHERE response_id = :r AND state = 'parked' AND reason = 'file' AND payload->>'file' = :file
    RETURNING connection_id
    """
)
FAILED = text(
    """
    UPDATE answer_file
       SET state = 'failed', reason = :reason, error = :error, settled_at = now(),
           lease_until = NULL, lease_token = NULL
     WHERE id = :id AND state = 'pending' AND lease_token = :token
    """
)
BURY = text(
    """
    UPDATE delivery SET state = 'dead', reason = 'file', error_code = :reason, error = :error,
                        error_field = :answer, settled_at = now()
     WHERE response_id = :r AND state = 'parked' AND reason = 'file' AND payload->>'file' = :file
    RETURNING id
    """
)
AGAIN = text(
    """
    UPDATE answer_file
       SET due_at = now() + make_interval(secs => :wait), reason = :reason, error = :error,
           lease_until = NULL, lease_token = NULL
     WHERE id = :id AND state = 'pending' AND lease_token = :token
    """
)


def fetch_again(connection: Connection, delivery_ids: Sequence[int]) -> int:
    """A file that could not be had is due again where one of its steps is replayed; how many."""
    return connection.execute(FETCH_AGAIN, {"ids": list(delivery_ids)}).rowcount


FETCH_AGAIN = text(
    """
    UPDATE answer_file f SET state = 'pending', attempts = 0, due_at = now(), settled_at = NULL
      FROM delivery d
     WHERE d.id = ANY(:ids) AND d.kind = 'file' AND f.response_id = d.response_id
       AND f.id::text = d.payload->>'file' AND f.state = 'failed' AND f.url IS NOT NULL
    """
)
