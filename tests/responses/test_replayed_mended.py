"""A replay after somebody has mended the mapping sends what the mended mapping makes."""

from __future__ import annotations

import pytest

from connector.responses import replay
from connector.responses.configuration import mappings
from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.world import World, answered, founded


@pytest.fixture(scope="module")
def crm():
    with running(HubSpot()) as url:
        yield url


@pytest.fixture
def world(settings, database, crm) -> World:
    made = founded(settings, database)
    made.connect("hubspot", crm)
    return made


def published_anew(world: World, mapping_id: int, **changes: object) -> None:
    """The next version of the mapping, with these changes."""
    with world.database.begin(world.workspace_id) as store:
        body = mappings.read(store, world.workspace_id, mapping_id)["body"] | changes
        mappings.save(store, world.workspace_id, body=body, actor="test", mapping_id=mapping_id)
        mappings.publish(store, world.workspace_id, mapping_id, actor="test", switch_on=False)


def replayed(world: World) -> replay.Preview:
    with world.database.begin(world.workspace_id) as store:
        told = replay.preview(store, world.workspace_id, {"state": "dead"})
        assert replay.replay_all(store, world.workspace_id, {"state": "dead"}) == told.count
    world.settle()
    return told


def test_whoever_was_not_found_is_made_by_the_mended_mapping_with_tag_and_note(world):
    mapping_id = world.mapping("hubspot", operation="update")
    email = "nobody.yet@example.test"
    world.push(answered(1, email=email))
    world.settle()
    assert {one.state for one in world.deliveries()} == {"dead"}
    published_anew(world, mapping_id, operation="upsert")
    told = replayed(world)
    assert (told.again, told.planned_anew) == (0, 3)
    crm = world.crms["hubspot"]
    assert (crm.value(email, "score"), crm.tags(email)) == ("9", ["NPSToday.Møde.9"])
    assert len(crm.notes(email)) == 1
    assert world.states() == {"done": 3}
    assert replayed(world).count == 0


def test_what_no_newer_mapping_mends_is_tried_again_as_it_was(world):
    world.mapping("hubspot", operation="update")
    email = "made.meanwhile@example.test"
    world.push(answered(1, email=email))
    world.settle()
    world.crms["hubspot"].seed([{"email": email}])
    told = replayed(world)
    assert (told.again, told.planned_anew) == (3, 0)
    assert world.crms["hubspot"].value(email, "score") == "9"


def test_an_older_answer_that_is_planned_anew_does_not_write_over_a_newer(world):
    mapping_id = world.mapping("hubspot", operation="update")
    email = "two.answers@example.test"
    world.push(answered(1, email=email, score=3, at="2026-11-20T01:02:00Z"))
    world.settle()
    world.crms["hubspot"].seed([{"email": email}])
    world.push(answered(2, email=email, score=9, at="2026-11-22T01:02:00Z"))
    world.settle()
    published_anew(world, mapping_id, operation="upsert")
    replayed(world)
    crm = world.crms["hubspot"]
    assert (crm.value(email, "score"), crm.tags(email)) == ("9", ["NPSToday.Møde.9"])
