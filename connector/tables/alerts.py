"""Alerts of a workspace, whom they are told to, and what is still to be told."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY

from connector.tables.base import document, identifier, moment, table, to, words

# Where alerts go: a connection that takes messages. Its address and password lie sealed with it.
alert_channel = table(
    "alert_channel",
    identifier("connection_id"),
    Column("recipients", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    moment("created_at", now=True),
    moment("told_at"),
    moment("failed_at"),
    words("error_code", nullable=True),
    to("connection", ondelete="CASCADE"),
    UniqueConstraint("workspace_id", "connection_id"),
)

# One line from when something began to be wrong until it was well again. `clear_since`: it looks
# well, and is closed if it stays so.
alert = table(
    "alert",
    words("kind"),
    identifier("connection_id", nullable=True),
    document("figures"),
    moment("began_at", now=True),
    moment("seen_at", now=True),
    moment("clear_since"),
    moment("ended_at"),
    to("connection", ondelete="CASCADE"),
    CheckConstraint("kind IN ('connection', 'errors', 'parked', 'lag')", name="kind"),
    Index(
        "uq_alert_open",
        "workspace_id",
        "kind",
        text("coalesce(connection_id, 0)"),
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_alert_newest", "workspace_id", "began_at"),
)

# What a channel is told of an alert: that it began, and, if it was told so, that it ended.
alert_notice = table(
    "alert_notice",
    identifier("alert_id"),
    identifier("channel_id"),
    words("phase"),
    words("state", default="pending"),
    moment("due_at", now=True),
    moment("lease_until"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    words("error_code", nullable=True),
    moment("settled_at"),
    to("alert", ondelete="CASCADE"),
    to("alert_channel", "channel_id", ondelete="CASCADE"),
    CheckConstraint("phase IN ('began', 'ended')", name="phase"),
    CheckConstraint("state IN ('pending', 'sent', 'failed')", name="state"),
    UniqueConstraint("workspace_id", "alert_id", "channel_id", "phase"),
    Index(
        "ix_alert_notice_due", "workspace_id", "due_at", postgresql_where=text("state = 'pending'")
    ),
)
