"""Responses that a platform has only told of, to be fetched.

Safe beside the version before it, which knows no platform that does so.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

# Beside ab_due(), with the same columns: the sweep asks all of them. Ids and counts alone.
DUE = """
    CREATE FUNCTION ab_due_notices() RETURNS TABLE (
        kind text, workspace_id bigint, connection_id bigint, waiting bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT 'gather', w.id, NULL::bigint, n.waiting
      FROM workspace w CROSS JOIN LATERAL (
           SELECT count(*) AS waiting FROM (
             SELECT FROM hook_notice h JOIN hook_source s ON s.id = h.source_id
              WHERE h.workspace_id = w.id AND h.state = 'pending' AND h.due_at <= now()
                AND s.disabled_at IS NULL AND (h.lease_until IS NULL OR h.lease_until < now())
              LIMIT 500) one) n
     WHERE n.waiting > 0
    $$
    """


def upgrade() -> None:
    """The table, who may see its rows, and what the sweep may learn."""
    create_table()
    op.execute("ALTER TABLE hook_notice ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY of_workspace ON hook_notice USING (workspace_id ="
        " nullif(current_setting('app.workspace_id', true), '')::bigint)"
    )
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON hook_notice TO "{role}"')
    op.execute(f'GRANT USAGE ON SEQUENCE hook_notice_id_seq TO "{role}"')
    op.execute(DUE)
    op.execute(f'GRANT EXECUTE ON FUNCTION ab_due_notices() TO "{role}"')


def create_table() -> None:
    """The notices, with the indexes that claims and lists go by."""
    op.create_table(
        "hook_notice",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column(
            "what", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _moment("due_at", now=True),
        _moment("lease_until"),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        _moment("created_at", now=True),
        _moment("settled_at"),
        sa.Column("response", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'fetched', 'failed')", name=op.f("ck_hook_notice_state")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "source_id"],
            ["hook_source.workspace_id", "hook_source.id"],
            name=op.f("fk_hook_notice_workspace_id_source_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_hook_notice_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_notice")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_hook_notice_workspace_id_id")),
    )
    waits = "state = 'pending' AND lease_until IS NULL"
    _index("waits", ["workspace_id", "source_id", "key"], unique=True, where=waits)
    _index("due", ["workspace_id", "due_at", "id"], where="state = 'pending'")
    _index("source", ["workspace_id", "source_id", "id"])


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def _index(name: str, columns: list[str], *, unique: bool = False, where: str = "") -> None:
    condition = sa.text(where) if where else None
    op.create_index(
        f"ix_hook_notice_{name}", "hook_notice", columns, unique=unique, postgresql_where=condition
    )


def downgrade() -> None:
    """The function first: it names the table."""
    op.execute("DROP FUNCTION ab_due_notices()")
    op.drop_table("hook_notice")
