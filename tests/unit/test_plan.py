"""Planning one response: what it becomes, where it goes, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.registry import traits_of
from connector.responses.case import (
    AutomationFacts,
    CampaignFacts,
    Case,
    ConnectionFacts,
    Facts,
    MappingFacts,
    Person,
    Planned,
)
from connector.responses.plan import plan
from connector.responses.rules import condition
from connector.responses.steps import Rank, Step
from connector.responses.transforms import Context
from connector.responses.variables import variables_of
from connector.responses.vocabulary import Kind
from schemas.fields import Entity, Field, FieldType

CONTACTS = Entity(
    "contacts",
    "Contact",
    (
        Field("email", "E-mail", FieldType.EMAIL, identifies=True),
        Field("firstname", "First name", FieldType.TEXT),
        Field("lastname", "Last name", FieldType.TEXT),
        Field("phone", "Phone", FieldType.PHONE),
        Field("nps", "NPS", FieldType.INTEGER),
    ),
)
PERSON = Person(7, {"email": "c7@example.test", "first_name": "Søren", "last_name": "Contact"})
CAMPAIGN = CampaignFacts(50, "5000", "Møde")
MAPPING = {
    "name": "m",
    "connection": "main",
    "entity": "contacts",
    "operation": "upsert",
    "identify": {"variable": "contact.email", "field": "email", "transforms": []},
    "rows": [
        {
            "variable": "answers.nps",
            "field": "nps",
            "transforms": [],
            "when_missing": "skip",
            "when_present": "overwrite",
            "default": None,
        }
    ],
    "note": "unmapped",
    "ambiguous": "refuse",
}
FEED = {"when": "response.completed", "campaign": None, "then": [{"do": "feed", "mapping": "m"}]}


def hubspot(number: int = 1, **changes: Any) -> ConnectionFacts:
    facts = ConnectionFacts(
        number,
        "hubspot",
        f"main {number}",
        traits_of("hubspot"),
        {},
        {"contacts": CONTACTS},
        provisioned=frozenset({50}),
    )
    return replace(facts, **changes)


def facts(*connections: ConnectionFacts, feeds: bool = True, **changes: Any) -> Facts:
    built = Facts(
        connections={one.id: one for one in connections or (hubspot(),)},
        mappings={"m": MappingFacts(3, 1, 1, MAPPING)},
        automations=(AutomationFacts(9, FEED),) if feeds else (),
        declared={"answers.nps": Kind.NUMBER},
        context=Context(),
    )
    return replace(built, **changes)


def case(
    answers: Mapping[str, Any] | None = None,
    *,
    event: str = "completed",
    person: Person | None = PERSON,
) -> Case:
    body = {
        "response_id": "r7",
        "revision": 1,
        "event": event,
        "submitted_at": "2026-11-22T01:02:00Z",
        "respondent": {"email": "c7@example.test"},
        "campaign": {"id": "5000", "name": "Møde"},
        "answers": answers
        or {"nps": {"type": "nps", "value": 9}, "why": {"type": "text", "value": "Friendly"}},
    }
    attributes = person.attributes if person else None
    return Case(
        Rank(datetime(2026, 11, 22, 1, 2, tzinfo=UTC), 1, 1),
        body,
        "marker-1",
        variables_of(body, attributes),
        person,
        CAMPAIGN,
    )


def keys(planned: Planned) -> list[str]:
    return sorted(one.key for one in planned.steps)


def step(planned: Planned, key: str) -> Step:
    return next(one for one in planned.steps if one.key == key)


def test_a_fed_response_becomes_fields_tag_and_note() -> None:
    planned = plan(case(), facts())
    assert keys(planned) == ["feed:3", "note:1", "tag:1"]
    assert step(planned, "feed:3").payload["values"] == {"nps": 9}
    assert step(planned, "tag:1").payload["score"] == 9


def test_all_steps_of_a_contact_share_its_lane() -> None:
    assert {one.lane for one in plan(case(), facts()).steps} == {"contact:7"}


def test_an_anonymous_response_is_never_matched_tagged_or_noted() -> None:
    planned = plan(case(person=None), facts())
    assert planned.steps == ()
    assert planned.verdicts == {}  # the planner knows why nobody is there


@pytest.mark.parametrize("event", ["partial", "disqualified", "deleted"])
def test_only_a_whole_response_feeds_tags_and_notes(event: str) -> None:
    assert plan(case(event=event), facts()).steps == ()


def test_an_updated_response_is_fed_again() -> None:
    assert "feed:3" in keys(plan(case(event="updated"), facts()))


def test_the_note_leaves_out_what_found_a_field() -> None:
    text = step(plan(case(), facts()), "note:1").payload["text"]
    assert "Friendly" in text
    assert "nps" not in text


def test_a_condition_that_does_not_hold_feeds_nothing_and_says_why() -> None:
    rule = condition("answers.nps < 7", {"answers.nps": Kind.NUMBER})
    planned = plan(case(), facts(automations=(AutomationFacts(9, FEED, rule),)))
    assert planned.steps == ()
    assert planned.verdicts["automation:9"] == "condition_false"


def test_a_missing_answer_makes_a_condition_false() -> None:
    rule = condition("answers.nps < 7", {"answers.nps": Kind.NUMBER})
    why = {"why": {"type": "text", "value": "x"}}
    planned = plan(case(why), facts(automations=(AutomationFacts(9, FEED, rule),)))
    assert planned.verdicts["automation:9"] == "answer_missing"
    assert planned.broken == {}


def test_another_campaigns_automation_does_not_run() -> None:
    other = AutomationFacts(9, {**FEED, "campaign": "6000"})
    assert plan(case(), facts(automations=(other,))).steps == ()


def test_without_an_automation_the_contacts_own_connection_still_gets_the_tag() -> None:
    home = replace(PERSON, origin=1)
    assert keys(plan(case(person=home), facts(feeds=False))) == ["tag:1"]


def test_a_contact_that_belongs_nowhere_is_never_sent_to_all() -> None:
    two = (hubspot(1), hubspot(2))
    assert plan(case(), facts(*two, feeds=False)).steps == ()


def test_the_default_connection_takes_a_contact_that_belongs_nowhere() -> None:
    two = (hubspot(1), hubspot(2, standard={"default": True}))
    assert keys(plan(case(), facts(*two, feeds=False))) == ["tag:2"]


def test_the_standard_integration_fills_standard_fields_and_notes_everything() -> None:
    on = hubspot(standard={"enabled": True, "default": True})
    planned = plan(case(), facts(on, feeds=False))
    assert keys(planned) == ["note:1", "standard:1", "tag:1"]
    fields = step(planned, "standard:1").payload
    assert fields["values"] == {"firstname": "Søren", "lastname": "Contact"}
    assert fields["keep"] == ["firstname", "lastname"]
    assert fields["operation"] == "update"


def test_the_standard_integration_serves_only_its_campaigns() -> None:
    on = hubspot(standard={"enabled": True, "default": True, "campaigns": ["6000"]})
    assert keys(plan(case(), facts(on, feeds=False))) == ["tag:1"]


def test_a_standard_field_that_a_mapping_writes_is_left_to_the_mapping() -> None:
    rows = [{**MAPPING["rows"][0], "variable": "contact.name", "field": "lastname"}]  # type: ignore[index]
    named = replace(PERSON, attributes={**PERSON.attributes, "name": "Søren Contact"})
    mappings = {"m": MappingFacts(3, 1, 1, {**MAPPING, "rows": rows})}
    on = hubspot(standard={"enabled": True, "default": True})
    planned = plan(case(person=named), facts(on, mappings=mappings))
    assert "lastname" not in step(planned, "standard:1").payload["values"]


def test_a_tag_waits_until_its_options_stand() -> None:
    planned = plan(case(), facts(hubspot(provisioned=frozenset())))
    tag = step(planned, "tag:1")
    assert (tag.state, tag.reason) == ("parked", "provision")
    assert step(planned, "feed:3").state == "pending"


def test_a_connection_that_needs_attention_parks_its_steps() -> None:
    planned = plan(case(), facts(hubspot(waits="auth")))
    assert {(one.state, one.reason) for one in planned.steps} == {("parked", "auth")}


def test_a_value_that_fits_no_field_is_dead_with_the_field_named() -> None:
    nps = {"nps": {"type": "text", "value": "canary nine"}}
    fed = step(plan(case(nps), facts()), "feed:3")
    assert (fed.state, fed.reason, fed.error_field) == ("dead", "validation", "nps")
    assert "canary" not in str(fed.error)


def test_tags_can_be_switched_off_for_the_workspace_and_the_connection() -> None:
    assert "tag:1" not in keys(plan(case(), facts(tags_enabled=False)))
    assert "tag:1" not in keys(plan(case(), facts(hubspot(standard={"tag": False}))))


def test_planning_again_gives_the_same_keys() -> None:
    assert keys(plan(case(), facts())) == keys(plan(case(), facts()))
