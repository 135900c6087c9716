"""Databases for tests: each test has one for itself, and gets back to it what an earlier one left
as new.

Making a copy of the migrated database costs ten times what emptying one does. A database is handed
on only when that is certain to be the same: nobody is connected to it any more, its schema, its
statistics and what the migrations put in are as in the template, and it has not grown. Any doubt,
and it is dropped.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from connector.engines import Postgres, make_database

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
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"


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
            with self._inside(name) as one:
                if one.execute(OTHERS, (name,)).fetchone() != (1,):
                    return False
                one.execute(self._empty.encode())
                same = one.execute(STATE).fetchone() == self._state
                kept = all(_count(one, table) == count for table, count in self._kept.items())
                return same and kept and _size(one) - self._size < MOST_GROWN
        except psycopg.Error:
            return False

    def _inside(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        # A lock that somebody still holds makes a new one of it, not a test that waits.
        options = "-c lock_timeout=500 -c statement_timeout=5000"
        url = self.postgres.url_for("postgres", name)
        return psycopg.connect(url, autocommit=True, options=options)

    def _drop(self, name: str) -> None:
        with psycopg.connect(self.postgres.admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _count(one: psycopg.Connection[tuple[Any, ...]], table: str) -> int:
    (count,) = one.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() or (0,)  # noqa: S608 - names of the catalogue
    return int(count)


def _size(one: psycopg.Connection[tuple[Any, ...]]) -> int:
    (size,) = one.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    return int(size)
