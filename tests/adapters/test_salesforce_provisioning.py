"""What Salesforce is given on request: seen first, made once, drift and refusals told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.provisioning import Part, Plan, State, Thing, Wanted
from adapters.salesforce.definition import record_fields
from simulators.kit.server import running
from simulators.salesforce import Salesforce as Simulated
from tests.adapters.salesforce_org import Org, bench_of

WANTED = Wanted("NPSToday.NoSend")
EVERYTHING = frozenset(Part)
TAGS, KEY = "Contact.NPSToday_Tags__c", "Contact.NPSToday_Key__c"
REPORT = "NPSToday_Response__c"
NO_LEADS = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


@pytest.fixture
def org() -> Iterator[Org]:
    """An org in which nothing of ours is installed."""
    with running(Simulated(options={"package_installed": False})) as base_url:
        one = Org(base_url)
        one.bench = bench_of(one)
        yield one


def states(plan: Plan, part: Part | None = None) -> set[State]:
    return {one.state for one in plan.things if part in {None, one.part}}


def thing(plan: Plan, name: str) -> Thing:
    return next(one for one in plan.things if one.name == name)


def writes(org: Org) -> list[str]:
    calls = org.bench.control("log")["requests"]
    return [one["path"] for one in calls if one["method"] != "GET" and "oauth" not in one["path"]]


def options(org: Org, **told: Any) -> None:
    org.bench.control("options", told)


def test_the_preview_tells_what_is_missing_and_makes_nothing(org: Org) -> None:
    plan = org.make().planned(WANTED)
    assert states(plan) == {State.MISSING}
    assert {one.part for one in plan.things} == EVERYTHING
    assert writes(org) == []


def test_everything_is_made_in_one_go_and_can_be_written(org: Org) -> None:
    plan = org.make().furnish(WANTED, EVERYTHING)
    assert states(plan) == {State.EXISTS}, [one for one in plan.things if one.text]
    assert all(one.made for one in plan.things)
    entity = next(one for one in org.make().entities() if one.name == REPORT)
    mine = {one.name for one in record_fields()}
    assert {one.name for one in entity.fields if one.updatable} >= mine
    key = entity.field("Response_Id__c")
    assert key is not None
    assert (key.unique, key.identifies) == (True, True)


def test_a_second_making_makes_nothing(org: Org) -> None:
    org.make().furnish(WANTED, EVERYTHING)
    before = len(writes(org))
    plan = org.make().furnish(WANTED, EVERYTHING)
    assert states(plan) == {State.EXISTS}
    assert not any(one.made for one in plan.things)
    assert len(writes(org)) == before


def test_only_the_chosen_parts_are_made(org: Org) -> None:
    plan = org.make().furnish(WANTED, {Part.TAGS, Part.ACCESS})
    assert states(plan, Part.RECORD) == states(plan, Part.KEY) == {State.MISSING}
    assert thing(plan, TAGS).made


def test_a_field_made_without_access_is_told_to_be_hidden(org: Org) -> None:
    plan = org.make().furnish(WANTED, {Part.TAGS})
    assert (thing(plan, TAGS).state, thing(plan, TAGS).made) == (State.HIDDEN, True)
    assert "permission set" in thing(plan, TAGS).text


def test_access_alone_shows_what_is_hidden(org: Org) -> None:
    org.make().furnish(WANTED, {Part.TAGS})
    plan = org.make().furnish(WANTED, {Part.ACCESS})
    assert thing(plan, TAGS).state is State.EXISTS


def test_the_opt_out_tag_is_added_to_a_field_that_has_other_choices(org: Org) -> None:
    org.make().furnish(Wanted("NPSToday.Stop"), {Part.TAGS, Part.ACCESS})
    plan = org.make().furnish(WANTED, {Part.NO_SEND})
    assert states(plan, Part.NO_SEND) == {State.EXISTS}
    contact = next(one for one in org.make().entities() if one.name == "Contact")
    held = contact.field("NPSToday_Tags__c")
    assert held is not None
    assert [one.value for one in held.options] == ["NPSToday.Stop", "NPSToday.NoSend"]


def test_the_opt_out_tag_is_not_tried_without_its_field(org: Org) -> None:
    plan = org.make().furnish(WANTED, {Part.NO_SEND})
    choice, for_leads = plan.of(Part.NO_SEND)
    assert choice.state is for_leads.state is State.NOT_TRIED
    assert TAGS in choice.text
    assert "Lead.NPSToday_Tags__c" in for_leads.text


def test_leads_get_a_key_and_tags_of_their_own(org: Org) -> None:
    org.make().furnish(WANTED, EVERYTHING)
    lead = next(one for one in org.make().entities() if one.name == "Lead")
    key, tags = lead.field("NPSToday_Key__c"), lead.field("NPSToday_Tags__c")
    assert key is not None
    assert tags is not None
    assert (key.unique, key.identifies, key.updatable) == (True, True, True)
    assert (tags.closed, [one.value for one in tags.options]) == (False, ["NPSToday.NoSend"])


def test_an_org_without_leads_is_asked_for_nothing_of_them(org: Org) -> None:
    lost = {"method": "GET", "path": "/sobjects/Lead/", "occurrence": 1, "times": 9,
            "action": {"status": 404, "body": NO_LEADS}}  # fmt: skip
    org.bench.control("fault", lost)
    plan = org.make().furnish(WANTED, EVERYTHING)
    assert states(plan) == {State.EXISTS}
    assert [one.name for one in plan.things if "Lead" in one.name] == []


@pytest.mark.parametrize(
    ("field", "change", "word"),
    [
        (KEY, {"unique": False}, "unique"),
        (KEY, {"external_id": False}, "external id"),
        (KEY, {"type": "double"}, "type double"),
        (KEY, {"length": 20}, "20 signs"),
        (TAGS, {"restricted": True}, "restricted"),
        (TAGS, {"updateable": False}, "may not edit"),
        (f"{REPORT}.Contact__c", {"reference_to": ["Lead"]}, "refer to Contact"),
        (f"{REPORT}.Segment__c", {"values": ["Promoter", "Passive"]}, "Detractor"),
    ],
)
def test_drift_is_told_and_left_alone(
    org: Org, field: str, change: dict[str, Any], word: str
) -> None:
    org.make().furnish(WANTED, EVERYTHING)
    options(org, field_changes={field: change})
    before = len(writes(org))
    plan = org.make().furnish(WANTED, EVERYTHING - {Part.ACCESS})
    assert thing(plan, field).state is State.DRIFTED
    assert word in thing(plan, field).text
    assert len(writes(org)) == before


def test_a_user_who_may_not_customize_is_told_so_for_each_thing(org: Org) -> None:
    options(org, customize_application=False)
    plan = org.make().furnish(WANTED, EVERYTHING)
    assert states(plan) == {State.REFUSED, State.NOT_TRIED}
    assert "permission" in thing(plan, TAGS).text
    assert not any(one.made for one in plan.things)


def test_a_user_who_may_not_look_is_told_that_it_may_be_hidden(org: Org) -> None:
    options(org, customize_application=False)
    plan = org.make().planned(WANTED)
    assert "may not look" in thing(plan, KEY).text


def test_what_was_made_before_the_answer_was_lost_is_told(org: Org) -> None:
    org.bench.control("fault", {"method": "POST", "path": "CustomField", "occurrence": 2,
                                "times": 1, "action": {"drop_after": True}})  # fmt: skip
    plan = org.make().furnish(WANTED, EVERYTHING)
    assert thing(plan, KEY).made
    assert State.NOT_TRIED in states(plan, Part.RECORD)
    again = org.make().furnish(WANTED, EVERYTHING)
    assert states(again) == {State.EXISTS}
