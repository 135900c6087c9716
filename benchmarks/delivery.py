"""How fast deliveries reach each CRM at 120 ms a call, beside a naive script doing the same work:
two fields and a score tag for contacts that we know in the CRM.

The workers are the real ones: processes that take their jobs from the broker. The script and the
workers go in turn, so that both meet the same machine.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from rq import Worker

from benchmarks.hub import House, simulator
from benchmarks.naive import update_each
from benchmarks.report import median, table
from connector.queues import Doorbell
from connector.sweep import Sweep
from tests.world import CRMSeen, World, answered, people

LATENCY_MS = 120
WORKERS = 2
READY_S, DONE_S = 30.0, 120.0
CAMPAIGN = ("5000", "Møde")
# Zendesk's tags cost a call a contact: fewer, or its part takes longer than all others.
RESPONSES: Mapping[str, int] = {"hubspot": 1_000, "salesforce": 1_000, "zendesk": 300}
BY_SCRIPT: Mapping[str, int] = {"hubspot": 20, "salesforce": 20, "zendesk": 15}


@dataclass(frozen=True, slots=True)
class Run:
    """One run: responses a second, and the calls that the CRM counted, by kind and by status."""

    count: int
    per_s: float
    kinds: Counter[str]
    throttled: int


def measure(house: House, rounds: int, apps: tuple[str, ...]) -> None:
    """One table for all CRMs."""
    rows = [_compared(app, *_measured(house, app, rounds=rounds)) for app in apps]
    columns = ("two fields and a tag", "script/s", "hub/s", "ratio")
    counts = ("script calls", "hub calls", "of them tags", "ratio", "429")
    title = f"Delivery at {LATENCY_MS} ms a call, {WORKERS} workers; calls for 1,000 responses"
    table(title, (*columns, *counts), rows)


def _measured(house: House, app: str, *, rounds: int) -> tuple[list[Run], list[Run]]:
    ours, script = RESPONSES[app], BY_SCRIPT[app]
    scripted, delivered = [], []
    with simulator(app, latency_ms=LATENCY_MS) as url, house.world() as world:
        crm = world.connect(app, url)
        world.mapping(app, note="none")
        _known_campaign(world, crm)
        with house.workers(world.hub.settings, WORKERS), _sweeping(world) as bell:
            _until(lambda: _workers(world) == WORKERS, READY_S, "workers are ready")
            for number in range(rounds):
                first = number * (ours + script)
                emails = _linked(world, crm, first, ours)
                scripted.append(_script(world, crm, _seeded(crm, first + ours, script)))
                delivered.append(_deliver(world, crm, emails, bell))
    return scripted, delivered


def _compared(app: str, scripted: list[Run], delivered: list[Run]) -> tuple[str, ...]:
    script, hub = (median([one.per_s for one in runs]) for runs in (scripted, delivered))
    script_calls, hub_calls = (_per_1000(runs) for runs in (scripted, delivered))
    tags = 1000 * median([one.kinds["tag"] / one.count for one in delivered])
    throttled = sum(one.throttled for one in delivered)
    return (
        app,
        f"{script:.1f}",
        f"{hub:,.0f}",
        f"{hub / script:.0f} x",
        f"{script_calls:,.0f}",
        f"{hub_calls:,.0f}",
        f"{tags:,.0f}",
        f"1 : {script_calls / hub_calls:.0f}",
        str(throttled),
    )


def _per_1000(runs: list[Run]) -> float:
    return 1000 * median([one.kinds.total() / one.count for one in runs])


# --- the two ways ---------------------------------------------------------------------------------


def _script(world: World, crm: CRMSeen, emails: list[str]) -> Run:
    return _run(crm, len(emails), lambda: update_each(world, crm, emails, CAMPAIGN[1]))


def _deliver(world: World, crm: CRMSeen, emails: list[str], bell: threading.Event) -> Run:
    """Accepted and planned beforehand; from the first ring until nothing is open."""
    world.push(*(answered(0, response_id=f"r-{one}", email=one) for one in emails))
    world.plan()

    def deliver() -> None:
        bell.set()
        _until(lambda: not world.open(), DONE_S, "everything is delivered")
        bell.clear()

    return _run(crm, len(emails), deliver)


def _run(crm: CRMSeen, count: int, work: Callable[[], None]) -> Run:
    since = len(crm.calls())
    began = time.perf_counter()
    work()
    took_s = time.perf_counter() - began
    calls = crm.calls()[since:]
    kinds = Counter(str(one["kind"]) for one in calls)
    return Run(count, count / took_s, kinds, sum(one["status"] == 429 for one in calls))


# --- what both start from -------------------------------------------------------------------------


def _known_campaign(world: World, crm: CRMSeen) -> None:
    """The campaign's tags are provisioned and the account's spelling learnt."""
    (email,) = _seeded(crm, 10_000_000, 1)
    world.push(answered(0, response_id="first", email=email, campaign=CAMPAIGN))
    world.settle(hurry=True)


def _linked(world: World, crm: CRMSeen, first: int, count: int) -> list[str]:
    told = people(first + count)[first:]
    ids = crm.seed(told)
    emails = [one["email"] for one in told]
    world.linked(crm.app, dict(zip(emails, ids, strict=True)))
    return emails


def _seeded(crm: CRMSeen, first: int, count: int) -> list[str]:
    told = [{"email": f"c{first + n}@example.test", "last_name": "Contact"} for n in range(count)]
    crm.seed(told)
    return [one["email"] for one in told]


# --- the scheduler and the workers ----------------------------------------------------------------


@contextmanager
def _sweeping(world: World) -> Iterator[threading.Event]:
    """The scheduler's loop in a thread, ringing while the event is set."""
    sweep = Sweep(world.hub, Doorbell(str(world.hub.settings.redis_url)))
    ringing, ended = threading.Event(), threading.Event()

    def run() -> None:
        while not ended.is_set():
            if ringing.wait(0.1):
                sweep.once()
                ended.wait(world.hub.settings.sweep_s)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ringing
    finally:
        ended.set()
        thread.join()


def _workers(world: World) -> int:
    with redis.Redis.from_url(str(world.hub.settings.redis_url)) as connection:
        return len(Worker.all(connection=connection))


def _until(holds: Callable[[], bool], limit_s: float, what: str) -> None:
    ends_at = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > ends_at:
            message = f"waited {limit_s:.0f} s until {what}"
            raise RuntimeError(message)
        time.sleep(0.02)
