"""How the tests of SQL databases reach one: another database of the test's own PostgreSQL, by TCP
through a line that can be cut, as a user with the grants of the admin's guide and no others.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Engine, event

from adapters.http import Wire
from adapters.sql import SQLDatabase
from adapters.values import Account, Batch, Operation, Outcome, Row
from connector.engines import Postgres
from schemas.fields import Entity, FieldType, FieldValue
from schemas.sql import CONTACTS
from tests.adapters.contract import Bench
from tests.faults.proxy import PIECE_BYTES, Proxy, both_ending

USER = "crm_writer"
NUMBERS = itertools.count(1)
TABLES = """
DROP TYPE IF EXISTS mood CASCADE;
DROP TABLE IF EXISTS customers, answers, pairs, secrets CASCADE;
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email varchar(120), first_name varchar(80), last_name varchar(80),
    nps_score integer CHECK (nps_score >= -100), nps_comment text, nickname varchar(40),
    basket numeric(12, 2), member boolean, visited_on date, seen_at timestamptz,
    left_at timestamp, mood mood, token uuid, initials char(4), extra jsonb,
    shout text GENERATED ALWAYS AS (upper(nickname)) STORED
);
CREATE INDEX ON customers (lower(email));
CREATE TABLE answers (
    response varchar(80) PRIMARY KEY, score integer NOT NULL, why text, kept integer DEFAULT 1,
    customer bigint REFERENCES customers (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE pairs (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE secrets (id bigint PRIMARY KEY);
GRANT SELECT, INSERT, UPDATE ON customers, answers, pairs TO crm_writer;
"""
VALUES: Mapping[FieldType, tuple[str, FieldValue, FieldValue]] = {
    FieldType.TEXT: ("nickname", "Møde & <b>9</b>; fin 😀", "o'k"),
    FieldType.LONG_TEXT: ("nps_comment", "two\nlines", "one"),
    FieldType.INTEGER: ("nps_score", 9, 0),
    FieldType.NUMBER: ("basket", "1234.5", "-0.01"),
    FieldType.BOOLEAN: ("member", True, False),
    FieldType.DATE: ("visited_on", "2026-11-22", "2024-02-29"),
    FieldType.DATETIME: ("seen_at", "2026-11-22T01:02:03Z", "2024-02-29T23:59:59Z"),
    FieldType.CHOICE: ("mood", "glad", "sad"),
}


@dataclass
class Line(Proxy):
    """A line that is cut when the next commit has arrived and before its answer does.

    `cut_after`: the next commit of all; `lose_next_write`: of a transaction that changes rows.
    """

    cut_after: bool = False
    lose_next_write: bool = False
    _lost: bool = False

    def _carry(self, source: Any, sink: Any, slowly: bool) -> None:  # noqa: FBT001 - as the proxy's
        if not (self.cut_after or self.lose_next_write):
            super()._carry(source, sink, slowly)
            return
        with contextlib.suppress(OSError), both_ending(source, sink):
            while piece := source.recv(PIECE_BYTES):
                if self._cuts(piece, from_hub=slowly):
                    self.cut_after = self.lose_next_write = self._lost = False
                    self.cut()
                    return
                sink.sendall(piece)

    def _cuts(self, piece: bytes, *, from_hub: bool) -> bool:
        if from_hub and (b"INSERT INTO" in piece or b"UPDATE " in piece):
            self.cut_after |= self.lose_next_write
        if from_hub and b"COMMIT" in piece:
            self._lost = self.cut_after
        return self._lost and not from_hub


@dataclass
class Customers:
    """One database of a customer's, and how to look into it as its administrator."""

    postgres: Postgres
    name: str
    line: Line
    log: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        """What an admin fills in."""
        return {
            "kind": "postgresql",
            "server": f"127.0.0.1:{self.line.port}",
            "database": self.name,
            "user": USER,
            "contacts": "customers",
            "tls": "off",
            "entities": ["answers"],
        }

    def run(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """One statement as the administrator."""
        url = self.postgres.url_for("postgres", self.name)
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as one:
            done = one.execute(statement.encode(), list(values) or None)
            return list(done.fetchall()) if done.description else []

    def new(self) -> None:
        """All tables anew, and empty."""
        self.run(TABLES)

    def seed(self, contacts: Sequence[Mapping[str, str]]) -> list[str]:
        """Contacts; their keys."""
        names = ("email", "first_name", "last_name")
        places = ", ".join(["(%s, %s, %s)"] * len(contacts))
        added = f"INSERT INTO customers ({', '.join(names)}) VALUES {places} RETURNING id"  # noqa: S608
        told = [one[name] for one in contacts for name in names]
        return [str(one["id"]) for one in self.run(added, *told)]

    def rows(self, table: str = "customers") -> list[dict[str, Any]]:
        """All of a table."""
        return self.run(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - a test's own name


class SQLBench(Bench):
    """The bench whose calls are transactions: what the driver really began."""

    customers: Customers
    entities: Mapping[str, Entity]

    def calls(self) -> list[Mapping[str, Any]]:
        """The transactions so far."""
        return [{"began": one} for one in self.customers.log if one == "begin"]

    def statements(self) -> list[str]:
        """What was executed so far."""
        return [one for one in self.customers.log if one != "begin"]

    def control(self, name: str, body: Any = None) -> Any:
        """There is no simulator: nothing to order."""
        del name, body

    def adapter(self, wire: Wire | None = None, **settings: Any) -> SQLDatabase:
        """The adapter by its own type."""
        account = Account("no-password", settings={**self.customers.settings, **settings})
        return SQLDatabase(account, wire or Wire(), self.entities)

    def update(self, *rows: Row, entity: str = CONTACTS) -> tuple[Outcome, ...]:
        """The outcomes of one batch of updates."""
        done = self.adapter().write(Batch(entity, Operation.UPDATE, rows))
        return done.outcomes

    def create(
        self, *rows: Row, entity: str = CONTACTS, match: str | None = "email", **settings: Any
    ) -> tuple[Outcome, ...]:
        """The outcomes of one batch of creates."""
        batch = Batch(entity, Operation.CREATE, rows, match_field=match)
        return self.adapter(**settings).write(batch).outcomes


@contextmanager
def database(postgres: Postgres) -> Iterator[Customers]:
    """A database beside the hub's own, dropped at the end."""
    name = f"customers_{next(NUMBERS)}"
    sockets = parse_qs(urlsplit(postgres.admin_url).query)["host"][0]
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [USER]).fetchone():
            admin.execute(f"CREATE ROLE {USER} LOGIN".encode())
    line = Line(f"unix://{sockets}/.s.PGSQL.5432")
    with line:
        yield Customers(postgres, name, line)
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def benched(customers: Customers) -> Iterator[SQLBench]:
    """Empty tables, their definitions downloaded; every statement is overheard."""
    customers.new()
    bench = SQLBench(
        base_url="",
        make=lambda wire=None, **_: bench.adapter(wire),
        seed=customers.seed,
        entity=CONTACTS,
        email_field="email",
        values=VALUES,
        new_contact=lambda email: {"email": email, "last_name": "New Person"},
        bad=("nps_score", 10**12),
        read_path="",
        write_path="",
    )
    bench.customers, bench.entities = customers, {}
    bench.entities = {one.name: one for one in bench.adapter().entities()}
    customers.log.clear()

    def began(_connection: object) -> None:
        customers.log.append("begin")

    def executed(_c: object, _cursor: object, statement: str, *_: object) -> None:
        customers.log.append(statement)

    event.listen(Engine, "begin", began)
    event.listen(Engine, "before_cursor_execute", executed)
    yield bench
    event.remove(Engine, "begin", began)
    event.remove(Engine, "before_cursor_execute", executed)
