"""Webhooks to the customer's own systems, and keys of partners that act in many workspaces.

Safe beside the version before it, which tells nobody and knows no partner.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0027"

TABLES = ("webhook", "webhook_message", "webhook_attempt", "partner_grant")
FUNCTIONS = {
    # Beside ab_due(), with the same columns: the webhook stands where a connection does.
    "ab_due_webhooks()": """
    CREATE FUNCTION ab_due_webhooks() RETURNS TABLE (
        kind text, workspace_id bigint, connection_id bigint, waiting bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT 'tell', h.workspace_id, h.id, n.waiting
      FROM webhook h CROSS JOIN LATERAL (
           SELECT count(*) AS waiting FROM (
             SELECT FROM webhook_message m
              WHERE m.webhook_id = h.id AND m.state = 'pending' AND m.due_at <= now()
                AND (m.lease_until IS NULL OR m.lease_until < now())
              LIMIT 500) one) n
     WHERE h.state = 'active' AND (h.rests_until IS NULL OR h.rests_until <= now())
       AND n.waiting > 0
    $$
    """,
    # As ab_metrics(): the word is the webhook's id.
    "ab_webhook_metrics()": """
    CREATE FUNCTION ab_webhook_metrics() RETURNS TABLE (
        name text, workspace_id bigint, connection_id bigint, app text, word text,
        value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    WITH h AS MATERIALIZED (SELECT * FROM webhook ORDER BY id LIMIT 500)
    SELECT 'webhook_messages_waiting', h.workspace_id, NULL::bigint, NULL::text, h.id::text,
           n.waiting::float8
      FROM h CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM (
           SELECT FROM webhook_message m WHERE m.webhook_id = h.id AND m.state = 'pending'
            LIMIT 100000) one) n
    UNION ALL
    SELECT 'webhook_up', h.workspace_id, NULL::bigint, NULL::text, h.id::text,
           (h.state = 'active' AND h.failures = 0)::int::float8 FROM h
    $$
    """,
    # What may be learnt outside a workspace: of one key, the workspaces that have let it in.
    "ab_grant(text, text)": """
    CREATE FUNCTION ab_grant(wanted text, wanted_slug text) RETURNS TABLE (
        workspace_id bigint, id bigint, role text, scopes text[], last_used_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    'SELECT g.workspace_id, g.id, g.role, g.scopes, g.last_used_at
       FROM partner_grant g JOIN workspace w ON w.id = g.workspace_id
      WHERE g.public_id = wanted AND w.slug = wanted_slug AND g.revoked_at IS NULL'
    """,
    "ab_granted(text)": """
    CREATE FUNCTION ab_granted(wanted text) RETURNS TABLE (
        slug text, name text, stage text, role text, scopes text[], granted_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    'SELECT w.slug, w.name, w.stage, g.role, g.scopes, g.created_at
       FROM partner_grant g JOIN workspace w ON w.id = g.workspace_id
      WHERE g.public_id = wanted AND g.revoked_at IS NULL ORDER BY w.slug'
    """,
}


def upgrade() -> None:
    """The tables, who may see their rows, and what may be asked across workspaces."""
    create_webhooks()
    create_grants()
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_workspace ON {table} USING (workspace_id ="
            " nullif(current_setting('app.workspace_id', true), '')::bigint)"
        )
        op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO "{role}"')
        op.execute(f'GRANT USAGE ON SEQUENCE {table}_id_seq TO "{role}"')
    for call, function in FUNCTIONS.items():
        op.execute(function)
        op.execute(f'GRANT EXECUTE ON FUNCTION {call} TO "{role}"')


def create_webhooks() -> None:
    """Webhooks, their messages, and each try."""
    op.create_table(
        "webhook",
        *_own_id("webhook"),
        _text("name"),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        _text("host"),
        sa.Column("seal_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _moment("former_until"),
        _text("state", default="active"),
        _text("reason", nullable=True),
        _text("error", nullable=True),
        _count("failures"),
        _moment("failing_since"),
        _moment("rests_until"),
        _moment("delivered_at"),
        _moment("created_at", now=True),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_webhook_workspace_id_name")),
        sa.CheckConstraint(
            "state IN ('active', 'paused', 'disabled')", name=op.f("ck_webhook_state")
        ),
    )
    op.create_table(
        "webhook_message",
        *_own_id("webhook_message"),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "message_id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False
        ),
        _text("event"),
        sa.Column(
            "data", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        _moment("occurred_at", now=True),
        _text("state", default="pending"),
        _count("attempts"),
        _moment("due_at", now=True),
        _moment("lease_until"),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        _moment("settled_at"),
        _of("webhook_message", "webhook_id", "webhook"),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'failed')", name=op.f("ck_webhook_message_state")
        ),
    )
    op.create_index(
        "ix_webhook_message_due",
        "webhook_message",
        ["webhook_id", "due_at", "id"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_webhook_message_webhook", "webhook_message", ["workspace_id", "webhook_id", "id"]
    )
    op.create_index("ix_webhook_message_old", "webhook_message", ["workspace_id", "occurred_at"])
    op.create_table(
        "webhook_attempt",
        *_own_id("webhook_attempt"),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("ms", sa.Integer(), nullable=False),
        _text("code", nullable=True),
        _text("error", nullable=True),
        _moment("ended_at", now=True),
        _of("webhook_attempt", "message_id", "webhook_message"),
    )
    op.create_index(
        "ix_webhook_attempt_message", "webhook_attempt", ["workspace_id", "message_id", "id"]
    )


def create_grants() -> None:
    """Which keys of other workspaces may act in a workspace."""
    op.create_table(
        "partner_grant",
        *_own_id("partner_grant"),
        _text("public_id"),
        _text("name"),
        _text("role"),
        sa.Column(
            "scopes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        _text("granted_by"),
        _moment("created_at", now=True),
        _moment("last_used_at"),
        _moment("revoked_at"),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'editor', 'viewer')", name=op.f("ck_partner_grant_role")
        ),
    )
    op.create_index(
        "uq_partner_grant_key",
        "partner_grant",
        ["workspace_id", "public_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_index("ix_partner_grant_public_id", "partner_grant", ["public_id"])


def _own_id(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f(f"uq_{table}_workspace_id_id")),
    ]


def _of(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{other}.workspace_id", f"{other}.id"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
        ondelete="CASCADE",
    )


def _text(name: str, *, nullable: bool = False, default: str | None = None) -> sa.Column[str]:
    told = sa.text(f"'{default}'") if default else None
    return sa.Column(name, sa.Text(), server_default=told, nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def downgrade() -> None:
    """The functions first: they name the tables."""
    for call in FUNCTIONS:
        op.execute(f"DROP FUNCTION {call}")
    for table in reversed(TABLES):
        op.drop_table(table)
