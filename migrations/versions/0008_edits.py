"""Extra fields of contacts: which ones an admin has chosen, and people's edits of them.

Safe beside the version before it, whose claims do not know that an open edit holds its contact:
until the last old worker has ended, an edit and a delivery of one contact may meet, as two tools
do.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

STATES = "'open', 'written', 'unchanged', 'conflict', 'refused', 'not_written', 'unknown'"


def upgrade() -> None:
    """The choice, the table of edits, and lines of the ledger that no delivery has written."""
    op.add_column(
        "connection",
        sa.Column(
            "extra_fields",
            postgresql.JSONB(none_as_null=True),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
    )
    _edits()
    op.alter_column("ledger", "delivery_id", nullable=True)
    op.alter_column("ledger", "response_id", nullable=True)
    op.add_column("ledger", sa.Column("edit_id", sa.BigInteger(), nullable=True))
    # NOT VALID: every line that stands has a delivery and no edit, and a long ledger is not read
    # through under a lock. New lines are checked.
    op.execute(
        "ALTER TABLE ledger ADD CONSTRAINT fk_ledger_workspace_id_edit_id FOREIGN KEY"
        " (workspace_id, edit_id) REFERENCES edit (workspace_id, id) NOT VALID"
    )


def _edits() -> None:
    op.create_table(
        "edit",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("lane", "entity", "remote_id", "actor")
        ),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("changes", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_edit_state")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "connection_id"],
            ["connection.workspace_id", "connection.id"],
            name=op.f("fk_edit_workspace_id_connection_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_edit_workspace_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_edit_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edit")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_edit_workspace_id_id")),
    )
    op.create_index(
        "uq_edit_lane_open",
        "edit",
        ["connection_id", "lane"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_edit_contact", "edit", ["workspace_id", "contact_id", "id"])
    op.execute("ALTER TABLE edit ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY of_workspace ON edit USING (workspace_id ="
        " nullif(current_setting('app.workspace_id', true), '')::bigint)"
    )
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON edit TO "{role}"')


def downgrade() -> None:
    """What people have edited is forgotten, and so are its lines of the ledger."""
    op.execute("DELETE FROM ledger WHERE edit_id IS NOT NULL")
    op.drop_constraint("fk_ledger_workspace_id_edit_id", "ledger")
    op.drop_column("ledger", "edit_id")
    op.alter_column("ledger", "response_id", nullable=False)
    op.alter_column("ledger", "delivery_id", nullable=False)
    op.drop_table("edit")
    op.drop_column("connection", "extra_fields")
