"""The day's calls of an account, counted by several processes to the call."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from connector.responses.limiter import Limiter
from connector.responses.purse import KEY, Purse
from connector.settings import Settings

ACCOUNT = "salesforce:00D1"


def purse(settings: Settings) -> Purse:
    return Limiter(str(settings.redis_url)).purse


def taken(one: Purse, *, floor: int, known: int | None, tries: int) -> int:
    return sum(one.take(ACCOUNT, floor=floor, known=known) for _ in range(tries))


def test_processes_together_take_what_is_above_the_reserve_and_no_more(
    settings: Settings,
) -> None:
    purses = [purse(settings) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        counts = pool.map(lambda one: taken(one, floor=10, known=60, tries=40), purses)
    assert sum(counts) == 50


def test_an_answer_lowers_the_count_by_what_the_others_have_used(settings: Settings) -> None:
    one = purse(settings)
    assert one.take(ACCOUNT, floor=10, known=100)
    one.told(ACCOUNT, 12)
    assert taken(one, floor=10, known=100, tries=5) == 2


def test_calls_on_their_way_are_counted_although_no_answer_has_told_of_them(
    settings: Settings,
) -> None:
    one = purse(settings)
    assert taken(one, floor=10, known=100, tries=5) == 5
    # Four are still on their way: of the 15 that this answer tells, 11 are left.
    one.told(ACCOUNT, 15)
    assert taken(one, floor=10, known=100, tries=5) == 1


def test_an_answer_does_not_raise_the_count_within_the_minute(settings: Settings) -> None:
    one = purse(settings)
    assert one.take(ACCOUNT, floor=0, known=2)
    one.told(ACCOUNT, 500)
    assert taken(one, floor=0, known=2, tries=5) == 1


def test_after_a_minute_an_answer_may_raise_it(settings: Settings) -> None:
    one = purse(settings)
    assert one.take(ACCOUNT, floor=0, known=2)
    one.store.hincrby(KEY + ACCOUNT, "since", -60)
    one.told(ACCOUNT, 500)
    assert taken(one, floor=0, known=2, tries=5) == 5


def test_what_nobody_knows_stops_nothing(settings: Settings) -> None:
    assert purse(settings).take(ACCOUNT, floor=100, known=None)


def test_without_redis_a_process_counts_its_own_calls() -> None:
    alone = Limiter("redis://127.0.0.1:1/0").purse
    assert taken(alone, floor=10, known=14, tries=8) == 4
    alone.told(ACCOUNT, 12)
    assert taken(alone, floor=10, known=14, tries=8) == 2
