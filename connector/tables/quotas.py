"""What accounts have left of their calls, how fast connections work, and what has drifted."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    Index,
    Integer,
    Table,
    Text,
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

# By account ("app:id"), not by connection: several connections may call the same one. `calls` is
# the kind of call the limit is for, empty for all kinds together.
account_usage = Table(
    "account_usage",
    metadata,
    in_workspace(primary_key=True),
    Column("account", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("calls", Text, primary_key=True, server_default=text("''")),
    Column("allowed", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("window_s", Integer, nullable=False),
    moment("resets_at"),
    words("source"),
    moment("seen_at", nullable=False),
    CheckConstraint("kind IN ('window', 'daily')", name="kind"),
)

# A connection's waves: `recent_*` are sums that fade with every wave, the others only grow.
connection_pace = keyed_table(
    "connection_pace",
    identifier("connection_id", primary_key=True),
    Column("recent_calls", Double, nullable=False),
    Column("recent_rows", Double, nullable=False),
    Column("recent_s", Double, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    moment("updated_at", now=True),
    to("connection", ondelete="CASCADE"),
)

# One nightly check per connection and local date, whatever schedulers, restarts or summer time do;
# one check at a time that a lost field has asked for, one after connecting.
drift_check = table(
    "drift_check",
    identifier("connection_id"),
    words("cause"),
    Column("local_date", Date, nullable=False),
    moment("due_at", now=True),
    moment("lease_until"),
    moment("finished_at"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    words("code", nullable=True),
    to("connection", ondelete="CASCADE"),
    CheckConstraint("cause IN ('nightly', 'error', 'connected')", name="cause"),
    Index(
        "uq_drift_check_night",
        "connection_id",
        "local_date",
        unique=True,
        postgresql_where=text("cause = 'nightly'"),
    ),
    Index(
        "uq_drift_check_error",
        "connection_id",
        unique=True,
        postgresql_where=text("cause = 'error' AND finished_at IS NULL"),
    ),
    Index(
        "uq_drift_check_connected",
        "connection_id",
        unique=True,
        postgresql_where=text("cause = 'connected' AND finished_at IS NULL"),
    ),
    Index("ix_drift_check_due", "due_at", postgresql_where=text("finished_at IS NULL")),
)

# What a download found changed, once per finding. `changes` are those of one entity.
drift = table(
    "drift",
    identifier("connection_id"),
    words("entity"),
    words("cause"),
    document("changes"),
    document("impact"),
    Column("breaks", Boolean, nullable=False),
    moment("found_at", now=True),
    moment("mended_at"),
    to("connection", ondelete="CASCADE"),
    Index("ix_drift_connection", "connection_id", "id"),
)
