"""Steps that take back what a deleted response has written, and the few deletions by themselves.

Safe beside the version before it, which makes no such step.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """The new kind of step; the index that every batch asks for deletions."""
    op.execute("ALTER TABLE delivery DROP CONSTRAINT ck_delivery_kind")
    op.execute(
        "ALTER TABLE delivery ADD CONSTRAINT ck_delivery_kind"
        " CHECK (kind IN ('fields', 'tag', 'note', 'file', 'message', 'task', 'undo'))"
    )
    op.create_index(
        "ix_response_deleted",
        "response",
        ["workspace_id", "response_id", "source"],
        postgresql_where=sa.text("event = 'deleted'"),
    )
