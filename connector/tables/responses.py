"""Responses as accepted, their narrow uniqueness table, and the signed hooks they may come
through.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from connector.tables.base import (
    document,
    identifier,
    in_workspace,
    keyed_table,
    metadata,
    moment,
    table,
    to,
    words,
)

# Kept for ever, without answers: a push of years ago is still recognised (faults.md G2).
response_key = Table(
    "response_key",
    metadata,
    in_workspace(primary_key=True),
    Column("source", Text, primary_key=True),
    Column("response_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("response", BigInteger, nullable=False),
    moment("answered_at", nullable=False),
    moment("received_at", now=True),
)

# `id` is the accept sequence: ties of `answered_at` and `revision` go to the higher one.
response = table(
    "response",
    words("source"),
    words("response_id"),
    Column("revision", Integer, nullable=False),
    words("event"),
    Column("anonymous", Boolean, nullable=False),
    identifier("contact_id", nullable=True),
    identifier("campaign_id", nullable=True),
    identifier("survey_id", nullable=True),
    document("body"),
    moment("answered_at", nullable=False),
    moment("received_at", now=True),
    moment("planned_at"),
    moment("plan_due_at", now=True),
    Column("plan_failures", Integer, nullable=False, server_default=text("0")),
    words("plan_error", nullable=True),
    Column("priority", SmallInteger, nullable=False, server_default=text("1")),
    document("verdicts"),
    moment("removed_at"),
    to("contact"),
    to("campaign"),
    to("survey"),
    Index(
        "ix_response_unplanned",
        "workspace_id",
        "plan_due_at",
        "id",
        postgresql_where=text("planned_at IS NULL"),
    ),
    Index(
        "ix_response_plan_failed",
        "workspace_id",
        postgresql_where=text("planned_at IS NOT NULL AND plan_error IS NOT NULL"),
    ),
    # What retention has not deleted yet (responses/retention.py).
    Index("ix_response_kept", "workspace_id", "id", postgresql_where=text("removed_at IS NULL")),
    Index("ix_response_source", "workspace_id", "response_id", "source"),
    Index("ix_response_contact", "workspace_id", "contact_id", "id"),
    Index("ix_response_campaign", "workspace_id", "campaign_id", "id"),
    Index(
        "ix_response_deleted",
        "workspace_id",
        "response_id",
        "source",
        postgresql_where=text("event = 'deleted'"),
    ),
)

# A night in which answers were deleted: the place it has come to, and what it did so far.
retention_run = keyed_table(
    "retention_run",
    Column("night", Date, nullable=False),
    Column("days", Integer, nullable=False),
    Column("at_id", BigInteger, nullable=False, server_default=text("0")),
    Column("responses", BigInteger, nullable=False, server_default=text("0")),
    Column("files", BigInteger, nullable=False, server_default=text("0")),
    moment("started_at", now=True),
    moment("ended_at"),
    PrimaryKeyConstraint("workspace_id", "night"),
    Index("ix_retention_run_open", "workspace_id", postgresql_where=text("ended_at IS NULL")),
)

# A hook's token only routes; only its SHA-256 is kept. `scheme` says how signatures are made
# (data, not code). What comes through a paused one is kept and not planned. `surveys_on` is the
# local date at which its surveys were last asked for.
hook_source = table(
    "hook_source",
    words("name"),
    words("platform"),
    Column("token_digest", LargeBinary, nullable=False),
    document("scheme"),
    document("settings"),
    Column("seal_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("max_bytes", Integer, nullable=False, server_default=text("1048576")),
    moment("created_at", now=True),
    moment("disabled_at"),
    moment("paused_at"),
    Column("surveys_on", Date),
    document("polled"),
    UniqueConstraint("workspace_id", "name"),
    UniqueConstraint("token_digest"),
)

# What a platform has only told of: each is a response to be fetched (responses/notices.py).
hook_notice = table(
    "hook_notice",
    identifier("source_id"),
    words("key"),
    document("what"),
    words("state", default="pending"),
    words("reason", nullable=True),
    words("error", nullable=True),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    moment("due_at", now=True),
    moment("lease_until"),
    Column("lease_token", Uuid),
    moment("created_at", now=True),
    moment("settled_at"),
    identifier("response", nullable=True),
    to("hook_source", "source_id", ondelete="CASCADE"),
    CheckConstraint("state IN ('pending', 'fetched', 'failed')", name="state"),
    Index(
        "ix_hook_notice_waits",
        "workspace_id",
        "source_id",
        "key",
        unique=True,
        postgresql_where=text("state = 'pending' AND lease_until IS NULL"),
    ),
    Index(
        "ix_hook_notice_due",
        "workspace_id",
        "due_at",
        "id",
        postgresql_where=text("state = 'pending'"),
    ),
    Index("ix_hook_notice_source", "workspace_id", "source_id", "id"),
)

# The webhook ids seen: a captured message cannot be played again as a new one.
hook_message = keyed_table(
    "hook_message",
    identifier("source_id", primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    moment("received_at", now=True),
    to("hook_source", "source_id", ondelete="CASCADE"),
)
