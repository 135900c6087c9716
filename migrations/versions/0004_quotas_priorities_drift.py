"""What accounts have left of their calls, priorities of deliveries, and what has drifted at a CRM.

Safe beside the version before it: that one leaves the new columns at their defaults, and its claim
finds the new index too.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0006"

PRIORITY = "priority smallint NOT NULL DEFAULT 1"
TABLES = ("account_usage", "connection_pace", "drift_check", "drift")


def upgrade() -> None:
    """The claim's index first, which is built outside a transaction; then all the rest in one."""
    with op.get_context().autocommit_block():
        for table in ("response", "delivery"):
            op.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {PRIORITY}")
        claim_by("connection_id, priority, due_at, id")
    create_usage()
    create_drift()
    config = op.get_context().config
    role = config.attributes.get("app_role", "answerback_app") if config else "answerback_app"
    secure(role)
    op.execute(DUE)
    op.execute(DRIFT_DUE)
    op.execute(METRICS)
    op.execute(f'GRANT EXECUTE ON FUNCTION ab_drift_due(), ab_metrics() TO "{role}"')


def create_usage() -> None:
    """What accounts have left, and how fast connections work."""
    op.create_table(
        "account_usage",
        workspace(),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("calls", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("allowed", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=False),
        moment("resets_at"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('window', 'daily')", name=op.f("ck_account_usage_kind")),
        of_workspace("account_usage"),
        # The workspace first: two workspaces may speak to one account, and neither sees the other.
        sa.PrimaryKeyConstraint(
            "workspace_id", "account", "kind", "calls", name=op.f("pk_account_usage")
        ),
    )
    op.create_table(
        "connection_pace",
        workspace(),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("recent_calls", sa.Double(), nullable=False),
        sa.Column("recent_rows", sa.Double(), nullable=False),
        sa.Column("recent_s", sa.Double(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        moment("updated_at", now=True),
        of_workspace("connection_pace"),
        of_connection("connection_pace"),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_connection_pace")),
    )


def create_drift() -> None:
    """When a connection's definitions are looked at, and what had changed."""
    op.create_table(
        "drift_check",
        workspace(),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        moment("due_at", now=True),
        moment("lease_until"),
        moment("finished_at"),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.CheckConstraint("cause IN ('nightly', 'error')", name=op.f("ck_drift_check_cause")),
        of_workspace("drift_check"),
        of_connection("drift_check"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_check")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_drift_check_workspace_id_id")),
    )
    op.create_index(
        "uq_drift_check_night",
        "drift_check",
        ["connection_id", "local_date"],
        unique=True,
        postgresql_where=sa.text("cause = 'nightly'"),
    )
    op.create_index(
        "uq_drift_check_error",
        "drift_check",
        ["connection_id"],
        unique=True,
        postgresql_where=sa.text("cause = 'error' AND finished_at IS NULL"),
    )
    op.create_index(
        "ix_drift_check_due",
        "drift_check",
        ["due_at"],
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "drift",
        workspace(),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        document("changes"),
        document("impact"),
        sa.Column("breaks", sa.Boolean(), nullable=False),
        moment("found_at", now=True),
        moment("mended_at"),
        of_workspace("drift"),
        of_connection("drift"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_drift_workspace_id_id")),
    )
    op.create_index("ix_drift_connection", "drift", ["connection_id", "id"])


def workspace() -> sa.Column[int]:
    """The column that row-level security looks at."""
    return sa.Column("workspace_id", sa.BigInteger(), nullable=False)


def moment(name: str, *, now: bool = False) -> sa.Column[object]:
    """A time with a zone."""
    default = sa.text("now()") if now else None
    kind = sa.DateTime(timezone=True)
    return sa.Column(name, kind, server_default=default, nullable=not now)


def document(name: str) -> sa.Column[object]:
    """A JSON document."""
    kind = postgresql.JSONB(none_as_null=True)
    return sa.Column(name, kind, server_default=sa.text("'{}'::jsonb"), nullable=False)


def of_workspace(table: str) -> sa.ForeignKeyConstraint:
    """Gone with its workspace."""
    name = op.f(f"fk_{table}_workspace_id")
    return sa.ForeignKeyConstraint(
        ["workspace_id"], ["workspace.id"], name=name, ondelete="CASCADE"
    )


def of_connection(table: str) -> sa.ForeignKeyConstraint:
    """Of a connection of the same workspace, and gone with it."""
    return sa.ForeignKeyConstraint(
        ["workspace_id", "connection_id"],
        ["connection.workspace_id", "connection.id"],
        name=op.f(f"fk_{table}_workspace_id_connection_id"),
        ondelete="CASCADE",
    )


def secure(role: str) -> None:
    """Row-level security and rights, as for every table."""
    for table in TABLES:
        op.execute(f'GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO "{role}"')
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_workspace ON {table} USING (workspace_id ="
            " nullif(current_setting('app.workspace_id', true), '')::bigint)"
        )
    op.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"')


def claim_by(columns: str) -> None:
    """The claim's index, built while deliveries go on. What an upgrade that broke off has left is
    dropped first, so that it can simply be run again.
    """
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_delivery_claim_next")
    op.execute(
        f"CREATE INDEX CONCURRENTLY ix_delivery_claim_next ON delivery ({columns})"
        " WHERE state = 'pending'"
    )
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_delivery_claim")
    op.execute("ALTER INDEX ix_delivery_claim_next RENAME TO ix_delivery_claim")


# Every priority is named, so that the due rows of each are found by the claim's index.
BY_PRIORITY = "AND d.priority = ANY ('{0,1,2,3}'::smallint[])"
DUE = """
    CREATE OR REPLACE FUNCTION ab_due() RETURNS TABLE (
        kind text, workspace_id bigint, connection_id bigint, waiting bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT 'plan', w.id, NULL::bigint, n.waiting
      FROM workspace w CROSS JOIN LATERAL (
           SELECT count(*) AS waiting FROM (
             SELECT FROM response r WHERE r.workspace_id = w.id AND r.planned_at IS NULL
                AND r.plan_due_at <= now() LIMIT 500) one) n
     WHERE n.waiting > 0
    UNION ALL
    SELECT 'drain', c.workspace_id, c.id, n.waiting
      FROM connection c JOIN workspace w ON w.id = c.workspace_id CROSS JOIN LATERAL (
           SELECT (SELECT count(*) FROM (SELECT FROM delivery d
                    WHERE d.connection_id = c.id AND d.state = 'pending'
                      AND d.priority = ANY ('{0,1,2,3}'::smallint[])
                      AND d.due_at <= now() LIMIT 500) one)
                + (SELECT count(*) FROM (SELECT FROM delivery d
                    WHERE d.connection_id = c.id AND d.state = 'awaiting' AND d.due_at <= now()
                    LIMIT 500) one)
                + (SELECT count(*) FROM (SELECT FROM delivery d
                    WHERE d.connection_id = c.id AND d.state = 'leased' AND d.lease_until < now()
                    LIMIT 500) one)
                + (SELECT count(*) FROM (SELECT FROM delivery d
                    WHERE d.connection_id = c.id AND d.state = 'parked' AND d.reason = 'rate'
                    LIMIT 500) one) AS waiting) n
     WHERE n.waiting > 0 AND c.state = 'connected' AND c.paused_at IS NULL AND w.paused_at IS NULL
       AND c.deleted_at IS NULL AND (c.resume_at IS NULL OR c.resume_at <= now())
    UNION ALL
    SELECT 'provision', p.workspace_id, p.connection_id, count(*)
      FROM tag_provision p JOIN connection c ON c.id = p.connection_id
      JOIN workspace w ON w.id = c.workspace_id
     WHERE p.state = 'pending' AND p.due_at <= now()
       AND (p.lease_until IS NULL OR p.lease_until < now())
       AND c.state = 'connected' AND c.paused_at IS NULL AND w.paused_at IS NULL
       AND c.deleted_at IS NULL AND (c.resume_at IS NULL OR c.resume_at <= now())
     GROUP BY p.workspace_id, p.connection_id
    $$
    """
DUE_BEFORE = DUE.replace(BY_PRIORITY, "")

DRIFT_DUE = """
    CREATE FUNCTION ab_drift_due() RETURNS TABLE (workspace_id bigint, connection_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT DISTINCT k.workspace_id, k.connection_id
      FROM drift_check k JOIN connection c ON c.id = k.connection_id
      JOIN workspace w ON w.id = k.workspace_id
     WHERE k.finished_at IS NULL AND k.due_at <= now()
       AND (k.lease_until IS NULL OR k.lease_until < now())
       AND c.state = 'connected' AND c.paused_at IS NULL AND w.paused_at IS NULL
       AND c.deleted_at IS NULL AND (c.resume_at IS NULL OR c.resume_at <= now())
     LIMIT 20
    $$
    """

# Ids, words and numbers only. Counts end at a hundred thousand, connections at five hundred, so
# that a scrape costs the same however long the queue.
METRICS = """
    CREATE FUNCTION ab_metrics() RETURNS TABLE (
        name text, workspace_id bigint, connection_id bigint, app text, word text,
        value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    WITH c AS MATERIALIZED (
      SELECT * FROM connection WHERE deleted_at IS NULL ORDER BY id LIMIT 500)
    SELECT 'deliveries_waiting', c.workspace_id, c.id, c.app, p.word, n.waiting::float8
      FROM c CROSS JOIN (VALUES (0, 'interactive'), (1, 'live'), (2, 'replay'), (3, 'backfill'))
           AS p(priority, word)
      CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM (
           SELECT FROM delivery d WHERE d.connection_id = c.id AND d.state = 'pending'
              AND d.priority = p.priority LIMIT 100000) one) n
    UNION ALL
    SELECT 'deliveries_parked', c.workspace_id, c.id, c.app, n.reason, n.parked::float8
      FROM c CROSS JOIN LATERAL (
           SELECT one.reason, count(*) AS parked FROM (
             SELECT d.reason FROM delivery d
              WHERE d.connection_id = c.id AND d.state = 'parked' LIMIT 100000) one
            GROUP BY one.reason) n
    UNION ALL
    SELECT 'connection_up', c.workspace_id, c.id, c.app, '',
           (c.state = 'connected' AND c.paused_at IS NULL)::int::float8 FROM c
    UNION ALL
    SELECT 'connection_resting', c.workspace_id, c.id, c.app, coalesce(c.resume_reason, ''),
           extract(epoch FROM c.resume_at - now())::float8
      FROM c WHERE c.resume_at > now()
    UNION ALL
    SELECT 'crm_calls', c.workspace_id, c.id, c.app, '', p.calls::float8
      FROM c JOIN connection_pace p ON p.connection_id = c.id
    UNION ALL
    SELECT 'deliveries_settled', c.workspace_id, c.id, c.app, '', p.rows::float8
      FROM c JOIN connection_pace p ON p.connection_id = c.id
    UNION ALL
    SELECT 'quota_' || f.what, c.workspace_id, c.id, c.app, u.kind, f.value
      FROM c JOIN account_usage u ON u.workspace_id = c.workspace_id AND u.calls = ''
       AND u.account = c.app || ':' || coalesce(c.remote_account_id, c.id::text)
      CROSS JOIN LATERAL (VALUES ('limit', u.allowed::float8), ('remaining', u.remaining::float8))
           AS f(what, value)
    UNION ALL
    SELECT 'drift_open', c.workspace_id, c.id, c.app, '', n.open::float8
      FROM c CROSS JOIN LATERAL (
           SELECT count(*) AS open FROM drift d
            WHERE d.connection_id = c.id AND d.breaks AND d.mended_at IS NULL) n
    $$
    """


def downgrade() -> None:
    """Back to one lane of deliveries; what was told of accounts and drift is lost."""
    with op.get_context().autocommit_block():
        claim_by("connection_id, due_at, id")
    op.execute("DROP FUNCTION ab_drift_due()")
    op.execute("DROP FUNCTION ab_metrics()")
    op.execute(DUE_BEFORE)
    for table in reversed(TABLES):
        op.drop_table(table)
    for table in ("delivery", "response"):
        op.drop_column(table, "priority")
