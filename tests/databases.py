"""Databases for tests: each test has one for itself, and gets back to it what an earlier one left
as new.

Making a copy of the migrated database costs twenty times what emptying one does. A database is
handed on only when that is certain to be the same: nobody is connected to it any more, its schema,
its statistics and what the migrations put in are as in the template, and it has not grown. Any
doubt, and it is dropped.

A connection that is new to PostgreSQL reads the catalogue anew for every table it meets, and an
engine that is new to SQLAlchemy compiles every statement anew: a fifth of what a test costs. So the
engine of a test's `Database` is handed on to the next one on equal settings, each of its idle
connections after DISCARD ALL, which leaves nothing of a session but what it has read of the
catalogue. With a connection still in use, or a broken one, it ends with the test.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Engine, QueuePool

from connector.db import Database
from connector.engines import Postgres, make_database
from connector.settings import Settings

TEMPLATE = "answerback"
MOST_GROWN = 4_000_000

# What a test may have changed besides rows: definitions, grants, what the planner knows, settings.
STATE = """
SELECT (SELECT string_agg(md5(c::text), '' ORDER BY c.oid) FROM
         (SELECT oid, relname, relkind, relrowsecurity, relacl, reloptions FROM pg_class
           WHERE relnamespace = 'public'::regnamespace) c),
       (SELECT string_agg(md5(p::text), '' ORDER BY p.oid) FROM
         (SELECT oid, proname, prosrc, proacl FROM pg_proc
           WHERE pronamespace = 'public'::regnamespace) p),
       (SELECT md5(string_agg(a::text, '' ORDER BY a.attrelid, a.attnum)) FROM
         (SELECT attrelid, attnum, attname, atttypid, attnotnull, attacl FROM pg_attribute
           JOIN pg_class ON pg_class.oid = attrelid AND relnamespace = 'public'::regnamespace) a),
       (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_policy),
       (SELECT count(*) FROM pg_trigger),
       (SELECT count(*) FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid
         WHERE c.relnamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_db_role_setting)
"""
NAMES = """
SELECT format('%I', relname), relkind::text FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S') ORDER BY relname
"""
# Who is connected besides us: the idle connections that are handed on, and anybody else.
CONNECTED = """
SELECT count(*) FILTER (WHERE pid = ANY(%(ours)s) AND state = 'idle'),
       count(*) FILTER (WHERE pid <> ALL(%(ours)s))
  FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Warm:
    """An engine that has served a test on these settings, and its idle connections' processes."""

    settings: Settings
    engine: Engine
    pids: list[int]


@dataclass(slots=True)
class Databases:
    """The databases of one test process. `made` counts the copies."""

    postgres: Postgres
    made: int = 0
    _spare: str | None = None
    _state: tuple[Any, ...] | None = None
    _size: int = 0
    _empty: str = ""
    _kept: dict[str, int] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _warm: Warm | None = None
    _cleaner: psycopg.Connection[tuple[Any, ...]] | None = None

    def take(self) -> str:
        """A database as the migrations leave it."""
        name, self._spare = self._spare, None
        return name or self._made()

    def give_back(self, name: str) -> None:
        """Empty it for the next test; drop it when it may not be as it was."""
        if not self.postgres.answers():  # the test has stopped it
            self.postgres.start()
        if self._spare is None and self._is_as_new(name):
            self._spare = name
        else:
            self._drop(name)

    @contextlib.contextmanager
    def opened(self, settings: Settings) -> Iterator[Database]:
        """A Database on these settings, with the connections of an earlier one on the same."""
        one = Database(settings)
        engine = self._warm_engine(settings) or one.engine
        # A child of that engine: what a test listens to there ends with the test.
        one.engine = engine.execution_options()
        yield one
        pids = _discarded(engine)
        if pids:
            self._warm = Warm(settings, engine, pids)
        else:
            engine.dispose()

    def close(self) -> None:
        """End the connections that are kept."""
        self._cool()
        if self._cleaner:
            self._cleaner.close()
            self._cleaner = None

    def _warm_engine(self, settings: Settings) -> Engine | None:
        """The engine kept for these settings, which is then the caller's; one for others ends."""
        warm = self._warm
        if warm and replace(warm.settings, data_dir=settings.data_dir) == settings:
            self._warm = None
            return warm.engine
        self._cool()
        return None

    def _cool(self) -> None:
        if self._warm:
            self._warm.engine.dispose()
            self._warm = None

    def _made(self) -> str:
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.postgres.admin_url, autocommit=True) as admin:
            make_database(admin, name, template=TEMPLATE)
        self.made += 1
        if self._state is None:
            self._learn(name)
        return name

    def _learn(self, name: str) -> None:
        """What a database looks like that no test has used."""
        with self._inside(name) as one:
            self._state = one.execute(STATE).fetchone()
            self._size = _size(one)
            found = one.execute(NAMES).fetchall()
            tables = [table for table, kind in found if kind == "r"]
            counts = {table: _count(one, table) for table in tables}
        self._kept = {table: count for table, count in counts.items() if count}
        emptied = [f"DELETE FROM {table}" for table in tables if table not in self._kept]  # noqa: S608 - names of the catalogue
        restarted = [f"SELECT setval('{each}', 1, false)" for each, kind in found if kind == "S"]
        # Without the triggers that keep the audit log from being changed.
        self._empty = ";".join(
            ["SET session_replication_role = replica", *emptied, *restarted, "RESET ALL"]
        )

    def _is_as_new(self, name: str) -> bool:
        """Whether the database could be emptied and is otherwise as it was made."""
        try:
            one = self._cleaner_in(name)
            if self._others(one):
                return False
            one.execute(self._empty.encode())
            same = one.execute(STATE).fetchone() == self._state
            kept = all(_count(one, table) == count for table, count in self._kept.items())
            return same and kept and _size(one) - self._size < MOST_GROWN
        except psycopg.Error:
            return False

    def _others(self, one: psycopg.Connection[tuple[Any, ...]]) -> int:
        """How many are connected there besides the connections we keep."""
        ours = self._warm.pids if self._warm else []
        found, others = one.execute(CONNECTED, {"ours": ours}).fetchone() or (0, 0)
        if found != len(ours):  # they are of another database, or the server was started anew
            self._cool()
        return int(others)

    def _cleaner_in(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        """The connection that empties this database, kept from the last time if it is alive."""
        kept = self._cleaner
        if kept and kept.info.dbname == name and _answers(kept):
            return kept
        if kept:
            kept.close()
        self._cleaner = self._inside(name)
        return self._cleaner

    def _inside(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        # A lock that somebody still holds makes a new one of it, not a test that waits.
        options = "-c lock_timeout=500 -c statement_timeout=5000"
        url = self.postgres.url_for("postgres", name)
        return psycopg.connect(url, autocommit=True, options=options)

    def _drop(self, name: str) -> None:
        self.close()
        with psycopg.connect(self.postgres.admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _count(one: psycopg.Connection[tuple[Any, ...]], table: str) -> int:
    (count,) = one.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() or (0,)  # noqa: S608 - names of the catalogue
    return int(count)


def _size(one: psycopg.Connection[tuple[Any, ...]]) -> int:
    (size,) = one.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    return int(size)


def _answers(one: psycopg.Connection[tuple[Any, ...]]) -> bool:
    try:
        one.execute("SELECT")
    except psycopg.Error:
        return False
    return True


def _discarded(engine: Engine) -> list[int]:
    """The processes of its idle connections, each made as good as new; none where that fails or a
    connection is still in use.
    """
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    if pool.checkedout():
        return []
    held = [engine.raw_connection() for _ in range(pool.checkedin())]
    try:
        return [_discard(one.driver_connection) for one in held]
    except psycopg.Error:
        for one in held:
            one.invalidate()
        return []
    finally:
        for one in held:
            one.close()


def _discard(one: Any) -> int:
    connection: psycopg.Connection[Any] = one
    connection.autocommit = True  # it is refused inside a transaction
    connection.execute("DISCARD ALL", prepare=False)
    connection.autocommit = False
    connection._prepared.clear()  # psycopg 3.3 does not always hear of it
    return connection.info.backend_pid
