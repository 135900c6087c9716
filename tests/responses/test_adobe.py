"""Adobe Campaign through the whole story: a credential that is exchanged, profiles one by one, and
subscriptions to services.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from connector.connections import connect
from connector.problems import Refusal
from connector.responses.configuration import automations
from connector.tables import ledger
from schemas.config import AutomationSchema
from schemas.secret import Secret
from tests.responses.scene import joined, states
from tests.world import CRMSeen, World, answered, people

MAPPED: dict[str, Any] = {
    "note": "none",
    "rows": [
        {"variable": "answers.nps", "field": "cusNpsScore"},
        {"variable": "answers.why", "field": "cusNpsComment"},
        {
            "variable": "answers.nps",
            "field": "service_SVC2",
            "transforms": [{"name": "cel", "expression": "value >= 9"}],
        },
    ],
}
LOST = [{"drop_after": True}, {"status": 500}, {"html_after": True}]


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    with joined(world, "adobe", **MAPPED) as seen:
        yield seen


def services(crm: CRMSeen, email: str) -> list[str]:
    held: list[str] = crm.contacts()[email]["lists"]
    return held


def test_answers_become_fields_and_a_subscription(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1))
    world.push(answered(0, score=9), answered(1, score=3))
    world.settle()
    assert {one.state for one in world.deliveries()} == {"done"}
    assert crm.value("c0@example.test", "score") == 9
    assert crm.value("c1@example.test", "score") == 3
    assert services(crm, "c0@example.test") == ["Promoters"]
    assert services(crm, "c1@example.test") == []


def test_a_changed_score_ends_the_subscription_and_never_the_service(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    for revision, score in ((1, 9), (2, 9), (3, 2)):
        world.push(answered(0, score=score, revision=revision))
        world.settle()
    assert services(crm, "c0@example.test") == []
    assert crm.control("state")["services_deleted"] == []
    joins = [one for one in crm.calls(kinds=["write"]) if "/subscriptions" in one["path"]]
    assert [one["method"] for one in joins] == ["POST", "DELETE"]
    with world.database.begin(world.workspace_id) as store:
        written = store.execute(
            select(ledger.c.before, ledger.c.after)
            .where(ledger.c.field == "service_SVC2")
            .order_by(ledger.c.id)
        ).all()
    assert [(one.before, one.after) for one in written] == [(False, True), (True, False)]


def test_the_secret_is_exchanged_once_a_day_and_again_when_a_token_dies(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(2))
    for n in range(2):
        world.push(answered(n))
        world.settle()
    assert crm.control("oauth", {})["refreshes"] == 1
    crm.control("oauth", {"expire": True})
    crm.control("options", {"bare_errors": True})
    world.push(answered(0, score=1, revision=2))
    world.settle()
    assert crm.value("c0@example.test", "score") == 1
    assert crm.control("oauth", {})["refreshes"] == 2
    assert states(world) == [("done", None)] * 3


def test_a_secret_that_was_rotated_away_parks_the_work_and_a_new_one_resumes_it(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    crm.control("oauth", {"revoke": True})
    world.push(answered(0))
    world.plan()
    world.drain("adobe")
    assert states(world) == [("parked", "auth")]
    world.reconnect("adobe", crm.connection_id, crm.url)
    world.settle()
    assert crm.value("c0@example.test", "score") == 9


@pytest.mark.parametrize(
    ("changed", "key"), [({}, "a-jwt-credentials-secret"), ({"client_id": "another"}, "")]
)
def test_a_credential_that_ims_does_not_know_is_said_on_the_connection(
    world: World, crm: CRMSeen, changed: dict[str, str], key: str
) -> None:
    crm.control("oauth", {"expire": True})
    changes = connect.Changes(key=Secret(key), settings=changed)
    view = connect.change(
        world.hub.desk, world.workspace_id, crm.connection_id, changes=changes, actor="test"
    )
    assert (view.state, view.reason_code) == ("needs_attention", "key_refused")


def test_a_credential_without_the_right_parks_and_says_which(world: World, crm: CRMSeen) -> None:
    crm.fault("/profile", status=403, body="Profile is not valid", times=9)
    world.push(answered(0))
    world.plan()
    world.drain("adobe")
    assert states(world) == [("parked", "scope")]


@pytest.mark.parametrize("action", LOST)
@pytest.mark.parametrize("path", [r"/profile$", r"/subscriptions/"])
def test_a_lost_answer_leaves_one_profile_and_one_subscription(
    world: World, crm: CRMSeen, action: dict[str, Any], path: str
) -> None:
    # Adobe would make a second one of either: only what is looked up first is certain.
    crm.control("options", {"duplicate_subscription": "second"})
    crm.fault(path, "POST", **action)
    if "subscriptions" in path:
        crm.seed(people(1))
    world.push(answered(0, score=9))
    world.settle()
    (held,) = crm.control("state")["contacts"]
    assert (held["email"], held["lists"]) == ("c0@example.test", ["Promoters"])
    assert crm.value("c0@example.test", "score") == 9


def test_a_migration_gives_other_primary_keys_and_nothing_is_lost(
    world: World, crm: CRMSeen
) -> None:
    crm.seed(people(1))
    world.push(answered(0, score=9))
    world.settle()
    crm.control("seed", {"rekey": True})
    world.push(answered(0, score=2, revision=2))
    world.settle()
    assert crm.value("c0@example.test", "score") == 2
    assert len(crm.control("state")["contacts"]) == 1


def test_two_profiles_of_one_address_are_left_to_a_person(world: World, crm: CRMSeen) -> None:
    crm.seed(people(1) * 2)
    world.push(answered(0))
    world.settle()
    assert states(world) == [("dead", "ambiguous")]
    assert [one.get("cusNpsScore") for one in _fields(crm)] == [None, None]


def _fields(crm: CRMSeen) -> list[dict[str, Any]]:
    return [one["fields"] for one in crm.control("state")["contacts"]]


def test_an_automation_subscribes_by_the_services_name(world: World, crm: CRMSeen) -> None:
    action = {"do": "subscribe", "connection": "adobe-main", "list": "SVC1"}
    body = AutomationSchema().load({"name": "join", "if": "answers.nps >= 9", "then": [action]})
    with world.database.begin(world.workspace_id) as store:
        made = automations.save(store, world.workspace_id, body=body, actor="test")
        automations.publish(store, world.workspace_id, made["id"])
    crm.seed(people(1))
    world.push(answered(0, score=9), answered(1, score=4))
    world.settle()
    assert services(crm, "c0@example.test") == ["Promoters", "Sport Newsletter"]
    assert services(crm, "c1@example.test") == []


def test_a_service_that_is_not_there_is_refused_when_it_is_published(
    world: World, crm: CRMSeen
) -> None:
    del crm
    action = {"do": "subscribe", "connection": "adobe-main", "list": "SVC9"}
    body = AutomationSchema().load({"name": "join", "then": [action]})
    with world.database.begin(world.workspace_id) as store:
        made = automations.save(store, world.workspace_id, body=body, actor="test")
        with pytest.raises(Refusal) as raised:
            automations.publish(store, world.workspace_id, made["id"])
    assert [one.pointer for one in raised.value.places] == ["/then/0/list"]
