"""Backfills: a mapping applied to responses that are stored already.

Safe beside the version before it, which begins none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0031"

# Beside ab_due(), with the same columns: planning a backfill belongs to no connection.
DUE = """
    CREATE FUNCTION ab_due_backfills() RETURNS TABLE (
        kind text, workspace_id bigint, connection_id bigint, waiting bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT 'backfill', b.workspace_id, NULL::bigint, count(*)
      FROM backfill b WHERE b.state = 'running' GROUP BY b.workspace_id
    $$
"""


def upgrade() -> None:
    """The table, who may see its rows, and what may be asked across workspaces."""
    op.create_table(
        "backfill",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("mapping_id", sa.BigInteger(), nullable=False),
        sa.Column("mapping_version", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("campaigns", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("notes", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'running'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("at_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "counts", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_backfill_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "mapping_id"], ["mapping.workspace_id", "mapping.id"],
            name=op.f("fk_backfill_workspace_id_mapping_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_backfill_workspace_id_id")),
        sa.CheckConstraint(
            "state IN ('running', 'done', 'stopped')", name=op.f("ck_backfill_state")
        ),
    )  # fmt: skip
    op.create_index("ix_backfill_mapping", "backfill", ["workspace_id", "mapping_id", "id"])
    op.create_index(
        "uq_backfill_running", "backfill", ["mapping_id"], unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )  # fmt: skip
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute("ALTER TABLE backfill ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY of_workspace ON backfill USING (workspace_id ="
        " nullif(current_setting('app.workspace_id', true), '')::bigint)"
    )
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON backfill TO "{role}"')
    op.execute(f'GRANT USAGE ON SEQUENCE backfill_id_seq TO "{role}"')
    op.execute(DUE)
    op.execute(f'GRANT EXECUTE ON FUNCTION ab_due_backfills() TO "{role}"')


def downgrade() -> None:
    """The function first: it names the table."""
    op.execute("DROP FUNCTION ab_due_backfills()")
    op.drop_table("backfill")
