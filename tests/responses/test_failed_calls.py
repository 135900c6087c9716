"""A call that fails among many takes its own rows with it; several in a row end the wave."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.responses import deliver, mark, rest
from connector.responses.calling import MOST_IN_FLIGHT
from connector.responses.failures import ENDS_AFTER, Trouble
from tests.responses.scene import LATER, joined, known
from tests.world import CRMSeen, World, answered

CONTACTS = 12
AWAY = 503


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    """Zendesk, where a comment of each of these contacts' tickets waits: a call each."""
    with joined(world, "zendesk") as crm:
        known(world, crm, CONTACTS)
        world.push(*(answered(n) for n in range(CONTACTS)))
        world.settle()
        world.push(*(answered(n, at=LATER, response_id=f"again-{n}") for n in range(CONTACTS)))
        world.plan()
        yield crm


def failed(world: World) -> list[tuple[int, str | None]]:
    """(attempts, error) of the notes that are not written."""
    return [
        (one.attempts, one.error_code) for one in world.deliveries(kind="note", state="pending")
    ]


def failures(world: World, crm: CRMSeen) -> int:
    with world.database.begin(world.workspace_id) as store:
        return rest.failures_of(store, crm.connection_id)


@pytest.mark.parametrize("times", [1, ENDS_AFTER - 1])
def test_a_call_that_fails_puts_off_its_own_rows_alone(
    world: World, crm: CRMSeen, times: int
) -> None:
    crm.fault("tickets/", "PUT", times=times, status=AWAY)
    world.drain("zendesk")
    assert failed(world) == [(1, "crm_unavailable")] * times
    assert failures(world, crm) == 0
    world.settle()
    assert failed(world) == []
    assert [len(crm.notes(f"c{n}@example.test")) for n in range(CONTACTS)] == [2] * CONTACTS


def test_a_crm_that_is_away_is_not_asked_for_every_row(world: World, crm: CRMSeen) -> None:
    crm.fault("tickets/", "PUT", times=99, status=AWAY)
    since = len(crm.calls())
    world.drain("zendesk")
    asked = [one for one in crm.calls()[since:] if one["method"] == "PUT"]
    # Those that were on their way when the third failed.
    assert ENDS_AFTER <= len(asked) < ENDS_AFTER + MOST_IN_FLIGHT
    told = failed(world)
    assert len(told) == CONTACTS
    assert sum(attempts for attempts, _ in told) == len(asked)
    assert failures(world, crm) == 1


def test_what_is_written_is_settled_before_more_is_begun(
    world: World, crm: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share of the lease is here less than the first round of calls in flight takes."""
    monkeypatch.setattr(mark, "MARKS_SHARE", 0.25 / world.hub.settings.lease_s)
    crm.fault("tickets/", "PUT", times=99, delay_s=0.3)
    deliver._one_wave(world.hub, world.workspace_id, crm.connection_id, number=0)
    waiting = failed(world)
    assert 0 < len(waiting) < CONTACTS
    assert set(waiting) == {(0, None)}
    # Nothing was begun for them: nobody has to look whether they stand.
    assert {one.claims for one in world.deliveries(kind="note", state="pending")} == {0}
    since = len(crm.calls())
    world.drain("zendesk")
    assert failed(world) == []
    assert not any("comments" in one["path"] for one in crm.calls()[since:])


def test_behind_a_note_that_may_stand_its_thread_waits(world: World) -> None:
    with joined(world, "zendesk") as crm:
        known(world, crm, 1)
        world.push(answered(0), answered(0, at=LATER, response_id="again"))
        world.plan()
        crm.fault("tickets", "POST", times=1, drop_after=True)
        world.drain("zendesk")
        told = {one.attempts: one.error_code for one in world.deliveries(kind="note")}
        assert told == {0: None, 1: "outcome_unknown"}
        world.settle()
        assert len(crm.notes("c0@example.test")) == 2
        assert [len(one["comments"]) for one in crm.control("state")["tickets"]] == [2]


def test_what_ends_a_wave() -> None:
    trouble = Trouble()
    for _ in range(ENDS_AFTER - 1):
        trouble.fail("crm_unavailable")
    assert (trouble.ends_wave, trouble.ends_drain) == (False, True)
    trouble.went_well()
    assert (trouble.ends_drain, trouble.failed) == (False, None)
    for _ in range(ENDS_AFTER):
        trouble.fail("crm_unavailable")
    # Another thread's call that was on its way does not make it go on.
    trouble.went_well()
    assert trouble.ends_wave
    assert Trouble(hung=True).ends_wave
