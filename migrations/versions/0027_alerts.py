"""Alerts, whom they are told to, and what is still to be told.

Safe beside the version before it, which judges nothing and tells nobody.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0028"

TABLES = ("alert_channel", "alert", "alert_notice")


def upgrade() -> None:
    """The tables, and who may see their rows."""
    create_tables()
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


def create_tables() -> None:
    """Channels, alerts, and what is to be told of them."""
    op.create_table(
        "alert_channel",
        *_own_id("alert_channel"),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "recipients",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        _moment("created_at", now=True),
        _moment("told_at"),
        _moment("failed_at"),
        sa.Column("error_code", sa.Text(), nullable=True),
        _to("alert_channel", "connection"),
        sa.UniqueConstraint(
            "workspace_id",
            "connection_id",
            name=op.f("uq_alert_channel_workspace_id_connection_id"),
        ),
    )
    op.create_table(
        "alert",
        *_own_id("alert"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "figures", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        _moment("began_at", now=True),
        _moment("seen_at", now=True),
        _moment("clear_since"),
        _moment("ended_at"),
        sa.CheckConstraint(
            "kind IN ('connection', 'errors', 'parked', 'lag')", name=op.f("ck_alert_kind")
        ),
        _to("alert", "connection"),
    )
    op.create_index(
        "uq_alert_open",
        "alert",
        ["workspace_id", "kind", sa.text("coalesce(connection_id, 0)")],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_alert_newest", "alert", ["workspace_id", "began_at"])
    op.create_table(
        "alert_notice",
        *_own_id("alert_notice"),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        _moment("due_at", now=True),
        _moment("lease_until"),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        _moment("settled_at"),
        sa.CheckConstraint("phase IN ('began', 'ended')", name=op.f("ck_alert_notice_phase")),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'failed')", name=op.f("ck_alert_notice_state")
        ),
        _to("alert_notice", "alert"),
        _to("alert_notice", "alert_channel", "channel_id"),
        sa.UniqueConstraint(
            "workspace_id",
            "alert_id",
            "channel_id",
            "phase",
            name=op.f("uq_alert_notice_workspace_id_alert_id_channel_id_phase"),
        ),
    )
    op.create_index(
        "ix_alert_notice_due",
        "alert_notice",
        ["workspace_id", "due_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )


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


def _to(table: str, other: str, column: str = "") -> sa.ForeignKeyConstraint:
    column = column or f"{other}_id"
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{other}.workspace_id", f"{other}.id"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
        ondelete="CASCADE",
    )


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def downgrade() -> None:
    """What refers to the others first."""
    for table in reversed(TABLES):
        op.drop_table(table)
