"""Intake: stored once, committed before yes; the same again changes nothing, an edit is a new
version.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.responses.intake import Accepted
from tests.world import World, answered


def stored(world: World) -> list[tuple[str, int]]:
    rows = world.rows("SELECT response_id, revision FROM response ORDER BY id")
    return [(row.response_id, row.revision) for row in rows]


def statuses(*results: Accepted) -> list[str]:
    return [one.status for one in results]


def test_the_same_again_is_a_duplicate_and_answers_the_same(world: World) -> None:
    (first,) = world.push(answered(1))
    (again,) = world.push(answered(1))
    assert (first.status, again.status) == ("accepted", "duplicate")
    assert (first.id, first.revision, first.digest) == (again.id, again.revision, again.digest)
    assert stored(world) == [("r1", 1)]


def test_the_same_content_in_another_form_is_the_same(world: World) -> None:
    world.push(answered(1, submitted_at="2026-11-22T02:02:00+01:00"))
    (again,) = world.push(answered(1, submitted_at="2026-11-22T01:02:00Z", revision=1))
    assert again.status == "duplicate"


def test_the_same_revision_with_another_body_is_a_conflict(world: World) -> None:
    (first,) = world.push(answered(1, score=9))
    (other,) = world.push(answered(1, score=3))
    assert (other.status, other.digest) == ("conflict", first.digest)
    assert stored(world) == [("r1", 1)]


def test_a_higher_revision_is_a_new_version(world: World) -> None:
    world.push(answered(1))
    (edited,) = world.push(answered(1, score=3, revision=2))
    assert (edited.status, edited.revision) == ("accepted", 2)


def test_a_later_answer_under_the_same_revision_is_an_edit(world: World) -> None:
    world.push(answered(1))
    later = answered(1, score=3, at="2026-11-23T01:02:00Z")
    (edited,) = world.push(later)
    (again,) = world.push(later)
    assert (edited.status, edited.revision) == ("accepted", 2)
    assert (again.status, again.revision) == ("duplicate", 2)


def test_an_older_revision_that_comes_late_is_kept_as_itself(world: World) -> None:
    world.push(answered(1, revision=3))
    (late,) = world.push(answered(1, score=3, revision=2))
    assert (late.status, late.revision) == ("accepted", 2)


def test_a_bad_item_never_refuses_its_neighbours(world: World) -> None:
    bad = answered(2)
    bad["answers"]["nps"]["value"] = 11
    results = world.push(answered(1), bad, {}, answered(3))
    assert statuses(*results) == ["accepted", "invalid", "invalid", "accepted"]
    assert "nps" in str(results[1].errors)
    assert "11" not in str(results[1].errors)
    assert [one.place for one in results] == [0, 1, 2, 3]


def test_twins_in_one_push_are_stored_once(world: World) -> None:
    results = world.push(answered(1), answered(1), answered(1, score=2))
    assert statuses(*results) == ["accepted", "duplicate", "conflict"]
    assert results[0].id == results[1].id
    assert stored(world) == [("r1", 1)]


def test_fault_39_fifty_pushes_of_one_response_at_once_store_it_once(world: World) -> None:
    with ThreadPoolExecutor(10) as pool:
        results = list(pool.map(lambda _: world.push(answered(1))[0], range(50)))
    assert sorted(statuses(*results)) == ["accepted"] + ["duplicate"] * 49
    assert len({one.id for one in results}) == 1
    assert stored(world) == [("r1", 1)]


def test_pushes_that_meet_in_opposite_order_do_not_deadlock(world: World) -> None:
    batch = [answered(number) for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda way: world.push(*batch[:: way or 1]), [1, -1] * 8))
    assert len(stored(world)) == 60


@pytest.mark.parametrize(
    "text",
    ["emoji \U0001f469\u200d\U0001f467 and \u202eoverride", "e\u0301 and \u00e9", "x" * 100_000],
)
def test_text_is_stored_exact(world: World, text: str) -> None:
    world.push(answered(1, why=text))
    (row,) = world.rows("SELECT body->'answers'->'why'->>'value' AS why FROM response")
    assert row.why == text
