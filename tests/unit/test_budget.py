"""What an account may still call, less the reserve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.traits import RatePolicy
from adapters.usage import DAY_S, Usage, UsageKind
from connector.connections.budget import (
    DEFAULTS,
    LOOK_AGAIN,
    RATE_RESERVE,
    RESERVE,
    Budget,
    Light,
    Seen,
    budget_of,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
DECLARED = (RatePolicy(100, 10), RatePolicy(4, 1, "search"))


def day(remaining: int, *, limit: int = 1000, resets_at: datetime | None = None) -> Budget:
    usage = Usage(UsageKind.DAILY, limit, remaining, DAY_S, resets_at)
    return budget_of({}, (Seen(usage, NOON),))


def window(limit: int, *, window_s: int = 10, **settings: int) -> Budget:
    usage = Usage(UsageKind.WINDOW, limit, limit, window_s)
    return budget_of(settings, (Seen(usage, NOON),))


@pytest.mark.parametrize(
    ("remaining", "light"),
    [
        (1000, Light.GREEN),
        (201, Light.GREEN),
        (200, Light.YELLOW),
        (101, Light.YELLOW),
        (100, Light.RED),
        (0, Light.RED),
    ],
)
def test_the_reserve_of_ten_percent_is_kept_to_the_call(remaining: int, light: Light) -> None:
    assert day(remaining).light(NOON) is light


def test_a_reserve_is_rounded_up() -> None:
    assert day(10, limit=15).floor == 2


def test_without_a_day_nothing_is_known_and_nothing_reserved() -> None:
    assert (Budget().light(NOON), Budget().floor) == (Light.UNKNOWN, 0)


def test_a_day_that_has_ended_is_not_believed_any_more() -> None:
    red = day(0, resets_at=MIDNIGHT)
    assert red.light(MIDNIGHT - timedelta(seconds=1)) is Light.RED
    assert red.light(MIDNIGHT) is Light.UNKNOWN


def test_a_day_that_slides_is_looked_at_again_after_an_hour() -> None:
    red = day(0)
    assert red.light(NOON + LOOK_AGAIN - timedelta(seconds=1)) is Light.RED
    assert red.light(NOON + LOOK_AGAIN) is Light.UNKNOWN


def test_whoever_looks_again_forgets_the_day_and_keeps_the_rates() -> None:
    rates = window(110)
    both = Budget((*day(0).seen, *rates.seen))
    assert both.without_day() == rates


def test_the_defaults_are_ten_percent_of_a_day_and_nothing_of_a_window() -> None:
    assert DEFAULTS == {RESERVE: 10, RATE_RESERVE: 0}
    assert Budget().policies(DECLARED) == DECLARED


def test_an_account_that_tells_its_rate_is_believed_up_and_down() -> None:
    assert window(110).policies(DECLARED)[0] == RatePolicy(110, 10)
    assert window(50, window_s=60).policies(DECLARED)[0] == RatePolicy(50, 60)
    assert window(110).policies(DECLARED)[1] == DECLARED[1]


def test_a_reserve_of_the_rate_lowers_every_rate() -> None:
    kept = window(110, **{RATE_RESERVE: 50}).policies(DECLARED)
    assert kept == (RatePolicy(55, 10), RatePolicy(2, 1, "search"))


def test_the_admins_word_stands_until_the_account_tells_and_then_only_lowers() -> None:
    assert Budget().policies(DECLARED, said=1200)[0] == RatePolicy(1200, 60)
    assert window(110).policies(DECLARED, said=1200)[0] == RatePolicy(110, 10)
    assert window(110).policies(DECLARED, said=60)[0] == RatePolicy(60, 60)


def test_a_rate_is_never_nothing() -> None:
    assert window(1, **{RATE_RESERVE: 90}).policies(DECLARED)[0].calls == 1
