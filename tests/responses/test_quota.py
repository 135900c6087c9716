"""The reserve of an account's day is never touched, and what may wait waits first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from adapters.traits import RatePolicy
from adapters.usage import DAY_S, Usage, UsageKind
from connector.connections import connect, discover, quota
from connector.connections.budget import Light
from connector.connections.profile import load
from connector.responses import leases, patience, replay
from connector.responses.failures import Reserved
from connector.responses.limiter import Allowance, Limiter
from connector.settings import Settings
from schemas.priority import Priority
from simulators.hubspot import HubSpot
from simulators.kit.server import running
from simulators.salesforce import Salesforce
from tests.world import CRMSeen, World, answered, people

LIMIT, RESERVED = 80, 8


@pytest.fixture
def org(world: World) -> Iterator[tuple[CRMSeen, Salesforce]]:
    """An org with few calls a day."""
    simulated = Salesforce(options={"daily_limit": LIMIT})
    with running(simulated) as url:
        crm = world.connect("salesforce", url)
        world.mapping("salesforce")
        yield crm, simulated


def used(simulated: Salesforce) -> int:
    return simulated.calls.limit - simulated.calls.remaining(simulated.clock.now())


def use(simulated: Salesforce, calls: int) -> None:
    """The customer's other tools call too."""
    for _ in range(calls):
        assert simulated.calls.take(simulated.clock.now())


def push_and_drain(world: World, start: int, count: int = 1) -> None:
    world.push(*(answered(n) for n in range(start, start + count)))
    world.plan()
    world.drain("salesforce")


def test_no_call_goes_above_the_reserve_however_much_waits(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, simulated = org
    crm.seed(people(60))
    for number in range(60):
        push_and_drain(world, number)
        if number in {0, 5}:
            use(simulated, 2)
    assert used(simulated) == LIMIT - RESERVED
    waiting = world.deliveries(state="parked")
    assert waiting
    assert {one.reason for one in waiting} == {"rate"}
    (here,) = world.rows("SELECT resume_at > now() + interval '50 min' AS rests FROM connection")
    assert here.rests
    (said,) = world.rows("SELECT detail FROM audit WHERE action = 'connection.limit_reached'")
    assert said.detail["wait_s"] > 3000


def test_what_waited_for_the_day_goes_on_when_there_is_room_again(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, simulated = org
    crm.seed(people(3))
    push_and_drain(world, 0)
    use(simulated, LIMIT - RESERVED - used(simulated))
    push_and_drain(world, 1, 2)
    assert world.states()["parked"] > 0
    simulated.calls.limit = 10_000
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE account_usage SET seen_at = now() - interval '2 hours'"))
        store.execute(text("UPDATE connection SET resume_at = now()"))
    world.hub.limiter.purse.store.flushdb()
    world.settle()
    assert set(world.states()) == {"done"}


def test_an_account_that_still_has_nothing_is_asked_by_one_call(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, simulated = org
    crm.seed(people(5))
    push_and_drain(world, 0)
    use(simulated, LIMIT - RESERVED - used(simulated))
    push_and_drain(world, 1, 4)
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE account_usage SET seen_at = now() - interval '2 hours'"))
        store.execute(text("UPDATE connection SET resume_at = now()"))
    world.hub.limiter.purse.store.flushdb()
    before = used(simulated)
    world.drain("salesforce")
    assert used(simulated) == before + 1


def test_the_reserve_is_the_connections_own(world: World, org: tuple[CRMSeen, Salesforce]) -> None:
    crm, simulated = org
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE connection SET settings = '{\"reserve_percent\": 50}'"))
    crm.seed(people(40))
    for number in range(40):
        push_and_drain(world, number)
    assert used(simulated) == LIMIT // 2


def test_what_an_account_has_left_is_written_once_a_wave(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, simulated = org
    crm.seed(people(2))
    push_and_drain(world, 0, 2)
    (row,) = world.rows("SELECT * FROM account_usage")
    assert row.account.startswith("salesforce:00D")
    assert (row.kind, row.allowed, row.source) == ("daily", LIMIT, "header")
    assert row.remaining == LIMIT - used(simulated)
    (pace,) = world.rows("SELECT * FROM connection_pace")
    assert pace.rows == len(world.deliveries())
    assert pace.calls > 0


def test_news_of_an_account_is_not_overwritten_by_what_is_older(world: World) -> None:
    for remaining, age_s in ((50, 0.0), (70, 30.0)):
        heard = quota.Heard(Usage(UsageKind.DAILY, 100, remaining, DAY_S), age_s)
        with world.database.begin(world.workspace_id) as store:
            quota.keep(store, world.workspace_id, "salesforce:1", [heard])
    (kept,) = world.rows("SELECT remaining FROM account_usage")
    assert kept.remaining == 50


def test_a_learnt_rate_is_counted_on_from_the_calls_made_before_it(settings: Settings) -> None:
    limiter = Limiter(str(settings.redis_url))
    limiter.trust_counts()
    before, after = (Allowance("hubspot:1", (RatePolicy(calls, 60),)) for calls in (100, 110))
    sent = sum(limiter.wait_s(before, None) == 0.0 for _ in range(120))
    sent += sum(limiter.wait_s(after, None) == 0.0 for _ in range(120))
    assert sent <= 110


def test_hubspots_answers_teach_the_rate_of_its_kind_of_token(world: World) -> None:
    with running(HubSpot()) as url:
        crm = world.connect("hubspot", url)
        world.mapping("hubspot")
        crm.seed(people(1))
        world.push(answered(0))
        world.settle()
        with world.database.begin(world.workspace_id) as store:
            profile = load(store, world.workspace_id, crm.connection_id)
            known = quota.budget(store, profile)
    assert known.policies(profile.traits.rates)[0] == RatePolicy(110, 10)
    assert known.light(datetime.now(UTC)) is Light.UNKNOWN  # noqa: TID251 - no day is told


# --- lanes ---------------------------------------------------------------------------------------


def waiting(world: World, crm: CRMSeen, priorities: list[Priority]) -> None:
    """One response for each priority, planned in that order."""
    crm.seed(people(len(priorities)))
    for number, _ in enumerate(priorities):
        world.push(answered(number))
        world.plan()
    with world.database.begin(world.workspace_id) as store:
        for number, priority in enumerate(priorities):
            store.execute(
                text(
                    "UPDATE delivery d SET priority = :p FROM response r"
                    " WHERE r.id = d.response_id AND r.response_id = :r"
                ),
                {"p": int(priority), "r": f"r{number}"},
            )


def claimed(world: World, crm: CRMSeen, *, lanes: int, slowest: Priority) -> list[str]:
    with world.database.begin(world.workspace_id) as store:
        wave = leases.claim(store, crm.connection_id, lanes=lanes, lease_s=60.0, slowest=slowest)
        names: dict[int, str] = dict(
            store.execute(text("SELECT id, response_id FROM response")).all()
        )
    return sorted({names[one.response_id] for one in wave.deliveries})


def test_the_urgent_is_claimed_first_whatever_came_first(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, _ = org
    every = [Priority.BACKFILL, Priority.REPLAY, Priority.LIVE, Priority.INTERACTIVE]
    waiting(world, crm, every)
    order = [claimed(world, crm, lanes=1, slowest=Priority.BACKFILL) for _ in every]
    assert order == [["r3"], ["r2"], ["r1"], ["r0"]]


def test_a_contacts_rows_go_together_whatever_their_priorities(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, _ = org
    crm.seed(people(1))
    world.push(answered(0), answered(0, response_id="again", at="2026-11-23T00:00:00Z"))
    world.plan()
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            text(
                "UPDATE delivery d SET priority = 2 FROM response r"
                " WHERE r.id = d.response_id AND r.response_id = 'r0'"
            )
        )
    assert claimed(world, crm, lanes=1, slowest=Priority.LIVE) == ["again", "r0"]


def test_replays_wait_when_the_day_runs_low_and_live_answers_do_not(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, simulated = org
    crm.seed(people(3))
    push_and_drain(world, 0)
    use(simulated, LIMIT - 2 * RESERVED - used(simulated))
    push_and_drain(world, 1)
    waiting(world, crm, [Priority.REPLAY])
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE delivery SET state = 'pending', settled_at = NULL"
                           " WHERE priority = 2"))  # fmt: skip
        slowest = patience.least_urgent(store, world.workspace_id, crm.connection_id)
    assert slowest is Priority.LIVE
    put_off = world.deliveries(priority=int(Priority.REPLAY))
    assert {one.error_code for one in put_off} == {Reserved.code}
    (here,) = world.rows("SELECT min(due_at) > now() + interval '50 min' AS later FROM delivery"
                         " WHERE priority = 2")  # fmt: skip
    assert here.later


def test_a_replay_stands_behind_what_is_answered_meanwhile(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, _ = org
    waiting(world, crm, [Priority.LIVE, Priority.BACKFILL])
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE delivery SET state = 'dead', settled_at = now()"))
        replay.replay_all(store, world.workspace_id, {})
    found = {one.response_id: one.priority for one in world.deliveries()}
    assert sorted(found.values()) == [Priority.REPLAY, Priority.BACKFILL]


def test_a_download_tells_of_the_account_s_day_too(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, simulated = org
    use(simulated, 5)
    discover.download(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")
    (row,) = world.rows("SELECT * FROM account_usage WHERE kind = 'daily'")
    assert (row.allowed, row.remaining) == (LIMIT, LIMIT - used(simulated))


def test_testing_the_connection_tells_of_it_too(
    world: World, org: tuple[CRMSeen, Salesforce]
) -> None:
    crm, simulated = org
    use(simulated, 5)
    connect.probe(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")
    (row,) = world.rows("SELECT * FROM account_usage WHERE kind = 'daily'")
    assert row.remaining == LIMIT - used(simulated)


def test_a_download_keeps_to_the_rate_that_the_account_has_told(world: World) -> None:
    """HubSpot's declared rate is a guess: 100 in ten seconds, until an answer says 110."""
    seen: list[tuple[RatePolicy, ...]] = []
    desk = replace(world.hub.desk, permit=lambda _profile, rates, _kind: seen.append(rates))
    with running(HubSpot(options={})) as url:
        crm = world.connect("hubspot", url)
        discover.download(desk, world.workspace_id, crm.connection_id, actor="test")
    told = quota_of(world, crm)
    assert {one.calls for rates in seen for one in rates if one.kind is None} == {told}
    assert told != 100


def quota_of(world: World, crm: CRMSeen) -> int:
    """The rate that deliveries keep to."""
    with world.database.begin(world.workspace_id) as connection:
        here = load(connection, world.workspace_id, crm.connection_id)
        rates = quota.rates(here, quota.budget(connection, here))
    return next(one.calls for one in rates if one.kind is None)
