"""THEN task: somebody gets something to do about a detractor, once."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from marshmallow import ValidationError
from sqlalchemy import text

from connector import clock
from connector.problems import Refusal
from connector.responses.configuration import automations
from schemas.config import AutomationSchema
from tests.responses.scene import joined, known, states
from tests.world import CRMSeen, World, answered

OWNER = "4100"


@pytest.fixture(params=["hubspot", "salesforce"])
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    with joined(world, request.param, note="none") as seen:
        known(world, seen, 3)
        yield seen


def rule(world: World, **action: Any) -> int:
    then = [{"do": "task", "subject": "Call {contact.name}", "text": "{answers.why}", **action}]
    body = {"name": "call them", "if": "computed.score <= 6", "then": then}
    with world.database.begin(world.workspace_id) as store:
        made = automations.save(
            store, world.workspace_id, body=AutomationSchema().load(body), actor="test"
        )
        automations.publish(store, world.workspace_id, made["id"])
    return int(made["id"])


def tasks(crm: CRMSeen) -> list[dict[str, Any]]:
    """The CRM's tasks: subject, text, due day, owner and whether they are open."""
    state = crm.control("state")
    if crm.app == "hubspot":
        told = [one["properties"] for one in state["tasks"]]
        return [
            {
                "subject": one["hs_task_subject"],
                "text": html.unescape(one["hs_task_body"]),
                "due": one["hs_timestamp"][:10],
                "owner": one.get("hubspot_owner_id", ""),
                "open": one["hs_task_status"] == "NOT_STARTED",
            }
            for one in told
        ]
    return [
        {
            "subject": one["fields"]["Subject"],
            "text": one["fields"]["Description"],
            "due": one["fields"]["ActivityDate"],
            "owner": one["fields"]["OwnerId"],
            "open": not one["fields"]["IsClosed"],
        }
        for one in state["records"]["Task"]
    ]


def test_a_detractor_gets_one_and_a_promoter_none(world: World, crm: CRMSeen) -> None:
    rule(world, connection=crm.name, due_in_days=3)
    world.push(answered(0, score=2, why="Too <slow>"), answered(1, score=9))
    world.settle()
    (made,) = tasks(crm)
    assert (made["subject"], made["open"]) == ("Call Søren Contact 0", True)
    assert "Too <slow>" in made["text"]
    assert made["due"] == (clock.now().date() + timedelta(days=3)).isoformat()
    assert {state for state, _ in states(world)} == {"done"}


def test_an_edit_opens_no_second_one_and_a_better_score_leaves_it_open(
    world: World, crm: CRMSeen
) -> None:
    rule(world, connection=crm.name)
    for revision, score in ((1, 2), (2, 3), (3, 10)):
        world.push(answered(0, score=score, revision=revision))
        world.settle()
    assert [one["open"] for one in tasks(crm)] == [True]
    done = world.deliveries(kind="task")
    assert [(one.state, one.error_code) for one in done] == [("done", None), ("done", "unchanged")]
    assert done[0].remote_id == done[1].remote_id


@pytest.mark.parametrize("action", [{"drop_after": True}, {"status": 500}])
def test_a_lost_answer_leaves_one(world: World, crm: CRMSeen, action: dict[str, Any]) -> None:
    rule(world, connection=crm.name)
    path, says = {
        "hubspot": (".*/tasks/batch/create", ""),
        "salesforce": (".*/composite/sobjects", '"Task"'),
    }[crm.app]
    crm.fault(path, "POST", says, **action)
    world.push(answered(0, score=2), answered(1, score=3))
    world.settle()
    assert len(tasks(crm)) == 2
    assert {one.state for one in world.deliveries(kind="task")} == {"done"}


def test_many_are_one_call(world: World, crm: CRMSeen) -> None:
    rule(world, connection=crm.name)
    world.push(*(answered(n, score=1) for n in range(3)))
    world.settle()
    path = "/tasks/batch/create" if crm.app == "hubspot" else "/composite/sobjects"
    made = [one for one in crm.calls() if one["path"].endswith(path) and one["method"] == "POST"]
    assert len(tasks(crm)) == 3
    assert len(made) == 1


def test_whoever_is_named_gets_it_else_who_looks_after_the_contact(world: World) -> None:
    with joined(world, "hubspot", note="none") as crm:
        known(world, crm, 2)
        number = crm.contacts()["c1@example.test"]["id"]
        crm.control("seed", {"edit": {number: {"hubspot_owner_id": OWNER}}})
        rule(world, connection=crm.name)
        world.push(answered(0, score=2), answered(1, score=2))
        world.settle()
        assert sorted(one["owner"] for one in tasks(crm)) == ["", OWNER]


def test_an_owner_whom_the_crm_does_not_know_is_named(world: World) -> None:
    with joined(world, "hubspot", note="none") as crm:
        known(world, crm, 1)
        rule(world, connection=crm.name, owner="999")
        world.push(answered(0, score=2))
        world.settle()
        (one,) = world.deliveries(kind="task")
        assert (one.state, one.error_field) == ("dead", "hubspot_owner_id")


def test_a_contact_that_is_deleted_meanwhile_has_none(world: World, crm: CRMSeen) -> None:
    rule(world, connection=crm.name)
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE automation SET enabled = false WHERE name LIKE 'feed%'"))
    number = crm.contacts()["c0@example.test"]["id"]
    crm.control("seed", {"delete": [number]})
    world.push(answered(0, score=2))
    world.settle()
    assert tasks(crm) == []
    assert states(world) == [("dead", "not_found")]


def test_an_app_without_tasks_is_refused(world: World) -> None:
    with joined(world, "splio"), pytest.raises(Refusal) as raised:
        rule(world, connection="splio-main")
    assert [one.pointer for one in raised.value.places] == ["/then/0/do"]


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ({"due_in_days": 400}, "due_in_days"),
        ({"due_in_days": "3"}, "due_in_days"),
        ({"owner": "a'b"}, "owner"),
        ({"do": "note", "owner": "1"}, "owner"),
    ],
)
def test_what_a_task_cannot_be_is_refused(action: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as raised:
        AutomationSchema().load({"name": "x", "then": [{"do": "task", **action}]})
    assert place in str(raised.value.messages)
