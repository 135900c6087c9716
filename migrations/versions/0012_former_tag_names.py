"""The names that a campaign's tags had before they were renamed.

Safe beside the version before it, which renames none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """A list of names beside the one that counts."""
    former: sa.Column[list[str]] = sa.Column(
        "former_tag_names",
        postgresql.ARRAY(sa.Text()),
        server_default=sa.text("'{}'"),
        nullable=False,
    )
    op.add_column("campaign", former)
