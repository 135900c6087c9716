"""Apps without code through the whole story: push, rule, action, effect, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from adapters.rest import shelf
from connector.connections import connect, views
from connector.problems import Refusal
from connector.responses.configuration import automations
from connector.tables import ledger
from schemas.config import AutomationSchema
from schemas.secret import Secret
from tests.responses.scene import joined, states
from tests.world import FIELDS, CRMSeen, World, answered, people

APPS = ("brevo", "pipedrive")
# What a written score is in the app's own JSON, and where each keeps contacts.
PATHS = {"brevo": r"/v3/contacts", "pipedrive": r"/api/v2/persons"}


@pytest.fixture(params=APPS)
def crm(request: pytest.FixtureRequest, world: World) -> Iterator[CRMSeen]:
    with joined(world, request.param, note="all", **created(request.param)) as seen:
        yield seen


def created(app: str) -> dict[str, Any]:
    """The rows that a mapping needs where contacts are made."""
    fields = FIELDS[app]
    rows = [
        {"variable": "answers.nps", "field": fields["score"]},
        {"variable": "answers.why", "field": fields["comment"]},
    ]
    named = {"variable": "contact.name", "field": "name"}
    return {"rows": [*rows, named] if app == "pipedrive" else rows}


def test_answers_become_fields_of_new_and_known_contacts(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    world.push(answered(0, score=9), answered(1, score=3, why="{{token}} {{settings}}"))
    world.settle()
    assert {one.state for one in world.deliveries()} == {"done"}
    assert sorted(crm.contacts()) == ["c0@example.test", "c1@example.test"]
    assert crm.value("c0@example.test", "score") == 9
    # What a person answers is a value, whatever it looks like.
    assert crm.value("c1@example.test", "comment") == "{{token}} {{settings}}"


def test_a_changed_score_replaces_its_own_and_the_ledger_tells_it(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    for revision, score in ((1, 9), (2, 2)):
        world.push(answered(0, score=score, revision=revision))
        world.settle()
    assert crm.value("c0@example.test", "score") == 2
    asked = (
        select(ledger.c.before, ledger.c.after)
        .where(ledger.c.field == FIELDS[crm.app]["score"])
        .order_by(ledger.c.id)
    )
    with world.database.begin(world.workspace_id) as store:
        told = [(one.before, one.after) for one in store.execute(asked)]
    # A number field tells decimal strings, an integer field whole numbers.
    assert [(str(one), str(two)) for one, two in told] == [("None", "9"), ("9", "2")]


@pytest.mark.parametrize("action", [{"drop_after": True}, {"html_after": True}])
@pytest.mark.parametrize("method", ["POST", "PATCH|PUT"])
def test_a_lost_answer_leaves_one_contact(
    world: World, crm: CRMSeen, action: dict[str, Any], method: str
) -> None:
    crm.fault(PATHS[crm.app], method, **action)
    if method != "POST":
        crm.seed(people(1))
    world.push(answered(0, score=9))
    world.settle()
    assert list(crm.contacts()) == ["c0@example.test"]
    assert crm.value("c0@example.test", "score") == 9


def test_a_pause_that_is_asked_for_is_kept_and_nothing_is_lost(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    crm.fault(PATHS[crm.app], throttle=3)
    world.push(answered(0, score=9))
    world.plan()
    drained = world.drain(crm.app)
    assert states(world, kind="fields") == [("pending", None)]
    assert [one.attempts for one in world.deliveries(kind="fields")] == [0]
    world.settle()
    assert crm.value("c0@example.test", "score") == 9
    del drained


@pytest.mark.parametrize("body", ["unauthorized", {"code": "unauthorized"}])
def test_a_refused_key_parks_the_work_and_a_new_one_resumes_it(
    world: World, crm: CRMSeen, body: Any
) -> None:
    crm.seed(people(1))
    crm.control("oauth", {"revoke": True})
    crm.fault(status=401, body=body)
    world.push(answered(0))
    world.plan()
    world.drain(crm.app)
    assert states(world, kind="fields") == [("parked", "auth")]
    world.reconnect(crm.app, crm.connection_id, crm.url)
    world.settle()
    assert crm.value("c0@example.test", "score") == 9


def test_a_refused_value_stands_alone(world: World, crm: CRMSeen) -> None:
    crm.seed(people(2))
    crm.fault(
        PATHS[crm.app],
        "PATCH|PUT",
        saying="bad",
        status=400,
        body={"success": False, "code": "invalid_parameter", "message": "bad is refused"},
    )
    world.push(answered(0, why="bad"), answered(1, why="good"))
    world.settle()
    told = {(one.state, one.error_code) for one in world.deliveries(kind="fields")}
    assert told == {("dead", "invalid_value"), ("done", None)}
    assert all("bad" not in str(one.error) for one in world.deliveries())
    assert crm.value("c1@example.test", "comment") == "good"


def test_a_wrong_key_is_said_on_the_connection(world: World, crm: CRMSeen) -> None:
    view = connect.change(
        world.hub.desk,
        world.workspace_id,
        crm.connection_id,
        changes=connect.Changes(key=Secret("wrong")),
        actor="test",
    )
    assert (view.state, view.reason_code) == ("needs_attention", "key_refused")


def test_a_note_is_written_once_where_the_document_says_how(world: World) -> None:
    with joined(world, "pipedrive", note="all", **created("pipedrive")) as crm:
        crm.seed(people(1))
        crm.fault(r"/api/v1/notes", "POST", drop_after=True)
        world.push(answered(0))
        world.settle()
        (note,) = crm.notes("c0@example.test")
        assert "Friendly" in note


def test_an_automation_subscribes_to_a_list_that_the_document_tells(world: World) -> None:
    with joined(world, "brevo", note="none") as crm:
        action = {"do": "subscribe", "connection": "brevo-main", "list": "25"}
        body = AutomationSchema().load({"name": "j", "if": "answers.nps >= 9", "then": [action]})
        with world.database.begin(world.workspace_id) as store:
            made = automations.save(store, world.workspace_id, body=body, actor="test")
            automations.publish(store, world.workspace_id, made["id"])
        crm.seed(people(2))
        world.push(answered(0, score=9), answered(1, score=3), answered(2, score=10))
        world.settle()
        lists = {mail: one["lists"] for mail, one in crm.contacts().items()}
        joined_it = ["newsletter shoes"]
        assert lists == {
            "c0@example.test": joined_it, "c1@example.test": [], "c2@example.test": joined_it
        }  # fmt: skip


def test_a_document_that_is_taken_away_parks_its_work_until_it_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with joined(world, "brevo", note="none") as crm:
        crm.seed(people(1))
        world.push(answered(0, score=9))
        world.plan()
        there = shelf._shipped()
        with monkeypatch.context() as away:
            away.setattr(shelf, "_shipped", lambda: {"pipedrive": there["pipedrive"]})
            shelf.install({})
            world.drain("brevo")
            assert states(world) == [("parked", "auth")]
            with world.database.begin(world.workspace_id) as store:
                (shown,) = views.summaries(store, world.workspace_id)
            assert (shown.state, shown.reason_code) == ("needs_attention", "app_unknown")
            with pytest.raises(Refusal):
                connect.probe(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")
        connect.probe(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")
        world.settle()
        assert crm.value("c0@example.test", "score") == 9
