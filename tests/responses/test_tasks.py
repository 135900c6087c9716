"""THEN task: somebody gets something to do about a detractor, once."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


@pytest.fixture(params=["hubspot", "odoo", "salesforce", "zendesk"])
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    with joined(world, request.param, note="none") as seen:
        known(world, seen, 4)
        yield seen


def rule(
    world: World,
    name: str = "call them",
    condition: str | None = "computed.score <= 6",
    **action: Any,
) -> int:
    then = [{"do": "task", "subject": "Call {contact.name}", "text": "{answers.why}", **action}]
    body = {"name": name, "if": condition, "then": then}
    with world.database.begin(world.workspace_id) as store:
        made = automations.save(
            store, world.workspace_id, body=AutomationSchema().load(body), actor="test"
        )
        automations.publish(store, world.workspace_id, made["id"])
    return int(made["id"])


@dataclass
class Seen:
    """How one CRM's simulator shows its tasks, and what its calls for them look like.

    `held`: its tasks. `facts`: subject, text, due day, owner and whether one is open. `create`: a
    regular expression of the path that makes one, and what stands in that call's body.
    """

    held: Callable[[dict[str, Any]], list[dict[str, Any]]]
    facts: Callable[[dict[str, Any]], tuple[str, str, str, str, bool]]
    create: tuple[str, str]


SEEN = {
    "hubspot": Seen(
        lambda state: [one["properties"] for one in state["tasks"]],
        lambda one: (
            one["hs_task_subject"],
            html.unescape(one["hs_task_body"]),
            one["hs_timestamp"][:10],
            one.get("hubspot_owner_id", ""),
            one["hs_task_status"] == "NOT_STARTED",
        ),
        (".*/tasks/batch/create", ""),
    ),
    "odoo": Seen(
        lambda state: [one["fields"] for one in state["activities"]],
        lambda one: (
            one["summary"],
            html.unescape(one["note"]),
            one["date_deadline"],
            str(one["user_id"]),
            True,
        ),
        ("/jsonrpc", '"mail.activity", "create"'),
    ),
    "salesforce": Seen(
        lambda state: [one["fields"] for one in state["records"]["Task"]],
        lambda one: (
            one["Subject"],
            one["Description"],
            one["ActivityDate"],
            one["OwnerId"],
            not one["IsClosed"],
        ),
        (".*/composite/sobjects", '"Task"'),
    ),
    "zendesk": Seen(
        lambda state: [one for one in state["tickets"] if one["type"] == "task"],
        lambda one: (
            one["subject"],
            one["description"],
            one["due_at"][:10],
            str(one["assignee_id"] or ""),
            one["status"] == "new",
        ),
        (r".*/tickets(\.json)?", ""),
    ),
}


def tasks(crm: CRMSeen) -> list[dict[str, Any]]:
    """The CRM's tasks: subject, text, due day, owner and whether they are open."""
    seen = SEEN[crm.app]
    names = ("subject", "text", "due", "owner", "open")
    held = seen.held(crm.control("state"))
    return [dict(zip(names, seen.facts(one), strict=True)) for one in held]


def test_detractors_get_one_each_and_a_promoter_none(world: World, crm: CRMSeen) -> None:
    rule(world, connection=crm.name, due_in_days=3)
    why = ["Too <slow>", "Late", "Dear"]
    world.push(*(answered(n, score=2, why=why[n]) for n in range(3)), answered(3, score=9))
    world.settle()
    made = tasks(crm)
    assert sorted(one["subject"] for one in made) == [f"Call Søren Contact {n}" for n in range(3)]
    assert any("Too <slow>" in one["text"] for one in made)
    due = (clock.now().date() + timedelta(days=3)).isoformat()
    assert {(one["due"], one["open"]) for one in made} == {(due, True)}
    assert {state for state, _ in states(world)} == {"done"}
    made_by = re.compile(SEEN[crm.app].create[0])
    posts = [one for one in crm.calls() if one["method"] == "POST"]
    calls = [one for one in posts if made_by.fullmatch(one["path"])]
    # Every call of Odoo's has the same address: its adapter's own test counts them.
    assert crm.app == "odoo" or len(calls) == (3 if crm.app == "zendesk" else 1)


def test_an_edit_opens_no_second_one_and_neither_a_better_score_nor_a_deletion_takes_it_away(
    world: World, crm: CRMSeen
) -> None:
    rule(world, connection=crm.name)
    for revision, score in ((1, 2), (2, 3), (3, 10)):
        world.push(answered(0, score=score, revision=revision))
        world.settle()
    (made,) = tasks(crm)
    assert made["open"]
    world.push({**answered(0), "event": "deleted", "revision": 4})
    world.settle()
    assert tasks(crm) == [made]
    done = world.deliveries(kind="task")
    assert [(one.state, one.error_code) for one in done] == [("done", None), ("done", "unchanged")]
    assert done[0].remote_id == done[1].remote_id


def test_a_lost_answer_leaves_one(world: World, crm: CRMSeen) -> None:
    rule(world, connection=crm.name)
    path, says = SEEN[crm.app].create
    crm.fault(path, "POST", says, drop_after=True)
    world.push(answered(0, score=2), answered(1, score=3))
    world.settle()
    assert len(tasks(crm)) == 2
    crm.fault(path, "POST", says, status=500)
    world.push(answered(2, score=2))
    world.settle()
    assert len(tasks(crm)) == 3
    assert {one.state for one in world.deliveries(kind="task")} == {"done"}


def test_versions_that_come_together_open_one_with_the_newest_words(world: World) -> None:
    with joined(world, "odoo", note="none") as crm:
        known(world, crm, 1)
        rule(world, connection=crm.name)
        world.push(answered(0, score=2, why="slow"))
        world.push(answered(0, score=3, why="late", revision=2))
        world.settle()
        (made,) = tasks(crm)
        assert "late" in made["text"]
        assert {one.state for one in world.deliveries(kind="task")} == {"done"}
        # The first version of another response comes after its second.
        for revision in (2, 1):
            world.push(answered(0, response_id="late", score=2, revision=revision))
            world.settle()
        assert len(tasks(crm)) == 2


def test_what_somebody_has_done_already_is_not_opened_again_by_an_edit(world: World) -> None:
    with joined(world, "odoo", note="none") as crm:
        known(world, crm, 1)
        rule(world, connection=crm.name)
        world.push(answered(0, score=2))
        world.settle()
        (made,) = crm.control("state")["activities"]
        crm.control("seed", {"done": [made["id"]]})
        world.push(answered(0, score=1, revision=2))
        world.settle()
        assert tasks(crm) == []
        assert [one.error_code for one in world.deliveries(kind="task")] == [None, "unchanged"]


# By app: whose it may be (none: one is made), how a contact is given to them, and whose it is where
# nobody looks after the contact.
OWNERS: dict[str, tuple[str, str, str]] = {
    "hubspot": ("4100", "hubspot_owner_id", ""),
    "odoo": ("", "user_id", "7"),
    "zendesk": ("361000000000001", "", ""),
}


@pytest.mark.parametrize("app", sorted(OWNERS))
def test_whoever_is_named_gets_it_else_who_looks_after_the_contact(world: World, app: str) -> None:
    owner, field, nobody = OWNERS[app]
    with joined(world, app, note="none") as crm:
        known(world, crm, 2)
        owner = owner or str(crm.control("seed", {"users": ["Anne"]})["users"][0])
        number = crm.contacts()["c1@example.test"]["id"]
        if field:
            value = int(owner) if app == "odoo" else owner
            crm.control("seed", {"edit": {number: {field: value}}})
        rule(world, connection=crm.name)
        world.push(answered(0, score=2), answered(1, score=2))
        world.settle()
        assert sorted(one["owner"] for one in tasks(crm)) == sorted(
            [nobody, owner if field else nobody]
        )
        rule(world, connection=crm.name, owner=owner)
        world.push(answered(0, response_id="named", score=2))
        world.settle()
        assert [one["owner"] for one in tasks(crm)].count(owner) == (2 if field else 1)


@pytest.mark.parametrize(
    ("app", "field"),
    [("hubspot", "hubspot_owner_id"), ("odoo", "user_id"), ("zendesk", "assignee_id")],
)
def test_an_owner_whom_the_crm_does_not_know_is_named(world: World, app: str, field: str) -> None:
    with joined(world, app, note="none") as crm:
        known(world, crm, 2)
        rule(world, connection=crm.name, owner="999")
        rule(world, "call them, too", connection=crm.name, owner="anne")
        world.push(answered(0, score=2), answered(1, score=2))
        world.settle()
        done = world.deliveries(kind="task")
        assert [(one.state, one.error_field) for one in done] == [("dead", field)] * 4


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
