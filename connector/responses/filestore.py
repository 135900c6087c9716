"""The files of answers in the store: entered with their response, read for a delivery, removed when
they were delivered. SQL only. How one is fetched is in filequeue.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, text

from connector.responses.enclosed import MOST_FILES, Enclosed
from connector.responses.filefacts import FileFacts, Verdict

WAITS = "file"


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
        one = FileFacts(
            row.id,
            row.answer,
            row.place,
            row.name,
            row.state,
            row.reason,
            row.error,
            str(row.stored_name),
        )
        found[row.response_id] = (*found.get(row.response_id, ()), one)
    return found


OF_RESPONSES = text(
    "SELECT id, response_id, answer, place, name, state, reason, error, stored_name"
    " FROM answer_file WHERE response_id = ANY(:ids) ORDER BY id FOR SHARE"
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


KEPT = text(
    """
    SELECT f.id, f.state, f.name, f.answer, f.stored_name, f.content_type, f.error, f.reason,
           c.content
      FROM answer_file f LEFT JOIN file_content c ON c.file_id = f.id WHERE f.id = :id
    """
)


def stored_name(connection: Connection, file_id: int) -> str | None:
    """The random name of a file; None when there is no such file."""
    name = connection.execute(STORED_NAME, {"id": file_id}).scalar_one_or_none()
    return None if name is None else str(name)


def is_answered_still(connection: Connection, file_id: int) -> bool:
    """Whether its response has not been deleted since, nor its answer changed or left out."""
    return bool(connection.execute(IS_ANSWERED_STILL, {"id": file_id}).scalar_one())


STORED_NAME = text("SELECT stored_name FROM answer_file WHERE id = :id")
IS_ANSWERED_STILL = text(
    """
    SELECT NOT EXISTS (
      SELECT FROM answer_file f
        JOIN response r ON r.id = f.response_id
        JOIN response n ON n.workspace_id = r.workspace_id AND n.response_id = r.response_id
                       AND n.source = r.source AND n.revision > r.revision
       WHERE f.id = :id
         AND (n.event = 'deleted'
              OR n.event IN ('completed', 'updated')
                 AND n.body->'answers'->f.answer IS DISTINCT FROM r.body->'answers'->f.answer))
    """
)
# --- retention ----------------------------------------------------------------------------------

# What is delivered is kept for a while; what nobody could deliver, and what a link in a CRM leads
# to, as long as answers are.
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
                     AND (d.kind = 'file' AND d.payload->>'file' = f.id::text
                          AND d.state NOT IN ('done', 'superseded', 'cancelled')
                          OR d.payload->'serves' @> to_jsonb(f.id)
                          AND d.state NOT IN ('superseded', 'cancelled'))))
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
