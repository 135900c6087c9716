"""Connections (managed authentications), their sealed secrets and the field definitions downloaded
through them.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from connector.tables.base import document, identifier, keyed_table, moment, table, to, words

# A data key of a workspace, wrapped by a key-encryption key (connector/connections/vault.py).
data_key = table(
    "data_key",
    Column("kek_id", BigInteger, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    words("state", default="active"),
    Column("seals", BigInteger, nullable=False, server_default=text("0")),
    moment("created_at", now=True),
    CheckConstraint("state IN ('active', 'retired')", name="state"),
    Index(
        "uq_data_key_active", "workspace_id", unique=True, postgresql_where=text("state = 'active'")
    ),
)

# `state` is what the admin sees; `paused_at` is a person's pause, `resume_at` the CRM's (429,
# daily limit) or the breaker's: nothing is claimed before it. `learnt` is what adapters found out
# about the account, `rights` what the CRM told last of the connected user's (adapters/rights.py).
connection = table(
    "connection",
    words("app"),
    words("name"),
    words("auth"),
    words("state", default="new"),
    words("reason_code", nullable=True),
    words("reason", nullable=True),
    words("base_url", nullable=True),
    words("instance_url", nullable=True),
    document("settings"),
    document("learnt"),
    document("standard"),
    document("extra_fields"),
    document("rights", nullable=True),
    moment("rights_at"),
    words("remote_account_id", nullable=True),
    words("remote_account_name", nullable=True),
    words("remote_user_id", nullable=True),
    moment("paused_at"),
    moment("resume_at"),
    words("resume_reason", nullable=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    moment("deleted_at"),
    CheckConstraint("auth IN ('oauth', 'key')", name="auth"),
    CheckConstraint(
        "state IN ('new', 'connected', 'needs_attention', 'disconnected')", name="state"
    ),
    Index(
        "uq_connection_name",
        "workspace_id",
        "name",
        unique=True,
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

# Its own table: the refresh locks this row while it waits for the provider, and nothing else ever
# waits for it.
credential = keyed_table(
    "credential",
    identifier("connection_id", primary_key=True),
    Column("seal_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    moment("expires_at"),
    moment("refresh_failed_at"),
    # What the grant was given, as the provider told it: no secret. Null where it did not tell.
    Column("scopes", ARRAY(Text), nullable=True),
    moment("updated_at", now=True),
    to("connection", ondelete="CASCADE"),
)

oauth_client = table(
    "oauth_client",
    words("app"),
    words("client_id"),
    Column("seal_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    moment("updated_at", now=True),
    UniqueConstraint("workspace_id", "app"),
)

# One use, ten minutes; only the SHA-256 of the state is kept, the PKCE verifier is sealed.
oauth_state = keyed_table(
    "oauth_state",
    Column("digest", LargeBinary, primary_key=True),
    identifier("connection_id"),
    identifier("api_key_id", nullable=True),
    identifier("account_id", nullable=True),
    words("app"),
    words("redirect_uri"),
    Column("seal_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    moment("expires_at", nullable=False),
    moment("used_at"),
    to("connection", ondelete="CASCADE"),
    to("api_key", ondelete="CASCADE"),
    to("user_account", "account_id", ondelete="CASCADE"),
)

# A snapshot per download that differs from the one before; `current` marks the newest.
entity_snapshot = table(
    "entity_snapshot",
    identifier("connection_id"),
    words("entity"),
    Column("digest", LargeBinary, nullable=False),
    Column("schema_digest", LargeBinary, nullable=False),
    document("definition"),
    Column("current", Boolean, nullable=False, server_default=text("true")),
    moment("taken_at", now=True),
    moment("seen_at", now=True),
    to("connection", ondelete="CASCADE"),
    Index(
        "uq_entity_snapshot_current",
        "connection_id",
        "entity",
        unique=True,
        postgresql_where=text("current"),
    ),
    Index("ix_entity_snapshot_history", "connection_id", "entity", "taken_at"),
)

# Who changes an account's definitions just now. By account, whatever the workspace: another's row
# is only met inside ab_hold_account().
account_hold = keyed_table(
    "account_hold",
    Column("app", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    identifier("connection_id"),
    Column("token", Uuid, nullable=False),
    moment("held_until", nullable=False),
    to("connection", ondelete="CASCADE"),
)

# The card inside a CRM that a connection has. Its token only routes and is sealed with the secrets;
# `comments`: whether it shows them, `link`: where its button leads.
card = keyed_table(
    "card",
    identifier("connection_id", primary_key=True),
    Column("token_digest", LargeBinary, nullable=False),
    Column("seal_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("comments", Boolean, nullable=False, server_default=text("false")),
    words("link", nullable=True),
    moment("created_at", now=True),
    moment("updated_at", now=True),
    to("connection", ondelete="CASCADE"),
    UniqueConstraint("token_digest"),
)
