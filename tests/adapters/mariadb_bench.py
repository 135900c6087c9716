"""A private MariaDB for the tests of SQL databases: own folder, unix socket, no service of the
system's. Where its program is not installed they skip (Debian: `apt-get install
mariadb-server-core`).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql  # type: ignore[import-untyped]
import pytest
from pymysql.cursors import DictCursor  # type: ignore[import-untyped]

from connector.engines.process import OURSELVES, Engine, wait_until
from tests.adapters.sql_bench import Line

USER, PASSWORD, DATABASE = "crm_writer", "no-password", "crm"
SYSTEM = Path("/usr/share/mysql")
SYSTEM_TABLES = (
    "mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql",
)  # fmt: skip
LEAN = ("--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--skip-log-bin")
START_S = 20.0
FOUNDED = f"""
CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;
CREATE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}';
"""
TABLES = """
DROP TABLE IF EXISTS answers, customers, pairs;
CREATE TABLE customers (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    email varchar(120), first_name varchar(80), last_name varchar(80),
    nps_score integer CHECK (nps_score >= -100), nps_comment text, nickname varchar(40),
    basket decimal(12, 2), member boolean, visited_on date, seen_at datetime,
    left_at timestamp NULL, mood enum('glad', 'sad'), token uuid, initials char(4), flag bit(1),
    extra json, shout varchar(40) AS (upper(nickname)) STORED, old varchar(9) CHARACTER SET latin1,
    weight double, INDEX (email)
);
CREATE TABLE answers (
    response varchar(80) PRIMARY KEY, score integer NOT NULL, why text, kept integer DEFAULT 1,
    customer bigint, FOREIGN KEY (customer) REFERENCES customers (id)
);
CREATE TABLE pairs (a integer, b integer, PRIMARY KEY (a, b));
GRANT SELECT, INSERT, UPDATE ON customers TO crm_writer@localhost;
GRANT SELECT, INSERT, UPDATE ON answers TO crm_writer@localhost;
GRANT SELECT, INSERT, UPDATE ON pairs TO crm_writer@localhost;
"""


@dataclass
class MariaDB:
    """One database of a customer's on the private server, and how to look into it as root."""

    path: Path
    line: Line
    log: list[str] = field(default_factory=list)
    _as_made: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """What an admin fills in."""
        return {
            "kind": "mariadb",
            "server": f"127.0.0.1:{self.line.port}",
            "database": DATABASE,
            "user": USER,
            "contacts": "customers",
            "tls": "off",
            "entities": ["answers"],
        }

    def session(self) -> Any:
        """A colleague at the same database; closed by whoever asked."""
        return pymysql.connect(
            unix_socket=str(self.path),
            user="root",
            database=DATABASE,
            charset="utf8mb4",
            cursorclass=DictCursor,
            # Else each one reads all certificates of the system first.
            ssl_disabled=True,
        )

    def run(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """One statement as the administrator."""
        self._as_made &= not statement.startswith(("ALTER", "REVOKE"))
        with self.session() as one, one.cursor() as cursor:
            cursor.execute(statement, values or None)
            one.commit()
            return list(cursor.fetchall())

    def new(self) -> None:
        """All tables empty; anew where a test has changed one."""
        statements = TABLES.split(";\n")
        if self._as_made:
            statements = ["DELETE FROM answers", "DELETE FROM customers"]
        with self.session() as one, one.cursor() as cursor:
            for statement in filter(str.strip, statements):
                cursor.execute(statement)
            one.commit()
        self._as_made = True

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


def program() -> str:
    """The server's program; the test is skipped where there is none."""
    found = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")  # noqa: TID251
    if found is None or not all((SYSTEM / name).exists() for name in SYSTEM_TABLES):
        pytest.skip("there is no MariaDB here (Debian: apt-get install mariadb-server-core)")
    return found


@contextmanager
def server(folder: Path) -> Iterator[MariaDB]:
    """A server in this folder, its path short enough for a socket's, ended with the test."""
    whose = ["--user=root"] if os.geteuid() == 0 else []
    argv = [program(), "--no-defaults", f"--datadir={folder / 'data'}", *LEAN, *whose]
    _initialised(argv, folder / "data")
    path = folder / "s"
    engine = Engine(
        [*argv, f"--socket={path}", "--skip-networking", "--innodb-flush-log-at-trx-commit=0"],
        log=folder / "log",
        run_as=OURSELVES,
        on_parent_death=signal.SIGKILL,
    )
    try:
        wait_until(lambda: _listens(path) or not engine.is_running(), timeout_s=START_S)
        assert engine.is_running(), (folder / "log").read_text()
        _found(path)
        line = Line(f"unix://{path}")
        with line:
            yield MariaDB(path, line)
    finally:
        engine.signal(signal.SIGKILL)
        engine.wait(START_S)


def _initialised(argv: Sequence[str], data: Path) -> None:
    """The system's tables, as mariadb-install-db makes them: that wants programs of the client."""
    data.mkdir()
    words = ["CREATE DATABASE mysql;", "USE mysql;", "SET @auth_root_socket=NULL;",
             "SET @skip_auth_anonymous='1';"]  # fmt: skip
    words += [(SYSTEM / name).read_text(encoding="utf-8") for name in SYSTEM_TABLES]
    made = subprocess.run(
        [*argv, "--bootstrap"],
        input="\n".join(words),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]


def _listens(path: Path) -> bool:
    # pymysql leaves the socket of a refused connection open.
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(str(path)) == 0


def _found(path: Path) -> None:
    root = pymysql.connect(unix_socket=str(path), user="root", ssl_disabled=True)
    with root, root.cursor() as cursor:
        for statement in filter(str.strip, FOUNDED.split(";\n")):
            cursor.execute(statement)
