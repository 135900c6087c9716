"""Row 41: the newest answer wins, whatever the order in which answers arrive and are delivered."""

from __future__ import annotations

import random
from typing import Any

import pytest

from connector.responses.replay import replay_all
from tests.faults.crowd import MEETING, VISIT, said, verdict
from tests.world import CRMSeen, World, people

CONTACTS, ANSWERS = 3, 24


def shuffled(seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    items = [
        said(
            n,
            n % CONTACTS,
            score=n % 11,
            at=f"2026-11-{1 + n // 3:02}T{n % 24:02}:00:00Z",
            campaign=MEETING if n % 2 else VISIT,
        )
        for n in range(ANSWERS)
    ]
    rng.shuffle(items)
    return items


def test_fault_41_an_older_answer_that_comes_later_changes_nothing(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    new = said(1, 0, score=9, at="2026-11-22T10:00:00Z")
    old = said(2, 0, score=3, at="2026-11-21T10:00:00Z")
    world.push(new)
    world.settle()
    world.push(old)
    world.settle()
    assert verdict(crm, [new, old]) == []
    late = [one for one in world.deliveries() if one.response_id == 2]
    assert {one.kind: one.state for one in late} == {
        "fields": "superseded",
        "tag": "superseded",
        "note": "done",
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_fault_41_any_order_of_arrival_and_delivery_ends_the_same(
    world: World, crm: CRMSeen, seed: int
) -> None:
    crm.seed(people(CONTACTS))
    items, rng = shuffled(seed), random.Random(seed)
    waiting = list(items)
    while waiting:
        count = rng.randint(1, 5)
        world.push(*waiting[:count])
        waiting = waiting[count:]
        if rng.random() < 0.5:
            world.plan()
            world.drain(crm.app)
    world.settle()
    assert verdict(crm, items) == []


def test_fault_41_replaying_everything_changes_nothing_that_can_be_seen(
    world: World, crm: CRMSeen
) -> None:
    """An old delivery died and is replayed after a newer one has been written (G11)."""
    crm.seed(people(CONTACTS))
    items = shuffled(3)
    world.push(*items)
    world.plan()
    world.drain(crm.app)
    world.settle()
    with world.database.begin(world.workspace_id) as store:
        store.exec_driver_sql("UPDATE delivery SET state = 'dead' WHERE mod(id, 2) = 0")
        assert replay_all(store, world.workspace_id, {}) > 0
    world.settle()
    assert verdict(crm, items) == []


def test_of_one_response_the_higher_revision_stands_whatever_times_it_gives(
    world: World, crm: CRMSeen
) -> None:
    """An edit whose time lies before that of what it edits, in both orders of arrival."""
    crm.seed(people(2))
    first = [said(n, n, score=9, at="2026-11-22T10:00:00Z", revision=1) for n in (0, 1)]
    edited = [said(n, n, score=3, at="2026-11-22T09:00:00Z", revision=2) for n in (0, 1)]
    for wave in ([first[0], edited[1]], [edited[0], first[1]]):
        world.push(*wave)
        world.settle()
    emails = ["c0@example.test", "c1@example.test"]
    assert [float(crm.value(one, "score")) for one in emails] == [3, 3]
    assert [tag[-1] for one in emails for tag in crm.tags(one)] == ["3", "3"]
    world.push(said(2, 0, score=7, at="2026-11-22T10:00:01Z"))
    world.settle()
    assert float(crm.value(emails[0], "score")) == 7
