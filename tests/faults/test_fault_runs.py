"""Seven faults, aimed at every effect of a response at every CRM: what stands afterwards is right,
and where a person must act, it is said in plain words. test_fault_runs_can_fail.py plants the bug
that each run is there for, and sees the run fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from connector.db import Database
from connector.engines import Valkey
from tests.conftest import settings_on
from tests.databases import Databases
from tests.faults.conftest import DEADLINE_S, LEASE_S
from tests.faults.orders import (
    DENIALS,
    REMOVALS,
    REMOVED_OF_SEVERAL,
    ROWS,
    UNCHECKED,
    Denial,
    Removal,
)
from tests.faults.runs import (
    EFFECTS,
    EFFECTS_IN_TIME,
    FIELD,
    FILE,
    KINDS,
    NOTE,
    READS,
    TAG,
    WRITES,
    Run,
    Runs,
    account,
)
from tests.world import founded

EVERY = "every"
AIMED = [(app, effect) for app, calls in WRITES.items() for effect in calls]


@pytest.fixture(scope="module")
def accounts(
    databases: Databases, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Runs]]:
    """One account of each CRM for all its runs, opened when it is first asked for."""
    opened = ExitStack()

    @cache
    def account_of(app: str) -> Runs:
        name = databases.take()
        opened.callback(databases.give_back, name)
        made = settings_on(databases.postgres, name, valkey, tmp_path_factory.mktemp(app))
        # Many runs a second must not wait for one another's place in the account's rate.
        settings = replace(made, lease_s=LEASE_S, call_deadline_s=DEADLINE_S, rate_share=50.0)
        database = Database(settings)
        opened.callback(database.close)
        return opened.enter_context(account(founded(settings, database), app))

    with opened:
        yield account_of


@pytest.fixture
def runs(request: pytest.FixtureRequest, accounts: Callable[[str], Runs]) -> Iterator[Runs]:
    held = accounts(request.param)
    yield held
    held.ended()


def aimed(*cases: tuple[str, str]) -> Any:
    """A test of these (CRM, effect)."""
    ids = ["-".join(one) for one in cases]
    return pytest.mark.parametrize(("runs", "effect"), cases, indirect=["runs"], ids=ids)


# --- nobody has to act ----------------------------------------------------------------------------


@aimed(*AIMED)
def test_timeout_after_commit(runs: Runs, effect: str) -> None:
    run = runs.begun()
    runs.order(WRITES[runs.app][effect], drop_after=True)
    runs.world.settle()
    assert run.everything() == {}


@aimed(*((app, FIELD) for app in EFFECTS))
def test_read_unanswered(runs: Runs, effect: str) -> None:
    """Nothing was sent, and nobody is told that something may have been."""
    run = runs.begun()
    for calls, code in ((READS, "read_unanswered"), (WRITES, "outcome_unknown")):
        runs.order(calls[runs.app][effect], drop_after=True)
        runs.world.hurry()
        runs.world.drain(runs.app)
        assert code in {one.error_code for one in run.deliveries()}
    runs.world.settle()
    assert run.everything() == {}


@aimed(*((app, EVERY) for app in EFFECTS))
def test_throttled(runs: Runs, effect: str) -> None:
    """Each kind of call meets 429 three times on its way."""
    run = runs.begun()
    for call in WRITES[runs.app].values():
        runs.order(call, times=3, throttle=1)
    runs.world.settle()
    assert run.everything() == {}
    assert {one.attempts for one in run.deliveries()} == {0}


@aimed(*AIMED)
def test_merged(runs: Runs, effect: str) -> None:
    merge(runs, effect)


@aimed(*(("hubspot", effect) for effect in WRITES["hubspot"]))
def test_merged_where_writes_do_not_follow(runs: Runs, effect: str) -> None:
    """HubSpot reads a merged id as the survivor; whether it writes by it, too, is not verified."""
    runs.meddle(*({"options": {"merged_writes": one}} for one in ("refuse", "follow")))
    merge(runs, effect)


def merge(runs: Runs, effect: str) -> None:
    """Between the read and the write of the effect; it stands on the survivor, and nobody is made
    anew.
    """
    run = runs.begun()
    survivor = run.survivor()
    runs.order(READS[runs.app][effect], meanwhile={"seed": run.merge_into(survivor)})
    before = len(runs.crm.control("state")["contacts"])
    runs.world.settle()
    late = EFFECTS_IN_TIME[EFFECTS_IN_TIME.index(effect) :]
    assert run.wrongs(run.struck, at=survivor) & set(late) == set()
    assert run.wrongs(run.neighbour) == set()
    assert len(runs.crm.control("state")["contacts"]) == before - 1
    assert run.waiting() == []
    # An answer by a merged id tells the survivor's: from now on the person is known by that.
    assert effect != FIELD or run.link == survivor


# --- a person has to act --------------------------------------------------------------------------


@aimed(*AIMED)
def test_revoked(runs: Runs, effect: str) -> None:
    run = runs.begun()
    runs.order(READS[runs.app][effect], meanwhile={"oauth": {"revoke": True}})
    runs.world.settle()
    assert {one.reason for one in run.waiting()} == {"auth"}
    run.says_what_to_do()
    runs.at_peace()
    runs.world.settle()
    assert run.everything() == {}
    assert {one.attempts for one in run.deliveries()} == {0}


# Files hang on notes at HubSpot: where no note is taken, none has a place.
RIDES_ON = {("hubspot", NOTE): (FILE,)}


@aimed(*ROWS)
def test_row_rejected(runs: Runs, effect: str) -> None:
    run = runs.begun()
    refuse(runs, run, effect)
    runs.world.settle()
    lost = {effect, *RIDES_ON.get((runs.app, effect), ())}
    assert run.wrongs(run.struck) == lost
    assert run.wrongs(run.neighbour) == set()
    assert {one.state for one in run.waiting()} == {"dead"}
    assert {one.kind for one in run.waiting()} == {KINDS[one] for one in lost}
    run.says_what_to_do()
    runs.at_peace()
    run.tried_again()
    assert run.everything() == {}


def refuse(runs: Runs, run: Run, effect: str) -> None:
    """Whenever it is tried, the struck person's effect is refused in the CRM's own words."""
    told = dict(ROWS[runs.app, effect])
    if "call" in told:
        call = {name: text.format(run=run) for name, text in told.pop("call").items()}
        runs.order(call, times=0, **told)
        return
    row = {"key": told["key"].format(run=run), "error": told["error"], "times": None}
    runs.crm.control("fault", {"action": {"row": row}})


# Where the option of a tag is gone we make it anew; a restricted list of Salesforce is its admin's.
HEALED = {("hubspot", TAG), ("odoo", TAG)}


@aimed(*sorted(REMOVALS.keys() - HEALED))
def test_option_removed(runs: Runs, effect: str) -> None:
    remove_option(runs, effect, REMOVALS[runs.app, effect])


@aimed(("zendesk", FIELD))
def test_option_of_several_removed(runs: Runs, effect: str) -> None:
    remove_option(runs, effect, REMOVED_OF_SEVERAL)


@aimed(("zendesk", FIELD))
def test_option_removed_where_none_is_checked(runs: Runs, effect: str) -> None:
    run = runs.begun()
    runs.meddle(UNCHECKED.takes, UNCHECKED.gives)
    runs.world.settle()
    assert run.everything() == {}


def remove_option(runs: Runs, effect: str, removal: Removal) -> None:
    """It is said where the value is refused, and nothing else is lost; then it is given back."""
    run = runs.begun()
    runs.meddle(removal.takes, removal.gives)
    runs.world.settle()
    assert [run.wrongs(one) for one in run.emails] == [{effect}, {effect}]
    assert {one.kind for one in run.waiting()} == {KINDS[effect]}
    # In which words Zendesk says it is not verified.
    assert {one.error_code for one in run.waiting()} <= {"unknown_option", "invalid_value"}
    run.says_what_to_do()
    runs.at_peace()
    run.tried_again()
    assert run.everything() == {}


@aimed(*sorted(HEALED))
def test_option_removed_and_made_anew(runs: Runs, effect: str) -> None:
    removal = REMOVALS[runs.app, effect]
    run = runs.begun()
    runs.meddle(removal.takes, removal.gives)
    runs.world.settle()
    assert run.everything() == {}


@aimed(*DENIALS)
def test_permission_taken(runs: Runs, effect: str) -> None:
    denial = DENIALS[runs.app, effect]
    run = runs.begun()
    deny(runs, denial)
    runs.world.settle()
    lost = {effect, *denial.also}
    assert [run.wrongs(one) for one in run.emails] == [lost, lost]
    assert {one.state for one in run.waiting()} == {"parked"}
    assert denial.names in run.says_what_to_do()
    assert {one.attempts for one in run.deliveries()} == {0}
    runs.at_peace()
    run.tried_again()
    assert run.everything() == {}


def deny(runs: Runs, denial: Denial) -> None:
    """From now on the account refuses it, until the run ends."""
    if denial.options:
        runs.meddle({"options": denial.options}, {"options": {one: [] for one in denial.options}})
    else:
        runs.order(denial.call, times=0, **denial.action)
