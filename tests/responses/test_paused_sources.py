"""What a paused source brings is accepted and kept, and planned when it goes on, in its order."""

from __future__ import annotations

from typing import Any

import pytest

from connector.responses import pulse, sources
from connector.responses.intake import accept
from tests.world import World, answered


@pytest.fixture
def source_id(world: World) -> int:
    with world.database.begin(world.workspace_id) as store:
        made = sources.create(
            store, world.hub.desk, world.workspace_id, name="s", platform="standard",
            max_bytes=9999,
        )  # fmt: skip
    return made.id


def does(world: World, act: Any, source_id: int) -> Any:
    with world.database.begin(world.workspace_id) as store:
        return act(store, world.workspace_id, source_id)


def brings(world: World, source_id: int, *items: Any) -> list[str]:
    """What the source's push is answered."""
    told = accept(world.database, world.workspace_id, source=f"hook:{source_id}", items=items)
    return [one.status for one in told]


def planned(world: World) -> list[str]:
    rows = world.rows(
        "SELECT response_id FROM response WHERE planned_at IS NOT NULL ORDER BY response_id"
    )
    return [row.response_id for row in rows]


def test_it_is_accepted_kept_and_planned_after_the_pause(world: World, source_id: int) -> None:
    assert brings(world, source_id, answered(1)) == ["accepted"]
    assert does(world, sources.pause, source_id) == 1
    assert brings(world, source_id, answered(2), answered(2)) == ["accepted", "duplicate"]
    world.push(answered(3))
    world.plan()
    assert planned(world) == ["r3"]
    assert "plan" not in {one.kind for one in world.due()}
    with world.database.begin(world.workspace_id) as store:
        assert pulse.backlog(store, world.workspace_id).responses == 0
        assert sources.held(store, world.workspace_id) == {source_id: 2}
    assert does(world, sources.resume, source_id) == 2
    assert does(world, sources.resume, source_id) == 0
    world.plan()
    assert planned(world) == ["r1", "r2", "r3"]
    assert brings(world, source_id, answered(4)) == ["accepted"]
    world.plan()
    assert planned(world) == ["r1", "r2", "r3", "r4"]


def test_what_was_planned_before_stays_planned(world: World, source_id: int) -> None:
    brings(world, source_id, answered(1))
    world.plan()
    assert does(world, sources.pause, source_id) == 0
    assert planned(world) == ["r1"]


def test_other_sources_go_on(world: World, source_id: int) -> None:
    with world.database.begin(world.workspace_id) as store:
        other = sources.create(
            store, world.hub.desk, world.workspace_id, name="t", platform="standard",
            max_bytes=9999,
        )  # fmt: skip
    does(world, sources.pause, source_id)
    brings(world, other.id, answered(1))
    world.plan()
    assert planned(world) == ["r1"]


def test_a_paused_source_that_is_deleted_holds_nothing_back(world: World, source_id: int) -> None:
    does(world, sources.pause, source_id)
    brings(world, source_id, answered(1))
    does(world, sources.delete, source_id)
    world.plan()
    assert planned(world) == ["r1"]
