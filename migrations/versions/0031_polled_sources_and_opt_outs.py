"""Where polling of a source stands, whose answers nobody pushes; which contacts want no surveys.

Safe beside the version before it, which never reads the columns.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031"
down_revision = "0034"


def upgrade() -> None:
    """An empty object means that nothing was asked for yet; no time, that nobody opted out."""
    column = sa.Column("polled", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    op.add_column("hook_source", column)
    op.add_column("contact", sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contact", sa.Column("opted_out_by", sa.Text(), nullable=True))


def downgrade() -> None:
    """The columns go."""
    op.drop_column("contact", "opted_out_by")
    op.drop_column("contact", "opted_out_at")
    op.drop_column("hook_source", "polled")
