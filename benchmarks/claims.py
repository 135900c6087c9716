"""What a claim costs beside a long history and a long queue, against a table that is nearly empty.

The statistics are those of before the burst, as they are in life: they know no pending row.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, create_engine

from benchmarks.backlog import STEPS, fill
from benchmarks.hub import House
from benchmarks.report import median, table
from connector.db import sqlalchemy_url
from connector.responses import leases
from connector.tables import connection
from tests.world import World

LANES = 100
CLAIMS = 25
FEW = 300


def measure(house: House, settled: int, pending: int) -> None:
    """The median claim of a hundred lanes, in turn on both tables, rolled back each time."""
    with house.world() as small, house.world() as large:
        near_empty, full = _connection(small), _connection(large)
        _load(small, near_empty, state="pending", rows=FEW * STEPS)
        _load(large, full, state="done", rows=settled, after=pending)
        _analyse(large)
        _load(large, full, state="pending", rows=pending)
        stale = _in_turn((small, near_empty), (large, full))
        _analyse(small)
        _analyse(large)
        fresh = _in_turn((small, near_empty), (large, full))
    size = f"{settled:,} settled + {pending:,} pending"
    rows = [
        (name, f"{1000 * ours[0]:.1f}", f"{1000 * ours[1]:.1f}", f"{ours[1] / ours[0]:.2f} x")
        for name, ours in (("statistics of before the burst", stale), ("fresh statistics", fresh))
    ]
    columns = (f"A claim of {LANES} contacts, ms", f"{FEW * STEPS} rows", size, "ratio")
    table("Claim", columns, rows)


def _connection(world: World) -> int:
    """A connection that nothing is sent through."""
    values = {"workspace_id": world.workspace_id, "app": "hubspot", "name": "bench", "auth": "key"}
    with world.database.begin(world.workspace_id) as store:
        made = connection.insert().values(**values).returning(connection.c.id)
        found: int = store.execute(made).scalar_one()
    return found


def _load(world: World, connection_id: int, *, state: str, rows: int, after: int = 0) -> None:
    """As the owner, whom no statement timeout stops."""
    owner = create_engine(sqlalchemy_url(str(world.hub.settings.database_owner_url)))
    with owner.begin() as store:
        fill(
            store, world.workspace_id, connection_id, state=state, lanes=rows // STEPS, after=after
        )
    owner.dispose()


def _analyse(world: World) -> None:
    url = str(world.hub.settings.database_owner_url)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE delivery")


def _in_turn(*tables: tuple[World, int]) -> list[float]:
    taken: list[list[float]] = [[] for _ in tables]
    for _ in range(CLAIMS):
        for place, (world, connection_id) in enumerate(tables):
            taken[place].append(_claim_s(world, connection_id))
    return [median(one) for one in taken]


def _claim_s(world: World, connection_id: int) -> float:
    with _undone(world) as store:
        began = time.perf_counter()
        wave = leases.claim(store, connection_id, lanes=LANES, lease_s=60.0)
        took_s = time.perf_counter() - began
        if len(wave.deliveries) != LANES * STEPS:
            message = f"a claim took {len(wave.deliveries)} rows"
            raise RuntimeError(message)
    return took_s


@contextmanager
def _undone(world: World) -> Iterator[Connection]:
    with world.database.begin(world.workspace_id) as store:
        yield store
        store.rollback()
