"""Rows 29 to 34: the CRM fails, cannot be reached, does not answer, or answers nonsense."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from connector.responses import deliver
from connector.responses.schedule import BREAKER_AFTER
from tests.faults.crowd import (
    at_peace,
    attempts,
    drained_until,
    pushed,
    resting,
    said,
    settled_before,
    trouble,
    verdict,
)
from tests.faults.trap import self_signed, silent
from tests.world import CRMSeen, World, people

# --- 29: server errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_fault_29_a_server_error_is_tried_again_by_the_schedule(
    world: World, crm: CRMSeen, status: int
) -> None:
    items = pushed(world, crm)
    trouble(crm, status=status)
    drained_until(world, crm, lambda: attempts(world) > 0)
    waits = world.rows(
        "SELECT extract(epoch FROM due_at - now())::float AS s FROM delivery WHERE attempts = 1"
    )
    assert waits
    assert all(0 < one.s <= 5 for one in waits)
    world.settle()
    assert verdict(crm, items) == []


def test_fault_29_ten_failures_in_a_row_open_the_breaker_and_one_probe_closes_it(
    world: World, crm: CRMSeen
) -> None:
    items = settled_before(world, crm)
    trouble(crm, at=0, status=503)
    for number in range(1, BREAKER_AFTER + 1):
        items.append(said(number, number % 4, at=f"2026-11-22T{number:02}:00:00Z"))
        world.push(items[-1])
        world.plan()
        world.drain(crm.app)
    resting_now = resting(world, crm)
    assert (resting_now.failures, resting_now.reason) == (BREAKER_AFTER, "breaker")
    assert resting_now.pause_s > 0
    at_peace(crm)
    world.hurry()
    before = {one.id: one.claims for one in world.deliveries()}
    deliver._one_wave(world.hub, world.workspace_id, crm.connection_id, number=0)
    probed = [one for one in world.deliveries() if one.claims > before[one.id]]
    assert len({one.contact_id for one in probed}) == 1
    assert resting(world, crm).failures == 0
    world.settle()
    assert verdict(crm, items) == []


# --- 30, 31: not reached, not answered ------------------------------------------------------------


@contextmanager
def elsewhere(world: World, crm: CRMSeen, url: str) -> Iterator[None]:
    """The connection leads to `url` for a while."""
    move(world, crm, url)
    yield
    move(world, crm, crm.url)


def move(world: World, crm: CRMSeen, url: str) -> None:
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            text(
                "UPDATE connection SET base_url = :url,"
                " instance_url = CASE WHEN instance_url IS NOT NULL THEN :url END WHERE id = :c"
            ),
            {"url": url, "c": crm.connection_id},
        )


def closed_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"


def test_fault_30_a_refused_connection_is_tried_again(world: World, crm: CRMSeen) -> None:
    items = pushed(world, crm)
    with elsewhere(world, crm, closed_port()):
        world.drain(crm.app)
        assert {one.error_code for one in world.deliveries(attempts=1)} == {"connect_failed"}
    world.settle()
    assert verdict(crm, items) == []


def test_fault_30_a_name_that_does_not_resolve_is_tried_again(
    world: World, crm: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = pushed(world, crm)

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", unknown)
        world.drain(crm.app)
    open_ones = [one for one in world.deliveries() if one.state == "pending"]
    assert {one.error_code for one in open_ones} <= {"host_unknown", "connect_failed"}
    world.settle()
    assert verdict(crm, items) == []


def test_fault_30_a_certificate_that_cannot_be_trusted_parks_at_the_third_time(
    world: World, crm: CRMSeen
) -> None:
    items = pushed(world, crm)
    with self_signed() as url, elsewhere(world, crm, url):
        for _ in range(2):
            world.hurry()
            world.drain(crm.app)
            assert resting(world, crm).state == "connected"
        world.hurry()
        world.drain(crm.app)
        now = resting(world, crm)
        assert (now.state, now.reason_code) == ("needs_attention", "tls_failed")
    world.reconnect(crm.app, crm.connection_id, crm.url)
    world.settle()
    assert verdict(crm, items) == []


@pytest.mark.waited_for
@pytest.mark.parametrize("taken", ["and never answered", "never"])
def test_fault_31_a_crm_that_does_not_answer_in_time_is_tried_again(
    world: World, crm: CRMSeen, taken: str
) -> None:
    items = pushed(world, crm)
    with silent(accepts=taken != "never") as url, elsewhere(world, crm, url):
        took_s = drained_until(world, crm, lambda: attempts(world) > 0)
    assert took_s < world.hub.settings.call_deadline_s + 1
    assert attempts(world) == 1
    world.settle()
    assert verdict(crm, items) == []


# --- 32 to 34: answers that are none --------------------------------------------------------------


@pytest.mark.waited_for
@pytest.mark.parametrize("at", [1, 2, 3])
def test_fault_32_an_answer_that_drips_is_cut_at_the_deadline(
    world: World, crm: CRMSeen, at: int
) -> None:
    items = pushed(world, crm)
    trouble(crm, at=at, drip=0.2)
    took_s = drained_until(world, crm, lambda: attempts(world) > 0)
    assert took_s < world.hub.settings.lease_s + 1
    assert attempts(world) == 1
    world.settle()
    assert verdict(crm, items) == []


BROKEN: dict[str, dict[str, Any]] = {
    "drop_before": {"drop_before": True},
    "drop_after": {"drop_after": True},
    "half_after": {"half_after": True},
}
NONSENSE: dict[str, dict[str, Any]] = {
    "bad_json": {"bad_json_after": True},
    "html": {"html_after": True},
    "empty": {"empty_after": True},
    "wrong_type": {"wrong_type_after": True},
    "huge": {"huge_after": 12},
    "gzip_bomb": {"gzip_bomb_after": 50},
}


@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", BROKEN)
def test_fault_33_a_connection_that_breaks_leaves_one_effect(
    world: World, crm: CRMSeen, kind: str, at: int
) -> None:
    items = pushed(world, crm)
    trouble(crm, at=at, **BROKEN[kind])
    world.settle()
    assert verdict(crm, items) == []


@pytest.mark.parametrize("kind", NONSENSE)
def test_fault_34_an_answer_that_cannot_be_trusted_is_looked_up(
    world: World, crm: CRMSeen, kind: str
) -> None:
    """Every second call of the first six is applied and answered with nonsense."""
    items = pushed(world, crm)
    for at in (2, 4, 6):
        trouble(crm, at=at, **NONSENSE[kind])
    world.settle()
    assert verdict(crm, items) == []


def test_fault_34_every_kind_of_trouble_at_random(world: World, crm: CRMSeen) -> None:
    crm.seed(people(20))
    items = [said(n, n % 25, at=f"2026-11-22T{n % 24:02}:{n % 60:02}:00Z") for n in range(60)]
    crm.control("fault", {"random": {"rate": 0.15, "slow_s": 1.2}})
    for start in range(0, len(items), 10):
        world.push(*items[start : start + 10])
        world.plan()
        world.hurry()
        world.drain(crm.app)
    at_peace(crm)
    world.settle()
    assert verdict(crm, items) == []
