"""Input forms: which fields of the CRM's contact people fill in here, and the edits that did.

Safe beside the version before it, which knows of no forms. An edit that is about to create a record
has no remote id yet: the older one's look finds nothing by it, and ends it as unknown.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0023"


def upgrade() -> None:
    """The table of forms, and what an edit has to know of its form."""
    _forms()
    op.add_column("edit", sa.Column("form_id", sa.BigInteger(), nullable=True))
    op.add_column("edit", sa.Column("match", postgresql.JSONB(none_as_null=True), nullable=True))
    # NOT VALID: every edit that stands has no form, and a long table is not read through under a
    # lock. New lines are checked.
    op.execute(
        "ALTER TABLE edit ADD CONSTRAINT fk_edit_workspace_id_form_id FOREIGN KEY"
        " (workspace_id, form_id) REFERENCES input_form (workspace_id, id) NOT VALID"
    )
    op.create_index(
        "ix_edit_form",
        "edit",
        ["workspace_id", "form_id", "id"],
        postgresql_where=sa.text("form_id IS NOT NULL"),
    )


def _forms() -> None:
    op.create_table(
        "input_form",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "body",
            postgresql.JSONB(none_as_null=True),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        *(
            sa.Column(
                name,
                sa.DateTime(timezone=True),
                server_default=sa.text("now()"),
                nullable=False,
            )
            for name in ("created_at", "updated_at")
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "connection_id"],
            ["connection.workspace_id", "connection.id"],
            name=op.f("fk_input_form_workspace_id_connection_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f("fk_input_form_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_input_form")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_input_form_workspace_id_id")),
    )
    op.create_index(
        "uq_input_form_name",
        "input_form",
        ["workspace_id", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.execute("ALTER TABLE input_form ENABLE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY of_workspace ON input_form USING (workspace_id ="
        " nullif(current_setting('app.workspace_id', true), '')::bigint)"
    )
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON input_form TO "{role}"')


def downgrade() -> None:
    """Forms are forgotten; what they have written stays."""
    op.drop_index("ix_edit_form", "edit")
    op.drop_constraint("fk_edit_workspace_id_form_id", "edit")
    op.drop_column("edit", "match")
    op.drop_column("edit", "form_id")
    op.drop_table("input_form")
