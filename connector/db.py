"""The database: one transaction at a time, always inside one workspace.

    with database.begin(workspace_id) as connection: ...     rows of that workspace, and only those
    with database.across() as connection: ...                no workspace: only the functions that
    return ids

Row-level security looks at `app.workspace_id`, which is set per transaction because connections
are pooled. The CRM is never called inside a transaction: `refuse_inside_transaction` is what the
wire asks before each call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.settings import Settings

DEADLOCK, SERIALIZATION = "40P01", "40001"
# Lock and statement timeouts, disk full, too many connections, shutting down, starting up.
AWAY_STATES = frozenset({"55P03", "57014", "53100", "53200", "53300", "57P01", "57P02", "57P03"})

_open: ContextVar[int] = ContextVar("open_transactions", default=0)

Result = TypeVar("Result")


class DatabaseAway(Exception):
    """The database cannot answer now: nothing was committed, try again after `retry_after_s`."""

    retry_after_s = 2


class InsideTransaction(RuntimeError):
    """Somebody is about to call a CRM while a transaction is open (invariant 7). A bug of ours."""


class Database:
    """A pool of connections as the app role. Make one per process, after a fork."""

    def __init__(self, settings: Settings, url: str | None = None) -> None:
        chosen = url or settings.database_url
        if chosen is None:
            message = "no DATABASE_URL: start the embedded engines first (connector/engines.py)"
            raise ValueError(message)
        timeouts = (
            f"-c statement_timeout={int(settings.statement_timeout_s * 1000)}"
            f" -c lock_timeout={int(settings.lock_timeout_s * 1000)}"
            " -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
        )
        self.engine: Engine = create_engine(
            sqlalchemy_url(chosen),
            pool_size=settings.pool_size,
            max_overflow=settings.pool_overflow,
            pool_timeout=settings.pool_wait_s,
            # An error text with its parameters would carry answers into logs.
            hide_parameters=True,
            connect_args={"options": timeouts, "connect_timeout": 3},
        )

    @contextmanager
    def begin(self, workspace_id: int) -> Iterator[Connection]:
        """A transaction inside one workspace; commits at the end, rolls back on an exception.

        Raises DatabaseAway where PostgreSQL cannot serve us; deadlocks and serialization failures
        pass through for `retried`.
        """
        with self._transaction() as connection:
            connection.execute(
                text("SELECT set_config('app.workspace_id', :id, true)"), {"id": str(workspace_id)}
            )
            yield connection

    @contextmanager
    def across(self) -> Iterator[Connection]:
        """A transaction outside every workspace: tables look empty, only the ab_* functions
        answer.
        """
        with self._transaction() as connection:
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        token = _open.set(_open.get() + 1)
        try:
            with self._checked_out() as connection, connection.begin():
                yield connection
        except PoolTimeout as exc:
            message = "all database connections are busy"
            raise DatabaseAway(message) from exc
        except DBAPIError as exc:
            if is_away(exc):
                message = "the database does not answer"
                raise DatabaseAway(message) from exc
            raise
        finally:
            _open.reset(token)

    @contextmanager
    def _checked_out(self) -> Iterator[Connection]:
        connection = self.engine.connect()
        try:
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Give every pooled connection back to the server."""
        self.engine.dispose()


def retried(work: Callable[[], Result], *, tries: int = 3) -> Result:
    """The result of a unit of work (one whole transaction), tried again after a deadlock.

    A third deadlock or serialization failure in a row counts as DatabaseAway: the caller answers
    503, never 500.
    """
    for attempt in range(1, tries + 1):
        try:
            return work()
        except DBAPIError as exc:
            if sqlstate(exc) not in {DEADLOCK, SERIALIZATION}:
                raise
            if attempt == tries:
                message = "the database could not order concurrent work"
                raise DatabaseAway(message) from exc
            time.sleep(0.02 * attempt)
    raise AssertionError  # the loop either returns or raises


def refuse_inside_transaction() -> None:
    """Raise InsideTransaction when this thread holds a transaction open."""
    if _open.get():
        message = "a CRM was about to be called inside a database transaction"
        raise InsideTransaction(message)


def is_away(exc: DBAPIError) -> bool:
    """Whether this error means that PostgreSQL is away, full, locked or overloaded."""
    state = sqlstate(exc)
    lost = isinstance(exc, OperationalError) and state is None
    return exc.connection_invalidated or lost or (state or "")[:2] == "08" or state in AWAY_STATES


def sqlstate(exc: DBAPIError) -> str | None:
    """PostgreSQL's five-character code, None when the server never answered."""
    state = getattr(exc.orig, "sqlstate", None)
    return str(state) if state else None


def sqlalchemy_url(url: str) -> str:
    """The URL with the driver we use."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def unsafe_role(database: Database) -> str | None:
    """What is wrong with the app role (row-level security would not bind it), None when nothing
    is.
    """
    with database.across() as connection:
        row: Any = connection.execute(
            text(
                "SELECT rolsuper, rolbypassrls, (SELECT count(*) FROM pg_tables"
                " WHERE schemaname = 'public' AND tableowner = current_user) AS owned"
                " FROM pg_roles WHERE rolname = current_user"
            )
        ).one()
    if row.rolsuper or row.rolbypassrls:
        return "the database role of DATABASE_URL is a superuser or bypasses row-level security"
    if row.owned:
        return "the database role of DATABASE_URL owns tables; use DATABASE_OWNER_URL for the owner"
    return None
