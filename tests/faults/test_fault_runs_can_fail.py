"""Each of the fault runs fails, at each CRM and for each effect that it is aimed at, when the bug
that it is there for is planted. What is planted, for which run:

    timeout after commit   an effect that cannot be written twice is sent again without a look; the
                           others are given up
    read unanswered        a lost answer to a question is told as a write's
    429 storm              being told to wait burns a try of that effect
    merged                 a record that is gone is given up, and the survivor's id not taken
    token revoked          that effect's work whose token was refused burns a try
    row rejected           the refusal of a row loses its words
    option removed         a refusal loses its words; lost options of tags are not made anew
    permission taken       what is parked does not name the permission

Run by ./run prove: the runs themselves are in every run of the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from adapters.errors import AdapterError, AskAgain, OutcomeUnknown, ReconnectNeeded
from adapters.registry import adapter_for
from adapters.values import Outcome
from connector.connections import provision
from connector.responses import attach, failures, noting, work, write
from connector.responses.decide import Change
from connector.responses.schedule import handed_back
from connector.responses.steps import Delivery, Settlement
from tests.faults import test_fault_runs
from tests.faults.orders import DENIALS, REMOVALS, ROWS
from tests.faults.runs import EFFECTS, FIELD, FILE, KINDS, NOTE, RECORD, TAG, WRITES, Runs
from tests.faults.test_fault_runs import AIMED, HEALED, accounts, aimed, runs

__all__ = ["accounts", "runs"]
pytestmark = pytest.mark.prove
Plant = pytest.MonkeyPatch
EACH = [(app, effect) for app, effects in EFFECTS.items() for effect in effects]
# What stands twice when it is sent twice. Elsewhere a file is stored before it is hung up (one that
# hangs on nothing is seen by nobody), or its adapter looks itself (Odoo).
TWICE = {*((app, NOTE) for app in EFFECTS), ("salesforce", FILE)}
# Where HubSpot follows a merge by itself, only our own link can be wrong.
FOLLOWED = [("hubspot", FIELD)]
REFUSED = [("hubspot", effect) for effect in WRITES["hubspot"]]


def fails(run: Callable[[Runs, str], None], runs: Runs, effect: str) -> None:
    """The run sees the bug."""
    with pytest.raises(AssertionError):
        run(runs, effect)


def makes(app: str, effect: str, one: Delivery) -> bool:
    """Whether the delivery makes that effect."""
    of_contact = one.entity == adapter_for(app).traits.contact_entity
    return one.kind == KINDS[effect] and (effect != RECORD or not of_contact)


# --- timeout after commit -------------------------------------------------------------------------


@aimed(*sorted(TWICE))
def test_an_effect_sent_again_unseen(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    monkeypatch.setattr(noting, "_look_for", lambda _work, _part: True)
    monkeypatch.setattr(attach, "_looked_up", lambda _work, _one, _file: None)
    fails(test_fault_runs.test_timeout_after_commit, runs, effect)


@aimed(*(one for one in AIMED if one not in TWICE))
def test_a_lost_answer_that_is_given_up(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    settled = failures.settled

    def given_up(
        every: list[Delivery], exc: AdapterError, trouble: failures.Trouble, **more: Any
    ) -> tuple[Settlement, ...]:
        told = settled(every, exc, trouble, **more)
        if not isinstance(exc, OutcomeUnknown):
            return told
        return tuple(replace(one, state="dead", reason="attempts", wait_s=0) for one in told)

    monkeypatch.setattr(failures, "settled", given_up)
    fails(test_fault_runs.test_timeout_after_commit, runs, effect)


@aimed(*((app, FIELD) for app in EFFECTS))
def test_a_lost_read_told_as_a_write(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    monkeypatch.setattr(AskAgain, "code", OutcomeUnknown.code)
    fails(test_fault_runs.test_read_unanswered, runs, effect)


# --- what burns no try ----------------------------------------------------------------------------


@aimed(*EACH)
def test_a_429_that_burns_a_try(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    def burnt(one: Delivery, **more: Any) -> Settlement:
        told = handed_back(one, **more)
        return replace(told, burnt=True) if makes(runs.app, effect, one) else told

    monkeypatch.setattr(failures, "handed_back", burnt)
    monkeypatch.setattr(work, "handed_back", burnt)
    fails(test_fault_runs.test_throttled, runs, effect)


@aimed(*AIMED)
def test_a_refused_token_that_burns_a_try(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    settled = failures.settled

    def wrong(
        every: list[Delivery], exc: AdapterError, trouble: failures.Trouble, **more: Any
    ) -> tuple[Settlement, ...]:
        told = settled(every, exc, trouble, **more)
        if not isinstance(exc, ReconnectNeeded):
            return told
        mine = {one.id for one in every if makes(runs.app, effect, one)}
        return tuple(replace(one, burnt=one.delivery_id in mine) for one in told)

    monkeypatch.setattr(failures, "settled", wrong)
    fails(test_fault_runs.test_revoked, runs, effect)


# --- merged ---------------------------------------------------------------------------------------


def deaf(plant: Plant) -> None:
    """Nobody hears where a record has gone."""
    apply = write.Writing.apply

    def as_before(self: write.Writing, change: Change, outcome: Outcome) -> None:
        apply(self, change, replace(outcome, remote_id=change.remote_id))

    def given_up(self: write.Writing, change: Change, outcome: Outcome) -> None:
        for one in change.target.deliveries:
            self.work.dead(one, outcome)

    plant.setattr(write.Writing, "apply", as_before)
    plant.setattr(write.Writing, "_look_again", given_up)
    plant.setattr(write.Writing, "_led_astray", lambda _self, _change, _outcome: False)
    plant.setattr(work.Work, "gone", work.Work.dead)


@aimed(*(one for one in AIMED if one[0] != "hubspot"), *FOLLOWED)
def test_a_merge_that_is_not_followed(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    deaf(monkeypatch)
    fails(test_fault_runs.test_merged, runs, effect)


@aimed(*REFUSED)
def test_a_merge_that_neither_side_follows(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    deaf(monkeypatch)
    fails(test_fault_runs.test_merged_where_writes_do_not_follow, runs, effect)


# --- what is said to a person ---------------------------------------------------------------------


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


@aimed(*ROWS)
def test_a_refused_row_without_words(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    silenced(monkeypatch)
    fails(test_fault_runs.test_row_rejected, runs, effect)


@aimed(*sorted(REMOVALS.keys() - HEALED))
def test_a_removed_option_without_words(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    silenced(monkeypatch)
    fails(test_fault_runs.test_option_removed, runs, effect)


@aimed(("zendesk", FIELD))
def test_a_removed_one_of_several_without_words(
    runs: Runs, effect: str, monkeypatch: Plant
) -> None:
    silenced(monkeypatch)
    fails(test_fault_runs.test_option_of_several_removed, runs, effect)


@aimed(*sorted(HEALED))
def test_a_removed_option_that_is_not_made_anew(
    runs: Runs, effect: str, monkeypatch: Plant
) -> None:
    assert effect == TAG
    monkeypatch.setattr(provision, "lost", lambda *_, **__: None)
    fails(test_fault_runs.test_option_removed_and_made_anew, runs, effect)


@aimed(*DENIALS)
def test_a_permission_that_is_not_named(runs: Runs, effect: str, monkeypatch: Plant) -> None:
    silenced(monkeypatch)
    fails(test_fault_runs.test_permission_taken, runs, effect)
