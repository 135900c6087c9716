"""The retry schedule: about a day in all, then dead; a pause burns nothing."""

from __future__ import annotations

from dataclasses import replace

from connector.responses.schedule import (
    FIRST_PAUSE_S,
    LONGEST_LOOK_S,
    LOOKS,
    MAX_PAUSE_S,
    WAITS_S,
    again,
    handed_back,
    looked_again,
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


def looked(claims: int, attempts: int = 0) -> tuple[str, float | None, bool]:
    one = replace(feed(1, {}), claims=claims, attempts=attempts)
    settled = looked_again(one, code="job_running", message="", chance=1.0, wait_s=15)
    return settled.state, settled.wait_s, settled.burnt


def test_a_job_that_runs_is_looked_at_less_and_less_often_and_burns_nothing() -> None:
    assert looked(1) == ("pending", 15, False)
    assert looked(3) == ("pending", 45, False)
    assert looked(LOOKS) == ("pending", LONGEST_LOOK_S, False)


def test_a_job_that_never_ends_goes_by_the_schedule_from_then_on() -> None:
    assert looked(LOOKS + 1) == ("pending", WAITS_S[0], True)
    assert looked(LOOKS + 1, attempts=len(WAITS_S)) == ("dead", None, True)


def test_pauses_without_a_wish_double_up_to_a_quarter_of_an_hour() -> None:
    assert pause_s(0, chance=0.0) == FIRST_PAUSE_S
    assert pause_s(3, chance=1.0) == 8 * FIRST_PAUSE_S
    assert pause_s(99, chance=1.0) == MAX_PAUSE_S
