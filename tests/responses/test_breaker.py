"""A mapping whose every record fails stops by itself, says so once, and goes on when resumed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.responses.breaker import AT_LEAST, OPENS_AFTER
from connector.responses.configuration import mappings
from connector.responses.tracking import progress
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from tests.world import World, answered

# More than a claim takes, so that some are still waiting when the first wave has failed.
PUSHED = 130


@pytest.fixture
def opened(world: World) -> Iterator[int]:
    """A mapping that only updates, fed with people the CRM does not have, until it stopped."""
    with running(HubSpot(options={})) as url:
        world.connect("hubspot", url)
        mapping_id = world.mapping("hubspot", operation="update", note="none")
        world.push(*(answered(number) for number in range(PUSHED)))
        world.plan()
        world.rows("UPDATE delivery SET due_at = now() RETURNING id")
        world.drain("hubspot")
        yield mapping_id


def waiting(world: World, mapping_id: int) -> list[tuple[str, str | None]]:
    return [
        (row.state, row.reason)
        for row in world.deliveries(mapping_id=mapping_id)
        if row.state != "dead"
    ]


def paused_reason(world: World, mapping_id: int) -> str | None:
    (row,) = world.rows("SELECT paused_reason FROM mapping WHERE id = :id", id=mapping_id)
    told: str | None = row.paused_reason
    return told


def test_it_opens_after_its_number_of_failures_and_parks_the_rest(
    world: World, opened: int
) -> None:
    dead = [row for row in world.deliveries(mapping_id=opened) if row.state == "dead"]
    assert OPENS_AFTER <= len(dead) < PUSHED
    assert set(waiting(world, opened)) == {("parked", "breaker")}
    assert paused_reason(world, opened) == "breaker"


def test_what_comes_later_waits_for_the_breaker_too(world: World, opened: int) -> None:
    world.push(answered(PUSHED + 1))
    world.plan()
    assert set(waiting(world, opened)) == {("parked", "breaker")}
    with world.database.begin(world.workspace_id) as store:
        (told,) = progress(store, world.workspace_id, response_id=f"r{PUSHED + 1}", source=None)
    assert told["state"] == "needs_attention"


def test_a_person_is_told_once(world: World, opened: int) -> None:
    asked = "SELECT object FROM audit WHERE action = 'mapping.breaker_opened'"
    assert [row.object for row in world.rows(asked)] == [f"mapping:{opened}"]


def test_resuming_the_mapping_lets_all_go_on_and_counts_anew(world: World, opened: int) -> None:
    with world.database.begin(world.workspace_id) as store:
        mappings.resume(store, world.workspace_id, opened)
    assert {state for state, _ in waiting(world, opened)} == {"pending"}
    (row,) = world.rows("SELECT failures, failing_since FROM mapping WHERE id = :id", id=opened)
    assert (row.failures, row.failing_since) == (0, None)
    assert paused_reason(world, opened) is None


@pytest.mark.parametrize(("before", "reason"), [(1, None), (AT_LEAST - 1, "breaker")])
def test_minutes_of_failures_open_it_when_they_are_more_than_a_few(
    world: World, before: int, reason: str | None
) -> None:
    with running(HubSpot(options={})) as url:
        world.connect("hubspot", url)
        mapping_id = world.mapping("hubspot", operation="update", note="none")
        world.rows(
            "UPDATE mapping SET failures = :n, failing_since = now() - interval '11 min'"
            " RETURNING id",
            n=before,
        )
        world.push(answered(0))
        world.settle()
        assert paused_reason(world, mapping_id) == reason
