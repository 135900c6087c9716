"""The files of answers: where each came from, how far its fetching is, and its content while it is
kept.

pending (due_at, attempts) -> fetched -> removed (delivered, and old enough)
                           -> failed (reason, error)
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
    Uuid,
    text,
)

from connector.tables.base import identifier, keyed_table, moment, table, to, words

FILE_STATES = ("pending", "fetched", "failed", "removed")

# `place`: which of the answer's files, from 0. `stored_name` is random: it is the file's name at
# the CRM's side and the marker by which it is found there again. `mime` is what the platform says,
# `content_type` what the content is.
answer_file = table(
    "answer_file",
    identifier("response_id"),
    words("answer"),
    Column("place", Integer, nullable=False),
    words("name", nullable=True),
    words("mime", nullable=True),
    words("url", nullable=True),
    moment("expires_at"),
    words("state", default="pending"),
    words("reason", nullable=True),
    words("error", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    moment("due_at", now=True),
    moment("lease_until"),
    Column("lease_token", Uuid, nullable=True),
    Column("stored_name", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    words("content_type", nullable=True),
    Column("size_bytes", BigInteger, nullable=True),
    Column("digest", LargeBinary, nullable=True),
    moment("created_at", now=True),
    moment("settled_at"),
    to("response", ondelete="CASCADE"),
    CheckConstraint("state IN ('" + "', '".join(FILE_STATES) + "')", name="state"),
    UniqueConstraint("workspace_id", "response_id", "answer", "place"),
    Index(
        "ix_answer_file_due",
        "workspace_id",
        "due_at",
        "id",
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_answer_file_kept",
        "workspace_id",
        "settled_at",
        postgresql_where=text("state = 'fetched'"),
    ),
)

# Apart, so that no list of files reads megabytes.
file_content = keyed_table(
    "file_content",
    identifier("file_id", primary_key=True),
    Column("content", LargeBinary, nullable=False),
    to("answer_file", "file_id", ondelete="CASCADE"),
)
