"""A mapping that is switched on later reaches what was answered before, once and in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from connector.problems import Refusal
from connector.responses import outbox, replay
from connector.responses.backfill import asked, job
from connector.responses.backfill.span import Span
from connector.responses.configuration import automations, mappings
from schemas.priority import Priority
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from tests.responses.scene import joined, known
from tests.world import FIELDS, CRMSeen, World, answered

WHOLE = Span()
JANUARY, MARCH = "2026-01-10T12:00:00Z", "2026-03-10T12:00:00Z"


@pytest.fixture
def hubspot(world: World) -> Iterator[CRMSeen]:
    """Connected; nothing is mapped yet."""
    with running(HubSpot()) as url:
        yield world.connect("hubspot", url)


def told(world: World, mapping_id: int, span: Span = WHOLE) -> dict[str, Any]:
    """What a preview says."""
    with world.database.begin(world.workspace_id) as store:
        return asked.preview(
            store, world.hub.desk, world.workspace_id, mapping_id, span=span, share=1.0,
            linger_s={},
        )  # fmt: skip


def begun(world: World, mapping_id: int, span: Span = WHOLE) -> int:
    with world.database.begin(world.workspace_id) as store:
        made = asked.start(store, world.workspace_id, mapping_id, span=span, actor="test")
    return int(made["id"])


def run(world: World, mapping_id: int, span: Span = WHOLE) -> dict[str, int]:
    """A whole backfill, with its writing; how many responses were what."""
    number = begun(world, mapping_id, span)
    world.settle()
    return counted(world, mapping_id, number)


def counted(world: World, mapping_id: int, number: int) -> dict[str, int]:
    with world.database.begin(world.workspace_id) as store:
        seen = asked.read(store, world.workspace_id, mapping_id, number)
    return {one: count for one, count in seen["counts"].items() if count}


def published_anew(world: World, mapping_id: int, **changes: object) -> None:
    with world.database.begin(world.workspace_id) as store:
        body = mappings.read(store, world.workspace_id, mapping_id)["body"] | changes
        mappings.save(store, world.workspace_id, body=body, actor="test", mapping_id=mapping_id)
        mappings.publish(
            store, world.workspace_id, mapping_id, actor="test", switch_on=False,
            accept_warnings=True,
        )  # fmt: skip


def test_what_came_before_the_mapping_is_written_once(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1, score=7, at=JANUARY), answered(2, score=9, at=MARCH))
    world.settle()
    assert world.deliveries(kind="fields") == []
    mapping_id = world.mapping("hubspot")
    seen = told(world, mapping_id)
    assert (seen["responses"], seen["counts"]["to_write"], seen["contacts"]) == (2, 2, 2)
    assert world.deliveries(kind="fields") == []
    assert run(world, mapping_id) == {"to_write": 2}
    assert hubspot.value("c1@example.test", "score") == "7"
    assert hubspot.tags("c2@example.test") == ["NPSToday.Møde.9"]
    assert hubspot.notes("c2@example.test") == []
    before = [(one.id, one.state) for one in world.deliveries()]
    writes = len(hubspot.calls(kinds=["write"]))
    assert run(world, mapping_id) == {"already": 2}
    assert [(one.id, one.state) for one in world.deliveries()] == before
    assert len(hubspot.calls(kinds=["write"])) == writes


def test_its_steps_let_new_answers_pass(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1))
    world.plan()
    mapping_id = world.mapping("hubspot")
    begun(world, mapping_id)
    job.plan_due(world.hub, world.workspace_id)
    world.push(answered(2))
    world.plan()
    lanes = {one.priority for one in world.deliveries(contact_id=world.deliveries()[0].contact_id)}
    assert lanes == {Priority.BACKFILL}
    assert {one.priority for one in world.deliveries()} == {Priority.LIVE, Priority.BACKFILL}


def test_an_answer_of_the_span_never_wins_over_a_newer_one(world: World, hubspot: CRMSeen) -> None:
    same = "one@example.test"
    world.push(answered(1, score=3, at=JANUARY, email=same))
    world.settle()
    mapping_id = world.mapping("hubspot")
    world.push(answered(2, score=9, at=MARCH, email=same))
    world.settle()
    assert run(world, mapping_id) == {"to_write": 1, "already": 1}
    assert hubspot.value("one@example.test", "score") == "9"
    assert hubspot.tags("one@example.test") == ["NPSToday.Møde.9"]
    old = [one for one in world.deliveries(kind="fields") if one.answered_at.month == 1]
    assert [one.state for one in old] == ["superseded"]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (Span(), {1, 2, 3}),
        (Span(since=date(2026, 1, 11)), {2, 3}),
        # 23:30 UTC on the 10th is the 11th in Copenhagen.
        (Span(until=date(2026, 1, 10)), {1}),
        (Span(since=date(2026, 1, 11), until=date(2026, 1, 11)), {2}),
    ],
)
def test_a_span_is_days_of_the_workspaces_zone(
    world: World, hubspot: CRMSeen, span: Span, expected: set[int]
) -> None:
    times = {1: JANUARY, 2: "2026-01-10T23:30:00Z", 3: MARCH}
    world.push(*(answered(n, at=at) for n, at in times.items()))
    world.plan()
    mapping_id = world.mapping("hubspot")
    assert told(world, mapping_id, span)["responses"] == len(expected)
    begun(world, mapping_id, span)
    job.plan_due(world.hub, world.workspace_id)
    rows = world.rows(
        "SELECT r.response_id FROM delivery d JOIN response r ON r.id = d.response_id"
        " WHERE d.kind = 'fields' ORDER BY r.id"
    )
    assert {int(row.response_id[1:]) for row in rows} == expected


def test_only_the_campaigns_that_were_chosen(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1), answered(2, campaign=("6000", "Other")))
    world.plan()
    mapping_id = world.mapping("hubspot")
    with world.database.begin(world.workspace_id) as store:
        span = asked.span_of(store, world.workspace_id, {"campaigns": ["6000"]})
    assert run(world, mapping_id, span) == {"to_write": 1}
    assert sorted(hubspot.contacts()) == ["c2@example.test"]


@pytest.mark.parametrize(
    ("wanted", "at"),
    [
        ({"campaigns": ["nobody"]}, "/campaigns/0"),
        ({"since": date(2026, 2, 1), "until": date(2026, 1, 1)}, "/until"),
    ],
)
def test_a_span_that_cannot_be_is_refused_at_its_place(
    world: World, wanted: dict[str, Any], at: str
) -> None:
    with world.database.begin(world.workspace_id) as store, pytest.raises(Refusal) as refused:
        asked.span_of(store, world.workspace_id, wanted)
    assert [one.pointer for one in refused.value.places] == [at]


def test_a_newer_version_of_the_mapping_writes_again_what_the_older_wrote(
    world: World, hubspot: CRMSeen
) -> None:
    mapping_id = world.mapping("hubspot")
    world.push(answered(1, score=7))
    world.settle()
    with world.database.begin(world.workspace_id) as store:
        (score, _) = mappings.read(store, world.workspace_id, mapping_id)["body"]["rows"]
    other = {**score, "field": FIELDS["hubspot"]["comment"]}
    published_anew(world, mapping_id, rows=[other])
    assert run(world, mapping_id) == {"to_write": 1}
    assert hubspot.value("c1@example.test", "comment") == "7"
    steps = [(one.step, one.mapping_version, one.state) for one in world.deliveries(kind="fields")]
    assert steps == [
        (f"feed:{mapping_id}@1", 1, "done"),
        (f"feed:{mapping_id}", 2, "done"),
    ]
    assert run(world, mapping_id) == {"already": 1}


def test_a_large_one_goes_by_the_crms_bulk_job(world: World) -> None:
    with joined(world, "salesforce", note="none", settings={"bulk_from": "205"}) as crm:
        known(world, crm, 210)
        (mapping_id,) = world.rows("SELECT id FROM mapping")[0]
        world.push(*(answered(n, score=7) for n in range(210)))
        world.settle()
        with world.database.begin(world.workspace_id) as store:
            (score, _) = mappings.read(store, world.workspace_id, mapping_id)["body"]["rows"]
        other = {**score, "field": FIELDS["salesforce"]["comment"]}
        published_anew(world, mapping_id, rows=[other])
        since = len(crm.calls())
        assert run(world, mapping_id) == {"to_write": 210}
        kinds = Counter(one["kind"] for one in crm.calls()[since:])
        assert kinds["job"] > 0
        assert kinds["write"] == 0
        contacts = crm.control("state")["contacts"]
        assert {one["fields"][FIELDS["salesforce"]["comment"]] for one in contacts} == {"7"}


def test_what_an_older_version_could_not_write_is_written_and_asks_nobody_any_more(
    world: World, hubspot: CRMSeen
) -> None:
    mapping_id = world.mapping("hubspot", operation="update", note="none")
    world.push(answered(1))
    world.settle()
    assert [one.state for one in world.deliveries(kind="fields")] == ["dead"]
    published_anew(world, mapping_id, operation="upsert")
    assert run(world, mapping_id) == {"to_write": 1}
    ended = [(one.state, one.reason) for one in world.deliveries(kind="fields")]
    assert ended == [("superseded", "backfilled"), ("done", None)]


def test_what_is_on_its_way_is_left_alone(world: World, hubspot: CRMSeen) -> None:
    mapping_id = world.mapping("hubspot")
    world.push(answered(1))
    world.plan()
    published_anew(world, mapping_id, note="none")
    begun(world, mapping_id)
    job.plan_due(world.hub, world.workspace_id)
    (row,) = world.rows("SELECT counts FROM backfill")
    assert row.counts == {"under_way": 1}
    assert len(world.deliveries(kind="fields")) == 1


def test_what_nobody_gave_or_has_replaced_is_counted_and_left_out(
    world: World, hubspot: CRMSeen
) -> None:
    nobody = answered(1, respondent={"anonymous": True})
    world.push(nobody, answered(2, score=3), answered(2, score=9, at=MARCH, revision=2))
    world.push(answered(3), answered(3, event="deleted", revision=2))
    world.settle()
    mapping_id = world.mapping("hubspot")
    assert run(world, mapping_id) == {"to_write": 1, "nobody": 1, "replaced": 3}
    assert hubspot.value("c2@example.test", "score") == "9"


def test_the_conditions_of_what_feeds_the_mapping_are_asked(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1, score=3), answered(2, score=9))
    world.plan()
    mapping_id = world.mapping("hubspot")
    (rule,) = world.rows("SELECT id FROM automation")
    with world.database.begin(world.workspace_id) as store:
        body = automations.read(store, world.workspace_id, rule.id)["body"]
        body = {**body, "if": "answers.nps > 6"}
        automations.save(store, world.workspace_id, body=body, actor="test", automation_id=rule.id)
        automations.publish(store, world.workspace_id, rule.id)
    assert run(world, mapping_id) == {"to_write": 1, "not_fed": 1}


def test_a_mapping_that_nothing_feeds_is_refused(world: World, hubspot: CRMSeen) -> None:
    mapping_id = world.mapping("hubspot")
    world.rows("UPDATE automation SET enabled = false RETURNING id")
    for ask in (told, begun):
        with pytest.raises(Refusal) as refused:
            ask(world, mapping_id)
        assert "not switched on" in refused.value.detail


def test_two_of_one_mapping_do_not_run_at_once(world: World, hubspot: CRMSeen) -> None:
    mapping_id = world.mapping("hubspot")
    begun(world, mapping_id)
    with pytest.raises(Refusal) as refused:
        begun(world, mapping_id)
    assert refused.value.code == "conflict"


def test_it_goes_on_where_it_was_killed(
    world: World, hubspot: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch and the place it has come to are one transaction: what breaks before its commit has
    not been.
    """
    world.push(*(answered(n) for n in range(5)))
    world.plan()
    mapping_id = world.mapping("hubspot")
    number = begun(world, mapping_id)
    monkeypatch.setattr(job, "BATCH", 2)

    class Killed(BaseException):
        pass

    enqueue, batches = outbox.enqueue, []

    def dies_in_the_second(*args: Any, **options: Any) -> int:
        batches.append(1)
        stored = enqueue(*args, **options)
        if len(batches) == 2:
            raise Killed
        return stored

    monkeypatch.setattr(outbox, "enqueue", dies_in_the_second)
    with pytest.raises(Killed):
        job.plan_due(world.hub, world.workspace_id)
    assert counted(world, mapping_id, number) == {"to_write": 2}
    assert len(world.deliveries(kind="fields")) == 2
    world.settle()
    assert counted(world, mapping_id, number) == {"to_write": 5}
    assert [one.state for one in world.deliveries(kind="fields")] == ["done"] * 5


def test_a_stopped_one_plans_no_more_and_keeps_what_it_has(
    world: World, hubspot: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.push(*(answered(n) for n in range(4)))
    world.plan()
    mapping_id = world.mapping("hubspot")
    number = begun(world, mapping_id)
    monkeypatch.setattr(job, "BATCH", 2)
    job.plan_due(world.hub, world.workspace_id, for_s=0.0)
    job._plan_batch(world.hub, world.workspace_id, size=2)
    with world.database.begin(world.workspace_id) as store:
        seen = asked.stop(store, world.workspace_id, mapping_id, number)
    assert (seen["state"], seen["looked_at"], seen["total"]) == ("stopped", 2, 4)
    world.settle()
    assert len(world.deliveries(kind="fields")) == 2


def test_it_stops_by_itself_when_the_mapping_is_published_anew(
    world: World, hubspot: CRMSeen
) -> None:
    world.push(answered(1))
    world.plan()
    mapping_id = world.mapping("hubspot")
    begun(world, mapping_id)
    published_anew(world, mapping_id, note="none")
    world.settle()
    (row,) = world.rows("SELECT state, reason FROM backfill")
    assert tuple(row) == ("stopped", "mapping_changed")
    assert world.deliveries(kind="fields") == []


def test_a_response_that_cannot_be_stored_does_not_stop_the_others(
    world: World, hubspot: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.push(*(answered(n) for n in range(3)))
    world.plan()
    mapping_id = world.mapping("hubspot")
    bad = world.rows("SELECT id FROM response ORDER BY id")[1].id
    enqueue = outbox.enqueue

    def refuses(connection: Any, workspace_id: int, planned: Any, **options: Any) -> int:
        if any(rank.response_id == bad for rank, _, _ in planned):
            message = "cannot be stored"
            raise ValueError(message)
        return enqueue(connection, workspace_id, planned, **options)

    monkeypatch.setattr(outbox, "enqueue", refuses)
    assert run(world, mapping_id) == {"to_write": 2, "broken": 1}
    assert hubspot.value("c2@example.test", "score") == "9"


def test_a_replay_of_what_the_mapping_refused_plans_it_again(
    world: World, hubspot: CRMSeen
) -> None:
    """The key of a backfilled step is a live one's: planning anew finds it free."""
    world.push(answered(1))
    world.settle()
    mapping_id = world.mapping("hubspot", operation="update", note="none")
    assert run(world, mapping_id) == {"to_write": 1}
    published_anew(world, mapping_id, operation="upsert")
    with world.database.begin(world.workspace_id) as store:
        replay.replay_all(store, world.workspace_id, {"state": "dead"})
    world.settle()
    assert [one.state for one in world.deliveries(kind="fields")] == ["done"]


@pytest.mark.parametrize(("remaining", "reaches"), [(1_000, True), (201, True), (199, False)])
def test_a_preview_says_what_it_costs_and_whether_the_day_reaches(
    world: World, hubspot: CRMSeen, remaining: int, *, reaches: bool
) -> None:
    """A tenth of the day is reserved; where twice that is left, backfills wait."""
    mapping_id = world.mapping("hubspot")
    world.push(answered(1))
    world.settle()
    world.rows("UPDATE connection_pace SET recent_calls = 1, recent_rows = 2 RETURNING 1")
    world.rows("DELETE FROM account_usage WHERE kind = 'daily' RETURNING 1")
    world.rows(
        "INSERT INTO account_usage (workspace_id, account, kind, allowed, remaining, window_s,"
        " source, seen_at) SELECT workspace_id, app || ':' || remote_account_id, 'daily', 1000,"
        " :left, 86400, 'header', now() FROM connection RETURNING 1",
        left=remaining,
    )
    published_anew(world, mapping_id, note="none")
    seen = told(world, mapping_id)
    assert (seen["steps"], seen["calls"], seen["calls_left"]) == (2, 1, max(0, remaining - 200))
    assert seen["reaches"] is reaches


def test_of_a_large_span_a_share_is_looked_at(
    world: World, hubspot: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "MOST_LOOKED_AT", 3)
    world.push(*(answered(n) for n in range(6)))
    world.plan()
    seen = told(world, world.mapping("hubspot"))
    assert (seen["responses"], seen["looked_at"], seen["counts"]["to_write"]) == (6, 3, 6)
    assert seen["contacts"] == 6
