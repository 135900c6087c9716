"""The files of answers in the store: entered with their response, claimed, kept or given up. SQL
only.

Steps that wait for a file are parked with the reason `file`. Planning holds a share lock on the
rows it has looked at until it commits; whoever settles a file waits for that and then finds every
step, so none is left behind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, text

from connector.responses.enclosed import MOST_FILES, Enclosed
from connector.responses.filefacts import FileFacts, Verdict

WAITS = "file"


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


@dataclass(frozen=True, slots=True)
class Kept:
    """A fetched file as a delivery needs it."""

    id: int
    state: str
    name: str | None
    answer: str
    stored_name: str
    content_type: str | None
    error: str | None
    reason: str | None
    content: bytes | None = field(default=None, repr=False)


def enter(
    connection: Connection,
    workspace_id: int,
    files: Mapping[int, Sequence[Enclosed]],
    *,
    judge: Callable[[bytes], Verdict],
) -> None:
    """Enter the files of freshly stored responses (by response id), in their transaction.

    What came with its content is judged and kept at once; the others are due now.
    """
    rows, contents = [], []
    for response_id, every in files.items():
        for number, one in enumerate(every):
            row = _row(response_id, one)
            if number >= MOST_FILES:
                row |= {"state": "failed", "reason": "too_many_files", "error": TOO_MANY}
            elif one.content is not None:
                row |= _judged(judge(one.content), one.content)
                if row["state"] == "fetched":
                    contents.append((row["stored_name"], one.content))
            rows.append(row)
    if not rows:
        return
    connection.execute(ENTER, {"w": workspace_id, "rows": json.dumps(rows)})
    for stored_name, content in contents:
        connection.execute(
            KEEP_ENTERED, {"w": workspace_id, "stored_name": stored_name, "content": content}
        )


TOO_MANY = f"a response may enclose {MOST_FILES} files"


def _row(response_id: int, one: Enclosed) -> dict[str, Any]:
    return {
        "response_id": response_id,
        "answer": one.answer,
        "place": one.place,
        "name": one.name,
        "mime": one.mime,
        "url": one.url,
        "expires_at": one.expires_at,
        "state": "pending",
        "stored_name": str(uuid4()),
    }


def _judged(verdict: Verdict, content: bytes) -> dict[str, Any]:
    if verdict.content_type is None:
        return {"state": "failed", "reason": verdict.reason, "error": verdict.message}
    return {
        "state": "fetched",
        "content_type": verdict.content_type,
        "size_bytes": len(content),
        "digest": hashlib.sha256(content).hexdigest(),
    }


ENTER = text(
    """
    INSERT INTO answer_file (workspace_id, response_id, answer, place, name, mime, url, expires_at,
                             state, reason, error, stored_name, content_type, size_bytes, digest,
                             settled_at)
    SELECT :w, response_id, answer, place, name, mime, url, expires_at, state, reason, error,
           stored_name, content_type, size_bytes, decode(digest, 'hex'),
           CASE WHEN state <> 'pending' THEN now() END
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           response_id bigint, answer text, place int, name text, mime text, url text,
           expires_at timestamptz, state text, reason text, error text, stored_name uuid,
           content_type text, size_bytes bigint, digest text)
    """
)
KEEP_ENTERED = text(
    "INSERT INTO file_content (workspace_id, file_id, content)"
    " SELECT :w, id, :content FROM answer_file WHERE stored_name = CAST(:stored_name AS uuid)"
    " AND state = 'fetched'"
)


def of_responses(
    connection: Connection, response_ids: Sequence[int]
) -> Mapping[int, tuple[FileFacts, ...]]:
    """The files of these responses, in the answers' order, locked against being settled until the
    transaction ends.
    """
    found: dict[int, tuple[FileFacts, ...]] = {}
    for row in connection.execute(OF_RESPONSES, {"ids": list(response_ids)}):
        one = FileFacts(row.id, row.answer, row.place, row.name, row.state, row.reason, row.error)
        found[row.response_id] = (*found.get(row.response_id, ()), one)
    return found


OF_RESPONSES = text(
    "SELECT id, response_id, answer, place, name, state, reason, error FROM answer_file"
    " WHERE response_id = ANY(:ids) ORDER BY id FOR SHARE"
)


# --- fetching -----------------------------------------------------------------------------------


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


def give_up(connection: Connection, one: Claimed, *, reason: str, error: str) -> None:
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
        connection.execute(BURY, told)


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


# --- delivering ---------------------------------------------------------------------------------


def kept(connection: Connection, file_id: int) -> Kept | None:
    """A file with its content where it is kept; None when there is no such file."""
    row = connection.execute(KEPT, {"id": file_id}).one_or_none()
    if row is None:
        return None
    content = None if row.content is None else bytes(row.content)
    return Kept(
        row.id,
        row.state,
        row.name,
        row.answer,
        str(row.stored_name),
        row.content_type,
        row.error,
        row.reason,
        content,
    )


def fetch_again(connection: Connection, delivery_ids: Sequence[int]) -> int:
    """A file that could not be had is due again where one of its steps is replayed; how many."""
    return connection.execute(FETCH_AGAIN, {"ids": list(delivery_ids)}).rowcount


KEPT = text(
    """
    SELECT f.id, f.state, f.name, f.answer, f.stored_name, f.content_type, f.error, f.reason,
           c.content
      FROM answer_file f LEFT JOIN file_content c ON c.file_id = f.id WHERE f.id = :id
    """
)
FETCH_AGAIN = text(
    """
    UPDATE answer_file f SET state = 'pending', attempts = 0, due_at = now(), settled_at = NULL
      FROM delivery d
     WHERE d.id = ANY(:ids) AND d.kind = 'file' AND f.response_id = d.response_id
       AND f.id::text = d.payload->>'file' AND f.state = 'failed' AND f.url IS NOT NULL
    """
)


# --- retention ----------------------------------------------------------------------------------

# What is delivered is kept for a while, what nobody could deliver as long as answers are.
MOST_DAYS = 90
REMOVE = text(
    """
    WITH old AS MATERIALIZED (
      SELECT f.id FROM answer_file f
       WHERE f.workspace_id = :w AND f.state = 'fetched'
         AND f.settled_at < now() - make_interval(secs => :keep)
         AND (f.settled_at < now() - make_interval(days => :most)
              OR NOT EXISTS (
                  SELECT FROM delivery d
                   WHERE d.workspace_id = f.workspace_id AND d.response_id = f.response_id
                     AND d.kind = 'file' AND d.payload->>'file' = f.id::text
                     AND d.state NOT IN ('done', 'superseded', 'cancelled')))
       ORDER BY f.settled_at LIMIT 500
    ), content AS (
      DELETE FROM file_content USING old WHERE file_id = old.id
    )
    UPDATE answer_file f SET state = 'removed', url = NULL FROM old WHERE f.id = old.id
    """
)


def remove_delivered(connection: Connection, workspace_id: int, *, keep_days: float) -> int:
    """Delete contents that have been kept for `keep_days` and are delivered; how many."""
    options = {"w": workspace_id, "keep": keep_days * 86_400, "most": MOST_DAYS}
    return connection.execute(REMOVE, options).rowcount
