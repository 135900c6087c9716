"""What a record per response costs beside the contacts' own fields, for 1,000 responses."""

from __future__ import annotations

from collections import Counter

import pytest

from simulators.kit.server import running
from tests.responses.test_records import empty, furnished, records
from tests.world import CRMSeen, World, answered, people

# Reads and writes, counted as the bars of test_counts.py are. Of 1,000 records alone: nobody looks
# for one that is certainly new; Salesforce writes 200 a call, HubSpot 100, and as many links.
# Odoo keeps no field unique: 100 rows a call, twice: look, create; and the fields that a create is
# held against.
ALONE = {"hubspot": 22, "odoo": 21, "salesforce": 6}
# Of 400 with the contacts' own fields and tags, which are read before they are written: at HubSpot
# 40 for 1,000, at Salesforce 15.
TOGETHER = {"hubspot": 17, "salesforce": 7}


def furnished_with(world: World, crm: CRMSeen, contacts: int) -> None:
    """That many contacts we know, in an account that keeps a record of each response."""
    furnished(world, crm)
    ids = crm.seed(people(contacts))
    world.linked(crm.app, {f"c{n}@example.test": one for n, one in enumerate(ids)})


def cost(world: World, crm: CRMSeen, responses: int) -> int:
    """The reads and writes of so many responses."""
    before = len(crm.calls())
    world.push(*(answered(number) for number in range(responses)))
    world.settle(for_s=100, hurry=False)
    assert set(world.states()) == {"done"}
    kinds = Counter(one["kind"] for one in crm.calls()[before:])
    return kinds["read"] + kinds["write"]


@pytest.mark.parametrize("app", sorted(ALONE))
def test_a_thousand_records_cost_few_calls(world: World, app: str) -> None:
    with running(empty(app)) as url:
        crm = world.connect(app, url)
        furnished_with(world, crm, 1_000)
        world.standard(app, record=True, fields=False, note=False, tag=False)
        assert 0 < cost(world, crm, 1_000) <= ALONE[app]
        assert len(records(crm)) == 1_000


@pytest.mark.parametrize("app", sorted(TOGETHER))
def test_a_record_beside_a_contacts_fields_leaves_no_call_half_empty(
    world: World, app: str
) -> None:
    with running(empty(app)) as url:
        crm = world.connect(app, url)
        furnished_with(world, crm, 400)
        world.mapping(app, note="none")
        world.standard(app, record=True, fields=False, note=False)
        world.push(answered(0, response_id="earlier", at="2026-11-01T00:00:00Z"))
        world.settle()
        assert 0 < cost(world, crm, 400) <= TOGETHER[app]
