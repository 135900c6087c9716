"""Rows 51 to 54: tokens end, are refreshed by many at once, are revoked, cannot be refreshed.

What the refresh itself does is in tests/connections/test_tokens.py, with twenty processes; here the
work of a drain goes through it, at each CRM.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connector.connections import tokens
from connector.engines.process import wait_until
from tests.faults.conftest import WITH_TOKENS
from tests.faults.crowd import at_peace, attempts, pushed, reasons, resting, verdict
from tests.world import CRMSeen, World

TOKEN_PATH = "oauth.*token"


def refreshes(crm: CRMSeen) -> int:
    told: int = crm.control("oauth", {})["refreshes"]
    return told


@pytest.mark.parametrize("crm", WITH_TOKENS, indirect=True)
def test_fault_51_a_token_that_ends_in_the_middle_of_a_batch_is_refreshed_once(
    world: World, crm: CRMSeen
) -> None:
    items = pushed(world, crm)
    crm.control("options", {"latency_ms": 60})
    before, calls = refreshes(crm), len(crm.calls())
    ender = threading.Thread(target=end_after, args=(crm, calls + 1))
    ender.start()
    world.drain(crm.app)
    ender.join()
    assert refreshes(crm) == before + 1
    assert attempts(world) == 0
    world.settle()
    assert verdict(crm, items) == []
    assert refreshes(crm) == before + 1


def end_after(crm: CRMSeen, calls: int) -> None:
    wait_until(lambda: len(crm.calls()) >= calls, timeout_s=10)
    crm.control("oauth", {"expire": True})


@pytest.mark.parametrize("crm", WITH_TOKENS, indirect=True)
def test_fault_51_tokens_that_live_for_a_second_do_not_stop_the_work(
    world: World, crm: CRMSeen
) -> None:
    items = pushed(world, crm)
    crm.control("options", {"access_ttl_s": 1, "latency_ms": 40})
    crm.control("oauth", {"expire": True})
    world.settle()
    assert verdict(crm, items) == []
    assert attempts(world) == 0


@pytest.mark.parametrize("crm", WITH_TOKENS, indirect=True)
def test_fault_52_twenty_who_meet_a_refused_token_make_one_refresh(
    world: World, crm: CRMSeen
) -> None:
    crm.control("oauth", {"expire": True})
    seen = tokens.reach(world.hub.desk, world.workspace_id, crm.connection_id).version
    before = refreshes(crm)

    def renew(_: int) -> int:
        desk = world.hub.desk
        return tokens.reach(desk, world.workspace_id, crm.connection_id, seen_version=seen).version

    with ThreadPoolExecutor(20) as pool:
        versions = set(pool.map(renew, range(20)))
    assert versions == {seen + 1}
    assert refreshes(crm) == before + 1


def test_fault_53_a_revoked_grant_parks_everything_once_and_a_reconnect_resumes_it(
    world: World, crm: CRMSeen
) -> None:
    items = pushed(world, crm)
    crm.control("oauth", {"revoke": True})
    world.drain(crm.app)
    assert resting(world, crm).state == "needs_attention"
    assert reasons(world) == {("done", None), ("superseded", "newer_answer"), ("parked", "auth")}
    assert attempts(world) == 0
    calls = len(crm.calls())
    for _ in range(3):
        world.drain(crm.app)
    assert not world.due()
    assert len(crm.calls()) == calls
    assert len(alerts(world)) == 1
    world.reconnect(crm.app, crm.connection_id, crm.url)
    assert ("parked", "auth") not in reasons(world)
    world.settle()
    assert verdict(crm, items) == []


def alerts(world: World) -> list[Any]:
    return world.rows("SELECT FROM audit WHERE action = 'connection.needs_attention'")


@pytest.mark.parametrize("crm", WITH_TOKENS, indirect=True)
def test_fault_54_an_ill_token_endpoint_parks_nothing_and_loses_nothing(
    world: World, crm: CRMSeen
) -> None:
    items = pushed(world, crm)
    crm.control("oauth", {"expire": True})
    ill = {"method": "POST", "path": TOKEN_PATH, "occurrence": 0, "action": {"status": 503}}
    crm.control("fault", ill)
    world.drain(crm.app)
    assert resting(world, crm).state == "connected"
    assert "parked" not in world.states()
    assert attempts(world) == 0
    at_peace(crm)
    world.settle()
    assert verdict(crm, items) == []
