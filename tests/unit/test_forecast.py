"""When the backlog will be done, by rate, pace and what the account's day has left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.traits import RatePolicy
from adapters.usage import DAY_S, Usage, UsageKind
from connector.connections.budget import Budget, Seen
from connector.connections.forecast import Forecast, Pace, forecast, in_words

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
RATES = (RatePolicy(10, 1), RatePolicy(1, 1, "search"))
FAST = Pace(calls_per_row=0.5, rows_per_s=1_000_000)


def day(remaining: int, limit: int = 1000) -> Budget:
    return Budget((Seen(Usage(UsageKind.DAILY, limit, remaining, DAY_S, MIDNIGHT), NOON),))


def told(waiting: int, pace: Pace | None = FAST, budget: Budget | None = None) -> Forecast:
    return forecast(waiting, pace, rates=RATES, budget=budget or Budget(), begins_at=NOON)


def test_the_rate_decides_where_it_is_the_slower_one() -> None:
    assert told(1000) == Forecast(500, NOON + timedelta(seconds=50))


def test_the_pace_of_the_last_waves_decides_where_that_is_slower() -> None:
    assert told(1000, Pace(0.5, 10.0)).done_at == NOON + timedelta(seconds=100)


def test_nothing_that_waits_is_done_now() -> None:
    assert told(0) == Forecast(0, NOON)


def test_before_the_first_wave_nobody_can_tell() -> None:
    found = told(10, None)
    assert (found.calls, found.done_at) == (None, None)
    assert "measured" in found.why


def test_what_the_day_has_no_room_for_is_done_tomorrow() -> None:
    # 500 calls are needed, 300 of the day's 400 may be used: 200 are left, 20 s of tomorrow.
    assert told(1000, budget=day(400)).done_at == MIDNIGHT + timedelta(seconds=20)


def test_a_backlog_of_several_days_counts_whole_days() -> None:
    # 2,000 calls; today none is spare, then 900 a day: the third day has 200 to do.
    found = told(4000, budget=day(100))
    assert found.done_at == MIDNIGHT + timedelta(days=2, seconds=20)


def test_a_day_that_leaves_nothing_is_no_forecast() -> None:
    everything = Budget(day(10, limit=10).seen, reserve_percent=100)
    assert told(1000, budget=everything).done_at is None


def test_the_words_tell_times_in_the_admins_zone() -> None:
    words = in_words(
        told(1000, budget=day(400)),
        {"live": 1000},
        day(400),
        now=NOON,
        zone=ZoneInfo("Europe/Copenhagen"),
    )
    assert "400 of the day's 1,000 calls are left, 100 of them reserved" in words
    assert words.endswith("1,000 deliveries wait; done at 2026-11-23 01:00.")


def test_the_words_of_a_red_light_say_until_when() -> None:
    words = in_words(told(0), {}, day(50), now=NOON, zone=ZoneInfo("UTC"))
    assert "Nothing is sent before 2026-11-23 00:00." in words
    assert words.endswith("Nothing waits.")
