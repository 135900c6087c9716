"""One response, all the way, in each of the three CRMs."""

from __future__ import annotations

from connector.responses.configuration import preferences
from tests.world import CRMSeen, World, answered, people


def test_a_response_becomes_fields_a_tag_and_a_note(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    world.push(answered(0))
    world.settle()
    assert world.states() == {"done": 3}
    assert float(crm.value("c0@example.test", "score")) == 9
    assert crm.value("c0@example.test", "comment") == "Friendly 😀"
    assert len(crm.tags("c0@example.test")) == 1
    assert len(crm.notes("c0@example.test")) == 1


def test_a_later_score_replaces_the_earlier_tag(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    world.push(answered(0, score=7))
    world.settle()
    before = crm.tags("c0@example.test")
    later = answered(0, score=9, at="2026-11-23T01:02:00Z", response_id="later")
    world.push(later)
    world.settle()
    (tag,) = crm.tags("c0@example.test")
    assert before != [tag]
    assert tag.endswith("9")
    assert len(crm.notes("c0@example.test")) == 2


def test_a_contact_the_crm_does_not_have_is_created(world: World, crm: CRMSeen) -> None:
    world.push(answered(5))
    world.settle()
    assert world.states() == {"done": 3}
    assert float(crm.value("c5@example.test", "score")) == 9
    assert len(crm.tags("c5@example.test")) == 1


def patterned(world: World, **tags: str) -> None:
    with world.database.begin(world.workspace_id) as store:
        preferences.change(store, world.workspace_id, {"settings": {"tags": tags}})


def test_a_workspace_may_have_a_tag_pattern_of_its_own(world: World, crm: CRMSeen) -> None:
    patterned(world, prefix="Stemme", separator="-")
    crm.seed(people(1))
    world.push(answered(0))
    world.settle()
    (tag,) = crm.tags("c0@example.test")
    assert tag.lower() in {"stemme-møde-9", "stemme-moede-9"}


def test_a_tag_of_the_pattern_before_is_replaced_too(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    world.push(answered(0, score=7))
    world.settle()
    patterned(world, prefix="Stemme")
    patterned(world, separator="-")
    world.push(answered(0, score=9, at="2026-11-23T01:02:00Z", response_id="later"))
    world.settle()
    (tag,) = crm.tags("c0@example.test")
    assert tag.lower().startswith("stemme-")
