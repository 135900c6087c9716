"""Splio through the whole story: a key that must be exchanged, contacts one by one, and lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import ValidationError
from sqlalchemy import select

from connector.connections import connect
from connector.problems import Refusal
from connector.responses.configuration import automations
from connector.tables import ledger
from schemas.config import AutomationSchema
from schemas.secret import Secret
from simulators.kit.server import running
from simulators.splio import Splio
from tests.responses.conftest import FAST
from tests.responses.scene import joined, states
from tests.world import CRMSeen, World, answered, people

MAPPED: dict[str, Any] = {
    "note": "none",
    "rows": [
        {"variable": "answers.nps", "field": "c5"},
        {"variable": "answers.why", "field": "c6"},
        {
            "variable": "answers.nps",
            "field": "list_26",
            "transforms": [{"name": "cel", "expression": "value >= 9"}],
        },
    ],
}


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    with joined(world, "splio", **MAPPED) as seen:
        yield seen


def lists(crm: CRMSeen, email: str) -> list[str]:
    held: list[str] = crm.contacts()[email]["lists"]
    return held


def test_answers_become_fields_and_a_subscription(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    world.push(answered(0, score=9), answered(1, score=3))
    world.settle()
    assert {one.state for one in world.deliveries()} == {"done"}
    assert crm.value("c0@example.test", "score") == "9"
    assert crm.value("c1@example.test", "score") == "3"
    assert lists(crm, "c0@example.test") == ["promoters"]
    assert lists(crm, "c1@example.test") == []


def test_a_changed_score_ends_the_subscription_and_the_ledger_tells_it(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    for revision, score in ((1, 9), (2, 2)):
        world.push(answered(0, score=score, revision=revision))
        world.settle()
    assert lists(crm, "c0@example.test") == []
    with world.database.begin(world.workspace_id) as store:
        written = store.execute(
            select(ledger.c.before, ledger.c.after)
            .where(ledger.c.field == "list_26")
            .order_by(ledger.c.id)
        ).all()
    assert [(one.before, one.after) for one in written] == [(False, True), (True, False)]


def test_a_repeat_subscribes_nobody_twice(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    for n in range(2):
        world.push(answered(0, score=10, revision=n + 1))
        world.settle()
    joins = [one for one in crm.calls() if one["path"].endswith("/subscribe")]
    assert len(joins) == 1


def test_the_key_is_exchanged_once_a_day_and_never_sent(world: World, crm: CRMSeen) -> None:
    crm.seed(people(3))
    for n in range(3):
        world.push(answered(n))
        world.settle()
    assert crm.control("oauth", {})["refreshes"] == 1
    # The token is dead before its day is over: the key is exchanged anew, and nothing is lost.
    crm.control("oauth", {"expire": True})
    world.push(answered(0, score=1, revision=2))
    world.settle()
    assert crm.value("c0@example.test", "score") == "1"
    assert crm.control("oauth", {})["refreshes"] == 2
    assert states(world) == [("done", None)] * 4


def test_a_revoked_key_parks_the_work_and_a_new_one_resumes_it(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    crm.control("oauth", {"revoke": True})
    world.push(answered(0))
    world.plan()
    world.drain("splio")
    assert states(world) == [("parked", "auth")]
    world.reconnect("splio", crm.connection_id, crm.url)
    world.settle()
    assert crm.value("c0@example.test", "score") == "9"


def test_a_wrong_key_is_said_on_the_connection(world: World, crm: CRMSeen) -> None:
    changes = connect.Changes(key=Secret("wrong"))
    view = connect.change(
        world.hub.desk, world.workspace_id, crm.connection_id, changes=changes, actor="test"
    )
    assert (view.state, view.reason_code) == ("needs_attention", "key_refused")
    with pytest.raises(Refusal):
        connect.probe(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")


@pytest.mark.parametrize("action", [{"drop_after": True}, {"status": 500}, {"html_after": True}])
@pytest.mark.parametrize("path", [r"/data/contacts", r".*/lists/subscribe"])
def test_a_lost_answer_leaves_one_contact_and_one_subscription(
    world: World, crm: CRMSeen, action: dict[str, Any], path: str
) -> None:
    crm.fault(path, "POST", **action)
    if "lists" in path:
        crm.seed(people(1))
    world.push(answered(0, score=9))
    world.settle()
    assert list(crm.contacts()) == ["c0@example.test"]
    assert lists(crm, "c0@example.test") == ["promoters"]
    assert crm.value("c0@example.test", "score") == "9"


def test_a_refused_value_stands_alone_and_is_named(world: World) -> None:
    rows = [{"variable": "answers.why", "field": "c5"}]
    options = {"tells_types": False}
    with joined(world, "splio", rows=rows, note="none", options=options) as crm:
        crm.seed(people(2))
        world.push(answered(0, why="many"), answered(1, why="7"))
        world.settle()
        told = {(one.state, one.error_code, one.error_field) for one in world.deliveries()}
        assert told == {("dead", "invalid_value", "c5"), ("done", None, None)}


# --- THEN subscribe -------------------------------------------------------------------------------


def rule(world: World, **changes: Any) -> int:
    """An automation as the API saves and publishes it."""
    action = {"do": "subscribe", "connection": "splio-main", "list": "25"} | changes
    body = AutomationSchema().load({"name": "join", "if": "answers.nps >= 9", "then": [action]})
    with world.database.begin(world.workspace_id) as store:
        made = automations.save(store, world.workspace_id, body=body, actor="test")
        automations.publish(store, world.workspace_id, made["id"])
    return int(made["id"])


def test_an_automation_subscribes_and_another_ends_it(world: World, crm: CRMSeen) -> None:
    rule(world)
    crm.seed(people(1))
    world.push(answered(0, score=9), answered(1, score=10), answered(2, score=4))
    world.settle()
    assert lists(crm, "c0@example.test") == ["newsletter shoes", "promoters"]
    assert lists(crm, "c1@example.test") == ["newsletter shoes", "promoters"]
    assert lists(crm, "c2@example.test") == []


def test_nobody_is_made_to_leave_a_list(world: World) -> None:
    with running(Splio(options=FAST["splio"])) as url:
        crm = world.connect("splio", url)
        rule(world, do="unsubscribe")
        world.standard("splio", fields=False, note=False)
        crm.seed(people(1))
        crm.control("seed", {"edit": {"1": {"lists": [{"id": 25}]}}})
        world.push(answered(0, score=9), answered(1, score=9))
        world.settle()
        assert list(crm.contacts()) == ["c0@example.test"]
        assert lists(crm, "c0@example.test") == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"list": "99"}, "/then/0/list"),
        ({"connection": "none"}, "/then/0/connection"),
        ({"do": "tag", "list": None}, "/then/0/do"),
        ({"do": "note", "list": None}, "/then/0/do"),
    ],
)
def test_what_an_app_cannot_do_is_refused_when_it_is_published(
    world: World, crm: CRMSeen, changes: dict[str, Any], place: str
) -> None:
    del crm
    action = {"do": "subscribe", "connection": "splio-main", "list": "25"} | changes
    action = {name: one for name, one in action.items() if one is not None}
    body = AutomationSchema().load({"name": "join", "then": [action]})
    with world.database.begin(world.workspace_id) as store:
        made = automations.save(store, world.workspace_id, body=body, actor="test")
        with pytest.raises(Refusal) as raised:
            automations.publish(store, world.workspace_id, made["id"])
    assert [one.pointer for one in raised.value.places] == [place]


@pytest.mark.parametrize(
    "action",
    [
        {"do": "subscribe", "connection": "splio-main"},
        {"do": "subscribe", "list": "25"},
        {"do": "tag", "list": "25"},
    ],
)
def test_an_action_that_names_too_little_or_too_much_is_refused(action: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AutomationSchema().load({"name": "join", "then": [action]})
