"""A webhook with mapped values: one signed message a response, nothing is read, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connector.connections import connect, discover
from connector.connections.hosts import AllowedHosts
from connector.responses.configuration.checking import check
from connector.tables import automation, automation_version, mapping, mapping_version
from schemas.config import AutomationSchema, MappingSchema
from schemas.secret import Secret
from simulators.kit.server import running
from simulators.receivers import SECRET, Receiver
from tests.responses.scene import states
from tests.world import CRMSeen, World, answered

APP = "mapped_webhook"
FIELDS = "score:integer, why, topics:multi_choice"
ROWS = [
    {"variable": "answers.nps", "field": "score"},
    {"variable": "answers.why", "field": "why"},
]


@pytest.fixture
def receiver(world: World) -> Iterator[CRMSeen]:
    with running(Receiver()) as url:
        settings = {"host": "receiver.example", "path": "hooks/a?who=us", "fields": FIELDS}
        made = connect.create(
            world.hub.desk,
            world.workspace_id,
            app=APP,
            name=APP,
            auth="key",
            base_url=url,
            settings=settings,
            key=Secret(SECRET),
            actor="test",
        )
        assert made.state == "connected"
        discover.download(world.hub.desk, world.workspace_id, made.id, actor="test")
        seen = world.crms[APP] = CRMSeen(APP, url, made.id, APP)
        map_values(world, made.id)
        yield seen


def body(**changes: Any) -> dict[str, Any]:
    return {
        "name": "told",
        "connection": APP,
        "entity": "response",
        "operation": "update",
        "identify": {"variable": "response.id", "field": "response_id"},
        "rows": ROWS,
        "note": "none",
    } | changes


def map_values(world: World, connection_id: int) -> None:
    loaded: Any = MappingSchema().load(body())
    with world.database.begin(world.workspace_id) as store:
        assert check(store, world.workspace_id, loaded).errors == ()
    world._saved(mapping, mapping_version, loaded, connection_id=connection_id)
    feeds = {"name": "feed", "then": [{"do": "feed", "mapping": "told"}]}
    world._saved(automation, automation_version, AutomationSchema().load(feeds))


def told(receiver: CRMSeen) -> list[dict[str, Any]]:
    """The messages that the receiver has verified by their signature, each once."""
    every: list[dict[str, Any]] = receiver.control("state")["messages"]
    return every


def repeats(receiver: CRMSeen) -> list[str]:
    """The ids that came again."""
    every: list[str] = receiver.control("state")["repeats"]
    return every


def test_each_response_is_a_message_of_its_own(world: World, receiver: CRMSeen) -> None:
    world.push(answered(0, score=9), answered(1, score=3, email="c0@example.test"))
    world.settle()
    assert {one.state for one in world.deliveries()} == {"done"}
    values = sorted((one["data"] for one in told(receiver)), key=lambda one: one["score"])
    assert values == [
        {"response_id": "r1", "score": 3, "why": "Friendly 😀"},
        {"response_id": "r0", "score": 9, "why": "Friendly 😀"},
    ]


def test_a_changed_answer_is_told_under_another_id(world: World, receiver: CRMSeen) -> None:
    for revision, score in ((1, 9), (2, 2)):
        world.push(answered(0, score=score, revision=revision))
        world.settle()
    assert [one["data"]["score"] for one in told(receiver)] == [9, 2]
    assert repeats(receiver) == []


@pytest.mark.parametrize("action", [{"drop_after": True}, {"status": 500}, {"status": 404}])
def test_a_try_without_an_answer_is_repeated_under_its_own_id(
    world: World, receiver: CRMSeen, action: dict[str, Any]
) -> None:
    receiver.fault(".*", "POST", **action)
    world.push(answered(0))
    world.settle()
    assert states(world) == [("done", None)]
    (one,) = told(receiver)
    assert repeats(receiver) == ([one["id"]] if "drop_after" in action else [])


def test_a_receiver_that_is_gone_parks_the_messages_and_a_repair_resumes_them(
    world: World, receiver: CRMSeen
) -> None:
    receiver.fault(".*", "POST", status=410)
    world.push(answered(0))
    world.plan()
    world.drain(APP)
    assert states(world) == [("parked", "auth")]
    connect.probe(world.hub.desk, world.workspace_id, receiver.connection_id, actor="test")
    world.settle()
    assert len(told(receiver)) == 1


def test_a_secret_that_cannot_sign_is_said(world: World, receiver: CRMSeen) -> None:
    changes = connect.Changes(key=Secret("whsec_short"))
    connect.change(
        world.hub.desk, world.workspace_id, receiver.connection_id, changes=changes, actor="test"
    )
    world.push(answered(0))
    world.plan()
    world.drain(APP)
    assert states(world) == [("parked", "auth")]
    assert told(receiver) == []


def test_a_host_inside_the_network_is_not_called(world: World) -> None:
    desk = world.hub.desk
    closed = replace(desk, allowed=AllowedHosts())
    made = connect.create(
        closed,
        world.workspace_id,
        app=APP,
        name="inside",
        auth="key",
        settings={"host": "127.0.0.1", "fields": "score"},
        key=Secret(SECRET),
        actor="test",
    )
    assert (made.state, made.reason_code) == ("needs_attention", "address_not_open")
