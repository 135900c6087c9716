"""The line to one database: connects, keeps the deadline, and makes each piece of work one
transaction.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from adapters.calls import Call, unwatched
from adapters.errors import ReconnectNeeded
from adapters.http import Wire, origin_of
from adapters.sql.dialects import DIALECTS, Asked, Dialect
from adapters.sql.refusals import failed, fault_in, is_of_a_row, unreached
from adapters.sql.traits import CA, DATABASE, KIND, TLS, TRAITS, USER
from adapters.values import Account

# What only bounds a piece of work is no call of its own.
BOUNDS = frozenset({"RELEASE", "ROLLBACK", "SAVE", "SAVEPOINT"})
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class RefusedAtCommit(Exception):
    """A constraint that is looked at last refused a row that nobody names: all is undone."""


class Line:
    """Connections to one database, one for each piece of work: none is left open."""

    def __init__(self, account: Account, wire: Wire) -> None:
        self._wire = wire
        self.kind = str(account.settings.get(KIND))
        self.dialect: Dialect = DIALECTS[self.kind]
        self._asked = self._address(account)
        self._engine = self._made()

    def _address(self, account: Account) -> Asked:
        settings = account.settings
        own = account.base_url or TRAITS.base_url.format_map(settings)
        parts = urlsplit(origin_of(own))
        host = str(parts.hostname)
        if settings.get(TLS) == "off" and host not in LOOPBACK:
            message = "without TLS a database is reached on this machine alone"
            raise ReconnectNeeded(message, code="tls_needed")
        ca_file = None if settings.get(TLS) == "off" else self._authorities(settings)
        return Asked(
            host=host,
            port=int(parts.port or 443),
            database=str(settings.get(DATABASE)),
            user=str(settings.get(USER)),
            password=account.token,
            ca_file=ca_file,
            connect_s=self._wire.connect_s,
            total_s=self._wire.total_s,
        )

    def _authorities(self, settings: Mapping[str, Any]) -> str:
        """A file with the certificates to trust; libpq reads no others than files."""
        own = settings.get(CA)
        if not own:
            return str(DEFAULT_CA_BUNDLE_PATH)
        handle, path = tempfile.mkstemp(suffix=".pem")
        weakref.finalize(self, _forget, path)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(str(own))
        return path

    def _made(self) -> Engine:
        asked = self._asked
        url = URL.create(self.dialect.driver)
        if not self.dialect.by_dsn:
            url = URL.create(
                self.dialect.driver,
                username=asked.user,
                password=asked.password,
                host=asked.host,
                port=asked.port,
                database=asked.database,
                query=dict(self.dialect.query(asked)),
            )
        try:
            return create_engine(
                url,
                poolclass=NullPool,
                # An error's text with its parameters would carry answers into logs.
                hide_parameters=True,
                connect_args=dict(self.dialect.arguments(asked)),
            )
        except ImportError as exc:
            message = f"the driver is not installed: it comes with {self.dialect.comes_with}"
            raise ReconnectNeeded(message, code="driver_missing") from exc

    @contextmanager
    def work(self) -> Iterator[Connection]:
        """One transaction: committed at the end, undone on an exception.

        Raises AdapterError for what concerns the whole; RefusedAtCommit.
        """
        self._wire.before(None)
        with self._watched(), self._connected() as connection, self._in_time(connection):
            try:
                yield connection
            except DBAPIError as exc:
                raise failed(self.dialect, exc, committing=False) from exc
            try:
                connection.commit()
            except DBAPIError as exc:
                if is_of_a_row(fault_in(self.dialect, exc)):
                    raise RefusedAtCommit from exc
                raise failed(self.dialect, exc, committing=True) from exc
        self._wire.answered(200, {})

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Each statement is seen before it goes; one that is kept back undoes the transaction."""

        def see(_line: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            said = json.dumps({"statement": statement, "values": values}, default=str)
            word = statement.split(maxsplit=1)[0].upper()
            if word not in BOUNDS:
                self._wire.watch(Call("SQL", self._asked.database, said, word == "SELECT"))

        if self._wire.watch is unwatched:
            yield
            return
        event.listen(self._engine, "before_cursor_execute", see)
        try:
            yield
        finally:
            event.remove(self._engine, "before_cursor_execute", see)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            connection = self._engine.connect()
        except DBAPIError as exc:
            raise unreached(self.dialect, exc) from exc
        try:
            yield connection
        finally:
            # What is closed without a commit is undone; a line that is down cannot say so.
            with contextlib.suppress(DBAPIError):
                connection.close()

    @contextmanager
    def _in_time(self, connection: Connection) -> Iterator[None]:
        """PostgreSQL's client waits for ever for a server that says nothing: the others have
        deadlines of their own.
        """
        held = connection.connection.dbapi_connection
        ends = getattr(held, "fileno", None) if self.kind == "postgresql" else None
        if ends is None:
            if self.kind == "oracle":
                held.call_timeout = int(self._asked.total_s * 1000)  # type: ignore[union-attr]
            yield
            return
        watch = threading.Timer(self._asked.total_s, _hang_up, [ends()])
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()


def _hang_up(descriptor: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as line:
        line.shutdown(socket.SHUT_RDWR)


def _forget(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - at the end of the process pathlib may be gone


__all__ = ["Line", "RefusedAtCommit"]
