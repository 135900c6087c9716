"""What the CRM told of the connected user's rights is kept, and looked at once after connecting.

Safe beside the version before it: it reads neither column and asks for no check of the new cause.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

CAUSES = "cause IN ('nightly', 'error', 'connected')"
BEFORE = "cause IN ('nightly', 'error')"


def upgrade() -> None:
    """Two columns, a cause, and one open check of that cause per connection."""
    op.add_column("connection", sa.Column("rights", postgresql.JSONB(), nullable=True))
    op.add_column("connection", sa.Column("rights_at", sa.DateTime(timezone=True), nullable=True))
    causes(CAUSES)
    op.create_index(
        "uq_drift_check_connected",
        "drift_check",
        ["connection_id"],
        unique=True,
        postgresql_where=sa.text("cause = 'connected' AND finished_at IS NULL"),
    )


def causes(allowed: str) -> None:
    """The causes a check may have."""
    name = "ck_drift_check_cause"
    op.execute(f"ALTER TABLE drift_check DROP CONSTRAINT {name}")
    op.execute(f"ALTER TABLE drift_check ADD CONSTRAINT {name} CHECK ({allowed})")


def downgrade() -> None:
    """Checks of the new cause are forgotten with the rest."""
    op.drop_index("uq_drift_check_connected", "drift_check")
    op.execute("DELETE FROM drift_check WHERE cause = 'connected'")
    causes(BEFORE)
    op.drop_column("connection", "rights_at")
    op.drop_column("connection", "rights")
