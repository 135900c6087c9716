"""The order in which automations run, where somebody has given one.

Safe beside the version before it, which runs them in the order in which they were made.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """An automation without a place runs after those that have one."""
    op.add_column("automation", sa.Column("place", sa.Integer(), nullable=True))
