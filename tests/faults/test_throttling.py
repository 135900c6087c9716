"""Rows 27, 28 and 38: the CRM asks to be left alone, for seconds, for hours, without a word."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import pytest

from connector import clock
from connector.settings import Settings
from tests.faults.crowd import (
    at_peace,
    attempts,
    drained_until,
    pushed,
    reasons,
    resting,
    said,
    trouble,
    verdict,
)
from tests.world import CRMSeen, World, people

DAY_S = 86_400


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Our own rate would only make the end of a storm longer: what keeps calls few here is that the
    CRM asked for it.
    """
    return replace(settings, rate_share=50.0)


def http_date(in_s: float) -> str:
    at = datetime.fromtimestamp(time.time() + in_s, UTC)
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_fault_27_a_429_pauses_the_connection_for_as_long_as_it_says(
    world: World, crm: CRMSeen, form: str
) -> None:
    items = pushed(world, crm)
    told = "40" if form == "seconds" else http_date(40)
    trouble(crm, status=429, headers={"Retry-After": told}, body={})
    drained_until(world, crm, lambda: resting(world, crm).pause_s is not None)
    calls = len(crm.calls())
    pause = resting(world, crm)
    assert pause.reason == "throttled"
    assert 30 < pause.pause_s <= 41
    assert attempts(world) == 0
    world.drain(crm.app)
    assert len(crm.calls()) == calls
    world.settle()
    assert verdict(crm, items) == []


def test_fault_27_a_429_without_a_time_backs_off(world: World, crm: CRMSeen) -> None:
    items = pushed(world, crm)
    trouble(crm, status=429, body={})
    drained_until(world, crm, lambda: resting(world, crm).pause_s is not None)
    assert resting(world, crm).pause_s > 3
    assert attempts(world) == 0
    world.settle()
    assert verdict(crm, items) == []


def test_fault_27_a_429_for_a_day_is_shown_as_parked_and_ends(world: World, crm: CRMSeen) -> None:
    items = pushed(world, crm)
    trouble(crm, status=429, headers={"Retry-After": str(DAY_S)}, body={})
    drained_until(world, crm, lambda: resting(world, crm).pause_s is not None)
    assert ("parked", "rate") in reasons(world)
    assert not world.due()
    assert resting(world, crm).pause_s > DAY_S - 60
    assert attempts(world) == 0
    world.settle()  # its hurry makes the day pass
    assert verdict(crm, items) == []


def test_fault_28_a_storm_of_429s_is_sat_out_with_few_calls_and_nothing_is_dropped(
    world: World, crm: CRMSeen
) -> None:
    """A share of the row's five minutes and 1,000 responses, which `./run prove` has whole."""
    sits_out(world, crm, storm_s=11.0, waiting=100)


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_fault_28_a_storm_of_five_minutes_with_a_thousand_waiting(
    world: World, crm: CRMSeen
) -> None:
    sits_out(world, crm, storm_s=300.0, waiting=1_000)


def sits_out(world: World, crm: CRMSeen, *, storm_s: float, waiting: int) -> None:
    items = [said(n, n) for n in range(waiting)]
    crm.seed(people(waiting))
    world.push(*items[:1])
    world.settle()
    world.push(*items[1:])
    world.plan()
    before = len(crm.calls())
    crm.control("fault", {"storm": storm_s})
    ends_at = time.monotonic() + storm_s - 0.5
    while time.monotonic() < ends_at:
        for one in world.due():
            world.work(one)
        time.sleep(0.1)
    assert len(crm.calls()) - before <= 1 + storm_s / 5
    assert attempts(world) == 0
    at_peace(crm)
    world.settle(for_s=300)
    assert verdict(crm, items) == []


HUBSPOTS_ZONE = ZoneInfo("Europe/Copenhagen")


def until_midnight_s(zone: ZoneInfo) -> float:
    now = clock.now().astimezone(zone)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time_of_day.min, tzinfo=zone)
    return tomorrow.timestamp() - now.timestamp()


@pytest.mark.parametrize(("app", "option"), [("hubspot", "daily"), ("salesforce", "daily_limit")])
def test_fault_38_a_daily_limit_parks_until_it_ends(
    world: World, connected: Callable[..., CRMSeen], app: str, option: str
) -> None:
    """HubSpot's day ends at its midnight, Salesforce's calls come back over 24 hours; Zendesk
    counts by the minute alone (row 27).
    """
    crm = connected(app)
    items = pushed(world, crm)
    crm.control("options", {option: 1})
    world.drain(app)
    pause = resting(world, crm)
    if app == "hubspot":
        off_s = pause.pause_s - until_midnight_s(HUBSPOTS_ZONE)
        assert abs((off_s + DAY_S / 2) % DAY_S - DAY_S / 2) < 10
    else:
        assert pause.pause_s > 60
    if pause.pause_s > 3_600:
        assert ("parked", "rate") in reasons(world)
        assert len(world.rows("SELECT FROM audit WHERE action = 'connection.limit_reached'")) == 1
    assert attempts(world) == 0
    crm.control("options", {option: 1_000_000})
    world.settle()
    assert verdict(crm, items) == []
