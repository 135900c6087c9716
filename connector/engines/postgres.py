"""The embedded PostgreSQL 18: made, started, joined, stopped and crashed on purpose.

fsync and synchronous_commit stay on, in tests too: what a kill may cost is what we measure.
"""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from connector.engines.places import (
    PostgresPlace,
    give,
    postgres_place,
    starting,
)
from connector.engines.process import (
    OURSELVES,
    Engine,
    EngineError,
    is_alive,
    run_to_end,
    wait_until,
)

ADMIN, OWNER, APP = "postgres", "answerback_owner", "answerback_app"
DATABASE = "answerback"
PORT = 5432  # names the socket's file; nothing listens on TCP
START_S = 30.0
STOP_S = 20.0
OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "jit": "off",  # our queries are short: compiling them costs more than it saves
    # A statement's text, or the DETAIL of a refused row, would put answers into the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class Postgres:
    """A running PostgreSQL. One that another process started is `joined`: `stop` leaves it alone.

    `url` is the app's role (no owner, no superuser, no BYPASSRLS), `owner_url` the migrations',
    `admin_url` the superuser's, for tests that make databases.
    """

    def __init__(self, place: PostgresPlace) -> None:
        self._place = place
        self._engine: Engine | None = None

    @property
    def url(self) -> str:
        return self.url_for(APP)

    @property
    def owner_url(self) -> str:
        return self.url_for(OWNER)

    @property
    def admin_url(self) -> str:
        return self.url_for(ADMIN, database="postgres")

    @property
    def joined(self) -> bool:
        return self._engine is None

    @property
    def pid(self) -> int | None:
        return self._engine.pid if self._engine else _noted_pid(self._place.data)

    def url_for(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self._place.sockets))}"

    def answers(self) -> bool:
        try:
            psycopg.connect(self.admin_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> None:
        """Start it, after a stop or a crash too, and wait until it answers."""
        _forget_a_stranger(self._place.data)
        # A killed server may still have children about; the new one refuses until they end.
        for _ in range(3):
            if self._started():
                return
        message = f"PostgreSQL does not start; its log: {self._place.log}"
        raise EngineError(message)

    def stop(self) -> None:
        """End it cleanly: open transactions are rolled back, the log is written out."""
        self._end(signal.SIGINT)

    def stop_immediate(self) -> None:
        """End it as a crash does (pg_ctl's -m immediate); the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """End it by SIGKILL, the one signal it cannot see coming."""
        self._end(signal.SIGKILL)

    def restart_immediate(self) -> None:
        self.stop_immediate()
        self.start()

    def _started(self) -> bool:
        place = self._place
        argv = [str(place.programs / "postgres"), "-D", str(place.data), "-k", str(place.sockets)]
        argv += ["-p", str(PORT)]
        for name, value in OPTIONS.items():
            argv += ["-c", f"{name}={value}"]
        engine = Engine(argv, log=place.log, run_as=place.run_as, on_parent_death=signal.SIGINT)
        wait_until(lambda: self.answers() or not engine.is_running(), timeout_s=START_S)
        if not engine.is_running():
            engine.wait(STOP_S)
            return False
        self._engine = engine
        return True

    def _end(self, number: signal.Signals) -> None:
        if self._engine is not None:
            self._engine.signal(number)
            self._engine.wait(STOP_S)


def start_postgres(
    data_dir: Path, *, runtime_dir: Path | None = None, allow_namespace: bool = True
) -> Postgres:
    """PostgreSQL on `data_dir`/postgres with our two roles and our database, ready for connections.

    Where one runs on that folder already, it is joined. Raises EngineError, which says what to do.
    """
    if sys.platform == "win32":
        message = "the embedded PostgreSQL needs Linux or macOS: set DATABASE_URL"
        raise EngineError(message)
    with starting(data_dir):
        place = postgres_place(data_dir, runtime_dir, allow_namespace=allow_namespace)
        postgres = Postgres(place)
        if _is_up(postgres, place):
            return postgres
        if not (place.data / "PG_VERSION").exists():
            _make_cluster(place)
        postgres.start()
        _make_roles_and_database(postgres.admin_url)
        return postgres


def _is_up(postgres: Postgres, place: PostgresPlace) -> bool:
    """Whether one serves this folder. One that is just stopping is waited for, not joined."""
    pid = _noted_pid(place.data)
    if pid is None or not _serves(pid, place.data):
        return False
    if wait_until(lambda: postgres.answers() or not is_alive(pid), timeout_s=START_S):
        return is_alive(pid)
    message = f"a PostgreSQL (pid {pid}) holds {place.data} but does not answer: stop it first"
    raise EngineError(message)


def _make_cluster(place: PostgresPlace) -> None:
    """Make it beside its place and move it there whole, so that a kill leaves no half of one."""
    fresh = place.data.with_name("postgres.new")
    _empty(fresh)
    fresh.mkdir(mode=0o700)
    give(fresh, place.data.stat().st_uid if place.data.exists() else fresh.stat().st_uid)
    run_to_end(
        [
            str(place.programs / "initdb"),
            *("-D", str(fresh), "-U", ADMIN, "-A", "trust", "-E", "UTF8", "--no-sync"),
            # The builtin provider sorts and folds alike on every system; C.UTF-8 is not everywhere.
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ],
        run_as=place.run_as,
    )
    _empty(place.data)
    fresh.rename(place.data)


def _empty(folder: Path) -> None:
    """Remove the rest of a start that was killed; never one that holds a cluster."""
    if folder.exists() and not (folder.name == "postgres" and (folder / "PG_VERSION").exists()):
        shutil.rmtree(folder)


def _make_roles_and_database(admin_url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as admin:
        for role in (OWNER, APP):
            known = admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            if known is None:
                admin.execute(
                    sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS").format(
                        sql.Identifier(role)
                    )
                )
        make_database(admin, DATABASE)


def make_database(
    admin: psycopg.Connection[tuple[object, ...]], name: str, *, template: str = "template1"
) -> None:
    """The database `name`, owned by the owner's role; nothing where it exists."""
    known = admin.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
    if known is None:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
            )
        )


def _noted_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _serves(pid: int, data: Path) -> bool:
    """Whether `pid` is a PostgreSQL on this folder, not a stranger that got a dead one's number."""
    if not is_alive(pid):
        return False
    if sys.platform != "linux":
        return "postgres" in _command_of(pid)
    return _cwd(pid) == data.resolve()


def _cwd(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True)
    except OSError:
        return None


def _command_of(pid: int) -> str:
    try:
        return run_to_end(["/bin/ps", "-p", str(pid), "-o", "command="], run_as=OURSELVES)
    except EngineError:
        return ""


def _forget_a_stranger(data: Path) -> None:
    """PostgreSQL refuses to start where its lock file names a living process, whoever that is; in a
    new container the dead server's number soon belongs to somebody else.
    """
    pid = _noted_pid(data)
    if pid is not None and is_alive(pid) and not _serves(pid, data):
        (data / "postmaster.pid").unlink()
