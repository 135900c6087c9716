"""A process is killed while a message is on its way: a system hears of it at least once and under
one id, a respondent at most once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import text

from connector.webhooks import endpoints
from simulators.kit.server import running
from simulators.receivers import Receiver
from simulators.trustpilot import Trustpilot
from tests.faults.processes import Processes
from tests.responses.scene import states
from tests.responses.test_trustpilot_api import connected, rule
from tests.world import World, answered


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    """Who receives, and where."""
    simulator = Receiver()
    with running(simulator) as url:
        yield simulator, url


def listening(world: World, receiver: Receiver, url: str) -> int:
    """A webhook for what becomes of responses; whoever receives knows its secret."""
    with world.database.begin(world.workspace_id) as store:
        made = endpoints.create(
            store,
            world.hub.desk,
            world.workspace_id,
            name="h",
            url=f"{url}/hooks/a",
            events=["response.delivered"],
        )
    receiver.options["secrets"] = [made.secret]
    return made.id


def leases_end(world: World) -> None:
    """Whoever held them is dead for long enough."""
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE webhook_message SET lease_until = now() - interval '1 s'"))


@pytest.mark.parametrize(
    ("at", "heard", "repeats"),
    [("message_claimed=kill", 0, 0), ("message_sent=kill", 1, 1), ("message_sent=kill@2", 2, 1)],
)
def test_a_killed_sender_loses_no_message_and_repeats_one_under_its_own_id(
    world: World,
    receiver: tuple[Receiver, str],
    processes: Processes,
    at: str,
    heard: int,
    repeats: int,
) -> None:
    seen, url = receiver
    webhook_id = listening(world, seen, url)
    world.push(*[answered(number) for number in range(3)])
    world.plan()
    processes.killed_job("tell", world.workspace_id, webhook_id, at=at)
    assert len(seen.messages) == heard
    leases_end(world)
    world.settle()
    assert sorted(one["data"]["response_id"] for one in seen.messages) == ["r0", "r1", "r2"]
    # Of what was sent only the one that nobody had settled comes again.
    assert len(seen.repeats) == repeats
    assert {one["id"] for one in seen.messages} >= set(seen.repeats)
    left = world.rows("SELECT DISTINCT state FROM webhook_message ORDER BY state")
    assert [one.state for one in left] == ["delivered"]


@pytest.mark.parametrize(("at", "mailed"), [("tell_begun=kill", 0), ("told=kill", 1)])
def test_a_respondent_is_written_to_at_most_once_whatever_was_killed(
    world: World, processes: Processes, at: str, mailed: int
) -> None:
    with running(Trustpilot()) as site:
        made = connected(world, site)
        rule(world, do="notify")
        world.push(answered(0), answered(1))
        world.plan()
        world.hurry()
        processes.killed_job("drain", world.workspace_id, made.id, at=at)
        world.expire_leases()
        world.settle()
        assert len(_mailed(site)) == mailed + 1
    # The one that was under way waits for a person; its neighbour had not begun.
    assert states(world, kind="message") == [("dead", "perhaps_sent"), ("done", None)]


def _mailed(site: str) -> list[Any]:
    told: list[Any] = requests.get(f"{site}/__sim__/state", timeout=5).json()["mailed"]
    return told
