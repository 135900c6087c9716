"""The CRM's definitions change: it is found at night before a record fails, told once, and what
waits for a lost field waits for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from connector.connections import discover, drift
from connector.queues import VERSION, Doorbell
from connector.sweep import Sweep
from simulators.kit.server import running
from tests.responses.conftest import FAST, SIMULATORS
from tests.world import FIELDS, CRMSeen, World, answered, people

SHORT = 20


@dataclass
class Changing:
    """A CRM whose admin changes definitions. `narrow` leaves less room for what is mapped."""

    crm: CRMSeen
    lose: Callable[[], None]
    give_back: Callable[[], None]
    narrow: Callable[[], None]
    narrowed: str
    field: str
    calls_a_download: int = 0


def changing(app: str, simulator: Any, crm: CRMSeen) -> Changing:
    score = FIELDS[app]["score"]
    if app == "salesforce":
        return Changing(
            crm,
            lambda: fields(crm, score, visible=False),
            lambda: fields(crm, score, visible=True),
            lambda: fields(crm, "NPS_Full_Comment__c", length=SHORT),
            "shortened",
            "NPS_Full_Comment__c",
        )
    if app == "hubspot":
        kept = simulator.kinds["contacts"].definitions
        before = dict(kept[score])
        options = [{"label": str(n), "value": str(n), "displayOrder": n} for n in range(5)]
        return Changing(
            crm,
            lambda: crm.control("seed", {"remove_properties": {"contacts": [score]}}),
            lambda: kept.update({score: before}),
            lambda: kept[score].update(type="enumeration", fieldType="select", options=options),
            "retyped",
            score,
        )
    return (zendesk if app == "zendesk" else odoo)(simulator, crm, score)


def zendesk(simulator: Any, crm: CRMSeen, score: str) -> Changing:
    account = simulator.account
    before = dict(account.by_key("user_field")[score])

    def give_back() -> None:
        account.definitions["user_field"][before["id"]] = before
        for user in account.users.values():
            user["user_fields"].setdefault(score, None)

    def narrow() -> None:
        options = [{"name": "Low", "value": "low"}]
        now = before | {"type": "dropdown", "custom_field_options": options}
        account.definitions["user_field"][before["id"]] = now

    lose = {"remove_user_fields": [score]}
    return Changing(crm, lambda: crm.control("seed", lose), give_back, narrow, "retyped", score)


def odoo(simulator: Any, crm: CRMSeen, score: str) -> Changing:
    definitions = simulator.store.definitions["res.partner"]
    before = dict(definitions[score])

    def give_back() -> None:
        definitions[score] = before
        for record in simulator.store.records["res.partner"].values():
            record.setdefault(score, 0)

    def narrow() -> None:
        definitions[score] = before | {"type": "selection", "selection": [["low", "Low"]]}

    lose = {"remove_fields": {"res.partner": [score]}}
    return Changing(crm, lambda: crm.control("seed", lose), give_back, narrow, "retyped", score)


def fields(crm: CRMSeen, name: str, **changes: Any) -> None:
    crm.control("options", {"field_changes": {f"Contact.{name}": changes}})


@pytest.fixture(params=sorted(SIMULATORS))
def there(request: pytest.FixtureRequest, world: World) -> Iterator[Changing]:
    """Each CRM in turn, with three answers written."""
    app = request.param
    simulator = SIMULATORS[app](options=FAST.get(app, {}))
    with running(simulator) as url:
        crm = world.connect(app, url)
        # The check after connecting, as the scheduler makes it within a minute.
        before = len(crm.calls(kinds=["schema"]))
        drift.check(world.hub.desk, world.workspace_id, crm.connection_id)
        calls_a_download = len(crm.calls(kinds=["schema"])) - before
        world.mapping(app, note="none")
        crm.seed(people(4))
        world.push(*(answered(n, why="w" * (SHORT + 1)) for n in range(3)))
        world.settle()
        here = changing(app, simulator, crm)
        here.calls_a_download = calls_a_download
        yield here


def night(world: World) -> int:
    """The scheduler's minute, in a zone where it is past two; how many checks it planned."""
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            text(
                "UPDATE workspace SET timezone = CASE WHEN"
                " extract(hour FROM now() AT TIME ZONE 'UTC') < 3 THEN 'Asia/Tokyo' ELSE 'UTC' END"
            )
        )
        planned = drift.schedule(store, world.workspace_id)
        store.execute(text("UPDATE drift_check SET due_at = now()"))
    return planned


def check(world: World, there: Changing) -> int:
    return drift.check(world.hub.desk, world.workspace_id, there.crm.connection_id)


def found(world: World, there: Changing) -> list[dict[str, Any]]:
    with world.database.begin(world.workspace_id) as store:
        shown = drift.shown(store, world.workspace_id, there.crm.connection_id)
    # Odoo's companies are partners too: what changes there is found twice.
    entity = FIELDS[there.crm.app]["entity"]
    return [one for one in shown["drift"] if one["entity"] == entity]


def told_once(world: World) -> list[Any]:
    return world.rows("SELECT detail FROM audit WHERE action = 'connection.drifted'")


def downloads(there: Changing) -> float:
    """How many downloads' worth of definitions have been fetched."""
    return len(there.crm.calls(kinds=["schema"])) / there.calls_a_download


def states(world: World) -> set[tuple[str, str | None]]:
    return {(one.state, one.reason) for one in world.deliveries(kind="fields")}


def test_fault_57_a_field_that_is_gone_is_found_at_night_and_its_work_waits(
    world: World, there: Changing
) -> None:
    there.lose()
    world.push(answered(3))
    world.plan()
    assert night(world) == 1
    assert check(world, there) >= 1
    (one,) = found(world, there)
    (change,) = (each for each in one["changes"] if each["breaks"])
    assert (change["kind"], change["field"]) == ("removed", FIELDS[there.crm.app]["score"])
    assert [hit["name"] for hit in one["mappings"]] == [f"{there.crm.app}-mapping"]
    assert (one["looked_at"], one["would_fail"]) == (4, 4)
    assert states(world) == {("done", None), ("parked", "mapping")}
    assert len(told_once(world)) == 1


def test_fault_57_what_waited_goes_on_when_the_field_is_back(world: World, there: Changing) -> None:
    there.lose()
    world.push(answered(3))
    world.plan()
    night(world)
    check(world, there)
    there.give_back()
    discover.download(world.hub.desk, world.workspace_id, there.crm.connection_id, actor="test")
    world.settle()
    assert states(world) == {("done", None)}
    assert all(one["mended_at"] for one in found(world, there))


def test_fault_57_a_lost_field_that_a_delivery_meets_is_looked_at_once(
    world: World, there: Changing
) -> None:
    there.lose()
    before = downloads(there)
    for score in (1, 2, 3):
        at = f"2026-11-2{score + 3}T00:00:00Z"
        world.push(answered(3, response_id=f"again{score}", score=score, at=at))
        world.settle()
        check(world, there)
    assert downloads(there) == pytest.approx(before + 1)
    assert len(told_once(world)) == 1
    assert ("parked", "mapping") in states(world)


def test_fault_58_less_room_is_found_before_a_record_fails(world: World, there: Changing) -> None:
    there.narrow()
    night(world)
    assert check(world, there) >= 1
    (one,) = found(world, there)
    kinds = {each["kind"] for each in one["changes"] if each["field"] == there.field}
    assert there.narrowed in kinds
    assert [hit["name"] for hit in one["mappings"]] == [f"{there.crm.app}-mapping"]
    assert (one["looked_at"], one["would_fail"]) == (3, 3)
    assert states(world) == {("done", None)}


def test_fault_58_the_same_change_is_told_once(world: World, there: Changing) -> None:
    there.narrow()
    night(world)
    check(world, there)
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE drift_check SET local_date = local_date - 1"))
    assert night(world) == 1
    assert check(world, there) == 0
    assert len(told_once(world)) == 1


def test_a_night_has_one_check_whatever_asks_for_it(world: World, there: Changing) -> None:
    assert night(world) == 1
    assert night(world) == 0
    before = downloads(there)
    check(world, there)
    check(world, there)
    assert downloads(there) == pytest.approx(before + 1)
    assert [one for one in found(world, there) if one["breaks"]] == []


def test_a_crm_that_does_not_answer_is_asked_again_later(world: World, there: Changing) -> None:
    night(world)
    there.crm.fault(times=20, status=503)
    assert check(world, there) == 0
    (row,) = world.rows(
        "SELECT code, finished_at, due_at > now() + interval '10 min' AS later FROM drift_check"
        " WHERE cause = 'nightly'"
    )
    assert (row.finished_at, row.later) == (None, True)
    assert row.code


def test_the_watch_leaves_the_reserve_alone(world: World, there: Changing) -> None:
    night(world)
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            text(
                "INSERT INTO account_usage (workspace_id, account, kind, allowed, remaining,"
                " window_s, source, seen_at)"
                " SELECT workspace_id, app || ':' || remote_account_id, 'daily', 1000, 100, 86400,"
                " 'header', now() FROM connection"
                " ON CONFLICT (workspace_id, account, kind, calls)"
                " DO UPDATE SET allowed = 1000, remaining = 100, seen_at = now()"
            )
        )
    before = len(there.crm.calls())
    assert check(world, there) == 0
    assert len(there.crm.calls()) == before
    (row,) = world.rows(
        "SELECT due_at > now() + interval '50 min' AS later FROM drift_check"
        " WHERE cause = 'nightly'"
    )
    assert row.later


def test_the_scheduler_rings_for_a_check_that_is_due(world: World, there: Changing) -> None:
    night(world)
    bell = Doorbell(str(world.hub.settings.redis_url))
    Sweep(world.hub, bell).once()
    rung = [(one.func_name, tuple(one.args)) for one in bell._connected().jobs]
    asked = (VERSION, world.workspace_id, there.crm.connection_id, 0)
    assert ("connector.jobs.drift", asked) in rung


def test_what_nobody_uses_is_kept_and_troubles_nobody(world: World, there: Changing) -> None:
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE mapping SET deleted_at = now()"))
        store.execute(text("UPDATE delivery SET created_at = now() - interval '40 days'"))
    there.lose()
    night(world)
    assert check(world, there) >= 1
    (one,) = (each for each in found(world, there) if each["breaks"])
    assert one["mended_at"] is not None
    assert told_once(world) == []


def test_two_snapshots_can_be_compared(world: World, there: Changing) -> None:
    there.lose()
    night(world)
    check(world, there)
    connection_id = there.crm.connection_id
    with world.database.begin(world.workspace_id) as store:
        shown = drift.shown(store, world.workspace_id, connection_id)
        entity = FIELDS[there.crm.app]["entity"]
        mine = [one for one in shown["snapshots"] if one["entity"] == entity]
        told = drift.compared(
            store, world.workspace_id, connection_id, before=mine[1]["id"], after=mine[0]["id"]
        )
    assert [one["kind"] for one in told["changes"] if one["breaks"]] == ["removed"]
    lost = FIELDS[there.crm.app]["score"]
    assert [one["fields"] for one in told["mappings"]] == [[lost]]
