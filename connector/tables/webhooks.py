"""Webhooks that tell a customer's own systems what became of responses: where to, the messages on
their way, and each try.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from connector.tables.base import document, identifier, moment, table, to, words

# Sealed: the address (its path may be the receiver's secret) and the secrets that sign. `host` is
# what people see of it. `failures` in a row, since `failing_since`; nothing is sent before
# `rests_until`.
webhook = table(
    "webhook",
    words("name"),
    Column("events", ARRAY(Text), nullable=False),
    words("host"),
    Column("seal_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    moment("former_until"),
    words("state", default="active"),
    words("reason", nullable=True),
    words("error", nullable=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    moment("failing_since"),
    moment("rests_until"),
    moment("delivered_at"),
    moment("created_at", now=True),
    UniqueConstraint("workspace_id", "name"),
    CheckConstraint("state IN ('active', 'paused', 'disabled')", name="state"),
)

# One row for each webhook and event, written in the transaction of what it tells. `data` is what
# is told: ids, states and words of ours, never an answer or an address.
webhook_message = table(
    "webhook_message",
    identifier("webhook_id"),
    Column("message_id", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    words("event"),
    document("data"),
    moment("occurred_at", now=True),
    words("state", default="pending"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    moment("due_at", now=True),
    moment("lease_until"),
    Column("lease_token", Uuid, nullable=True),
    moment("settled_at"),
    to("webhook", ondelete="CASCADE"),
    CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
    Index(
        "ix_webhook_message_due",
        "webhook_id",
        "due_at",
        "id",
        postgresql_where=text("state = 'pending'"),
    ),
    Index("ix_webhook_message_webhook", "workspace_id", "webhook_id", "id"),
    Index("ix_webhook_message_old", "workspace_id", "occurred_at"),
)

webhook_attempt = table(
    "webhook_attempt",
    identifier("message_id"),
    Column("status", Integer, nullable=True),
    Column("ms", Integer, nullable=False),
    words("code", nullable=True),
    words("error", nullable=True),
    moment("ended_at", now=True),
    to("webhook_message", "message_id", ondelete="CASCADE"),
    Index("ix_webhook_attempt_message", "workspace_id", "message_id", "id"),
)
