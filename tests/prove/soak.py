"""The soak: everything at once, killed at random, judged from outside.

    web (granian), two workers, a scheduler, PostgreSQL, Valkey     killed every two seconds or so
    three simulated CRMs, one workspace each                        one call in ten goes wrong
    four clients                                                    push until they get a 2xx

What each CRM must hold in the end is computed from the pushed items alone
(tests/faults/verdict.py). Retries are hurried along, so that a schedule of 28 hours fits; what has
used up its tries or has met three kills is replayed at the end, as an admin would, and counted.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import requests

from connector.db import DatabaseAway
from connector.responses.replay import replay_all
from tests.faults.conftest import OPTIONS
from tests.faults.processes import ROOT
from tests.faults.verdict import wrongs
from tests.prove.killing import Hub, Killer
from tests.world import CRMSeen, World, answered, people

CLIENTS = 4
FAULT_RATE, SLOW_S = 0.10, 1.3
DUPLICATES = 0.05
# The storm ends when so few deliveries are open, or so long after the last push.
STORM_LEAVES, MOST_STORM_S = 30, 20.0
WAITS = (
    ("delivery", "due_at"),
    ("response", "plan_due_at"),
    ("connection", "resume_at"),
    ("tag_provision", "due_at"),
)
CAMPAIGNS = (("5000", "Møde"), ("5001", "Visit"), ("5002", "Aften i Århus"))


@dataclass(slots=True)
class Client:
    """Pushes its items one by one, each until it gets a 2xx; some twice."""

    world: World
    port: int
    items: Sequence[dict[str, Any]]
    pace_s: float
    rng: random.Random
    accepted: list[dict[str, Any]] = field(default_factory=list)
    retries: int = 0

    def run(self) -> None:
        for item in self.items:
            self.push(item)
            self.accepted.append(item)
            if self.rng.random() < DUPLICATES:
                self.push(item)
            time.sleep(self.pace_s * self.rng.uniform(0.5, 1.5))

    def push(self, item: dict[str, Any]) -> None:
        while True:
            with suppress(requests.RequestException):
                answer = requests.post(
                    f"http://127.0.0.1:{self.port}/api/v1/responses",
                    json=item,
                    headers={"Authorization": f"Bearer {self.world.key}"},
                    timeout=10,
                )
                if answer.ok:
                    return
                assert answer.status_code in {429, 502, 503}, answer.text
            self.retries += 1
            time.sleep(0.2)


# --- the CRMs -------------------------------------------------------------------------------------


@contextmanager
def simulator(app: str, seed: int) -> Iterator[str]:
    """A simulated CRM in a process of its own, never killed; its address."""
    argv = [sys.executable, "-m", f"simulators.{app}", "--port", "0", "--seed", str(seed)]
    for name, value in OPTIONS[app].items():
        argv += ["--option", f"{name}={value}".lower()]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.kill()


def responses(app: str, count: int, rng: random.Random) -> list[dict[str, Any]]:
    """Responses of a third as many contacts, in several campaigns, shuffled."""
    contacts = max(3, count // 3)
    items = [
        answered(
            n,
            email=f"c{rng.randrange(contacts)}@example.test",
            score=rng.randrange(11),
            at=f"2026-{1 + n % 10:02}-{1 + n % 28:02}T{n % 24:02}:{n // 24 % 60:02}:00Z",
            why=f"Reason {app} {n:06d}, friendly 😀",
            campaign=CAMPAIGNS[rng.randrange(len(CAMPAIGNS))],
        )
        for n in range(count)
    ]
    rng.shuffle(items)
    return items


@dataclass(frozen=True, slots=True)
class Side:
    """One workspace with its CRM, what is pushed to it, and by whom."""

    world: World
    crm: CRMSeen
    items: Sequence[dict[str, Any]]
    clients: Sequence[Client]


def side_of(
    world: World, app: str, url: str, *, port: int, count: int, pace_s: float, seed: int
) -> Side:
    """The CRM connected and half of its contacts there; nothing is pushed yet."""
    crm = world.connect(app, url)
    world.mapping(app)
    crm.seed(people(max(3, count // 6)))
    items = responses(app, count, random.Random(seed))
    clients = [
        Client(world, port, items[n::CLIENTS], pace_s * CLIENTS, random.Random(seed + n))
        for n in range(CLIENTS)
    ]
    return Side(world, crm, items, clients)


# --- the storm ------------------------------------------------------------------------------------


def weathered(sides: Sequence[Side], hub: Hub, killer: Killer) -> float:
    """Everything is pushed, and most of it delivered, while the killer rages; how long it took."""
    began = time.monotonic()
    calm = threading.Event()
    pushing = [threading.Thread(target=one.run) for side in sides for one in side.clients]
    for side in sides:
        side.crm.control("fault", {"random": {"rate": FAULT_RATE, "slow_s": SLOW_S}})
    calming = threading.Thread(target=calm_after, args=(pushing, sides, calm))
    for one in (*pushing, calming):
        one.start()
    killer.rage(calm)
    calming.join()
    for side in sides:
        side.crm.control("fault", {"clear": True})
    assert not any(one.is_alive() for one in pushing)
    return time.monotonic() - began


def calm_after(
    pushing: Sequence[threading.Thread], sides: Sequence[Side], calm: threading.Event
) -> None:
    """All is pushed and little is open any more: the killer may rest."""
    for one in pushing:
        one.join()
    ends_at = time.monotonic() + MOST_STORM_S
    while time.monotonic() < ends_at and sum(map(waiting, sides)) > STORM_LEAVES:
        time.sleep(0.5)
    calm.set()


def waiting(side: Side) -> int:
    """How much of this side is open."""
    with suppress(DatabaseAway):
        return sum(side.world.open().values())
    return STORM_LEAVES + 1


@contextmanager
def kept_going(hub: Hub, sides: Sequence[Side]) -> Iterator[None]:
    """Whatever dies is started again, and nothing waits for long."""
    over = threading.Event()
    worlds = [one.world for one in sides]
    background = [
        threading.Thread(target=hub.supervise),
        threading.Thread(target=hurried, args=(worlds, over)),
    ]
    for one in background:
        one.start()
    try:
        yield
    finally:
        over.set()
        hub.end()
        for one in background:
            one.join()


# --- the end --------------------------------------------------------------------------------------


def hurried(worlds: Sequence[World], until: threading.Event) -> None:
    """Retries and pauses pass quickly. What somebody is at work on is left alone."""
    while not until.wait(0.5):
        for world in worlds:
            with suppress(DatabaseAway), world.database.begin(world.workspace_id) as store:
                for table, column in WAITS:
                    store.exec_driver_sql(
                        f"UPDATE {table} SET {column} = now() WHERE ctid = ANY(ARRAY(SELECT ctid"  # noqa: S608
                        f" FROM {table} WHERE {column} > now() FOR UPDATE SKIP LOCKED))"
                    )


def quiet(world: World, *, within_s: float) -> None:
    """Return when nothing of this world waits or is worked on any more."""
    open_ones: object = "the database is away"
    ends_at = time.monotonic() + within_s
    while time.monotonic() < ends_at:
        with suppress(DatabaseAway):
            open_ones = world.open()
            if not open_ones:
                return
        time.sleep(0.2)
    message = f"still open after {within_s} s: {open_ones}, {held_up(world)}"
    raise AssertionError(message)


def held_up(world: World) -> object:
    """Why: what the connection and its tag options wait for."""
    waits = "SELECT state, reason_code, resume_at - now() AS rest, failures FROM connection"
    tags = "SELECT state, due_at - now() AS due, lease_until - now() AS lease FROM tag_provision"
    return world.rows(waits), world.rows(tags), world.due()


def replayed(world: World) -> int:
    """What has used up its tries is tried again by a person."""
    with world.database.begin(world.workspace_id) as store:
        return replay_all(store, world.workspace_id, {"state": "dead"})


def judged(side: Side) -> list[str]:
    """The verdict, in the order in which the hub accepted: ties are broken by it."""
    rows = side.world.rows("SELECT response_id, id FROM response")
    order = {row.response_id: row.id for row in rows}
    items = sorted(side.items, key=lambda one: order[one["response_id"]])
    return wrongs(side.crm.app, items, side.crm.contacts())
