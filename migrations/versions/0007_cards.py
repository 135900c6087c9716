"""Cards inside CRMs: their address, their secret, what they show; and contacts found by record.

Safe beside the version before it, which knows of neither.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0003"

# The token only routes: ids come back, nothing else.
CARD = """
    CREATE FUNCTION ab_card(wanted bytea) RETURNS TABLE (workspace_id bigint, connection_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    'SELECT workspace_id, connection_id FROM card WHERE token_digest = wanted'
"""


def upgrade() -> None:
    """The table, who may see its rows, the way in by token, and the index by remote id.

    The index first, built while links are made: what broke off can simply be run again.
    """
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_link_remote")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_link_remote ON link (connection_id, entity, remote_id)"
        )
    op.create_table(
        "card",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("seal_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("comments", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_card_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "connection_id"],
            ["connection.workspace_id", "connection.id"],
            name=op.f("fk_card_workspace_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_card")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_card_token_digest")),
    )
    op.execute("ALTER TABLE card ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY of_workspace ON card USING (workspace_id ="
        " nullif(current_setting('app.workspace_id', true), '')::bigint)"
    )
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON card TO "{role}"')
    op.execute(CARD)
    op.execute(f'GRANT EXECUTE ON FUNCTION ab_card(bytea) TO "{role}"')


def downgrade() -> None:
    """The function before the table that it names."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_link_remote")
    op.execute("DROP FUNCTION ab_card(bytea)")
    op.drop_table("card")
