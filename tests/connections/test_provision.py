"""A campaign's tag options are made once per connection; its tag steps wait until they stand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from adapters.values import TagOptions
from connector.connections import provision
from connector.connections.account_hold import held
from connector.connections.profile import Profile, load
from connector.connections.provision import WAITS, Provisioned
from connector.tables import account_hold, campaign, delivery, tag_provision
from tests.connections.conftest import House, states_of

Waiting = Callable[..., list[int]]


def eleven(_profile: Profile | None, name: str) -> TagOptions:
    return TagOptions(name, tuple(f"NPSToday.{name}.{score}" for score in range(11)))


def new_campaign(house: House, name: str = "Møde") -> int:
    with house.desk.database.begin(house.workspace_id) as connection:
        added = insert(campaign).values(
            workspace_id=house.workspace_id, platform_id=name, name=name, tag_name=name
        )
        return int(connection.execute(added.returning(campaign.c.id)).scalar_one())


def wanted(house: House, connection_id: int, campaign_id: int) -> bool:
    with house.desk.database.begin(house.workspace_id) as connection:
        return provision.wanted(
            connection, house.workspace_id, connection_id=connection_id, campaign_id=campaign_id
        )


def run(house: House, connection_id: int) -> Provisioned:
    return provision.provision(house.desk, house.workspace_id, connection_id, tags_of=eleven)


def stored(house: House) -> Any:
    with house.desk.database.begin(house.workspace_id) as connection:
        return connection.execute(select(tag_provision)).one()


def calls(house: House) -> int:
    return len([one for one in house.crm.log.listing() if one["path"] == "/options"])


@pytest.fixture
def parked_tags(house: House, waiting_deliveries: Waiting) -> Callable[[int, int], None]:
    """Tag deliveries of a campaign that wait for its options."""

    def park(connection_id: int, campaign_id: int) -> None:
        waiting_deliveries(
            connection_id, count=2, kind="tag", campaign_id=campaign_id,
            state="parked", reason=WAITS,
        )  # fmt: skip

    return park


def test_options_that_are_wanted_are_made_and_the_tags_go_on(
    house: House, parked_tags: Callable[[int, int], None]
) -> None:
    connection_id, campaign_id = house.connected(), new_campaign(house)
    assert not wanted(house, connection_id, campaign_id)
    parked_tags(connection_id, campaign_id)
    assert run(house, connection_id) == Provisioned(campaigns=1, resumed=2)
    assert house.crm.tag_options == list(eleven(None, "Møde").tags)
    assert states_of(house, connection_id) == [("pending", None)] * 2
    assert wanted(house, connection_id, campaign_id)


def test_a_second_run_has_nothing_to_do(house: House) -> None:
    connection_id, campaign_id = house.connected(), new_campaign(house)
    wanted(house, connection_id, campaign_id)
    run(house, connection_id)
    assert run(house, connection_id) == Provisioned()
    assert calls(house) == 1


def test_all_campaigns_that_are_due_cost_one_call(house: House) -> None:
    connection_id = house.connected()
    for name in ("A", "B", "C"):
        wanted(house, connection_id, new_campaign(house, name))
    assert run(house, connection_id).campaigns == 3
    assert calls(house) == 1


def test_other_parked_deliveries_stay_parked(
    house: House, waiting_deliveries: Waiting, parked_tags: Callable[[int, int], None]
) -> None:
    connection_id, one = house.connected(), new_campaign(house, "One")
    other = new_campaign(house, "Other")
    wanted(house, connection_id, one)
    parked_tags(connection_id, other)
    waiting_deliveries(connection_id, count=1, kind="tag", campaign_id=one, state="parked",
                       reason="scope")  # fmt: skip
    assert run(house, connection_id).resumed == 0
    assert {state for state, _ in states_of(house, connection_id)} == {"parked"}


def test_two_processes_do_not_provision_one_connection_at_once(house: House) -> None:
    connection_id, campaign_id = house.connected(), new_campaign(house)
    wanted(house, connection_id, campaign_id)
    gate = threading.Barrier(4)

    def work(_: int) -> Provisioned:
        gate.wait(10)
        return run(house, connection_id)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(work, range(4)))
    assert sum(one.campaigns for one in done) == 1
    assert calls(house) == 1


def test_two_connections_to_one_account_do_not_provision_at_once(
    house: House, stranger: House
) -> None:
    """Not in one workspace, and not from two that know nothing of each other."""
    places = [(house, house.connected("one")), (house, house.connected("two"))]
    places.append((stranger, stranger.connected()))
    for place, connection_id in places:
        wanted(place, connection_id, new_campaign(place, f"Of {connection_id}"))
    house.crm.faults.order({"method": "POST", "path": "/options", "action": {"delay_s": 0.5}})
    gate = threading.Barrier(3)

    def work(place: tuple[House, int]) -> Provisioned:
        gate.wait(10)
        return run(*place)

    with ThreadPoolExecutor(3) as pool:
        first = list(pool.map(work, places))
    assert sum(one.campaigns for one in first) == 1
    assert calls(house) == 1
    # The others' turn comes with the next sweep.
    done = [one for _ in range(2) for place in places if (one := run(*place)).campaigns]
    assert len(done) == 2


def test_a_hold_whose_process_died_ends_by_itself(house: House, stranger: House) -> None:
    ours, theirs = house.connected(), stranger.connected()
    wanted(stranger, theirs, new_campaign(stranger))
    with house.desk.database.begin(house.workspace_id) as connection:
        here = load(connection, house.workspace_id, ours)
    with held(house.desk, here, for_s=60) as got:
        assert got
        assert run(stranger, theirs) == Provisioned()
        with house.desk.database.begin(house.workspace_id) as connection:
            over = func.now() - text("interval '1 second'")
            connection.execute(update(account_hold).values(held_until=over))
        assert run(stranger, theirs).campaigns == 1


def test_what_another_connection_has_made_at_the_account_is_asked_for_too(house: House) -> None:
    """A list that is read stale would otherwise lose it."""
    one, two = house.connected("one"), house.connected("two")
    wanted(house, one, new_campaign(house, "A"))
    run(house, one)
    house.crm.tag_options.clear()
    wanted(house, two, new_campaign(house, "B"))
    run(house, two)
    assert set(house.crm.tag_options) == {*eleven(None, "A").tags, *eleven(None, "B").tags}


def test_a_crm_that_is_away_is_asked_again_later(house: House) -> None:
    connection_id, campaign_id = house.connected(), new_campaign(house)
    wanted(house, connection_id, campaign_id)
    house.crm.faults.order({"method": "POST", "path": "/options", "action": {"status": 503}})
    assert run(house, connection_id) == Provisioned()
    row = stored(house)
    with house.desk.database.begin(house.workspace_id) as connection:
        now = connection.execute(select(func.now())).scalar_one()
    assert (row.state, row.error_code, row.lease_until) == ("pending", "crm_unavailable", None)
    assert row.due_at > now


def test_a_missing_permission_parks_the_provision_and_a_reconnect_asks_again(
    house: House,
) -> None:
    connection_id, campaign_id = house.connected(), new_campaign(house)
    wanted(house, connection_id, campaign_id)
    house.crm.options["missing_scope"] = "schemas.write"
    run(house, connection_id)
    assert (stored(house).state, stored(house).error_code) == ("parked", "scope_missing")
    assert house.audited("connection.tags_not_provisioned") == 1
    house.crm.options["missing_scope"] = ""
    house.connect(connection_id)
    assert run(house, connection_id).campaigns == 1


def test_a_dead_grant_leaves_the_provision_due_for_the_reconnect(house: House) -> None:
    connection_id, campaign_id = house.connected(), new_campaign(house)
    wanted(house, connection_id, campaign_id)
    house.crm.faults.order(
        {"method": "POST", "path": "/options", "times": 2, "action": {"status": 401}}
    )
    run(house, connection_id)
    assert stored(house).state == "pending"


def test_a_run_that_died_is_taken_over_when_its_lease_ends(house: House) -> None:
    connection_id, campaign_id = house.connected(), new_campaign(house)
    wanted(house, connection_id, campaign_id)
    held = func.now() + text("interval '30 seconds'")
    with house.desk.database.begin(house.workspace_id) as connection:
        connection.execute(update(tag_provision).values(lease_until=held))
    assert run(house, connection_id) == Provisioned()
    with house.desk.database.begin(house.workspace_id) as connection:
        connection.execute(update(tag_provision).values(lease_until=func.now()))
    assert run(house, connection_id).campaigns == 1


def test_a_tag_step_planned_while_the_options_are_made_is_not_left_behind(
    house: House, waiting_deliveries: Waiting
) -> None:
    connection_id, campaign_id = house.connected(), new_campaign(house)
    wanted(house, connection_id, campaign_id)
    (waiting,) = waiting_deliveries(connection_id, count=1, kind="tag", campaign_id=campaign_id)
    with house.desk.database.begin(house.workspace_id) as planning:
        ready = provision.wanted(
            planning, house.workspace_id, connection_id=connection_id, campaign_id=campaign_id
        )
        with ThreadPoolExecutor(1) as pool:
            job = pool.submit(run, house, connection_id)
            with pytest.raises(TimeoutError):
                job.result(0.3)
            values = {} if ready else {"state": "parked", "reason": WAITS}
            planning.execute(update(delivery).where(delivery.c.id == waiting).values(**values))
            planning.commit()
            assert job.result(10).resumed == 1
