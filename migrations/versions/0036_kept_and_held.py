"""How long answers are kept, and sources that are paused.

Safe beside the version before it: that one deletes nothing, and plans only what is due. Workspaces
that are there keep answers for ten years until somebody chooses: until now they were told that
nothing is deleted.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

FUNCTIONS = {
    # Beside ab_due(), with the same columns.
    "ab_due_retention()": """
    CREATE FUNCTION ab_due_retention() RETURNS TABLE (
        kind text, workspace_id bigint, connection_id bigint, waiting bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT 'forget', n.workspace_id, NULL::bigint, 1::bigint
      FROM retention_run n WHERE n.ended_at IS NULL
    $$
    """,
    # As ab_metrics().
    "ab_kept_metrics()": """
    CREATE FUNCTION ab_kept_metrics() RETURNS TABLE (
        name text, workspace_id bigint, connection_id bigint, app text, word text,
        value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT 'answers_removed', n.workspace_id, NULL::bigint, NULL::text, NULL::text,
           sum(n.responses)::float8
      FROM retention_run n GROUP BY n.workspace_id
    UNION ALL
    SELECT 'responses_held', h.workspace_id, NULL::bigint, NULL::text, h.id::text, n.waiting::float8
      FROM hook_source h CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM (
           SELECT FROM response r
            WHERE r.workspace_id = h.workspace_id AND r.planned_at IS NULL
              AND r.plan_due_at = 'infinity' AND r.source = 'hook:' || h.id
            LIMIT 100000) one) n
     WHERE h.paused_at IS NOT NULL AND h.disabled_at IS NULL
    $$
    """,
}


def upgrade() -> None:
    """The columns, the nights, who may see them, and what may be asked across workspaces."""
    moment = sa.DateTime(timezone=True)
    op.add_column("hook_source", sa.Column("paused_at", moment, nullable=True))
    op.add_column("response", sa.Column("removed_at", moment, nullable=True))
    op.create_index(
        "ix_response_kept", "response", ["workspace_id", "id"],
        postgresql_where=sa.text("removed_at IS NULL"),
    )  # fmt: skip
    op.create_table(
        "retention_run",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("at_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("responses", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("files", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("started_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name=op.f("fk_retention_run_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "night", name=op.f("pk_retention_run")),
    )  # fmt: skip
    op.create_index(
        "ix_retention_run_open", "retention_run", ["workspace_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.execute(
        "UPDATE workspace SET settings = settings || '{\"retention_days\": 3650}'"
        " WHERE NOT settings ? 'retention_days'"
    )
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute("ALTER TABLE retention_run ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY of_workspace ON retention_run USING (workspace_id ="
        " nullif(current_setting('app.workspace_id', true), '')::bigint)"
    )
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON retention_run TO "{role}"')
    for call, function in FUNCTIONS.items():
        op.execute(function)
        op.execute(f'GRANT EXECUTE ON FUNCTION {call} TO "{role}"')


def downgrade() -> None:
    """The functions first: they name the table and the column."""
    for call in FUNCTIONS:
        op.execute(f"DROP FUNCTION {call}")
    op.drop_table("retention_run")
    op.drop_index("ix_response_kept", table_name="response")
    op.drop_column("response", "removed_at")
    op.drop_column("hook_source", "paused_at")
