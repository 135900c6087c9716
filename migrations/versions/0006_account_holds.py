"""Who changes an account's definitions just now: one connection at a time, whatever its workspace.

Safe beside the version before it, which does not know of holds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0001"

HOLD = """
    CREATE FUNCTION ab_hold_account(
        the_app text, the_account text, the_workspace bigint, the_connection bigint,
        the_token uuid, for_s integer) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    WITH taken AS (
      INSERT INTO account_hold AS h
             (workspace_id, connection_id, app, account_id, token, held_until)
      VALUES (the_workspace, the_connection, the_app, the_account, the_token,
              now() + make_interval(secs => for_s))
      ON CONFLICT (app, account_id) DO UPDATE
         SET workspace_id = excluded.workspace_id, connection_id = excluded.connection_id,
             token = excluded.token, held_until = excluded.held_until
       WHERE h.held_until < now()
      RETURNING 1)
    SELECT EXISTS (SELECT FROM taken)
    $$
"""


def upgrade() -> None:
    """The table, who may see its rows, and the function that looks across workspaces."""
    op.create_table(
        "account_hold",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_account_hold_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "connection_id"],
            ["connection.workspace_id", "connection.id"],
            name=op.f("fk_account_hold_workspace_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("app", "account_id", name=op.f("pk_account_hold")),
    )
    op.execute("ALTER TABLE account_hold ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY of_workspace ON account_hold USING (workspace_id ="
        " nullif(current_setting('app.workspace_id', true), '')::bigint)"
    )
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON account_hold TO "{role}"')
    op.execute(HOLD)
    hold = "ab_hold_account(text, text, bigint, bigint, uuid, integer)"
    op.execute(f'GRANT EXECUTE ON FUNCTION {hold} TO "{role}"')


def downgrade() -> None:
    """The function first: it names the table."""
    op.execute("DROP FUNCTION ab_hold_account(text, text, bigint, bigint, uuid, integer)")
    op.drop_table("account_hold")
