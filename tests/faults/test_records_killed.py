"""A worker is killed around the making of response records: each response has exactly one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulators.kit.server import running
from tests.faults.processes import Processes
from tests.responses.test_records import empty, furnished, records
from tests.world import CRMSeen, World, answered, people

LAST_WRITE = {"hubspot": "2", "odoo": "1", "salesforce": "1"}


@pytest.fixture(params=sorted(LAST_WRITE))
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    """A furnished account that keeps a record of each response."""
    with running(empty(request.param)) as url:
        seen = world.connect(request.param, url)
        furnished(world, seen)
        world.standard(request.param, record=True, fields=False, note=False, tag=False)
        yield seen


@pytest.mark.parametrize(
    "place", ["looked_up@2", "crm_sent", "crm_sent@last", "created", "committed"]
)
def test_a_kill_around_the_making_of_records_leaves_one_each(
    world: World, crm: CRMSeen, processes: Processes, place: str
) -> None:
    crm.seed(people(3))
    world.push(*(answered(number) for number in range(3)))
    world.plan()
    # HubSpot is written in two calls: the records, then what they belong to.
    name, _, nth = place.replace("last", LAST_WRITE[crm.app]).partition("@")
    processes.killed_job(
        "drain", world.workspace_id, crm.connection_id, at=f"{name}=kill@{nth or 1}"
    )
    world.expire_leases()
    world.settle()
    assert len(records(crm)) == 3
    assert len({one["key"] for one in records(crm)}) == 3
    assert all(len(one["contacts"]) == 1 for one in records(crm))
