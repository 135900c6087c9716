"""A test key: what it pushes is tried out with the real configuration, and reaches nothing."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from connector.db import Database
from connector.settings import Settings
from connector.tables import (
    answer_file,
    campaign,
    contact,
    delivery,
    ledger,
    survey,
    target_clock,
)
from tests.api.conftest import Caller
from tests.responses.scene import joined
from tests.world import World, answered, founded, people

# Where a pushed response could leave something behind.
LEARNT = (contact, campaign, survey, delivery, target_clock, answer_file, ledger)


@pytest.fixture
def world(settings: Settings, database: Database) -> World:
    return founded(settings, database)


@pytest.fixture
def alice(client: FlaskClient, world: World) -> Caller:
    """The owner of the workspace."""
    return Caller(client, world.workspace_id, world.key)


@pytest.fixture
def tester(alice: Caller) -> Caller:
    made = alice.post("/keys", {"name": "ci", "test": True})
    assert made.status_code == 201
    return Caller(alice.client, alice.workspace_id, made.json["key"])


def counts(world: World) -> dict[str, int]:
    with world.database.begin(world.workspace_id) as store:
        return {
            one.name: store.execute(select(func.count()).select_from(one)).scalar_one()
            for one in LEARNT
        }


def test_a_test_key_is_told_from_others_by_its_first_signs(alice: Caller, tester: Caller) -> None:
    assert tester.key.startswith("ab_test_")
    scopes = alice.get("/keys").json["keys"][0]["scopes"]
    assert scopes == ["responses:read", "responses:test"]
    # Signs changed by hand make no live key of it.
    forged = Caller(alice.client, alice.workspace_id, tester.key.replace("test", "live", 1))
    assert forged.get("/responses/r0").status_code == 401


def test_what_it_pushes_tells_what_would_be_done_and_reaches_nothing(
    world: World, alice: Caller, tester: Caller
) -> None:
    with joined(world, "salesforce") as crm:
        crm.seed(people(1))
        before, calls = counts(world), len(crm.calls())
        photo = {"type": "signature", "value": {"url": "https://files.example/a.png"}}
        told: dict[str, Any] = answered(0, score=3)
        told["answers"]["photo"] = photo
        assert tester.post("/responses", told).status_code == 202
        assert tester.post("/responses", told).json["status"] == "duplicate"
        world.settle()
        assert (counts(world), len(crm.calls())) == (before, calls)

        found = tester.get("/responses/r0").json
        assert (found["state"], found["versions"][0]["steps"]) == ("done", [])
        verdicts = found["versions"][0]["verdicts"]
        assert verdicts["response"] == "tested"
        would = {one["kind"]: one for one in verdicts["would"]}
        fields, tag, note = would["fields"], would["tag"], would["note"]
        assert (fields["connection"], fields["entity"]) == ("salesforce-main", "Contact")
        assert fields["values"] == {"NPS_Score__c": 3, "NPS_Full_Comment__c": "Friendly 😀"}
        assert (tag["campaign"], tag["score"]) == ("Møde", 3)
        assert "Friendly" in note["text"]

        # The real response of that id is another one, which a tested deletion does not touch.
        assert alice.post("/responses", answered(0, score=9)).json["status"] == "accepted"
        world.settle()
        gone = {**answered(0), "event": "deleted", "revision": 9, "answers": {}}
        tester.post("/responses", gone)
        world.settle()
        assert float(crm.value("c0@example.test", "score")) == 9
        real, tried = (caller.get("/responses/r0").json["versions"] for caller in (alice, tester))
        assert ([one["source"] for one in real], len(tried)) == (["api"], 2)


def test_a_mapping_that_refuses_the_value_says_so_by_its_field(
    world: World, tester: Caller
) -> None:
    with joined(world, "salesforce", note="none") as crm:
        rows = [{"variable": "answers.why", "field": "NPS_Score__c"}]
        world.mapping("salesforce", name="wrong", rows=rows)
        crm.seed(people(1))
        tester.post("/responses", answered(0, why="no number"))
        world.settle()
        (version,) = tester.get("/responses/r0").json["versions"]
        refused = [one for one in version["verdicts"]["would"] if one["state"] == "dead"]
        assert [one["error_field"] for one in refused] == ["NPS_Score__c"]


def test_a_test_key_may_do_nothing_else(tester: Caller) -> None:
    assert tester.get("/contacts").status_code == 403
    assert tester.post("/keys", {"name": "wider"}).status_code == 403


def test_a_test_key_cannot_also_push(alice: Caller) -> None:
    both = {"name": "x", "test": True, "scopes": ["responses:push"]}
    answer = alice.post("/keys", both)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/scopes")


def test_the_shell_makes_one_too(answerback, alice: Caller) -> None:
    made = answerback("key", "create", "acme", "--test")
    assert made["key"].startswith("ab_test_")
    assert "--scope" in answerback("key", "create", "acme", "--test", "--scope", "x", code=2)
