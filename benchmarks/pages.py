"""Every page that people read, of a workspace in which much has happened, and of a small one that
lives beside it: what each takes, the application and the store together, without a browser.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from flask import Flask

from benchmarks.crowd import MANY, crowd
from benchmarks.hub import House
from benchmarks.report import table
from connector.access import ACCESS, Door
from connector.app import create_app
from connector.db import Database
from connector.settings import Settings
from tests.pages.conftest import Browser, founded
from tests.pages.filled import Filled, fill

ROUNDS, SLOW_MS = 9, 300
# What people ask of a page, the worst first: what nothing fits makes a list look everywhere.
ASKED: Mapping[str, Sequence[str]] = {
    "/contacts": ("search=nr99999", "search=example+test+person", "search=zzz"),
    "/contacts/<id:contact_id>": ("field=field_7", "field=no_such_field"),
    "/responses": ("event=deleted", "campaign_id={campaign_id}", "contact_id={contact_id}",
                   "span=1", "campaign_id={campaign_id}&event=partial"),
    "/campaigns/<id:campaign_id>": ("span=365", "span=30"),
    "/deliveries": ("state=dead", "state=parked", "state=cancelled", "state=pending", "kind=note",
                    "contact_id={contact_id}", "state=dead&error_code=no_such", "span=1",
                    "mapping_id={mapping_id}&state=superseded"),
    "/deliveries/replay": ("state=dead", "state=parked"),
    "/settings/audit": ("area=webhook", "who=key:99", "object=mapping:7", "object=zzz", "span=1"),
    "/settings/webhooks/<id:webhook_id>": ("state=failed", "state=delivered"),
    "/fields/<id:connection_id>": ("search=number+4", "only=mapped"),
    "/mappings/<id:mapping_id>/fields": ("search=number+4",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """One page's rounds, in seconds, sorted; `cpu_s` of the application and the store together."""

    page: str
    status: int
    wall_s: Sequence[float]
    cpu_s: Sequence[float]
    size: int

    @property
    def row(self) -> tuple[str, ...]:
        """What the table says of it; a page that takes too long is marked."""
        p50, p95 = statistics.median(self.wall_s), self.wall_s[int(0.95 * len(self.wall_s))]
        cpu = statistics.median(self.cpu_s)
        mark = " !" if 1000 * cpu > SLOW_MS else ""
        said = [f"{1000 * each:.0f}" for each in (p50, p95, cpu)]
        return (f"{self.page}{mark}", *said, f"{self.size / 1024:.0f}")


def measure(house: House, rounds: int = ROUNDS) -> None:
    """The median of each page, the slowest first."""
    with house.database() as settings:
        database = Database(settings)
        app = create_app(settings, database)
        small = fill(_signed_in(app, database, settings, "small"), database)
        large = fill(_signed_in(app, database, settings, "large"), database)
        began = time.monotonic()
        crowd(large, str(settings.database_owner_url))
        print(f"(filled: {time.monotonic() - began:.0f} s)", flush=True)
        with _store_clock(str(settings.database_owner_url)) as store:
            for name, filled in (("of much", large), ("of little, beside it", small)):
                taken = [_page(filled, rule, asked, store, rounds) for rule, asked in _pages()]
                taken.sort(key=lambda one: -statistics.median(one.cpu_s))
                columns = (f"{MANY:,} of each, ms", "p50", "p95", "CPU", "KiB")
                table(f"Pages {name}", columns, [one.row for one in taken])
        database.close()


def _signed_in(app: Flask, database: Database, settings: Settings, name: str) -> Browser:
    browser = founded(app, database, settings, name)
    browser.sign_in()
    return browser


def _pages() -> Iterator[tuple[str, str]]:
    """Every page by its rule, then what is asked of it."""
    for (method, rule), row in ACCESS.items():
        if method == "GET" and row.door is Door.MEMBER:
            yield rule, ""
            yield from ((rule, one) for one in ASKED.get(rule.partition("<key:space>")[2], ()))


def _page(made: Filled, rule: str, asked: str, store: StoreClock, rounds: int) -> Taken:
    path = made.path_of(rule) + (f"?{asked.format(**made.ids)}" if asked else "")
    answer = made.browser.get(path)
    answer.get_data()
    wall, cpu = [], []
    for _ in range(rounds):
        began = (time.perf_counter(), time.process_time() + store.spent_s())
        answer = made.browser.get(path)
        # A file that comes bit by bit is over when it was read: before, its request is still open.
        answer.get_data()
        wall.append(time.perf_counter() - began[0])
        cpu.append(time.process_time() + store.spent_s() - began[1])
    said = path.removeprefix("~") if answer.status_code == 200 else f"{path} {answer.status_code}"
    return Taken(said, answer.status_code, sorted(wall), sorted(cpu), len(answer.data))


class StoreClock:
    """The processor time of the store's processes for this database; 0 where the system does not
    tell. Those that help a query for a moment are not counted.
    """

    def __init__(self, pids: Sequence[int]) -> None:
        self._files = [Path(f"/proc/{pid}/schedstat") for pid in pids if pid != os.getpid()]

    def spent_s(self) -> float:
        """Seconds so far."""
        told = [one.read_text("ascii").split()[0] for one in self._files if one.exists()]
        return sum(map(int, told)) / 1e9


@contextmanager
def _store_clock(url: str) -> Iterator[StoreClock]:
    asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    with psycopg.connect(url, autocommit=True) as owner:
        found = owner.execute(f"{asked} AND pid <> pg_backend_pid()").fetchall()
        yield StoreClock([row[0] for row in found])
