"""What notes cost where they are tickets: responses of contacts we know, with two fields, a score
tag and a note each, delivered by one process at 120 ms a call.
"""

from __future__ import annotations

import time
from collections import Counter

from sqlalchemy import text

from benchmarks.delivery import LATENCY_MS, RESPONSES
from benchmarks.hub import House, simulator
from benchmarks.report import table
from tests.world import CRMSeen, World, answered, people

APP, CALLS_PER_MINUTE, LONGEST_S = "zendesk", 2_500, 600.0


def measure(house: House) -> None:
    """Seconds and calls by kind."""
    count = RESPONSES[APP]
    with simulator(APP, latency_ms=LATENCY_MS) as url, house.world() as world:
        crm = _ready(world, url, count)
        world.push(*(answered(number) for number in range(1, count + 1)))
        world.plan()
        since, began = len(crm.calls()), time.perf_counter()
        world.settle(for_s=LONGEST_S, hurry=False)
        took_s = time.perf_counter() - began
        kinds = Counter(str(one["kind"]) for one in crm.calls()[since:])
    row = (APP, str(count), f"{took_s:.1f}", f"{count / took_s:.0f}", f"{kinds.total():,}")
    by_kind = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    columns = ("fields, tag and note", "responses", "s", "responses/s", "calls", "by kind")
    table(f"Notes at {LATENCY_MS} ms a call, one process", columns, [(*row, by_kind)])


def _ready(world: World, url: str, count: int) -> CRMSeen:
    """Contacts linked, the plan's rate and the account's spelling of tags learnt."""
    crm = world.connect(APP, url)
    world.mapping(APP, note="all")
    told = people(count + 1)
    ids = crm.seed(told)
    world.linked(APP, {one["email"]: number for one, number in zip(told, ids, strict=True)})
    with world.database.begin(world.workspace_id) as store:
        learn = (
            "UPDATE connection SET learnt = learnt || jsonb_build_object('calls_per_minute', :n)"
        )
        store.execute(text(learn), {"n": CALLS_PER_MINUTE})
    world.push(answered(0, response_id="first"))
    world.settle()
    return crm
