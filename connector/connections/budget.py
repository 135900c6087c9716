"""How many calls an account may still make: what it has left, less the reserve. Pure.

    green    calls are made
    yellow   the day runs low: replays and backfills wait, what has just been answered goes on
    red      what is left is the reserve for the customer's other tools: nothing is sent

The reserve of a day is kept to the call. What was told is not believed for ever: after the day has
ended, or after an hour where it slides, the account is looked at again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from adapters.traits import RatePolicy
from adapters.usage import Usage, UsageKind

# Per connection, in percent: of a day's calls, and of the calls of each short window.
RESERVE, RATE_RESERVE = "reserve_percent", "rate_reserve_percent"
# Ten percent is where Salesforce's own advice stops a sync. A window that is full heals within
# seconds, so it keeps no reserve unless somebody asks for one.
DEFAULTS: Mapping[str, int] = {RESERVE: 10, RATE_RESERVE: 0}
MOST_PERCENT = 90
CALLS = "calls_per_minute"
LOOK_AGAIN = timedelta(hours=1)


class Light(StrEnum):
    """Whether calls may be made, as far as is known."""

    UNKNOWN = "unknown"
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was told of one limit, and when."""

    usage: Usage
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """One account's limits as last told, and what a connection leaves to the others."""

    seen: tuple[Seen, ...] = ()
    reserve_percent: int = DEFAULTS[RESERVE]
    rate_reserve_percent: int = DEFAULTS[RATE_RESERVE]

    @property
    def day(self) -> Seen | None:
        """The day's limit, None where the CRM tells none."""
        days = (one for one in self.seen if one.usage.kind is UsageKind.DAILY)
        return next(days, None)

    @property
    def floor(self) -> int:
        """How many calls of the day are left to the customer's other tools."""
        return floor_of(self.day.usage.limit, self.reserve_percent) if self.day else 0

    def light(self, now: datetime) -> Light:
        """Whether calls may be made now."""
        day = self.day
        if day is None or self.is_stale(now):
            return Light.UNKNOWN
        if day.usage.remaining <= self.floor:
            return Light.RED
        return Light.YELLOW if day.usage.remaining <= 2 * self.floor else Light.GREEN

    def is_stale(self, now: datetime) -> bool:
        """Whether the day that was told of has ended, or nobody has looked for an hour."""
        return self.day is not None and self.again_at <= now

    @property
    def again_at(self) -> datetime:
        """When it is worth looking at the account again. Only where a day was told."""
        if self.day is None:
            message = "no day was told"
            raise ValueError(message)
        return self.day.usage.resets_at or self.day.seen_at + LOOK_AGAIN

    def without_day(self) -> Budget:
        """The same, the day forgotten: for whoever looks at the account again after a pause."""
        windows = tuple(one for one in self.seen if one.usage.kind is UsageKind.WINDOW)
        return replace(self, seen=windows)

    def policies(
        self, declared: tuple[RatePolicy, ...], *, said: int | None = None
    ) -> tuple[RatePolicy, ...]:
        """The rates to keep to: as the account's own answers tell them, else as declared; never
        above the calls a minute that the admin has said; less the reserve.
        """
        return tuple(self._spared(self._said(one, said)) for one in declared)

    def _spared(self, known: RatePolicy) -> RatePolicy:
        kept = floor_of(known.calls, self.rate_reserve_percent)
        return RatePolicy(max(1, known.calls - kept), known.per_s, known.kind)

    def _window(self, kind: str | None) -> Usage | None:
        windows = (
            one.usage
            for one in self.seen
            if one.usage.kind is UsageKind.WINDOW and one.usage.calls == kind
        )
        return next(windows, None)

    def _said(self, declared: RatePolicy, said: int | None) -> RatePolicy:
        """Where the account has told nothing, the admin's word stands for the app's usual rate."""
        window = self._window(declared.kind)
        told = RatePolicy(window.limit, window.window_s, declared.kind) if window else declared
        if not said or declared.kind is not None:
            return told
        by_admin = RatePolicy(said, 60)
        return min(by_admin, told, key=_per_s) if window else by_admin


def budget_of(settings: Mapping[str, Any], seen: tuple[Seen, ...]) -> Budget:
    """The budget of a connection with these settings."""
    return Budget(
        seen,
        int(settings.get(RESERVE, DEFAULTS[RESERVE])),
        int(settings.get(RATE_RESERVE, DEFAULTS[RATE_RESERVE])),
    )


def _per_s(policy: RatePolicy) -> float:
    return policy.calls / policy.per_s


def floor_of(limit: int, percent: int) -> int:
    """That part of a limit, rounded up: a reserve is never less than was asked for."""
    return math.ceil(limit * percent / 100)
