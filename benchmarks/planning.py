"""How fast accepted responses become outbox rows: a mapping, a condition, a tag and a note each."""

from __future__ import annotations

import itertools

from benchmarks.hub import House, simulator
from benchmarks.report import Spent, median, spent, table
from tests.world import answered

RESPONSES = 1_000
STEPS = 3


def measure(house: House, rounds: int) -> None:
    """The rate of one planner on one core."""
    numbers = itertools.count()
    taken: list[Spent] = []
    with simulator("hubspot", latency_ms=0) as url, house.world() as world:
        world.connect("hubspot", url)
        world.mapping("hubspot")
        for _ in range(rounds + 1):
            world.push(*(answered(next(numbers)) for _ in range(RESPONSES)))
            taken.append(spent(world.plan))
    taken = taken[1:]
    rate = median([RESPONSES / one.wall_s for one in taken])
    cpu = 1000 * median([one.cpu_s for one in taken]) / RESPONSES
    row = (f"{RESPONSES:,} responses", f"{rate:,.0f}", f"{STEPS * rate:,.0f}", f"{cpu:.2f}")
    table("Plan", ("One planner, new contacts", "responses/s", "rows/s", "CPU ms each"), [row])
