"""The retry schedule: about a day in all, then dead; a pause burns nothing."""

from __future__ import annotations

from dataclasses import replace

from connector.responses.schedule import (
    FIRST_PAUSE_S,
    MAX_PAUSE_S,
    WAITS_S,
    again,
    handed_back,
    pause_s,
)
from tests.unit.test_fold import feed


def tried(
    times: int, *, chance: float = 1.0, wait_s: float | None = None
) -> tuple[str, float | None]:
    one = replace(feed(1, {}), attempts=times)
    settled = again(one, code="crm_unavailable", message="", chance=chance, wait_s=wait_s)
    return settled.state, settled.wait_s


def test_the_waits_grow_and_end_after_about_28_hours() -> None:
    waits = [tried(times)[1] or 0 for times in range(len(WAITS_S))]
    assert waits == list(WAITS_S)
    assert 27 * 3_600 < sum(waits) < 28 * 3_600


def test_jitter_halves_a_wait_at_most() -> None:
    assert tried(0, chance=0.0) == ("pending", 2.5)


def test_after_the_last_wait_it_is_dead() -> None:
    assert tried(len(WAITS_S)) == ("dead", None)


def test_the_crms_own_wish_counts_where_it_is_longer() -> None:
    assert tried(0, wait_s=60) == ("pending", 60)
    assert tried(3, wait_s=60) == ("pending", 600)


def test_what_is_handed_back_burns_no_attempt() -> None:
    assert not handed_back(feed(1, {})).burnt


def test_pauses_without_a_wish_double_up_to_a_quarter_of_an_hour() -> None:
    assert pause_s(0, chance=0.0) == FIRST_PAUSE_S
    assert pause_s(3, chance=1.0) == 8 * FIRST_PAUSE_S
    assert pause_s(99, chance=1.0) == MAX_PAUSE_S
