"""Calls of a kind with a limit of its own: Zendesk's updates of tickets."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.zendesk.traits import TICKET_UPDATE
from connector.connections import profile, quota
from connector.responses.limiter import MARGIN, Allowance
from tests.responses.scene import LATER, joined, known
from tests.world import CRMSeen, World, answered

CONTACTS = 6


def answered_twice(world: World, crm: CRMSeen) -> None:
    """A ticket for each contact, and a comment that waits to be written in it."""
    known(world, crm, CONTACTS + 1)
    world.push(*(answered(n) for n in range(CONTACTS)))
    world.settle()
    world.push(*(answered(n, at=LATER, response_id=f"again-{n}") for n in range(CONTACTS)))
    world.plan()


def allowance(world: World, crm: CRMSeen) -> Allowance:
    with world.database.begin(world.workspace_id) as store:
        own = profile.load(store, world.workspace_id, crm.connection_id)
        rates = quota.rates(own, quota.budget(store, own))
    return Allowance(quota.account_of(own), rates)


def own_rate(world: World, crm: CRMSeen) -> int:
    """How many updates of tickets a minute this account is known to take."""
    return next(one.calls for one in allowance(world, crm).policies if one.kind == TICKET_UPDATE)


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({"plan": "team", "sandbox": True}, 20),
        ({"plan": "enterprise"}, 100),
        ({"plan": "enterprise_plus"}, 300),
    ],
)
def test_what_the_account_tells_of_it_is_kept_to(
    world: World, options: Mapping[str, Any], limit: int
) -> None:
    """The limits by plan stand on the vendor's page of the tickets API."""
    with joined(world, "zendesk", options=options) as crm:
        before = own_rate(world, crm)
        answered_twice(world, crm)
        world.settle()
        assert own_rate(world, crm) == before * limit // 100


def test_where_it_is_used_up_all_other_calls_go_on(world: World) -> None:
    with joined(world, "zendesk") as crm:
        answered_twice(world, crm)
        world.push(answered(CONTACTS))
        world.plan()
        account = allowance(world, crm)
        while world.hub.limiter.wait_s(account, TICKET_UPDATE) == 0:
            pass
        since, begun_at = len(crm.calls()), time.monotonic()
        world.drain("zendesk")
        took_s = time.monotonic() - begun_at
        assert not any(
            one["method"] == "PUT" and "/tickets/" in one["path"] for one in crm.calls()[since:]
        )
        waiting = world.deliveries(kind="note", state="pending", error_code=None)
        comments = [one for one in waiting if one.response_id <= 2 * CONTACTS]
        assert {(one.attempts, one.claims) for one in comments} == {(0, 0)}
        apart_s = 60 / (own_rate(world, crm) * MARGIN)
        due = sorted(one.due_at for one in comments)
        gaps = [(later - one).total_seconds() for one, later in itertools.pairwise(due)]
        assert len(gaps) == CONTACTS - 1
        # Each is told to wait from the moment at which it was asked for.
        room_s = 0.5 * apart_s + took_s
        assert all(abs(gap - apart_s) < room_s for gap in gaps)
        # The one who answered for the first time has a ticket by now, or one is on its way.
        assert {one.state for one in world.deliveries(response_id=2 * CONTACTS + 1)} & {
            "awaiting",
            "done",
        }
