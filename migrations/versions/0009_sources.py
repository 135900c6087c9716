"""What an admin says about a source's responses: its settings.

Safe beside the version before it, which reads and writes sources without them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One column; its default needs no rewrite of the table."""
    op.add_column(
        "hook_source",
        sa.Column(
            "settings",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
    )


def downgrade() -> None:
    """The settings are gone."""
    op.drop_column("hook_source", "settings")
