"""What HubSpot is given on request: seen first, made once, drift and refusals told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.http import Wire
from adapters.hubspot import HubSpot
from adapters.hubspot.definition import record_properties
from adapters.provisioning import Part, Plan, State, Thing, Wanted
from adapters.values import Account
from simulators.hubspot import HubSpot as Simulated
from simulators.kit.server import running
from tests.adapters.contract import Bench
from tests.adapters.hubspot_bench import bench_at

MEETING = tuple(f"NPSToday.Møde.{score}" for score in range(11))
WANTED = Wanted("NPSToday.NoSend", MEETING)
EVERYTHING = frozenset(Part) - {Part.ACCESS}
TAGS, KEY = "contacts.npstoday_tags", "contacts.npstoday_key"
REPORT = "p14200142_npstoday_response"


@pytest.fixture
def portal() -> Iterator[Bench]:
    """An Enterprise account in which nothing of ours is there."""
    with running(Simulated(options={"enterprise": True})) as base_url:
        yield bench_at(base_url, {})


def made(bench: Bench, **more: Any) -> HubSpot:
    token = bench.control("oauth", {"issue": {}, **more})["access_token"]
    return HubSpot(Account(token, base_url=bench.base_url), Wire(), {})


def states(plan: Plan, part: Part | None = None) -> set[State]:
    return {one.state for one in plan.things if part in {None, one.part}}


def thing(plan: Plan, name: str) -> Thing:
    return next(one for one in plan.things if one.name == name)


def writes(bench: Bench) -> int:
    calls = bench.control("log")["requests"]
    return len([one for one in calls if one["method"] != "GET" and "oauth" not in one["path"]])


def test_the_preview_tells_what_is_missing_and_makes_nothing(portal: Bench) -> None:
    plan = made(portal).planned(WANTED)
    assert states(plan) == {State.MISSING}
    assert {one.part for one in plan.things} == EVERYTHING
    assert writes(portal) == 0


def test_everything_is_made_in_one_go_and_can_be_described(portal: Bench) -> None:
    plan = made(portal).furnish(WANTED, EVERYTHING)
    assert states(plan) == {State.EXISTS}, [one for one in plan.things if one.text]
    assert all(one.made for one in plan.things)
    entities = {one.name: one for one in made(portal).entities()}
    report = entities[REPORT]
    assert report.by_name().keys() >= {one["name"] for one in record_properties()}
    key, tags = report.field("response_id"), entities["contacts"].field("npstoday_tags")
    assert key is not None
    assert tags is not None
    assert (key.unique, key.required) == (True, True)
    assert [one.value for one in tags.options] == ["NPSToday.NoSend", *MEETING]


def test_a_second_making_makes_nothing(portal: Bench) -> None:
    made(portal).furnish(WANTED, EVERYTHING)
    before = writes(portal)
    plan = made(portal).furnish(WANTED, EVERYTHING)
    assert not any(one.made for one in plan.things)
    assert writes(portal) == before


def test_only_the_chosen_parts_are_made(portal: Bench) -> None:
    plan = made(portal).furnish(WANTED, {Part.KEY})
    assert thing(plan, KEY).made
    assert states(plan, Part.TAGS) == states(plan, Part.RECORD) == {State.MISSING}


def test_options_of_others_stay_when_ours_are_added(portal: Bench) -> None:
    made(portal).furnish(Wanted("NPSToday.Stop"), {Part.TAGS})
    made(portal).furnish(WANTED, {Part.NO_SEND, Part.TAGS})
    contact = next(one for one in made(portal).entities() if one.name == "contacts")
    field = contact.field("npstoday_tags")
    assert field is not None
    assert [one.value for one in field.options] == ["NPSToday.Stop", "NPSToday.NoSend", *MEETING]


@pytest.mark.parametrize(
    ("definition", "word"),
    [
        ({"name": "npstoday_key", "label": "Key"}, "not unique"),
        ({"name": "npstoday_key", "label": "Key", "type": "number"}, "number"),
        ({"name": "npstoday_tags", "label": "T", "type": "string"}, "enumeration/checkbox"),
    ],
)
def test_a_property_of_our_name_that_will_not_do_is_told_and_left_alone(
    portal: Bench, definition: dict[str, Any], word: str
) -> None:
    portal.control("seed", {"properties": {"contacts": [definition]}})
    plan = made(portal).furnish(WANTED, {Part.KEY, Part.TAGS})
    one = thing(plan, f"contacts.{definition['name']}")
    assert one.state is State.DRIFTED
    assert word in one.text


def test_a_property_that_the_object_has_lost_is_made_again(portal: Bench) -> None:
    made(portal).furnish(WANTED, EVERYTHING)
    portal.control("seed", {"remove_properties": {REPORT: ["comment"]}})
    assert thing(made(portal).planned(WANTED), f"{REPORT}.comment").state is State.MISSING
    plan = made(portal).furnish(WANTED, {Part.RECORD})
    assert thing(plan, f"{REPORT}.comment").made


@pytest.mark.parametrize("refused", ["scope", "plan"])
def test_a_smaller_plan_has_no_object_and_the_fallback_is_said(portal: Bench, refused: str) -> None:
    portal.control("options", {"enterprise": False, "no_objects": refused})
    plan = made(portal).furnish(WANTED, EVERYTHING)
    assert states(plan, Part.RECORD) == {State.IMPOSSIBLE}
    assert "Enterprise" in plan.of(Part.RECORD)[0].text
    assert "note" in plan.of(Part.RECORD)[0].text
    assert thing(plan, TAGS).made


def test_a_missing_scope_is_named_and_the_rest_is_made(portal: Bench) -> None:
    portal.control("options", {"removed_scopes": ["crm.schemas.contacts.write"]})
    plan = made(portal).furnish(WANTED, EVERYTHING)
    assert thing(plan, KEY).state is State.REFUSED
    assert "crm.schemas.contacts.write" in thing(plan, KEY).text
    assert thing(plan, REPORT).made


def test_an_object_whose_answer_was_lost_is_found_by_the_look_that_follows(portal: Bench) -> None:
    portal.control("fault", {"method": "POST", "path": "/schemas$", "occurrence": 1, "times": 1,
                             "action": {"drop_after": True}})  # fmt: skip
    made(portal).furnish(WANTED, EVERYTHING)
    assert states(made(portal).furnish(WANTED, EVERYTHING)) == {State.EXISTS}
