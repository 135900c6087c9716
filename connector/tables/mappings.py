"""Mappings and automations: a name, and versions of which one may be published."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from connector.tables.base import document, identifier, moment, table, to, words

mapping = table(
    "mapping",
    words("name"),
    identifier("connection_id"),
    Column("published", Integer, nullable=True),
    Column("latest", Integer, nullable=False, server_default=text("1")),
    moment("paused_at"),
    words("paused_reason", nullable=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    moment("failing_since"),
    moment("created_at", now=True),
    moment("deleted_at"),
    to("connection"),
    Index(
        "uq_mapping_name",
        "workspace_id",
        "name",
        unique=True,
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

mapping_version = table(
    "mapping_version",
    identifier("mapping_id"),
    Column("version", Integer, nullable=False),
    words("state", default="draft"),
    document("body"),
    words("created_by", nullable=True),
    moment("created_at", now=True),
    moment("published_at"),
    to("mapping", ondelete="CASCADE"),
    UniqueConstraint("mapping_id", "version"),
    CheckConstraint("state IN ('draft', 'published', 'retired')", name="state"),
)

automation = table(
    "automation",
    words("name"),
    Column("published", Integer, nullable=True),
    Column("latest", Integer, nullable=False, server_default=text("1")),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    # None: nobody has put it in order; it runs after those that have a place.
    Column("place", Integer, nullable=True),
    words("parked_reason", nullable=True),
    moment("created_at", now=True),
    moment("deleted_at"),
    Index(
        "uq_automation_name",
        "workspace_id",
        "name",
        unique=True,
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

automation_version = table(
    "automation_version",
    identifier("automation_id"),
    Column("version", Integer, nullable=False),
    words("state", default="draft"),
    document("body"),
    words("created_by", nullable=True),
    moment("created_at", now=True),
    moment("published_at"),
    to("automation", ondelete="CASCADE"),
    UniqueConstraint("automation_id", "version"),
    CheckConstraint("state IN ('draft', 'published', 'retired')", name="state"),
)

# A mapping applied to stored responses. `since` and `until` are days of the workspace's zone, both
# included; `campaigns` None: every one. `at_id` is the last response that was looked at, `last_id`
# the newest when it began: what came later is planned by itself.
backfill = table(
    "backfill",
    identifier("mapping_id"),
    Column("mapping_version", Integer, nullable=False),
    Column("since", Date, nullable=True),
    Column("until", Date, nullable=True),
    Column("campaigns", ARRAY(BigInteger), nullable=True),
    Column("notes", Boolean, nullable=False, server_default=text("false")),
    words("state", default="running"),
    words("reason", nullable=True),
    Column("total", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("at_id", BigInteger, nullable=False, server_default=text("0")),
    document("counts"),
    words("started_by"),
    moment("created_at", now=True),
    moment("ended_at"),
    to("mapping"),
    CheckConstraint("state IN ('running', 'done', 'stopped')", name="state"),
    Index("ix_backfill_mapping", "workspace_id", "mapping_id", "id"),
    Index(
        "uq_backfill_running",
        "mapping_id",
        unique=True,
        postgresql_where=text("state = 'running'"),
    ),
)
