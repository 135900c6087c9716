"""How long a connection rests, who ends the pause, and who asks whether the CRM is back."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from connector.db import DatabaseAway
from connector.responses import failures, ledger, rest
from connector.responses.limiter import PAUSE_KEY
from tests.responses.scene import LATER, joined, known, states
from tests.world import CRMSeen, World, answered


def pauses(world: World, crm: CRMSeen, trouble: failures.Trouble, *, calls: int = 1) -> float:
    """The seconds that the connection rests after a wave with that trouble; 0.0 for not at all."""
    with world.database.begin(world.workspace_id) as store:
        rest.rest(store, world.workspace_id, crm.connection_id, trouble, calls=calls)
        asked = "SELECT coalesce(extract(epoch FROM resume_at - now()), 0) AS s FROM connection"
        return float(store.execute(text(asked)).one().s)


def set_connection(world: World, what: str) -> None:
    with world.database.begin(world.workspace_id) as store:
        store.execute(text(f"UPDATE connection SET {what}"))  # noqa: S608 - ours


def test_a_429_in_the_middle_of_single_calls_pauses_the_connection(world: World) -> None:
    with joined(world, "zendesk", note="none") as crm:
        known(world, crm, 2)
        world.push(answered(0), answered(1))
        world.plan()
        body = {"method": "PUT", "path": "users/", "occurrence": 2, "action": {"throttle": 600}}
        crm.control("fault", body)
        world.drain("zendesk")
        (here,) = world.rows("SELECT resume_at > now() + interval '9 min' AS rests FROM connection")
        assert here.rests


def test_a_good_wave_does_not_end_another_workers_pause(world: World) -> None:
    with joined(world, "hubspot") as crm:
        set_connection(world, "failures = 1")
        assert pauses(world, crm, failures.Trouble(throttled=True, pause_s=600.0)) > 590
        assert pauses(world, crm, failures.Trouble()) > 590


def test_a_good_wave_forgets_the_pause_that_is_over(world: World) -> None:
    with joined(world, "hubspot") as crm:
        set_connection(world, "failures = 1, resume_at = now(), resume_reason = 'throttled'")
        assert pauses(world, crm, failures.Trouble()) == 0
        (here,) = world.rows("SELECT failures, resume_reason FROM connection")
        assert (here.failures, here.resume_reason) == (0, None)


def test_a_wave_without_a_call_does_not_close_the_breaker(world: World) -> None:
    with joined(world, "hubspot", note="none") as crm:
        known(world, crm, 1)
        world.push(answered(0, at=LATER))
        world.settle()
        before = len(crm.calls())
        set_connection(world, "failures = 12")
        world.push(answered(0, response_id="older"))
        world.plan()
        world.drain("hubspot")
        (here,) = world.rows("SELECT failures FROM connection")
        assert len(crm.calls()) == before
        assert here.failures == 12


def test_a_429_without_a_time_is_waited_for_longer_each_time(world: World) -> None:
    with joined(world, "hubspot") as crm:
        waits = []
        for _ in range(7):
            set_connection(world, "resume_at = NULL")
            waits.append(pauses(world, crm, failures.Trouble(throttled=True)))
        assert waits[0] == pytest.approx(5, abs=0.5)
        assert waits[-1] > 100


def test_a_good_wave_lets_the_waiting_begin_anew(world: World) -> None:
    with joined(world, "hubspot") as crm:
        for _ in range(5):
            set_connection(world, "resume_at = now()")
            pauses(world, crm, failures.Trouble(throttled=True))
        set_connection(world, "resume_at = now()")
        pauses(world, crm, failures.Trouble())
        assert pauses(world, crm, failures.Trouble(throttled=True)) < 6


def test_a_used_up_day_is_shown_as_parked_and_said_once(world: World) -> None:
    with joined(world, "salesforce") as crm:
        known(world, crm, 1)
        body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
        crm.fault("services/data", times=2, status=403, body=body)
        world.push(answered(0))
        world.plan()
        world.drain("salesforce")
        assert set(states(world)) == {("parked", "rate")}
        set_connection(world, "resume_at = now()")
        forget_told_pauses(world)
        world.drain("salesforce")
        assert set(states(world)) == {("parked", "rate")}
        said = world.rows("SELECT FROM audit WHERE action = 'connection.limit_reached'")
        assert len(said) == 1
        world.settle()
        assert {state for state, _ in states(world)} == {"done"}


# --- who asks -------------------------------------------------------------------------------------


def forget_told_pauses(world: World) -> None:
    """The pauses that Redis tells are over, as after their time."""
    limiter = world.hub.limiter
    for key in limiter._redis.scan_iter(f"{PAUSE_KEY}*"):
        limiter._redis.delete(key)


def stormed(world: World, crm: CRMSeen, count: int) -> None:
    """That many linked contacts wait for a CRM that has just begun to answer 429."""
    known(world, crm, count)
    world.push(*(answered(n) for n in range(count)))
    world.plan()
    crm.control("fault", {"storm": 30})
    world.drain(crm.app)
    world.hurry()
    set_connection(world, "resume_at = now() - interval '1 s'")


def test_after_a_429_one_call_asks_whether_the_crm_takes_calls_again(world: World) -> None:
    with joined(world, "hubspot") as crm:
        stormed(world, crm, 600)
        before = len(crm.calls())
        drains = [threading.Thread(target=world.drain, args=("hubspot",)) for _ in range(3)]
        for one in drains:
            one.start()
        for one in drains:
            one.join()
        assert len(crm.calls()) - before == 1


def test_whoever_asks_first_lets_all_go_on_when_the_crm_is_back(world: World) -> None:
    with joined(world, "hubspot") as crm:
        stormed(world, crm, 300)
        crm.control("fault", {"clear": True})
        world.drain("hubspot")
        (here,) = world.rows("SELECT resume_at, resume_reason, failures FROM connection")
        assert (here.resume_at, here.resume_reason, here.failures) == (None, None, 0)
        assert {state for state, _ in states(world, kind="fields")} == {"done"}


def test_asking_for_nothing_keeps_nobody_waiting(world: World) -> None:
    with joined(world, "hubspot"):
        set_connection(world, "resume_at = now(), resume_reason = 'throttled'")
        world.drain("hubspot")
        (here,) = world.rows("SELECT resume_at <= now() AS over FROM connection")
        assert here.over


def test_a_pause_is_heard_by_a_wave_that_runs_already(world: World) -> None:
    with joined(world, "hubspot", note="none") as crm:
        known(world, crm, 1)
        world.push(answered(0))
        world.plan()
        before = len(crm.calls())
        account = "SELECT app || ':' || remote_account_id AS name FROM connection"
        world.hub.limiter.pause(world.rows(account)[0].name, 600.0)
        world.drain("hubspot")
        assert len(crm.calls()) == before
        assert {one.attempts for one in world.deliveries()} == {0}
        world.settle()
        assert {state for state, _ in states(world)} == {"done"}


def test_a_database_that_is_away_at_the_end_of_a_wave_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with joined(world, "hubspot", note="none") as crm:
        known(world, crm, 1)
        world.push(answered(0))
        world.plan()
        tries: list[None] = []
        real = ledger.record

        def away_twice(*args: object, **options: object) -> frozenset[int]:
            tries.append(None)
            if len(tries) < 3:
                raise DatabaseAway
            return real(*args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(ledger, "record", away_twice)
        world.drain("hubspot")
        assert {(one.state, one.crashes) for one in world.deliveries(kind="fields")} == {
            ("done", 0)
        }
