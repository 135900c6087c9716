"""The files of answers: one row each, its content beside it, and what of them is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0004"

TABLES = ("answer_file", "file_content")


def upgrade() -> None:
    """The tables, who may see their rows, what the sweep may learn, and the new kind of step."""
    create_tables()
    # Images and archives do not shrink: without this every read would try to unpack them.
    op.execute("ALTER TABLE file_content ALTER COLUMN content SET STORAGE EXTERNAL")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_workspace ON {table} USING (workspace_id ="
            " nullif(current_setting('app.workspace_id', true), '')::bigint)"
        )
    op.execute("ALTER TABLE delivery DROP CONSTRAINT ck_delivery_kind")
    op.execute(
        "ALTER TABLE delivery ADD CONSTRAINT ck_delivery_kind"
        " CHECK (kind IN ('fields', 'tag', 'note', 'file'))"
    )
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    for name in TABLES:
        op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO "{role}"')
    op.execute(f'GRANT USAGE ON SEQUENCE answer_file_id_seq TO "{role}"')
    op.execute(DUE)
    op.execute(f'GRANT EXECUTE ON FUNCTION ab_due_files() TO "{role}"')


def create_tables() -> None:
    """Both tables with their keys and indexes."""
    op.create_table(
        "answer_file",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("response_id", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("mime", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column(
            "stored_name", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False
        ),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'fetched', 'failed', 'removed')",
            name=op.f("ck_answer_file_state"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "response_id"],
            ["response.workspace_id", "response.id"],
            name=op.f("fk_answer_file_workspace_id_response_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_answer_file_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_file")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_answer_file_workspace_id_id")),
        sa.UniqueConstraint(
            "workspace_id",
            "response_id",
            "answer",
            "place",
            name=op.f("uq_answer_file_workspace_id_response_id_answer_place"),
        ),
    )
    op.create_index(
        "ix_answer_file_due",
        "answer_file",
        ["workspace_id", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_answer_file_kept",
        "answer_file",
        ["workspace_id", "settled_at"],
        unique=False,
        postgresql_where=sa.text("state = 'fetched'"),
    )
    op.create_table(
        "file_content",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "file_id"],
            ["answer_file.workspace_id", "answer_file.id"],
            name=op.f("fk_file_content_workspace_id_file_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_file_content_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_file_content")),
    )


# Beside ab_due(), with the same columns: the sweep asks both. Ids and counts, never content.
DUE = """
    CREATE FUNCTION ab_due_files() RETURNS TABLE (
        kind text, workspace_id bigint, connection_id bigint, waiting bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT 'fetch', w.id, NULL::bigint, n.waiting
      FROM workspace w CROSS JOIN LATERAL (
           SELECT count(*) AS waiting FROM (
             SELECT FROM answer_file f WHERE f.workspace_id = w.id AND f.state = 'pending'
                AND f.due_at <= now() AND (f.lease_until IS NULL OR f.lease_until < now())
              LIMIT 500) one) n
     WHERE n.waiting > 0
    $$
    """


def downgrade() -> None:
    """The tables are gone, and with them what was fetched; steps of the kind `file` too."""
    op.execute("DROP FUNCTION ab_due_files()")
    for table in reversed(TABLES):
        op.drop_table(table)
