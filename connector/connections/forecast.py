"""When a connection's work will be done: the backlog, the calls a row takes, the rate it may use.
Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from adapters.traits import RatePolicy
from connector.connections.budget import Budget, Light

# More days than this are no forecast.
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Pace:
    """How the last waves went: calls for each settled row, rows in a second of work."""

    calls_per_row: float
    rows_per_s: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """`calls` is what the backlog will take, None until a wave has been measured. `done_at` is None
    where nobody can tell; `why` then says why.
    """

    calls: int | None
    done_at: datetime | None
    why: str = ""


def forecast(
    waiting: int,
    pace: Pace | None,
    *,
    rates: tuple[RatePolicy, ...],
    budget: Budget,
    begins_at: datetime,
) -> Forecast:
    """When `waiting` rows will be settled, working from `begins_at` on.

    It is the slower of the account's rate and what the last waves managed; calls for which the day
    has no room wait for the next one.
    """
    if not waiting:
        return Forecast(0, begins_at)
    if pace is None:
        return Forecast(None, None, "no wave has been measured yet")
    calls = math.ceil(waiting * pace.calls_per_row)
    works_s = max(calls / _per_s(rates), waiting / max(pace.rows_per_s, 0.001))
    days, first_at = _days(calls, budget, begins_at)
    if days is None:
        return Forecast(calls, None, "the account's day leaves no call beside the reserve")
    if not days:
        return Forecast(calls, begins_at + timedelta(seconds=works_s))
    # What the last day has to do, after the whole days before it.
    last_s = works_s * _last_share(calls, budget)
    return Forecast(calls, first_at + timedelta(days=days - 1, seconds=last_s))


def _days(calls: int, budget: Budget, at: datetime) -> tuple[int | None, datetime]:
    """How many further days are needed, and when the first begins."""
    if budget.day is None or budget.light(at) is Light.UNKNOWN:
        return 0, at
    over = calls - _spare(budget)
    if over <= 0:
        return 0, at
    a_day = budget.day.usage.limit - budget.floor
    if a_day <= 0 or over > a_day * MOST_DAYS:
        return None, at
    return math.ceil(over / a_day), max(at, budget.again_at)


def _last_share(calls: int, budget: Budget) -> float:
    """Which part of the calls falls on the last day."""
    assert budget.day is not None  # noqa: S101 - there are further days only where a day is known
    a_day = budget.day.usage.limit - budget.floor
    over = calls - _spare(budget)
    return ((over - 1) % a_day + 1) / calls


def _spare(budget: Budget) -> int:
    assert budget.day is not None  # noqa: S101 - asked only where a day is known
    return max(0, budget.day.usage.remaining - budget.floor)


def _per_s(rates: tuple[RatePolicy, ...]) -> float:
    return min((one.calls / one.per_s for one in rates if one.kind is None), default=10.0)


def in_words(
    found: Forecast, waiting: Mapping[str, int], budget: Budget, *, now: datetime, zone: tzinfo
) -> str:
    """What the quota says, in a few sentences for an admin; times in their own zone."""
    return " ".join([*_left(budget, now, zone), _done(found, sum(waiting.values()), now, zone)])


def _left(budget: Budget, now: datetime, zone: tzinfo) -> list[str]:
    day, light = budget.day, budget.light(now)
    if day is None:
        return ["The account tells no limit of a day."]
    told = (
        f"{day.usage.remaining:,} of the day's {day.usage.limit:,} calls are left,"
        f" {budget.floor:,} of them reserved for your other tools."
    )
    said = {
        Light.RED: f"Nothing is sent before {_clock(budget.again_at, now, zone)}.",
        Light.YELLOW: f"Replays and backfills wait until {_clock(budget.again_at, now, zone)}.",
        Light.UNKNOWN: f"That was told at {_clock(day.seen_at, now, zone)}: the next answer tells.",
    }
    return [told, *([said[light]] if light in said else [])]


def _done(found: Forecast, waiting: int, now: datetime, zone: tzinfo) -> str:
    if not waiting:
        return "Nothing waits."
    some = f"{waiting:,} deliveries wait"
    if found.done_at is None:
        return f"{some}; when they will be done is not known: {found.why}."
    return f"{some}; done at {_clock(found.done_at, now, zone)}."


def _clock(at: datetime, now: datetime, zone: tzinfo) -> str:
    """`16:40` today, else with the date."""
    there = at.astimezone(zone)
    is_today = there.date() == now.astimezone(zone).date()
    return there.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M")
