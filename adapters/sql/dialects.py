"""The databases, each as data: its driver, how TLS and deadlines are asked of it, and what its
error codes mean.

PostgreSQL's driver is the hub's own; the others are extras, imported on first use. SQL Server's is
installed apart: it wants libraries of the system and brings the whole Azure sign-in. TLS checks
certificate and name, or there is none at all: no driver falls back to plain text by itself.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What a database's refusal means."""

    REFUSED = "refused"  # the name or the password
    NO_DATABASE = "no_database"
    DENIED = "denied"  # a right is missing
    NO_TABLE = "no_table"
    NO_COLUMN = "no_column"
    DUPLICATE = "duplicate"
    REQUIRED = "required"
    TOO_LONG = "too_long"
    VALUE = "value"
    BUSY = "busy"  # locks, deadlocks, deadlines: rolled back
    AWAY = "away"  # shutting down, starting, full


@dataclass(frozen=True, slots=True)
class Asked:
    """Where to and how: what a connection's settings say. Times in seconds."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    ca_file: str | None
    connect_s: float
    total_s: float

    @property
    def context(self) -> ssl.SSLContext | None:
        """Certificate and name are checked; None: no TLS."""
        return ssl.create_default_context(cafile=self.ca_file) if self.ca_file else None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of database. `comes_with`: what an operator installs for its driver. `codes`:
    SQLSTATE or the vendor's number -> what it means.
    """

    driver: str
    comes_with: str
    arguments: Callable[[Asked], Mapping[str, Any]]
    codes: Mapping[str, Fault]
    query: Callable[[Asked], Mapping[str, str]] = lambda _asked: {}
    by_dsn: bool = False


def _postgresql(asked: Asked) -> Mapping[str, Any]:
    ms = int(asked.total_s * 1000)
    return {
        "connect_timeout": max(1, math.ceil(asked.connect_s)),
        "sslmode": "verify-full" if asked.ca_file else "disable",
        **({"sslrootcert": asked.ca_file} if asked.ca_file else {}),
        "gssencmode": "disable",
        "options": f"-c statement_timeout={ms} -c lock_timeout={ms // 2}"
        f" -c idle_in_transaction_session_timeout={ms} -c timezone=UTC",
    }


def _mysql(asked: Asked) -> Mapping[str, Any]:
    return {
        "connect_timeout": max(1, math.ceil(asked.connect_s)),
        "read_timeout": asked.total_s,
        "write_timeout": asked.total_s,
        "charset": "utf8mb4",
        "local_infile": False,
        # A value that does not fit is refused, whatever the server's own mode: never cut.
        "init_command": "SET SESSION sql_mode=CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'),"
        f" time_zone='+00:00', innodb_lock_wait_timeout={max(1, int(asked.total_s / 2))}",
        **({"ssl": asked.context} if asked.ca_file else {"ssl_disabled": True}),
    }


def _sqlserver(asked: Asked) -> Mapping[str, Any]:
    return {"timeout": max(1, int(asked.total_s))}


def _encrypted(asked: Asked) -> Mapping[str, str]:
    # The operating system's authorities are asked: its driver takes no others.
    secure = {"Encrypt": "yes", "TrustServerCertificate": "no"}
    return secure if asked.ca_file else {"Encrypt": "no"}


def _oracle(asked: Asked) -> Mapping[str, Any]:
    scheme = "tcps" if asked.ca_file else "tcp"
    return {
        "user": asked.user,
        "password": asked.password,
        "dsn": f"{scheme}://{asked.host}:{asked.port}/{asked.database}",
        "tcp_connect_timeout": asked.connect_s,
        **({"ssl_context": asked.context, "ssl_server_dn_match": True} if asked.ca_file else {}),
    }


_SQLSTATES = {
    "28000": Fault.REFUSED,
    "28P01": Fault.REFUSED,
    "3D000": Fault.NO_DATABASE,
    "42501": Fault.DENIED,
    "42P01": Fault.NO_TABLE,
    "3F000": Fault.NO_TABLE,
    "42703": Fault.NO_COLUMN,
    "23505": Fault.DUPLICATE,
    "23502": Fault.REQUIRED,
    "22001": Fault.TOO_LONG,
    "55P03": Fault.BUSY,
    "57014": Fault.BUSY,
    "40P01": Fault.BUSY,
    "40001": Fault.BUSY,
    "25P03": Fault.BUSY,
    "25006": Fault.AWAY,
}
# A class of SQLSTATEs, where the state itself is not above.
_CLASSES = {"22": Fault.VALUE, "23": Fault.VALUE, "53": Fault.AWAY, "57": Fault.AWAY}
_MYSQL = {
    "1045": Fault.REFUSED,
    "1698": Fault.REFUSED,
    "1049": Fault.NO_DATABASE,
    "1044": Fault.DENIED,
    "1142": Fault.DENIED,
    "1143": Fault.DENIED,
    "1146": Fault.NO_TABLE,
    "1054": Fault.NO_COLUMN,
    "1062": Fault.DUPLICATE,
    "1048": Fault.REQUIRED,
    "1364": Fault.REQUIRED,
    "1406": Fault.TOO_LONG,
    "1264": Fault.VALUE,
    "1265": Fault.VALUE,
    "1292": Fault.VALUE,
    "1366": Fault.VALUE,
    # A text that the column's character set does not have, met in a CASE: of one row it is 1366.
    "1267": Fault.VALUE,
    "1270": Fault.VALUE,
    "1271": Fault.VALUE,
    "1452": Fault.VALUE,
    "3819": Fault.VALUE,
    "4025": Fault.VALUE,
    "1205": Fault.BUSY,
    "1213": Fault.BUSY,
    "3024": Fault.BUSY,
    "1040": Fault.AWAY,
    "1053": Fault.AWAY,
    "1290": Fault.AWAY,
}
_SQLSERVER = {
    "18456": Fault.REFUSED,
    "4060": Fault.NO_DATABASE,
    "229": Fault.DENIED,
    "230": Fault.DENIED,
    "208": Fault.NO_TABLE,
    "207": Fault.NO_COLUMN,
    "2627": Fault.DUPLICATE,
    "2601": Fault.DUPLICATE,
    "515": Fault.REQUIRED,
    "2628": Fault.TOO_LONG,
    "8152": Fault.TOO_LONG,
    "547": Fault.VALUE,
    "245": Fault.VALUE,
    "8115": Fault.VALUE,
    "1205": Fault.BUSY,
    "1222": Fault.BUSY,
}
_ORACLE = {
    "1017": Fault.REFUSED,
    "28000": Fault.REFUSED,
    "12514": Fault.NO_DATABASE,
    "1031": Fault.DENIED,
    "942": Fault.NO_TABLE,
    "904": Fault.NO_COLUMN,
    "1": Fault.DUPLICATE,
    "1400": Fault.REQUIRED,
    "1407": Fault.REQUIRED,
    "12899": Fault.TOO_LONG,
    "1438": Fault.VALUE,
    "1722": Fault.VALUE,
    "2290": Fault.VALUE,
    "2291": Fault.VALUE,
    "54": Fault.BUSY,
    "60": Fault.BUSY,
}
DIALECTS: Mapping[str, Dialect] = {
    "postgresql": Dialect("postgresql+psycopg", "answerback", _postgresql, _SQLSTATES),
    "mysql": Dialect("mysql+pymysql", "answerback[mysql]", _mysql, _MYSQL),
    "mariadb": Dialect("mariadb+pymysql", "answerback[mysql]", _mysql, _MYSQL),
    "sqlserver": Dialect(
        "mssql+mssqlpython", "mssql-python", _sqlserver, _SQLSERVER, query=_encrypted
    ),
    "oracle": Dialect("oracle+oracledb", "answerback[oracle]", _oracle, _ORACLE, by_dsn=True),
}


def fault_of(dialect: Dialect, code: str) -> Fault | None:
    """What a database's code means; None for one that is not known."""
    if dialect.codes is _SQLSTATES:
        return _SQLSTATES.get(code) or _CLASSES.get(code[:2])
    return dialect.codes.get(code)
