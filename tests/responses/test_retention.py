"""Answers are deleted after as long as the workspace keeps them, and nothing else is lost by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connector.responses import replay, retention
from connector.responses.viewing import one
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from tests.world import CRMSeen, World, answered

CANARY = "kanariefugl"
TABLES = ("response", "delivery", "ledger", "answer_file", "attempt", "response_key", "audit")


@pytest.fixture
def hubspot(world: World) -> Iterator[CRMSeen]:
    with running(HubSpot()) as url:
        seen = world.connect("hubspot", url)
        world.mapping("hubspot")
        yield seen


def aged(world: World, days: int = 91) -> None:
    """Everything that is there came, and was settled, so many days ago."""
    for table, column in (("response", "received_at"), ("delivery", "settled_at")):
        world.rows(
            f"UPDATE {table} SET {column} = {column} - make_interval(days => :days) RETURNING 1",  # noqa: S608
            days=days,
        )


def night(world: World) -> int:
    """A whole night's run; how many responses it has deleted the answers of."""
    world.rows("DELETE FROM retention_run RETURNING 1")
    with world.database.begin(world.workspace_id) as store:
        store.execute(retention.SCHEDULE, {"w": world.workspace_id, "hour": 0, "days": 90})
    return retention.forget_due(world.hub, world.workspace_id)


def everything(world: World) -> str:
    """All that the store holds of responses, as text."""
    asked = [f"SELECT t::text FROM {table} t" for table in TABLES]  # noqa: S608
    return json.dumps([[tuple(row) for row in world.rows(query)] for query in asked])


def test_no_answer_is_left_and_the_response_is_still_known(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1, why=CANARY))
    world.settle()
    assert CANARY in everything(world)
    aged(world)
    assert night(world) == 1
    assert CANARY not in everything(world)
    assert [row.status for row in world.push(answered(1, why=CANARY))] == ["duplicate"]
    assert hubspot.value("c1@example.test", "comment") == CANARY
    (kept,) = world.rows("SELECT id FROM response")
    with world.database.begin(world.workspace_id) as store:
        seen = one(store, world.workspace_id, kept.id)
    assert (seen.answers, seen.score, seen.row["removed_at"] is not None) == ((), None, True)


@pytest.mark.parametrize(("days", "kept_for", "deleted"), [(89, None, 0), (31, 30, 1), (29, 30, 0)])
def test_they_are_kept_for_as_long_as_the_workspace_says(
    world: World, hubspot: CRMSeen, days: int, kept_for: int | None, deleted: int
) -> None:
    world.rows(
        "UPDATE workspace SET settings = CAST(:s AS jsonb) RETURNING 1",
        s=json.dumps({"retention_days": kept_for} if kept_for else {}),
    )
    world.push(answered(1))
    world.settle()
    aged(world, days)
    assert night(world) == deleted


def test_what_is_still_to_be_delivered_is_not_touched(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1, why=CANARY), answered(2))
    world.settle()
    aged(world)
    (waits,) = world.rows(
        "UPDATE delivery SET state = 'parked', reason = 'auth', settled_at = NULL WHERE id ="
        " (SELECT min(id) FROM delivery WHERE kind = 'fields') RETURNING id, payload"
    )
    assert night(world) == 1
    (after,) = world.rows("SELECT payload FROM delivery WHERE id = :id", id=waits.id)
    assert after.payload == waits.payload
    assert CANARY in str(after.payload)


def test_what_was_settled_lately_keeps_its_answers(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1))
    world.plan()
    aged(world)
    world.settle()
    assert night(world) == 0


def test_what_could_not_be_written_is_replayed_no_more(world: World, hubspot: CRMSeen) -> None:
    world.rows("UPDATE connection SET name = name RETURNING 1")
    world.push(answered(1))
    world.plan()
    world.rows("UPDATE delivery SET state = 'dead', settled_at = now() RETURNING 1")
    aged(world)
    assert night(world) == 1
    told = {(row.state, row.reason) for row in world.rows("SELECT state, reason FROM delivery")}
    assert told == {("cancelled", "answers_removed")}
    with world.database.begin(world.workspace_id) as store:
        assert replay.replay_all(store, world.workspace_id, {"state": "dead"}) == 0


def test_a_newer_answer_still_replaces_the_score_and_an_older_one_does_not(
    world: World, hubspot: CRMSeen
) -> None:
    same = "one@example.test"
    world.push(answered(1, score=7, email=same))
    world.settle()
    aged(world)
    night(world)
    world.push(answered(2, score=3, at="2026-11-01T01:02:00Z", email=same))
    world.settle()
    assert hubspot.tags("one@example.test") == ["NPSToday.Møde.7"]
    world.push(answered(3, score=9, at="2026-11-23T01:02:00Z", email=same))
    world.settle()
    assert hubspot.tags("one@example.test") == ["NPSToday.Møde.9"]
    assert hubspot.value("one@example.test", "score") == "9"


def test_a_deletion_that_comes_afterwards_still_takes_note_and_tag_back(
    world: World, hubspot: CRMSeen
) -> None:
    world.push(answered(1, score=7))
    world.settle()
    aged(world)
    night(world)
    world.push(answered(1, event="deleted", revision=2))
    world.settle()
    assert (hubspot.tags("c1@example.test"), hubspot.notes("c1@example.test")) == ([], [])


def test_an_edit_that_comes_afterwards_replaces_the_note(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1, score=7))
    world.settle()
    aged(world)
    night(world)
    world.push(answered(1, score=8, revision=2, at="2026-11-24T01:02:00Z"))
    world.settle()
    (note,) = hubspot.notes("c1@example.test")
    assert "8" in note


def test_files_go_with_their_names(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1))
    world.settle()
    (response,) = world.rows("SELECT id FROM response")
    (file,) = world.rows(
        "INSERT INTO answer_file (workspace_id, response_id, answer, place, name, state, reason)"
        " VALUES (:w, :r, 'cv', 0, 'cv of somebody.pdf', 'fetched', NULL) RETURNING id",
        w=world.workspace_id, r=response.id,
    )  # fmt: skip
    world.rows(
        "INSERT INTO file_content (workspace_id, file_id, content) VALUES (:w, :f, 'x')"
        " RETURNING 1", w=world.workspace_id, f=file.id,
    )  # fmt: skip
    aged(world)
    night(world)
    assert world.rows("SELECT 1 FROM file_content") == []
    (left,) = world.rows("SELECT state, name, url FROM answer_file")
    assert tuple(left) == ("removed", None, None)


def test_a_night_goes_on_where_it_was_killed_and_is_told_once(
    world: World, hubspot: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.push(*(answered(n) for n in range(5)))
    world.settle()
    aged(world)
    monkeypatch.setattr(retention, "BATCH", 2)
    forget, batches = retention._forget, []

    class Killed(BaseException):
        pass

    def dies_in_the_second(*args: Any) -> int:
        batches.append(1)
        done = forget(*args)
        if len(batches) == 2:
            raise Killed
        return done

    monkeypatch.setattr(retention, "_forget", dies_in_the_second)
    with pytest.raises(Killed):
        night(world)
    assert world.rows("SELECT count(*) AS n FROM response WHERE removed_at IS NOT NULL")[0].n == 2
    retention.forget_due(world.hub, world.workspace_id)
    retention.forget_due(world.hub, world.workspace_id)
    noted = world.rows("SELECT detail FROM audit WHERE action = 'answers.removed'")
    assert [row.detail for row in noted] == [{"responses": 5, "files": 0, "older_than_days": 90}]
    with world.database.begin(world.workspace_id) as store:
        assert [one["responses"] for one in retention.told(store, world.workspace_id)] == [5]


def test_one_run_a_night(world: World, hubspot: CRMSeen) -> None:
    world.push(answered(1))
    world.settle()
    aged(world)
    for _ in range(2):
        with world.database.begin(world.workspace_id) as store:
            store.execute(retention.SCHEDULE, {"w": world.workspace_id, "hour": 0, "days": 90})
    assert world.rows("SELECT count(*) AS n FROM retention_run")[0].n == 1
