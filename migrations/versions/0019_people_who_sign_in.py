"""People, their sessions in browsers, and what holds guessing up.

Safe beside the version before it, which lets nobody sign in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0012"

# What may be learnt outside a workspace: of one person, or of one session, whose address or digest
# the asker already has.
FUNCTIONS = (
    """
    CREATE FUNCTION ab_person(wanted text) RETURNS TABLE (
        workspace_id bigint, id bigint, password text, has_codes boolean, disabled boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
    'SELECT workspace_id, id, password, codes_since IS NOT NULL, disabled_at IS NOT NULL
       FROM person WHERE lower(email) = lower(wanted)'
    """,
    """
    CREATE FUNCTION ab_session(wanted bytea) RETURNS TABLE (
        workspace_id bigint, id bigint, person_id bigint, email text, name text,
        has_codes boolean, step text, created_at timestamptz, seen_at timestamptz,
        expires_at timestamptz, ended_at timestamptz, member_of jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT s.workspace_id, s.id, p.id, p.email, p.name, p.codes_since IS NOT NULL, s.step,
           s.created_at, s.seen_at, s.expires_at, s.ended_at,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
                     'workspace_id', w.id, 'slug', w.slug, 'name', w.name, 'stage', w.stage,
                     'timezone', w.timezone, 'paused', w.paused_at IS NOT NULL,
                     'account_id', a.id, 'role', a.role) ORDER BY w.name, w.id), '[]')
              FROM user_account a JOIN workspace w ON w.id = a.workspace_id
             WHERE a.person_id = p.id AND a.disabled_at IS NULL)
      FROM web_session s JOIN person p ON p.id = s.person_id
     WHERE s.digest = wanted AND p.disabled_at IS NULL
    $$
    """,
    """
    CREATE FUNCTION ab_sign_in_held(wanted bytea[]) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT coalesce(max(ceil(extract(epoch FROM held_until - now()))), 0)::integer
      FROM sign_in_hold WHERE key = ANY (wanted) AND held_until > now()
    $$
    """,
    # The first `free` failures cost nothing; then 30 s, doubled up to 15 minutes. A day without a
    # failure forgets them.
    """
    CREATE FUNCTION ab_sign_in_failed(the_key bytea, free integer) RETURNS integer
    LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    WITH old AS (DELETE FROM sign_in_hold
                  WHERE updated_at < now() - interval '1 day' AND key <> the_key),
    counted AS (
      INSERT INTO sign_in_hold AS h (key, failures) VALUES (the_key, 1)
      ON CONFLICT (key) DO UPDATE
         SET failures = CASE WHEN h.updated_at < now() - interval '1 day' THEN 1
                             ELSE h.failures + 1 END,
             updated_at = now(),
             held_until = CASE WHEN h.failures + 1 < free THEN NULL ELSE now() + make_interval(
                 secs => least(900, 30 * 2 ^ least(h.failures + 1 - free, 10))) END
      RETURNING failures)
    SELECT failures FROM counted
    $$
    """,
    """
    CREATE FUNCTION ab_sign_in_good(the_key bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public AS
    'DELETE FROM sign_in_hold WHERE key = the_key'
    """,
)
CALLS = (
    "ab_person(text)",
    "ab_session(bytea)",
    "ab_sign_in_held(bytea[])",
    "ab_sign_in_failed(bytea, integer)",
    "ab_sign_in_good(bytea)",
)


def upgrade() -> None:
    """The tables, who may see their rows, and what may be asked across workspaces."""
    create_tables()
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    for table in ("person", "recovery_code", "web_session"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_workspace ON {table} USING (workspace_id ="
            " nullif(current_setting('app.workspace_id', true), '')::bigint)"
        )
        op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO "{role}"')
    # No policy and no right: it belongs to no workspace, the functions alone meet it.
    op.execute("ALTER TABLE sign_in_hold ENABLE ROW LEVEL SECURITY")
    op.execute(f'REVOKE ALL ON sign_in_hold FROM "{role}"')
    for sequence in ("person_id_seq", "web_session_id_seq"):
        op.execute(f'GRANT USAGE ON SEQUENCE {sequence} TO "{role}"')
    for function, call in zip(FUNCTIONS, CALLS, strict=True):
        op.execute(function)
        op.execute(f'GRANT EXECUTE ON FUNCTION {call} TO "{role}"')


def create_tables() -> None:
    """People, sessions, recovery codes, holds; and what refers to people."""
    op.create_table(
        "person",
        *_own_id("person"),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        _moment("password_at"),
        sa.Column("seal_id", sa.Uuid(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        _moment("codes_since"),
        sa.Column("code_step", sa.BigInteger(), nullable=True),
        _moment("created_at", now=True),
        _moment("disabled_at"),
    )
    op.create_index("uq_person_email", "person", [sa.text("lower(email)")], unique=True)
    op.create_table(
        "recovery_code",
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _moment("used_at"),
        _in_workspace("recovery_code"),
        _of_person("recovery_code"),
        sa.PrimaryKeyConstraint("person_id", "digest", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "web_session",
        *_own_id("web_session"),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("step", sa.Text(), server_default=sa.text("'full'"), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        _moment("created_at", now=True),
        _moment("seen_at", now=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _moment("ended_at"),
        sa.CheckConstraint("step IN ('code', 'full')", name=op.f("ck_web_session_step")),
        _of_person("web_session"),
        sa.UniqueConstraint("digest", name=op.f("uq_web_session_digest")),
    )
    op.create_index(
        "ix_web_session_person",
        "web_session",
        ["person_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "sign_in_hold",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _moment("held_until"),
        _moment("updated_at", now=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_hold")),
    )
    _refer_to_people()


def _refer_to_people() -> None:
    op.add_column("user_account", sa.Column("person_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_user_account_person_id"),
        "user_account",
        "person",
        ["person_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index("ix_user_account_person", "user_account", ["person_id"])
    op.add_column("oauth_state", sa.Column("account_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_oauth_state_workspace_id_account_id"),
        "oauth_state",
        "user_account",
        ["workspace_id", "account_id"],
        ["workspace_id", "id"],
        ondelete="CASCADE",
    )


def _own_id(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _in_workspace(table),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f(f"uq_{table}_workspace_id_id")),
    ]


def _in_workspace(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id"],
        ["workspace.id"],
        name=op.f(f"fk_{table}_workspace_id"),
        ondelete="CASCADE",
    )


def _of_person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workspace_id", "person_id"],
        ["person.workspace_id", "person.id"],
        name=op.f(f"fk_{table}_workspace_id_person_id"),
        ondelete="CASCADE",
    )


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def downgrade() -> None:
    """What refers to people first, then the functions, then the tables."""
    for call in CALLS:
        op.execute(f"DROP FUNCTION {call}")
    op.drop_column("oauth_state", "account_id")
    op.drop_column("user_account", "person_id")
    for table in ("sign_in_hold", "web_session", "recovery_code", "person"):
        op.drop_table(table)
