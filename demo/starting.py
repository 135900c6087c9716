"""Brings the demo's processes up, each run with a workspace of its own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from connector import workspaces
from connector.access import Role
from connector.accounts import people
from connector.db import Database
from connector.engines import engine_environ
from connector.settings import Settings, load_settings, process_environ
from demo import setting_up
from demo.api import Control
from demo.crms import SIMULATED
from demo.processes import ROOT, Processes, free_port, web_arguments
from demo.watching import until
from schemas.secret import Secret

WISHED_PORT = 8080
WORKERS = 2
UP_WITHIN_S = 60.0
SLUG = re.compile(r"demo-([0-9]+)")
# The demo has engines of its own and meets nobody's data, whatever is set around it.
OTHERS = re.compile(r"DATABASE_URL|DATABASE_OWNER_URL|REDIS_URL|PORT|PUBLIC_URL|ANSWERBACK_.*")
KEPT = "ANSWERBACK_DATA_DIR"


def settings_of_demo() -> Settings:
    """The demo's settings: a free port, embedded engines, the data folder."""
    port = free_port(WISHED_PORT)
    return load_settings(_around({"PORT": str(port), "PUBLIC_URL": f"http://127.0.0.1:{port}"}))


def environ_of_children(settings: Settings) -> dict[str, str]:
    """What the processes are told: the engines that run, our address, loopback as CRMs' hosts."""
    told = {
        "PORT": str(settings.port),
        "PUBLIC_URL": settings.public_url,
        "ANSWERBACK_ALLOWED_HOSTS": "127.0.0.1",
        "ANSWERBACK_FILE_HOSTS": "127.0.0.1",
    }
    return _around(engine_environ(settings) | told)


@dataclass(frozen=True, slots=True)
class Guest:
    """Who may sign in to the run's workspace."""

    email: str
    password: str


def fresh_workspace(settings: Settings) -> tuple[int, str, Guest]:
    """The run's number, the workspace's key and its owner. Workspaces of earlier runs rest: their
    CRMs are gone.
    """
    database = Database(settings)
    try:
        number = _rest(database) + 1
        made = workspaces.found(
            database,
            slug=f"demo-{number}",
            name=f"Demo {number}",
            owner_email=f"owner@demo-{number}.example",
            country="DK",
            timezone="Europe/Copenhagen",
        )
        guest = _let_in(database, settings, made.workspace_id, f"owner@demo-{number}.example")
    finally:
        database.close()
    return number, made.key.secret.reveal(), guest


def _let_in(database: Database, settings: Settings, workspace_id: int, email: str) -> Guest:
    """The owner gets a password of this run, as `answerback user add` would give one."""
    guest = Guest(email, f"demo-{secrets.token_hex(4)}")
    people.add(
        database,
        settings.environment,
        workspace_id,
        email=email,
        name="Demo owner",
        role=Role.OWNER,
        password=Secret(guest.password),
        actor="operator",
    )
    return guest


def start_crms(running: Processes, *, number: int, latency_ms: int, seed: int) -> None:
    """The three simulators, each an account that no earlier run has used."""
    for one in SIMULATED:
        told = ("--latency-ms", str(latency_ms), "--seed", str(seed + number))
        options = setting_up.options_of(one, number)
        running.start(one.app, "-m", f"simulators.{one.app}", *told, *options)


def start_file_host(running: Processes) -> str:
    """The survey platform's files; their address."""
    running.start("files", "-m", "demo.filehost")
    return running.listening("files")


def controls_of(running: Processes) -> dict[str, Control]:
    """The simulators by app, as soon as they are up."""
    return {one.app: Control(one.app, running.listening(one.app)) for one in SIMULATED}


def start_web(running: Processes, settings: Settings) -> None:
    """The web process, ready to answer."""
    running.start("web", *web_arguments(settings.port))
    until(
        lambda: _is_ready(settings.public_url, running),
        within_s=UP_WITHIN_S,
        what="the web process",
    )


def start_workers(running: Processes) -> None:
    """Two workers and the scheduler; they come up while the CRMs are being connected."""
    for at in range(WORKERS):
        running.start(f"worker-{at + 1}", str(ROOT / "worker.py"))
    running.start("scheduler", "-m", "connector.sweep")


def _around(told: Mapping[str, str]) -> dict[str, str]:
    around = process_environ()
    kept = {name: value for name, value in around.items() if not OTHERS.fullmatch(name)}
    if KEPT in around:
        kept[KEPT] = around[KEPT]
    return kept | {"ANSWERBACK_ENV": "demo"} | dict(told)


def _rest(database: Database) -> int:
    """Pause the workspaces of earlier runs; the highest number there is."""
    numbers = [0]
    for one in workspaces.listed(database):
        found = SLUG.fullmatch(one["slug"])
        if found:
            numbers.append(int(found.group(1)))
            with database.begin(one["id"]) as connection:
                workspaces.pause(connection, one["id"])
    return max(numbers)


def _is_ready(base_url: str, running: Processes) -> bool:
    running.check()
    try:
        return requests.get(f"{base_url}/ready", timeout=2).ok
    except requests.ConnectionError:
        return False
