"""Each of the seven fault runs fails at each CRM when the bug that it is there for is planted. What
is planted, for which run:

    timeout after commit   a note is sent again without a look for its marker
    429 storm              being told to wait burns a try
    merged                 a record that is gone is given up, and the survivor's id not taken
    token revoked          work whose token was refused burns a try instead of waiting
    row rejected           the refusal of a row loses its words
    option removed         a refusal loses its words; lost options of tags are not made anew
    permission taken       what is parked does not name the permission

At HubSpot the run of merged records has no bug to see: HubSpot takes a merged record's id for the
survivor's by itself.

Run by ./run prove: the runs themselves are in every run of the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from adapters.base import Outcome
from adapters.errors import AdapterError, ReconnectNeeded
from connector.connections import provision
from connector.responses import failures, noting, schedule, work, write
from connector.responses.decide import Change
from connector.responses.steps import Delivery, Settlement
from tests.faults import test_fault_runs
from tests.faults.runs import EFFECTS, FIELD, NOTE, TAG, Runs
from tests.faults.test_fault_runs import EVERY, accounts, aimed, runs

__all__ = ["accounts", "runs"]
pytestmark = pytest.mark.prove
Plant = pytest.MonkeyPatch
APPS = tuple(EFFECTS)
# HubSpot takes a merged record's id for the survivor's by itself: no bug of ours can undo that.
MERGES = [(app, FIELD) for app in APPS if app != "hubspot"]


def fails(run: Callable[[Runs, str], None], runs: Runs, effect: str) -> None:
    """The run sees the bug."""
    with pytest.raises(AssertionError):
        run(runs, effect)


def burnt(one: Delivery, **_: Any) -> Settlement:
    return schedule.again(one, code="planted", message="", chance=0.0)


def wordless(every: Callable[..., None]) -> Callable[..., None]:
    """Work's `dead` without the CRM's words."""

    def dead(self: work.Work, one: Delivery, outcome: Outcome, **more: Any) -> None:
        every(self, one, replace(outcome, message=""), **more)

    return dead


def silenced(plant: Plant) -> None:
    """Nothing that waits for a person says why."""
    parked = failures._parked
    plant.setattr(work.Work, "dead", wordless(work.Work.dead))
    plant.setattr(failures, "_parked", lambda *args: replace(parked(*args), message=""))


@aimed(*((app, NOTE) for app in APPS))
def test_a_note_sent_again_unseen(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    monkeypatch.setattr(noting, "_look", lambda _work, _groups: None)
    fails(test_fault_runs.test_timeout_after_commit, runs, effect)


@aimed(*((app, EVERY) for app in APPS))
def test_a_429_that_burns_a_try(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    monkeypatch.setattr(failures, "handed_back", burnt)
    monkeypatch.setattr(work, "handed_back", burnt)
    fails(test_fault_runs.test_throttled, runs, effect)


@aimed(*MERGES)
def test_a_merge_that_is_not_followed(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    apply = write.Writing.apply

    def deaf(self: write.Writing, change: Change, outcome: Outcome) -> None:
        apply(self, change, replace(outcome, remote_id=change.remote_id))

    def given_up(self: write.Writing, change: Change, outcome: Outcome) -> None:
        for one in change.target.deliveries:
            self.work.dead(one, outcome)

    monkeypatch.setattr(write.Writing, "apply", deaf)
    monkeypatch.setattr(write.Writing, "_look_again", given_up)
    fails(test_fault_runs.test_merged, runs, effect)


@aimed(*((app, FIELD) for app in APPS))
def test_a_refused_token_that_burns_a_try(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    settled = failures.settled

    def wrong(
        every: list[Delivery], exc: AdapterError, trouble: failures.Trouble, **more: Any
    ) -> tuple[Settlement, ...]:
        told = settled(every, exc, trouble, **more)
        if not isinstance(exc, ReconnectNeeded):
            return told
        return tuple(replace(one, burnt=True) for one in told)

    monkeypatch.setattr(failures, "settled", wrong)
    fails(test_fault_runs.test_revoked, runs, effect)


@aimed(*((app, FIELD) for app in APPS))
def test_a_refused_row_without_words(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    silenced(monkeypatch)
    fails(test_fault_runs.test_row_rejected, runs, effect)


@aimed(*((app, FIELD) for app in APPS))
def test_a_removed_option_without_words(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    silenced(monkeypatch)
    fails(test_fault_runs.test_option_removed, runs, effect)


@aimed(*sorted(test_fault_runs.HEALED))
def test_a_removed_option_that_is_not_made_anew(
    runs: Runs, effect: str, monkeypatch: Plant
) -> None:
    assert effect == TAG
    monkeypatch.setattr(provision, "lost", lambda *_, **__: None)
    fails(test_fault_runs.test_option_removed_and_made_anew, runs, effect)


@aimed(*((app, FIELD) for app in APPS))
def test_a_permission_that_is_not_named(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    silenced(monkeypatch)
    fails(test_fault_runs.test_permission_taken, runs, effect)
