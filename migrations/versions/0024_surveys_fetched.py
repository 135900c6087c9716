"""When a source's surveys were last asked for, so that they are looked after each night.

Safe beside the version before it, which never writes the column.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0026"


def upgrade() -> None:
    """One column; no value means that nobody has asked for them yet."""
    op.add_column("hook_source", sa.Column("surveys_on", sa.Date(), nullable=True))


def downgrade() -> None:
    """The column goes."""
    op.drop_column("hook_source", "surveys_on")
