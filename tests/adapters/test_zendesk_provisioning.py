"""What is made at Zendesk on request: the opt-out checkbox, and an object for survey responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.provisioning import Part, Plan, State, Wanted
from adapters.zendesk.traits import RECORD, RECORD_OBJECT
from tests.adapters.zendesk_bench import ZendeskBench, served

WANTED = Wanted("NPSToday.NoSend")


@pytest.fixture
def bench() -> Iterator[ZendeskBench]:
    with served() as one:
        yield one


def record(plan: Plan) -> list[State]:
    return [one.state for one in plan.of(Part.RECORD)]


def made(bench: ZendeskBench) -> Plan:
    return bench.adapter().furnish(WANTED, frozenset(Part))


def test_the_object_is_made_with_its_lookups_and_described(bench: ZendeskBench) -> None:
    before = bench.adapter().planned(WANTED)
    assert set(record(before)) == {State.MISSING}
    assert RECORD_OBJECT not in bench.control("state")["custom_objects"]
    after = made(bench)
    assert {(one.state, one.made) for one in after.of(Part.RECORD)} == {(State.EXISTS, True)}
    entity = {one.name: one for one in bench.adapter().entities()}[RECORD_OBJECT]
    fields = entity.by_name()
    wanted = {RECORD.key, *RECORD.fields.values(), *(name for name, _ in RECORD.links.values())}
    assert wanted <= fields.keys()
    lookups = {name: fields[name].native_type for name, _ in RECORD.links.values()}
    assert lookups == {
        "contact": "lookup zen:user",
        "company": "lookup zen:organization",
        "ticket": "lookup zen:ticket",
        "owner": "lookup zen:user",
    }


def test_a_second_making_makes_nothing(bench: ZendeskBench) -> None:
    made(bench)
    before = len(bench.calls())
    again = made(bench)
    assert not any(one.made for one in again.things)
    assert {one["method"] for one in bench.calls()[before:]} == {"GET"}


def test_a_field_that_the_object_has_lost_is_made_again(bench: ZendeskBench) -> None:
    made(bench)
    bench.control("seed", {"remove_object_fields": {RECORD_OBJECT: ["score"]}})
    again = made(bench)
    assert [one.name for one in again.things if one.made] == [f"{RECORD_OBJECT}.score"]


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ({"key": "score", "type": "text"}, "it must be integer"),
        (
            {"key": "contact", "type": "lookup", "relationship_target_type": "zen:ticket"},
            "zen:user",
        ),
        ({"key": "tag", "type": "text", "active": False}, "activate it"),
    ],
    ids=["type", "target", "off"],
)
def test_a_field_that_will_not_do_is_told_and_left_alone(
    bench: ZendeskBench, field: dict[str, Any], says: str
) -> None:
    told = {"key": RECORD_OBJECT, "title": "Ours", "fields": [{**field, "title": "Ours"}]}
    bench.control("seed", {"custom_objects": [told]})
    (thing,) = (one for one in made(bench).things if one.name.endswith(f".{field['key']}"))
    assert (thing.state, thing.made) == (State.DRIFTED, False)
    assert says in thing.text


def test_without_custom_objects_it_says_what_is_done_instead(bench: ZendeskBench) -> None:
    bench.control("options", {"custom_objects": False})
    plan = made(bench)
    assert set(record(plan)) == {State.IMPOSSIBLE}
    assert "entities" in plan.of(Part.RECORD)[0].text
    assert "private ticket" in plan.of(Part.RECORD)[0].text


def test_who_may_not_make_objects_is_told_so_and_nothing_is_half_made(bench: ZendeskBench) -> None:
    bench.control("options", {"administrator": False})
    entity, *fields = made(bench).of(Part.RECORD)
    assert (entity.state, {one.state for one in fields}) == (State.REFUSED, {State.NOT_TRIED})
    assert bench.control("state")["custom_objects"] == {}
