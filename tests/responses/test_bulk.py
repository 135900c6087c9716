"""A backlog large enough goes to the CRM's bulk jobs; live traffic does not."""

from __future__ import annotations

import pytest

from adapters.registry import adapter_for
from connector.responses import bulk
from tests.responses.scene import LATER, joined, known
from tests.world import CRMSeen, World, answered

MANY = 210
SETTINGS = {"bulk_from": "205"}


def test_from_when_on_a_backlog_is_one_for_bulk_jobs() -> None:
    traits = adapter_for("salesforce").traits
    assert bulk.at_once(traits, {}, due=1_999) == 200
    assert bulk.at_once(traits, {}, due=2_000) == traits.bulk_batch
    assert bulk.at_once(traits, {"bulk_from": "0"}, due=10_000) == 200
    assert bulk.at_once(traits, {"bulk_from": "50"}, due=200) == 200
    assert bulk.at_once(adapter_for("hubspot").traits, {}, due=10_000) == 100


def kinds(crm: CRMSeen, since: int) -> list[str]:
    return [one["kind"] for one in crm.calls()[since:]]


def pushed(world: World, count: int = MANY) -> None:
    world.push(*(answered(n) for n in range(count)))
    world.plan()


def test_a_backlog_is_written_by_one_job_and_every_answer_stands(world: World) -> None:
    with joined(world, "salesforce", note="none", settings=SETTINGS) as crm:
        known(world, crm, MANY)
        since = len(crm.calls())
        pushed(world)
        world.settle()
        assert "write" not in kinds(crm, since)
        assert kinds(crm, since).count("job") == 7
        assert {one.state for one in world.deliveries()} == {"done"}
        contacts = crm.control("state")["contacts"]
        assert {one["fields"]["NPS_Score__c"] for one in contacts} == {9}
        assert {tuple(one["tags"]) for one in contacts} == {("NPSToday.Møde.9",)}


def test_before_images_are_in_the_ledger_as_ever(world: World) -> None:
    with joined(world, "salesforce", note="none", settings=SETTINGS) as crm:
        known(world, crm, MANY)
        pushed(world)
        world.settle()
        world.push(*(answered(n, score=3, at=LATER, response_id=f"l{n}") for n in range(MANY)))
        world.settle()
        rows = world.rows(
            "SELECT before, after FROM ledger WHERE field = 'NPS_Score__c'"
            " ORDER BY id DESC LIMIT 210"
        )
        assert {(one.before, one.after) for one in rows} == {(9, 3)}


def test_a_few_more_responses_do_not_wait_for_the_job(world: World) -> None:
    with joined(world, "salesforce", note="none", settings=SETTINGS) as crm:
        known(world, crm, MANY + 1)
        pushed(world)
        world.drain("salesforce")
        assert {one.state for one in world.deliveries()} == {"awaiting"}
        world.push(answered(MANY, email=f"c{MANY}@example.test"))
        world.plan()
        world.drain("salesforce")
        live = [one for one in world.deliveries() if one.contact_id == MANY + 1]
        assert {one.state for one in live} == {"done"}


def test_a_newer_answer_waits_until_the_job_has_ended(world: World) -> None:
    """Although the poll finds the CRM down: the older value could overwrite it."""
    with joined(world, "salesforce", note="none", settings=SETTINGS) as crm:
        known(world, crm, MANY)
        pushed(world)
        world.drain("salesforce")
        world.push(answered(0, score=2, at=LATER, response_id="later"))
        world.plan()
        down = {"path": "/jobs/ingest", "occurrence": 1, "action": {"status": 503}}
        crm.control("fault", down)
        world.hurry()
        world.drain("salesforce")
        assert {one.state for one in world.deliveries(response_id=1)} == {"awaiting"}
        world.settle()
        assert float(crm.value("c0@example.test", "score")) == 2


def test_a_job_that_is_lost_is_looked_up_and_nothing_is_written_twice(world: World) -> None:
    with joined(world, "salesforce", note="none", settings=SETTINGS) as crm:
        known(world, crm, MANY)
        pushed(world)
        world.drain("salesforce")
        for _ in range(2):
            world.hurry()
            world.drain("salesforce")
        crm.control("options", {"bulk_forgotten": True})
        world.settle()
        assert {one.state for one in world.deliveries()} == {"done"}


@pytest.mark.parametrize("setting", ["0", "2000"])
def test_below_the_setting_nothing_changes(world: World, setting: str) -> None:
    with joined(world, "salesforce", note="none", settings={"bulk_from": setting}) as crm:
        known(world, crm, MANY)
        since = len(crm.calls())
        pushed(world)
        world.settle()
        assert "job" not in kinds(crm, since)
        assert kinds(crm, since).count("write") == 2
