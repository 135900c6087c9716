"""Mappings and automations: a name, and versions of which one may be published."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, UniqueConstraint, text

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
