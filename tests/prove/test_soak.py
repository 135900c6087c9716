"""0 lost, 0 doubled, 0 stale after random kills, broken engines and failing CRMs."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from connector.db import Database
from connector.engines import Postgres
from connector.engines.process import wait_until
from connector.settings import Settings, process_environ
from tests.faults.processes import Processes, answers, free_port, hub_variables
from tests.prove.killing import Hub, Killer
from tests.prove.soak import (
    Side,
    judged,
    kept_going,
    quiet,
    replayed,
    side_of,
    simulator,
    weathered,
)
from tests.world import founded

APPS = ("hubspot", "salesforce", "zendesk")
LEASE_S, DEADLINE_S = 6.0, 1.0
QUIET_S = 240.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The engines and processes of one soak."""

    settings: Settings
    database: Database
    postgres: Postgres
    processes: Processes


@pytest.fixture
def stage(
    settings: Settings, database: Database, postgres: Postgres, child_environ: dict[str, str]
) -> Iterator[Stage]:
    variables = hub_variables(lease_s=LEASE_S, deadline_s=DEADLINE_S)
    processes = Processes({**child_environ, **variables})
    yield Stage(settings, database, postgres, processes)
    processes.end()


@pytest.mark.timeout(600)
def test_soak_of_a_thousand_responses(stage: Stage) -> None:
    soak(stage, count=1_000, pushing_s=40.0)


@pytest.mark.prove
@pytest.mark.timeout(3_600)
def test_soak_of_ten_thousand_responses(stage: Stage) -> None:
    soak(stage, count=10_000, pushing_s=300.0)


def soak(stage: Stage, *, count: int, pushing_s: float) -> None:
    seed = int(process_environ().get("SOAK_SEED") or random.SystemRandom().randrange(2**32))
    print(f"\nsoak of {count} responses, SOAK_SEED={seed}")
    began, port = time.monotonic(), free_port()
    with ExitStack() as stack:
        sides = [
            side_of(
                founded(stage.settings, stage.database, slug=app),
                app,
                stack.enter_context(simulator(app, seed)),
                port=port,
                count=count // len(APPS),
                pace_s=pushing_s * len(APPS) / count,
                seed=seed,
            )
            for app in APPS
        ]
        hub = Hub(stage.processes, port)
        hub.start_missing()
        assert wait_until(lambda: answers(port), timeout_s=60)
        killer = Killer(hub, stage.postgres, str(stage.settings.redis_url), random.Random(seed))
        with kept_going(hub, sides):
            storm_s = weathered(sides, hub, killer)
            again = settled(sides)
        lost = reported(sides, killer, storm_s=storm_s)
        print(f"replayed {again}, {time.monotonic() - began:.0f} s in all")
        assert [wrong for side in sides for wrong in judged(side)] == []
    assert lost > 0
    assert sum(killer.done.values()) >= storm_s / 6


def settled(sides: Sequence[Side]) -> int:
    """Wait until nothing is open; how many deliveries a person had to replay."""
    again = 0
    for side in sides:
        quiet(side.world, within_s=QUIET_S)
        again += replayed(side.world)
        quiet(side.world, within_s=QUIET_S)
    return again


def reported(sides: Sequence[Side], killer: Killer, *, storm_s: float) -> int:
    """Print what it was like; how many calls were applied and their answers lost."""
    faults: Counter[str] = Counter()
    lost = calls = 0
    for side in sides:
        state = side.crm.control("state")
        faults.update(state["faults"])
        lost += state["applied_then_lost"]
        calls += sum(state["counts"]["kind"].values())
    retries = sum(one.retries for side in sides for one in side.clients)
    print(f"storm of {storm_s:.0f} s, kills {dict(killer.done)}")
    print(f"{calls} calls, faults {dict(faults)}, applied then lost {lost}, push retries {retries}")
    return lost
