"""Workspaces, the people in them, and the API keys of machines."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from connector.tables.base import document, metadata, moment, table, words

# settings: {"tags": {"prefix": "NPSToday", ...}, "country": "DK", ...}; stage colours and
# approvals hang on `stage`.
workspace = Table(
    "workspace",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    words("slug"),
    words("name"),
    words("stage", default="development"),
    words("timezone", default="UTC"),
    words("country", nullable=True),
    document("settings"),
    moment("paused_at"),
    moment("created_at", now=True),
    UniqueConstraint("slug"),
    CheckConstraint("stage IN ('development', 'pre-production', 'production')", name="stage"),
)

user_account = table(
    "user_account",
    words("email"),
    words("name"),
    words("role"),
    moment("created_at", now=True),
    moment("disabled_at"),
    # Who signs in as this member; the person may live in another workspace.
    Column("person_id", BigInteger, ForeignKey("person.id", ondelete="SET NULL"), nullable=True),
    # The right "account settings", given or taken beside the role; None: as the role has it.
    Column("account_settings", Boolean, nullable=True),
    CheckConstraint("role IN ('owner', 'admin', 'editor', 'viewer')", name="role"),
    Index("uq_user_account_email", "workspace_id", text("lower(email)"), unique=True),
    Index("ix_user_account_person", "person_id"),
)

# `public_id` stands in the key itself; of the secret part only the SHA-256 is kept.
api_key = table(
    "api_key",
    words("public_id"),
    Column("digest", LargeBinary, nullable=False),
    words("name"),
    words("role"),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    moment("created_at", now=True),
    moment("expires_at"),
    moment("last_used_at"),
    moment("revoked_at"),
    UniqueConstraint("public_id"),
    CheckConstraint("role IN ('owner', 'admin', 'editor', 'viewer')", name="role"),
)

# A key of another workspace that may act in this one; `public_id` names the key. What it may do is
# what both its own scopes and these allow.
partner_grant = table(
    "partner_grant",
    words("public_id"),
    words("name"),
    words("role"),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    words("granted_by"),
    moment("created_at", now=True),
    moment("last_used_at"),
    moment("revoked_at"),
    CheckConstraint("role IN ('owner', 'admin', 'editor', 'viewer')", name="role"),
    Index(
        "uq_partner_grant_key",
        "workspace_id",
        "public_id",
        unique=True,
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index("ix_partner_grant_public_id", "public_id"),
)
