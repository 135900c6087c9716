"""The scopes a grant was given, whether a campaign asks a person once or several times, and who is
meant by what a CRM tells of its records.

Safe beside the version before it, which reads and writes none of it. A connection's scopes are
known from its next refresh or sign-in on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0036"

# `operators`: whether the client is the operator's, which serves whoever has none of their own.
TOLD = """
    CREATE FUNCTION ab_told_by(wanted_app text, wanted_client text, accounts text[],
                               operators boolean)
    RETURNS TABLE (workspace_id bigint, own boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT o.workspace_id, true FROM oauth_client o
     WHERE o.app = wanted_app AND o.client_id = wanted_client
    UNION
    SELECT n.workspace_id, false FROM connection n
     WHERE operators AND n.app = wanted_app AND n.remote_account_id = ANY(accounts)
       AND NOT EXISTS (SELECT FROM oauth_client o
                        WHERE o.workspace_id = n.workspace_id AND o.app = wanted_app)
     ORDER BY 1
    $$
    """


def upgrade() -> None:
    """Columns that may be empty, and the question that looks across workspaces."""
    op.add_column("credential", sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("campaign", sa.Column("participation", postgresql.JSONB(), nullable=True))
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute(TOLD)
    op.execute("REVOKE ALL ON FUNCTION ab_told_by(text, text, text[], boolean) FROM PUBLIC")
    op.execute(f'GRANT EXECUTE ON FUNCTION ab_told_by(text, text, text[], boolean) TO "{role}"')


def downgrade() -> None:
    """Without them."""
    op.execute("DROP FUNCTION ab_told_by(text, text, text[], boolean)")
    op.drop_column("campaign", "participation")
    op.drop_column("credential", "scopes")
