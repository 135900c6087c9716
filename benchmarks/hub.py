"""A hub to measure: engines of its own in a temporary folder, a fresh database a part, simulated
CRMs and workers as processes of their own.
"""

from __future__ import annotations

import base64
import itertools
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import redis
from psycopg import sql

from connector.db import Database
from connector.engines import (
    Postgres,
    Valkey,
    engine_environ,
    make_database,
    remove_sockets,
    start_postgres,
    start_valkey,
)
from connector.migrating import upgrade
from connector.settings import Settings, load_settings, process_environ
from tests.world import World, founded

CHECKOUT = Path(__file__).resolve().parent.parent
TEMPLATE = "answerback"
HOSTS = "127.0.0.1,localhost"
# The plan of the simulated Zendesk: 2,500 calls a minute, jobs that take a second and a half.
OPTIONS: Mapping[str, Mapping[str, str]] = {
    "zendesk": {"rate": "2500", "index_lag_s": "0", "per_user_rate": "1000"}
}


@dataclass(frozen=True, slots=True)
class House:
    """The engines, and what every process needs to find them."""

    postgres: Postgres
    valkey: Valkey
    folder: Path
    keks: str
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextmanager
    def database(self) -> Iterator[Settings]:
        """Settings on a fresh, migrated database and an empty broker."""
        name = f"bench_{next(self.numbers)}"
        with psycopg.connect(self.postgres.admin_url, autocommit=True) as admin:
            make_database(admin, name, template=TEMPLATE)
        with redis.Redis.from_url(self.valkey.url) as broker:
            broker.flushall()
        yield load_settings(
            {
                "ANSWERBACK_ENV": "test",
                "DATABASE_URL": self.postgres.url_for("answerback_app", name),
                "DATABASE_OWNER_URL": self.postgres.url_for("answerback_owner", name),
                "REDIS_URL": self.valkey.url,
                "ANSWERBACK_KEKS": self.keks,
                "ANSWERBACK_DATA_DIR": str(self.folder),
                "ANSWERBACK_ALLOWED_HOSTS": HOSTS,
                "ANSWERBACK_LOG_LEVEL": "ERROR",
            }
        )
        with psycopg.connect(self.postgres.admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def world(self) -> Iterator[World]:
        """A workspace on a fresh database; deliveries do not linger, so that rates are rates."""
        with self.database() as settings:
            store = Database(settings)
            made = founded(settings, store)
            yield made
            made.database.close()
            store.close()

    @contextmanager
    def workers(self, settings: Settings, count: int) -> Iterator[None]:
        """Worker processes on this database."""
        environ = {
            **process_environ(),
            **engine_environ(settings),
            "ANSWERBACK_KEKS": self.keks,
            "ANSWERBACK_ALLOWED_HOSTS": HOSTS,
            "ANSWERBACK_LOG_LEVEL": "ERROR",
        }
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(_child([str(CHECKOUT / "worker.py")], environ))
            yield


@contextmanager
def house() -> Iterator[House]:
    """Engines that leave nothing behind."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="answerback-bench-")))
        stack.callback(remove_sockets, folder)
        postgres = start_postgres(folder)
        stack.callback(postgres.stop)
        valkey = start_valkey(folder)
        stack.callback(valkey.stop)
        upgrade(postgres.owner_url)
        keks = "1:" + base64.b64encode(secrets.token_bytes(32)).decode()
        yield House(postgres, valkey, folder, keks)


@contextmanager
def simulator(app: str, *, latency_ms: int) -> Iterator[str]:
    """The base URL of a simulated CRM in its own process, so that its work is not counted as
    ours.
    """
    options = [f"--option={name}={value}" for name, value in OPTIONS.get(app, {}).items()]
    command = ["-m", f"simulators.{app}", "--latency-ms", str(latency_ms), *options]
    with _child(command, process_environ()) as child:
        said = child.stdout.readline() if child.stdout else ""
        yield said.split()[-1]


@contextmanager
def _child(command: list[str], environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, *command], cwd=CHECKOUT, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=20)
        if child.stdout:
            child.stdout.close()
