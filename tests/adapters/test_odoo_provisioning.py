"""What Odoo is given on request: seen first, made once, drift and missing rights told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.odoo.definition import record_fields
from adapters.odoo.provisioning import Furnishing
from adapters.provisioning import Part, Plan, State, Thing, Wanted
from schemas.odoo import PARTNER
from tests.adapters.odoo_bench import OdooBench, served

MEETING = tuple(f"NPSToday.Møde.{score}" for score in range(11))
WANTED = Wanted("NPSToday.NoSend", MEETING)
EVERYTHING = frozenset(Part)
KEY, RECORD = f"{PARTNER}.x_npstoday_key", "x_npstoday_response"
PARENT, NO_SEND = "res.partner.category: NPSToday", "res.partner.category: NPSToday.NoSend"


# The measured one, one in the middle, the newest.
@pytest.fixture(params=(11, 16, 18, 19))
def every(request: pytest.FixtureRequest) -> Iterator[OdooBench]:
    """An administrator's connection to a database in which nothing of ours is there."""
    api = "json2" if request.param == 19 else "jsonrpc"
    with served(request.param, administrator=True, api=api) as one:
        yield one


@pytest.fixture
def bench() -> Iterator[OdooBench]:
    with served(administrator=True) as one:
        yield one


def states(plan: Plan, part: Part | None = None) -> set[State]:
    return {one.state for one in plan.things if part in {None, one.part}}


def thing(plan: Plan, name: str) -> Thing:
    return next(one for one in plan.things if one.name == name)


def writes(bench: OdooBench) -> int:
    return bench.kinds().count("write")


def names(bench: OdooBench) -> list[str]:
    return [str(one["name"]) for one in bench.control("state")["tags"]]


def test_the_preview_tells_what_is_missing_and_makes_nothing(every: OdooBench) -> None:
    plan = every.adapter().planned(WANTED)
    assert states(plan) == {State.MISSING}
    assert {one.part for one in plan.things} == EVERYTHING
    assert writes(every) == 0


def test_everything_is_made_in_one_go_and_can_be_described(every: OdooBench) -> None:
    plan = every.adapter().furnish(WANTED, EVERYTHING)
    assert states(plan) == {State.EXISTS}, [one for one in plan.things if one.text]
    assert all(one.made for one in plan.things)
    entities = {one.name: one for one in every.adapter().entities()}
    assert entities[RECORD].by_name().keys() >= {one.name for one in record_fields()}
    key = entities[RECORD].field("x_response_id")
    assert key is not None
    assert (key.identifies, key.required) == (True, True)
    assert entities[PARTNER].field("x_npstoday_key") is not None
    assert sorted(names(every)) == sorted(["NPSToday", "NPSToday.NoSend", *MEETING])


def test_the_integration_user_may_write_responses_afterwards(every: OdooBench) -> None:
    every.adapter().furnish(WANTED, EVERYTHING)
    every.control("options", {"administrator": False})
    assert states(every.adapter().planned(WANTED)) == {State.EXISTS}
    assert RECORD in {one.name for one in every.adapter().entities()}


def test_a_second_making_makes_nothing(every: OdooBench) -> None:
    every.adapter().furnish(WANTED, EVERYTHING)
    before = writes(every)
    plan = every.adapter().furnish(WANTED, EVERYTHING)
    assert not any(one.made for one in plan.things)
    assert writes(every) == before


def test_only_the_chosen_parts_are_made(bench: OdooBench) -> None:
    plan = bench.adapter().furnish(WANTED, {Part.KEY})
    assert thing(plan, KEY).made
    assert thing(plan, "mail.activity.x_npstoday_key").made
    assert states(plan, Part.TAGS) == states(plan, Part.RECORD) == {State.MISSING}


def test_tags_stand_below_their_parent_also_those_made_later(every: OdooBench) -> None:
    every.adapter().furnish(Wanted(WANTED.no_send), {Part.TAGS, Part.NO_SEND})
    every.adapter().furnish(WANTED, {Part.TAGS})
    tags = {one["name"]: one for one in every.control("state")["tags"]}
    below = {one["parent"] for name, one in tags.items() if name != "NPSToday"}
    assert below == {tags["NPSToday"]["id"]}


# --- rights ---------------------------------------------------------------------------------------


def test_the_integration_user_makes_tags_and_the_missing_right_is_named(every: OdooBench) -> None:
    every.control("options", {"administrator": False})
    plan = every.adapter().furnish(WANTED, EVERYTHING)
    assert states(plan, Part.TAGS) == states(plan, Part.NO_SEND) == {State.EXISTS}
    assert thing(plan, KEY).state is State.REFUSED
    assert "create on ir.model.fields" in thing(plan, KEY).text
    assert "create on ir.model" in thing(plan, RECORD).text
    assert states(plan, Part.ACCESS) == {State.NOT_TRIED}
    assert "Administration / Access Rights" in " ".join(plan.hints)


def test_a_model_that_nobody_may_use_is_no_entity_until_access_is_given(every: OdooBench) -> None:
    plan = every.adapter().furnish(WANTED, {Part.RECORD})
    assert states(plan, Part.RECORD) == {State.EXISTS}
    assert states(plan, Part.ACCESS) == {State.MISSING}
    assert RECORD not in {one.name for one in every.adapter().entities()}
    assert states(every.adapter().furnish(WANTED, {Part.ACCESS}), Part.ACCESS) == {State.EXISTS}
    assert RECORD in {one.name for one in every.adapter().entities()}


def test_a_superuser_is_told_what_others_may(every: OdooBench) -> None:
    """What he may do himself says nothing of them."""
    every.control("options", {"administrator": "superuser"})
    plan = every.adapter().furnish(WANTED, {Part.RECORD})
    assert states(plan, Part.ACCESS) == {State.MISSING}
    assert states(every.adapter().furnish(WANTED, {Part.ACCESS}), Part.ACCESS) == {State.EXISTS}


@pytest.mark.parametrize("absent", ["check_access_rights", "has_access"])
def test_either_name_of_the_question_about_rights_will_do(absent: str) -> None:
    """From 18 on it has another one (unverified)."""
    with served(18, administrator=True, absent=[absent]) as bench:
        bench.adapter().furnish(WANTED, EVERYTHING)
        bench.control("options", {"administrator": False})
        assert states(bench.adapter().planned(WANTED), Part.ACCESS) == {State.EXISTS}


# --- what is there already ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "word"),
    [
        ({"type": "integer"}, "type integer"),
        ({"type": "many2one", "relation": "res.users"}, "type many2one"),
    ],
)
def test_a_field_of_our_name_that_will_not_do_is_told_and_left_alone(
    bench: OdooBench, definition: dict[str, Any], word: str
) -> None:
    bench.control("seed", {"fields": {PARTNER: {"x_npstoday_key": definition}}})
    one = thing(bench.adapter().furnish(WANTED, {Part.KEY}), KEY)
    assert one.state is State.DRIFTED
    assert word in one.text
    assert writes(bench) == 1  # the activities' key alone


@pytest.mark.parametrize(
    ("name", "definition", "word"),
    [
        ("x_segment", {"type": "selection", "selection": [["Promoter", "P"]]}, "Detractor"),
        ("x_contact_id", {"type": "many2one", "relation": "res.users"}, "res.partner"),
    ],
)
def test_drift_of_the_model_is_told(
    bench: OdooBench, name: str, definition: dict[str, Any], word: str
) -> None:
    bench.adapter().furnish(WANTED, EVERYTHING)
    bench.control("seed", {"fields": {RECORD: {name: definition}}})
    one = thing(bench.adapter().planned(WANTED), f"{RECORD}.{name}")
    assert one.state is State.DRIFTED
    assert word in one.text


def test_a_field_that_the_model_has_lost_is_made_again(every: OdooBench) -> None:
    every.adapter().furnish(WANTED, EVERYTHING)
    every.control("seed", {"remove_fields": {RECORD: ["x_comment"]}})
    lost = f"{RECORD}.x_comment"
    assert thing(every.adapter().planned(WANTED), lost).state is State.MISSING
    assert thing(every.adapter().furnish(WANTED, {Part.RECORD}), lost).made


def test_tags_that_people_have_made_by_hand_are_taken(bench: OdooBench) -> None:
    bench.control("seed", {"tags": ["NPSToday", "NPSToday.NoSend", MEETING[9]]})
    plan = bench.adapter().furnish(WANTED, {Part.TAGS, Part.NO_SEND})
    assert not thing(plan, PARENT).made
    assert sorted(names(bench)) == sorted(["NPSToday", "NPSToday.NoSend", *MEETING])


def test_a_tag_that_has_been_renamed_is_told_and_not_made_anew(every: OdooBench) -> None:
    every.adapter().furnish(WANTED, {Part.TAGS, Part.NO_SEND})
    every.control("seed", {"rename_tags": {"NPSToday.NoSend": "Do not ask"}})
    plan = every.adapter().furnish(WANTED, {Part.NO_SEND})
    assert thing(plan, NO_SEND).state is State.DRIFTED
    assert "renamed" in thing(plan, NO_SEND).text
    assert "Do not ask" in names(every)


def test_a_user_who_may_not_look_at_ids_outside_goes_by_names(bench: OdooBench) -> None:
    bench.control("options", {"denied": ["read ir.model.data"]})
    assert states(bench.adapter().furnish(WANTED, EVERYTHING)) == {State.EXISTS}


def test_without_crm_there_is_no_link_to_leads_and_all_else(bench: OdooBench) -> None:
    bench.control("options", {"crm_installed": False})
    plan = bench.adapter().furnish(WANTED, EVERYTHING)
    link = thing(plan, f"{RECORD}.x_lead_id")
    assert link.state is State.IMPOSSIBLE
    assert "CRM is not installed" in link.text
    assert {one.state for one in plan.things if one is not link} == {State.EXISTS}


def test_what_an_answer_was_lost_about_is_found_by_the_next_look(every: OdooBench) -> None:
    order = {
        "method": ".*",
        "path": "jsonrpc|/json/2/ir.model/create",
        "body": '"ir.model", "create"|"vals_list"',
    }
    action = {"drop_after": True}
    every.control("fault", {**order, "occurrence": 1, "times": 1, "action": action})
    first = every.adapter().furnish(WANTED, EVERYTHING)
    assert states(first, Part.RECORD) == {State.EXISTS}
    assert states(first, Part.ACCESS) == {State.NOT_TRIED}
    assert states(every.adapter().furnish(WANTED, EVERYTHING)) == {State.EXISTS}


def test_who_was_faster_is_as_good(bench: OdooBench) -> None:
    """Two hubs look, find nothing, and both make it."""
    looked = Furnishing(bench.adapter()._client, WANTED)
    bench.adapter().furnish(WANTED, EVERYTHING)
    done = looked.carried_out(EVERYTHING)
    assert State.REFUSED not in {one.state for one in done}, done
    assert sorted(names(bench)) == sorted(["NPSToday", "NPSToday.NoSend", *MEETING])
