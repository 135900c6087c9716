"""What a process died over is claimed again with fewer and fewer neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.responses import leases
from connector.responses.claiming import FRAGILE_AT, SHAKEN_AT, claimed
from connector.responses.leases import Wave
from tests.responses.scene import joined, known
from tests.world import CRMSeen, World, answered

# HubSpot takes 100 a call.
TENTH = 10
CONTACTS = TENTH + 2


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    """HubSpot, where each of the contacts has answered and nothing is delivered yet."""
    with joined(world, "hubspot", note="none") as crm:
        known(world, crm, CONTACTS + 1)
        world.push(*(answered(n) for n in range(CONTACTS)))
        world.plan()
        yield crm


def claim(world: World, crm: CRMSeen, number: int = 0) -> Wave:
    wave = claimed(world.hub, world.workspace_id, crm.connection_id, number=number)
    assert wave is not None
    return wave


def killed(world: World, crm: CRMSeen, number: int = 0) -> int:
    """How many lanes a claim takes whose process dies at once."""
    lanes = len(claim(world, crm, number).by_lane())
    world.expire_leases()
    with world.database.begin(world.workspace_id) as store:
        leases.take_back_abandoned(store, crm.connection_id)
    return lanes


def test_each_crash_takes_fewer_neighbours_with_it(world: World, crm: CRMSeen) -> None:
    assert killed(world, crm) == CONTACTS
    assert [killed(world, crm), killed(world, crm)] == [TENTH, CONTACTS - TENTH]
    assert killed(world, crm) == 1
    dead = world.deliveries(state="dead")
    assert {one.reason for one in dead} == {"crashes"}
    assert len({one.lane for one in dead}) == 1
    world.settle()
    assert {one.state for one in world.deliveries()} == {"dead", "done"}
    assert len(world.deliveries(state="dead")) == len(dead)


def test_a_backlog_does_not_let_what_crashed_wait_for_ever(world: World, crm: CRMSeen) -> None:
    killed(world, crm)
    killed(world, crm)
    world.push(answered(CONTACTS))
    world.plan()
    assert crashes_of(world, claim(world, crm, FRAGILE_AT)) == {2}
    assert crashes_of(world, claim(world, crm, SHAKEN_AT)) == {1}
    assert crashes_of(world, claim(world, crm)) == {0}


def crashes_of(world: World, wave: Wave) -> set[int]:
    """How often the rows of a claim have crashed."""
    ids = {one.id for one in wave.deliveries}
    return {one.crashes for one in world.deliveries() if one.id in ids}
