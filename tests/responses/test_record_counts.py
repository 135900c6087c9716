"""What a record per response costs beside the contacts' own fields, for 1,000 responses."""

from __future__ import annotations

from collections import Counter

import pytest

from simulators.kit.server import running
from tests.responses.test_records import empty, furnished, records
from tests.world import World, answered, people

RESPONSES = 1_000
# Reads and writes of the records alone, counted as the bars of test_counts.py are.
# Salesforce: SOQL by key in parts of 8,000 encoded bytes, and 200 rows a write.
# HubSpot: 100 rows a call, thrice: look, create, link.
# Odoo: 100 rows a call, twice: look, create; and the fields that a create is held against.
BOUND = {"hubspot": 36, "odoo": 21, "salesforce": 15}


@pytest.mark.parametrize("app", sorted(BOUND))
def test_a_thousand_records_cost_few_calls(world: World, app: str) -> None:
    with running(empty(app)) as url:
        crm = world.connect(app, url)
        furnished(world, crm)
        ids = crm.seed(people(RESPONSES))
        world.linked(app, {f"c{n}@example.test": one for n, one in enumerate(ids)})
        world.standard(app, record=True, fields=False, note=False, tag=False)
        before = len(crm.calls())
        world.push(*(answered(number) for number in range(RESPONSES)))
        world.settle(for_s=60)
        kinds = Counter(one["kind"] for one in crm.calls()[before:])
        assert len(records(crm)) == RESPONSES
        assert kinds["read"] + kinds["write"] <= BOUND[app], kinds
