"""A backlog large enough goes to the CRM's bulk jobs; live traffic does not."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, text

from adapters.registry import adapter_for
from adapters.salesforce.traits import BULK_ROWS
from connector.responses import bulk, leases, outbox
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


@contextmanager
def heard(world: World) -> Iterator[list[tuple[float, str]]]:
    """How long each statement took, in seconds, and its beginning."""
    told: list[tuple[float, str]] = []

    def before(_c: Any, _cursor: Any, _s: str, _p: Any, context: Any, _many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's
        context.began = time.monotonic()

    def after(_c: Any, _cursor: Any, statement: str, _p: Any, context: Any, _many: bool) -> None:  # noqa: FBT001
        told.append((time.monotonic() - context.began, statement.strip()[:60]))

    engine = world.database.engine
    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield told
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


def test_a_large_wave_is_settled_by_statements_of_a_bounded_size(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "AT_ONCE", 100)
    with joined(world, "salesforce", note="none", settings=SETTINGS) as crm:
        known(world, crm, MANY)
        pushed(world)
        with heard(world) as told:
            world.settle()
        settled = [one for _, one in told if one.startswith("WITH rows AS")]
        written = [one for _, one in told if one.startswith("INSERT INTO ledger")]
        # 420 rows three times: sent, still waiting, done.
        assert (len(settled), len(written)) == (15, 7)
        assert {one.state for one in world.deliveries()} == {"done"}
        assert world.rows("SELECT count(DISTINCT delivery_id) AS n FROM ledger")[0].n == 420


def test_a_claim_may_take_longer_than_a_statement_elsewhere(world: World) -> None:
    with joined(world, "salesforce", note="none") as crm:
        with world.database.begin(world.workspace_id) as store:
            before = store.execute(text("SHOW statement_timeout")).scalar_one()
            leases.claim_poll(store, crm.connection_id, lease_s=60)
            during = store.execute(text("SHOW statement_timeout")).scalar_one()
        with world.database.begin(world.workspace_id) as store:
            after = store.execute(text("SHOW statement_timeout")).scalar_one()
        assert (before, during, after) == ("5s", "30s", "5s")


@pytest.mark.prove
@pytest.mark.timeout(900)
def test_a_wave_of_thirty_thousand_rows_is_done_within_its_timeouts(world: World) -> None:
    """Three answers of each of the contacts that one bulk job holds."""
    with joined(world, "salesforce", note="none", settings={"bulk_from": "2000"}) as crm:
        known(world, crm, BULK_ROWS)
        for at, start in itertools.product((1, 2, 3), range(0, BULK_ROWS, 500)):
            many = range(start, start + 500)
            when = f"2026-11-2{at}T10:00:00Z"
            world.push(*(answered(n, at=when, response_id=f"{at}-{n}") for n in many))
        while len(world.deliveries()) < 6 * BULK_ROWS:
            world.plan()
        with heard(world) as told:
            world.settle(for_s=600)
        assert {(one.state, one.attempts) for one in world.deliveries()} <= {
            ("done", 0),
            ("superseded", 0),
        }
    print(*sorted(told)[-8:], sep="\n")
    claims = [one for one in told if one[1].startswith(("WITH due AS", "WITH job AS"))]
    assert max(claims)[0] < leases.STATEMENT_MS / 2_000
    # What hurries retries on is the test's own.
    hurried = [one for one in told if one[1].startswith("UPDATE delivery SET due_at = now() WHERE")]
    others = [one for one in told if one not in (*claims, *hurried)]
    assert max(others)[0] < world.hub.settings.statement_timeout_s / 2
