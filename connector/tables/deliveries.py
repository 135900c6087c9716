"""The outbox and what it leaves behind: deliveries, attempts, the ledger, order clocks and score
tags.

pending -> leased -> done | superseded | pending (retry) | awaiting | parked(reason) | dead(reason)
leased rows of one lane: one head, the others carry folded_into = the head's id
awaiting (the CRM works: handle, due_at = next poll) -> leased (poll)
dead | parked -> pending (replay, resume)          any -> cancelled (erase)
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from connector.tables.base import document, identifier, keyed_table, moment, table, to, words

STATES = (
    "pending",
    "leased",
    "awaiting",
    "parked",
    "done",
    "superseded",
    "dead",
    "cancelled",
)

# `lane`: what must not be worked on twice at once: "contact:<id>", or the key of another entity's
# record.
# `priority`: schemas/priority.py.
# `rank`: (answered_at, revision, response_id) orders answers of one target.
delivery = table(
    "delivery",
    identifier("connection_id"),
    identifier("response_id"),
    identifier("contact_id"),
    identifier("campaign_id", nullable=True),
    identifier("mapping_id", nullable=True),
    Column("mapping_version", Integer, nullable=True),
    identifier("automation_id", nullable=True),
    words("lane"),
    words("step"),
    words("kind"),
    words("entity"),
    document("payload"),
    moment("answered_at", nullable=False),
    Column("revision", Integer, nullable=False),
    words("state", default="pending"),
    words("reason", nullable=True),
    Column("priority", SmallInteger, nullable=False, server_default=text("1")),
    moment("due_at", now=True),
    moment("lease_until"),
    Column("lease_token", Uuid, nullable=True),
    Column("folded_into", BigInteger, nullable=True),
    Column("claims", Integer, nullable=False, server_default=text("0")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("crashes", Integer, nullable=False, server_default=text("0")),
    document("handle", nullable=True),
    document("sent", nullable=True),
    words("remote_id", nullable=True),
    words("error_code", nullable=True),
    words("error", nullable=True),
    words("error_field", nullable=True),
    moment("created_at", now=True),
    moment("settled_at"),
    to("connection"),
    to("response"),
    to("contact"),
    to("campaign"),
    to("mapping"),
    to("automation"),
    CheckConstraint(
        "kind IN ('fields', 'tag', 'note', 'file', 'message', 'task', 'undo')", name="kind"
    ),
    CheckConstraint("state IN ('" + "', '".join(STATES) + "')", name="state"),
    # In claim order: the planner then never walks the primary key (performance.md).
    Index(
        "ix_delivery_claim",
        "connection_id",
        "priority",
        "due_at",
        "id",
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_delivery_in_flight",
        "connection_id",
        "lease_until",
        postgresql_where=text("state = 'leased'"),
    ),
    Index(
        "ix_delivery_awaiting",
        "connection_id",
        "due_at",
        postgresql_where=text("state = 'awaiting'"),
    ),
    Index(
        "ix_delivery_lane",
        "connection_id",
        "lane",
        postgresql_where=text("state IN ('pending', 'leased', 'awaiting')"),
    ),
    # id order is not commit order: without this two workers can lease two rows of one contact
    # (faults.md 2.3).
    Index(
        "uq_delivery_lane_in_flight",
        "connection_id",
        "lane",
        unique=True,
        postgresql_where=text("state IN ('leased', 'awaiting') AND folded_into IS NULL"),
    ),
    Index(
        "ix_delivery_parked", "connection_id", "reason", postgresql_where=text("state = 'parked'")
    ),
    Index("ix_delivery_dead", "workspace_id", "id", postgresql_where=text("state = 'dead'")),
    Index("ix_delivery_folded", "folded_into", postgresql_where=text("folded_into IS NOT NULL")),
    Index("ix_delivery_response", "workspace_id", "response_id"),
    Index("ix_delivery_contact", "workspace_id", "contact_id", "id"),
)

# Narrow and unpartitioned: uniqueness of a step outlives moving settled deliveries elsewhere.
step_key = keyed_table(
    "step_key",
    identifier("response_id", primary_key=True),
    Column("step", Text, primary_key=True),
    to("response", ondelete="CASCADE"),
)

attempt = table(
    "attempt",
    identifier("delivery_id"),
    Column("claim", Integer, nullable=False),
    words("outcome"),
    words("code", nullable=True),
    words("message", nullable=True),
    moment("ended_at", now=True),
    to("delivery", ondelete="CASCADE"),
    Index("ix_attempt_delivery", "delivery_id"),
)

# A line is a delivery's, or a person's edit's (tables/edits.py).
ledger = table(
    "ledger",
    identifier("delivery_id", nullable=True),
    identifier("edit_id", nullable=True),
    identifier("connection_id"),
    identifier("contact_id"),
    identifier("response_id", nullable=True),
    words("entity"),
    words("remote_id"),
    words("field"),
    Column("before", JSONB, nullable=True),
    Column("after", JSONB, nullable=True),
    Column("created", Boolean, nullable=False, server_default=text("false")),
    moment("written_at", now=True),
    to("delivery"),
    to("edit"),
    to("connection"),
    to("contact"),
    to("response"),
    Index("ix_ledger_contact", "workspace_id", "contact_id", "id"),
    Index("ix_ledger_response", "workspace_id", "response_id", "id"),
    Index("ix_ledger_delivery", "delivery_id"),
)

# The newest answer planned for one target ("field:<entity>.<name>", "tag:<campaign id>"): the
# order guard.
target_clock = keyed_table(
    "target_clock",
    identifier("connection_id", primary_key=True),
    Column("lane", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    moment("answered_at", nullable=False),
    Column("revision", Integer, nullable=False),
    identifier("response_id"),
    to("connection", ondelete="CASCADE"),
)

score_tag = keyed_table(
    "score_tag",
    identifier("connection_id", primary_key=True),
    identifier("contact_id", primary_key=True),
    identifier("campaign_id", primary_key=True),
    Column("score", SmallInteger, nullable=False),
    moment("answered_at", nullable=False),
    words("written"),
    moment("written_at", now=True),
    to("connection", ondelete="CASCADE"),
    to("contact", ondelete="CASCADE"),
    to("campaign", ondelete="CASCADE"),
    CheckConstraint("score BETWEEN 0 AND 10", name="score"),
)

# Whether a campaign's tags exist as options at a connection; its tag deliveries wait parked until
# `done`.
tag_provision = keyed_table(
    "tag_provision",
    identifier("connection_id", primary_key=True),
    identifier("campaign_id", primary_key=True),
    words("state", default="pending"),
    moment("due_at", now=True),
    moment("lease_until"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    words("error_code", nullable=True),
    words("error", nullable=True),
    to("connection", ondelete="CASCADE"),
    to("campaign", ondelete="CASCADE"),
    CheckConstraint("state IN ('pending', 'done', 'parked')", name="state"),
    Index("ix_tag_provision_due", "due_at", postgresql_where=text("state = 'pending'")),
)
