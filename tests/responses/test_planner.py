"""The planning job: what it learns, whom it matches, and that one response never stops another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from connector.campaigns import register, surveys
from connector.responses import learning, planner
from connector.responses import plan as planning
from connector.responses.case import Case, Facts, Planned
from simulators.hubspot.service import HubSpot
from simulators.kit.server import running
from tests.world import CRMSeen, World, answered


@pytest.fixture
def hubspot(world: World) -> Iterator[CRMSeen]:
    with running(HubSpot()) as url:
        seen = world.connect("hubspot", url)
        world.mapping("hubspot")
        yield seen


def push_and_plan(world: World, *items: Mapping[str, Any]) -> None:
    world.push(*items)
    world.plan()


def test_a_campaign_registers_itself_with_a_frozen_tag_name(world: World) -> None:
    push_and_plan(world, answered(1))
    push_and_plan(world, answered(2, campaign=("5000", "Møde 2027")))
    rows = world.rows("SELECT platform_id, tag_name FROM campaign")
    assert [tuple(row) for row in rows] == [("5000", "Møde")]


def test_two_campaigns_of_one_name_are_told_apart(world: World) -> None:
    push_and_plan(world, answered(1), answered(2, campaign=("6000", "møde")))
    names = [row.tag_name for row in world.rows("SELECT tag_name FROM campaign ORDER BY id")]
    assert len(set(names)) == 2
    assert names[0] == "Møde"


def test_questions_and_options_are_learnt_once(world: World) -> None:
    channel = {"type": "single_choice", "value": "shop", "label": "Shop", "title": "Where?"}
    first = answered(1)
    second = answered(2)
    second["answers"]["channel"] = channel
    push_and_plan(world, first)
    push_and_plan(world, second)
    rows = world.rows("SELECT key, type FROM question ORDER BY key")
    assert [tuple(row) for row in rows] == [
        ("channel", "single_choice"), ("nps", "nps"), ("why", "text"),
    ]  # fmt: skip
    options = world.rows("SELECT value, label FROM question_option")
    assert [tuple(row) for row in options] == [("shop", "Shop")]


def test_options_and_rows_that_later_answers_show_are_learnt_too(world: World) -> None:
    shown = [("shop", "staff"), ("web", "price"), ("web", "staff")]
    for number, (channel, row) in enumerate(shown):
        one = answered(number)
        one["answers"]["channel"] = {"type": "single_choice", "value": channel}
        one["answers"]["grid"] = {
            "type": "matrix",
            "value": {row: ["g"]},
            "labels": {"rows": {"staff": "Staff"}, "cols": {"g": "Good"}},
        }
        push_and_plan(world, one)
    (survey,) = world.rows("SELECT body FROM survey_version ORDER BY version DESC LIMIT 1")
    by_key = {one["key"]: one for one in survey.body["questions"]}
    assert [one["value"] for one in by_key["channel"]["options"]] == ["shop", "web"]
    assert by_key["grid"]["options"] == [{"value": "g", "label": "Good"}]
    assert by_key["grid"]["rows"] == [
        {"value": "staff", "label": "Staff"}, {"value": "price", "label": "price"},
    ]  # fmt: skip
    assert world.rows("SELECT max(version) AS n FROM survey_version")[0].n == 2


def test_a_survey_that_was_pushed_whole_is_not_versioned_by_its_responses(world: World) -> None:
    questions = [{"key": "nps", "type": "nps"}, {"key": "why", "type": "text"}]
    with world.database.begin(world.workspace_id) as store:
        body = {"questions": questions}
        surveys.save(store, world.workspace_id, platform_id="s1", body=body, learnt_from="api")
    push_and_plan(world, answered(1, survey={"id": "s1"}))
    assert world.rows("SELECT max(version) AS n FROM survey_version")[0].n == 1


def test_the_properties_of_the_distribution_win_over_the_campaigns(
    world: World, hubspot: CRMSeen
) -> None:
    world.rows(
        "UPDATE mapping_version SET body = jsonb_set(body, '{rows,1,variable}',"
        " CAST(:variable AS jsonb)) RETURNING id",
        variable='"properties.store"',
    )
    with world.database.begin(world.workspace_id) as store:
        body = {"name": "Møde", "properties": {"store": "Aarhus"}}
        register.save(store, world.workspace_id, platform_id="5000", body=body, tag_name="Møde")
        register.save_distribution(
            store,
            world.workspace_id,
            campaign_id="5000",
            platform_id="EMD_1",
            body={"properties": {"store": "Vejle"}},
        )
    push_and_plan(
        world,
        answered(1, properties={"distribution": "EMD_1"}),
        answered(2, properties={"distribution": "EMD_2"}),
        answered(3),
    )
    written = [one.payload["values"]["nps_comment"] for one in world.deliveries(kind="fields")]
    assert written == ["Vejle", "Aarhus", "Aarhus"]
    known = world.rows("SELECT platform_id FROM distribution ORDER BY platform_id")
    assert [row.platform_id for row in known] == ["EMD_1", "EMD_2"]


def test_an_email_identifies_whatever_its_case(world: World) -> None:
    push_and_plan(world, answered(1), answered(2, email="C1@Example.TEST"))
    assert world.rows("SELECT count(*) AS n FROM contact")[0].n == 1


def test_an_external_id_decides_before_the_email(world: World) -> None:
    one = {"email": "c1@example.test", "external_id": "CRM-1"}
    two = {"email": "other@example.test", "external_id": "CRM-1"}
    push_and_plan(world, answered(1, respondent=one))
    push_and_plan(world, answered(2, respondent=two))
    assert world.rows("SELECT count(*) AS n FROM contact")[0].n == 1


def test_a_respondent_known_only_in_the_crm_is_found_by_that_id(
    world: World, hubspot: CRMSeen
) -> None:
    (remote_id,) = hubspot.seed([{"email": "only@example.test"}])
    known = {"crm_ids": {"hubspot": remote_id}}
    push_and_plan(world, answered(1, respondent=known), answered(2, respondent=known))
    push_and_plan(world, answered(3, respondent=known))
    assert world.rows("SELECT count(*) AS n FROM contact")[0].n == 1
    links = world.rows("SELECT remote_id FROM link")
    assert [row.remote_id for row in links] == [remote_id]


def test_an_anonymous_response_makes_no_contact_and_no_step(world: World, hubspot: CRMSeen) -> None:
    hidden = {"email": "c1@example.test", "anonymous": True}
    push_and_plan(world, answered(1, respondent=hidden), answered(2, respondent={}))
    assert world.rows("SELECT count(*) AS n FROM contact")[0].n == 0
    assert world.deliveries() == []
    verdicts = world.rows("SELECT verdicts FROM response")
    assert {row.verdicts["response"] for row in verdicts} == {"anonymous"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"respondent": {"phone": "+4512345678"}}, "no_contact"),
        ({"event": "deleted"}, "nothing_to_undo"),
        ({"event": "partial"}, "nothing_asked"),
    ],
)
def test_why_nothing_was_planned_is_said(
    world: World, hubspot: CRMSeen, changes: Mapping[str, Any], reason: str
) -> None:
    push_and_plan(world, answered(1, **changes))
    (row,) = world.rows("SELECT verdicts FROM response")
    assert row.verdicts == {"response": reason}


def test_planning_again_makes_no_second_step(world: World, hubspot: CRMSeen) -> None:
    push_and_plan(world, answered(1))
    world.rows("UPDATE response SET planned_at = NULL RETURNING id")
    before = [one.id for one in world.deliveries()]
    world.plan()
    assert [one.id for one in world.deliveries()] == before


def test_a_response_that_breaks_planning_does_not_stop_its_neighbours(
    world: World, hubspot: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = planning.plan

    def breaks(case: Case, facts: Facts) -> Planned:
        if case.body["response_id"] == "r2":
            message = "canary of an answer"
            raise RuntimeError(message)
        return real(case, facts)

    monkeypatch.setattr(planner, "plan", breaks)
    push_and_plan(world, answered(1), answered(2), answered(3))
    rows = world.rows("SELECT response_id, planned_at, plan_error FROM response ORDER BY id")
    assert [row.plan_error for row in rows] == [None, "RuntimeError", None]
    assert rows[1].planned_at is None
    assert {one.response_id for one in world.deliveries()} == {1, 3}


def test_a_response_that_breaks_the_whole_batch_stands_alone_in_the_end(
    world: World, hubspot: CRMSeen, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = learning.survey_ids

    def breaks(connection: Any, workspace_id: int, bodies: Any) -> dict[str, int]:
        bodies = list(bodies)
        if any(body["response_id"] == "r1" for body in bodies):
            connection.exec_driver_sql("SELECT 1 / 0")
        return real(connection, workspace_id, bodies)

    monkeypatch.setattr(learning, "survey_ids", breaks)
    push_and_plan(world, answered(1), answered(2), answered(3))
    rows = world.rows("SELECT plan_error, planned_at FROM response ORDER BY id")
    assert [row.plan_error for row in rows] == ["DataError", None, None]
    assert [row.planned_at is None for row in rows] == [True, False, False]


def conditional(world: World, source: str) -> None:
    """The one automation of the world asks for this."""
    world.rows(
        "UPDATE automation_version"
        " SET body = body || jsonb_build_object('if', CAST(:source AS text)) RETURNING id",
        source=source,
    )


def test_a_condition_holds_for_a_response_that_names_no_survey(
    world: World, hubspot: CRMSeen
) -> None:
    conditional(world, "answers.why == 'Yes' && hidden.store == '42'")
    push_and_plan(
        world,
        answered(1, why="Yes", survey=None, hidden={"store": "42"}),
        answered(2, why="No", survey=None, hidden={"store": "42"}),
        answered(3, why="Yes", survey=None),
    )
    said = [row.verdicts for row in world.rows("SELECT verdicts FROM response ORDER BY id")]
    key = next(iter(said[1]))
    assert [one.get(key) for one in said] == [None, "condition_false", "answer_missing"]
    assert {one.response_id for one in world.deliveries(kind="fields")} == {1}


def test_a_condition_that_no_longer_fits_the_survey_parks_its_automation(
    world: World, hubspot: CRMSeen
) -> None:
    conditional(world, "answers.why > 3")
    push_and_plan(world, answered(1))
    (verdicts,) = [row.verdicts for row in world.rows("SELECT verdicts FROM response")]
    assert "condition_unreadable" in verdicts.values()
    (held,) = world.rows("SELECT parked_reason FROM automation")
    assert held.parked_reason == "condition_unreadable"


def test_a_paused_mapping_parks_its_steps(world: World, hubspot: CRMSeen) -> None:
    world.rows("UPDATE mapping SET paused_at = now() RETURNING id")
    push_and_plan(world, answered(1))
    (fed,) = world.deliveries(kind="fields")
    assert (fed.state, fed.reason) == ("parked", "paused")
