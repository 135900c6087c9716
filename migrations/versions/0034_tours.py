"""Where a person is in the tour of the pages.

Safe beside the version before it, which reads what a session tells by name and knows no tour: a
person whom it lets in has none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0025"

# As in 0028, and the person's tour.
SESSION = """
    CREATE FUNCTION ab_session(wanted bytea) RETURNS TABLE (
        workspace_id bigint, id bigint, person_id bigint, email text, name text,
        has_codes boolean, step text, created_at timestamptz, seen_at timestamptz,
        expires_at timestamptz, ended_at timestamptz, member_of jsonb{column})
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT s.workspace_id, s.id, p.id, p.email, p.name, p.codes_since IS NOT NULL, s.step,
           s.created_at, s.seen_at, s.expires_at, s.ended_at,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                     'workspace_id', w.id, 'slug', w.slug, 'name', w.name, 'stage', w.stage,
                     'timezone', w.timezone, 'paused', w.paused_at IS NOT NULL,
                     'account_id', a.id, 'role', a.role, 'account_settings', a.account_settings)
                     ORDER BY w.name, w.id), '[]')
              FROM user_account a JOIN workspace w ON w.id = a.workspace_id
             WHERE a.person_id = p.id AND a.disabled_at IS NULL){value}
      FROM web_session s JOIN person p ON p.id = s.person_id
     WHERE s.digest = wanted AND p.disabled_at IS NULL
    $$
    """


def upgrade() -> None:
    """Who is there already has found their way: they have no tour until they ask for one."""
    op.add_column("person", sa.Column("tour", sa.Text(), nullable=True))
    _replace_session(column=", tour text", value=", p.tour")


def downgrade() -> None:
    """The function first: it names the column."""
    _replace_session(column="", value="")
    op.drop_column("person", "tour")


def _replace_session(*, column: str, value: str) -> None:
    # What a function returns is only changed by making it anew, which takes its rights away. In one
    # transaction: whoever asks meanwhile waits, and finds the new one.
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    op.execute("DROP FUNCTION ab_session(bytea)")
    op.execute(SESSION.format(column=column, value=value))
    op.execute(f'GRANT EXECUTE ON FUNCTION ab_session(bytea) TO "{role}"')
