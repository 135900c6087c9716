"""Members' rights and last sign-in, invitations, forgotten passwords, sign-in by a provider.

Safe beside the version before it, which knows none of it: what it reads has kept its shape.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0018"

# As in 0019, and each membership with what was given or taken beside its role.
SESSION = """
    CREATE OR REPLACE FUNCTION ab_session(wanted bytea) RETURNS TABLE (
        workspace_id bigint, id bigint, person_id bigint, email text, name text,
        has_codes boolean, step text, created_at timestamptz, seen_at timestamptz,
        expires_at timestamptz, ended_at timestamptz, member_of jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT s.workspace_id, s.id, p.id, p.email, p.name, p.codes_since IS NOT NULL, s.step,
           s.created_at, s.seen_at, s.expires_at, s.ended_at,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                     'workspace_id', w.id, 'slug', w.slug, 'name', w.name, 'stage', w.stage,
                     'timezone', w.timezone, 'paused', w.paused_at IS NOT NULL,
                     'account_id', a.id, 'role', a.role{more}) ORDER BY w.name, w.id), '[]')
              FROM user_account a JOIN workspace w ON w.id = a.workspace_id
             WHERE a.person_id = p.id AND a.disabled_at IS NULL)
      FROM web_session s JOIN person p ON p.id = s.person_id
     WHERE s.digest = wanted AND p.disabled_at IS NULL
    $$
    """
# A link is found by its digest, a person by what they have typed or a provider has proved; of a
# workspace's own members alone one learns when they signed in, and ends their sessions.
FUNCTIONS = (
    """
    CREATE FUNCTION ab_members() RETURNS TABLE (
        account_id bigint, signed_in_at timestamptz, has_codes boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT a.id, p.signed_in_at, p.codes_since IS NOT NULL
      FROM user_account a JOIN person p ON p.id = a.person_id
     WHERE a.workspace_id = nullif(current_setting('app.workspace_id', true), '')::bigint
    $$
    """,
    """
    CREATE FUNCTION ab_end_sessions(the_account bigint) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    WITH ended AS (
      UPDATE web_session s SET ended_at = now() FROM user_account a
       WHERE a.id = the_account
         AND a.workspace_id = nullif(current_setting('app.workspace_id', true), '')::bigint
         AND s.person_id = a.person_id AND s.ended_at IS NULL AND s.expires_at > now()
      RETURNING s.id)
    SELECT count(*) FROM ended
    $$
    """,
    """
    CREATE FUNCTION ab_member_invitation(wanted bytea) RETURNS TABLE (
        workspace_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    'SELECT workspace_id, id FROM member_invitation WHERE digest = wanted'
    """,
    """
    CREATE FUNCTION ab_invitations_to(wanted text) RETURNS TABLE (
        workspace_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT workspace_id, id FROM member_invitation
     WHERE lower(email) = lower(wanted) AND accepted_at IS NULL AND withdrawn_at IS NULL
       AND expires_at > now() ORDER BY id
    $$
    """,
    """
    CREATE FUNCTION ab_password_reset(wanted bytea) RETURNS TABLE (workspace_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    'SELECT workspace_id, id FROM password_reset WHERE digest = wanted'
    """,
    # Nothing comes back, so that nobody can tell whether there was such a person. Whoever has no
    # password signs in by a provider, which is not to be got around. One letter a minute.
    """
    CREATE FUNCTION ab_ask_reset(the_email text, the_language text, lives interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    INSERT INTO password_reset (workspace_id, person_id, language, expires_at, letter, due_at)
    SELECT p.workspace_id, p.id, the_language, now() + lives, 'waiting', now() FROM person p
     WHERE lower(p.email) = lower(the_email) AND p.disabled_at IS NULL AND p.password IS NOT NULL
       AND NOT EXISTS (SELECT FROM password_reset r WHERE r.workspace_id = p.workspace_id
                          AND r.person_id = p.id AND r.created_at > now() - interval '1 minute')
    $$
    """,
    """
    CREATE FUNCTION ab_person_of(the_issuer text, the_subject text, the_email text) RETURNS TABLE (
        workspace_id bigint, id bigint, has_codes boolean, disabled boolean, issuer text,
        subject text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT workspace_id, id, codes_since IS NOT NULL, disabled_at IS NOT NULL, issuer, subject
      FROM person
     WHERE (issuer = the_issuer AND subject = the_subject) OR lower(email) = lower(the_email)
     ORDER BY (issuer = the_issuer AND subject = the_subject) IS NOT TRUE LIMIT 1
    $$
    """,
    """
    CREATE FUNCTION ab_begin_round(the_digest bytea, the_following text, lives interval)
    RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    WITH old AS (DELETE FROM sign_in_round WHERE expires_at < now())
    INSERT INTO sign_in_round (digest, following, expires_at)
    VALUES (the_digest, the_following, now() + lives)
    $$
    """,
    """
    CREATE FUNCTION ab_end_round(the_digest bytea) RETURNS text
    LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    WITH used AS (DELETE FROM sign_in_round WHERE digest = the_digest
                  RETURNING following, expires_at)
    SELECT following FROM used WHERE expires_at > now()
    $$
    """,
    # Beside ab_due(), with the same columns: the sweep asks all of them. Ids and counts alone.
    """
    CREATE FUNCTION ab_due_letters() RETURNS TABLE (
        kind text, workspace_id bigint, connection_id bigint, waiting bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT 'letters', one.workspace_id, NULL::bigint, count(*)
      FROM (SELECT workspace_id FROM member_invitation
             WHERE letter = 'waiting' AND due_at <= now()
            UNION ALL
            SELECT workspace_id FROM password_reset
             WHERE letter = 'waiting' AND due_at <= now()) one
     GROUP BY one.workspace_id
    $$
    """,
)
CALLS = (
    "ab_members()",
    "ab_end_sessions(bigint)",
    "ab_member_invitation(bytea)",
    "ab_invitations_to(text)",
    "ab_password_reset(bytea)",
    "ab_ask_reset(text, text, interval)",
    "ab_person_of(text, text, text)",
    "ab_begin_round(bytea, text, interval)",
    "ab_end_round(bytea)",
    "ab_due_letters()",
)


def upgrade() -> None:
    """The tables, who may see their rows, and what may be asked across workspaces."""
    add_columns()
    create_tables()
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    for table in ("member_invitation", "password_reset"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_workspace ON {table} USING (workspace_id ="
            " nullif(current_setting('app.workspace_id', true), '')::bigint)"
        )
        op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO "{role}"')
        op.execute(f'GRANT USAGE ON SEQUENCE {table}_id_seq TO "{role}"')
    # No policy and no right: it belongs to no workspace, the functions alone meet it.
    op.execute("ALTER TABLE sign_in_round ENABLE ROW LEVEL SECURITY")
    op.execute(f'REVOKE ALL ON sign_in_round FROM "{role}"')
    op.execute(SESSION.format(more=", 'account_settings', a.account_settings"))
    for function, call in zip(FUNCTIONS, CALLS, strict=True):
        op.execute(function)
        op.execute(f'GRANT EXECUTE ON FUNCTION {call} TO "{role}"')


def add_columns() -> None:
    """When somebody signed in last, and by which provider; a right beside the role."""
    op.add_column("person", _moment("signed_in_at"))
    op.add_column("person", sa.Column("issuer", sa.Text(), nullable=True))
    op.add_column("person", sa.Column("subject", sa.Text(), nullable=True))
    op.create_index("uq_person_subject", "person", ["issuer", "subject"], unique=True)
    op.add_column("user_account", sa.Column("account_settings", sa.Boolean(), nullable=True))


def create_tables() -> None:
    """Links that serve once, each with its letter; and rounds to a provider and back."""
    op.create_table(
        "member_invitation",
        *_own_id("member_invitation"),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("account_settings", sa.Boolean(), nullable=True),
        sa.Column("invited_by", sa.Text(), nullable=False),
        _moment("accepted_at"),
        _moment("withdrawn_at"),
        *_link("member_invitation"),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'editor', 'viewer')",
            name=op.f("ck_member_invitation_role"),
        ),
    )
    op.create_index(
        "uq_member_invitation_open",
        "member_invitation",
        ["workspace_id", sa.text("lower(email)")],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL AND withdrawn_at IS NULL"),
    )
    op.create_table(
        "password_reset",
        *_own_id("password_reset"),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        _moment("used_at"),
        *_link("password_reset"),
        sa.ForeignKeyConstraint(
            ["workspace_id", "person_id"],
            ["person.workspace_id", "person.id"],
            name=op.f("fk_password_reset_workspace_id_person_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_password_reset_person", "password_reset", ["workspace_id", "person_id"])
    for table in ("member_invitation", "password_reset"):
        op.create_index(
            f"ix_{table}_due", table, ["due_at"], postgresql_where=sa.text("letter = 'waiting'")
        )
    op.create_table(
        "sign_in_round",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("following", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_round")),
    )


def _own_id(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.id"],
            name=op.f(f"fk_{table}_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f(f"uq_{table}_workspace_id_id")),
    ]


def _link(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.Text(), server_default=sa.text("'en'"), nullable=False),
        _moment("created_at", now=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("letter", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        _moment("due_at"),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "letter IN ('none', 'waiting', 'sent', 'failed')", name=op.f(f"ck_{table}_letter")
        ),
        sa.UniqueConstraint("digest", name=op.f(f"uq_{table}_digest")),
    ]


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def downgrade() -> None:
    """The functions first: they name the tables and columns."""
    for call in CALLS:
        op.execute(f"DROP FUNCTION {call}")
    op.execute(SESSION.format(more=""))
    for table in ("sign_in_round", "password_reset", "member_invitation"):
        op.drop_table(table)
    op.drop_column("user_account", "account_settings")
    op.drop_index("uq_person_subject", "person")
    for column in ("subject", "issuer", "signed_in_at"):
        op.drop_column("person", column)
