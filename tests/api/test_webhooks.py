"""Webhooks to the customer's own systems, by the API and the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import text

from connector.jobs import hub_of
from connector.webhooks import events, sending
from simulators.kit.server import running
from simulators.receivers import Receiver
from tests.api.test_responses import body
from tests.world import World

ALL = list(events.EVENTS)


class Receiving:
    """A receiver with secrets of its own choice, and what it was sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.hook = f"{url}/hooks/a"

    def control(self, name: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        answer = requests.request(method, f"{self.url}/__sim__/{name}", json=body, timeout=5)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def knows(self, *secrets: str) -> None:
        self.control("options", {"secrets": list(secrets)})

    @property
    def messages(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = self.control("state")["messages"]
        return told


@pytest.fixture(scope="module")
def shared() -> Iterator[str]:
    with running(Receiver()) as url:
        yield url


@pytest.fixture
def receiver(shared: str) -> Receiving:
    made = Receiving(shared)
    made.control("reset", {})
    return made


@pytest.fixture
def world(alice: Any, settings: Any) -> Iterator[World]:
    hub = hub_of(settings)
    yield World(hub, alice.workspace_id, alice.key)
    hub.database.close()


def made_by(caller: Any, receiver: Receiving, **changes: Any) -> dict[str, Any]:
    wanted = {"name": "mine", "url": receiver.hook, "events": ALL} | changes
    answer = caller.post("/webhooks", wanted)
    assert answer.status_code == 201, answer.text
    receiver.knows(answer.json["secret"])
    told: dict[str, Any] = answer.json
    return told


def opt_out(world: World, count: int = 1) -> None:
    """Messages to send, without a response's long way."""
    with world.database.begin(world.workspace_id) as store:
        ids = store.execute(
            text(
                "INSERT INTO contact (workspace_id, email, external_id)"
                " SELECT :w, 'secret' || n || '@example.test', 'c-' || n"
                " FROM generate_series(1, :n) n RETURNING id"
            ),
            {"w": world.workspace_id, "n": count},
        ).scalars()
        events.opted_out(store, world.workspace_id, list(ids))


def test_who_wants_no_more_surveys_is_told_of_once(alice, world, receiver):
    made = made_by(alice, receiver)
    alice.post("/contacts", [{"external_id": "c-1"}, {"email": "b@example.test"}])
    one, other = (each["id"] for each in alice.get("/contacts").json["contacts"])
    for _ in range(2):
        said = alice.put(f"/contacts/{one}/opt-out", None)
        assert (said.status_code, said.json["opted_out_by"]) == (200, "person")
    told = body("r1") | {"respondent": {"email": "B@example.test"}, "consent": {"contact": False}}
    assert alice.post("/responses", told).status_code == 202
    world.settle()
    assert alice.get(f"/contacts/{other}").json["opted_out_by"] == "response"
    again = alice.delete(f"/contacts/{other}/opt-out")
    assert (again.status_code, again.json["opted_out_at"]) == (200, None)
    send(world, made["id"])
    assert [
        one["data"]["id"] for one in receiver.messages if one["type"] == "contact.opted_out"
    ] == [one, other]
    assert alice.put("/contacts/999999/opt-out", None).status_code == 404


def send(world: World, webhook_id: int) -> int:
    return sending.send_due(world.hub.desk, world.workspace_id, webhook_id)


def hurry(world: World, **webhook: str) -> None:
    """All waits are over; columns of the webhook may be set by SQL."""
    changes = ", ".join(f"{name} = {value}" for name, value in webhook.items())
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE webhook_message SET due_at = now() WHERE state = 'pending'"))
        store.execute(text("UPDATE webhook SET rests_until = NULL"))
        if changes:
            store.execute(text(f"UPDATE webhook SET {changes}"))  # noqa: S608 - a test's own


def test_a_message_goes_out_signed_and_its_log_says_so(alice, world, receiver):
    made = made_by(alice, receiver)
    opt_out(world)
    assert send(world, made["id"]) == 1
    (told,) = receiver.messages
    assert (told["type"], told["data"]["external_id"]) == ("contact.opted_out", "c-1")
    assert "@" not in json.dumps(told)
    (listed,) = alice.get(f"/webhooks/{made['id']}/messages?state=delivered").json["messages"]
    assert listed["message_id"] == told["id"]
    whole = alice.get(f"/webhook-messages/{listed['id']}").json
    assert [(one["status"], one["code"]) for one in whole["tries"]] == [(200, None)]
    assert whole["data"] == told["data"]
    assert alice.get(f"/webhooks/{made['id']}").json["delivered_at"]


def test_the_address_and_the_secret_are_never_shown_again(alice, receiver, database):
    made = made_by(alice, receiver)
    shown = alice.get("/webhooks").text + alice.get("/audit").text
    with database.begin(alice.workspace_id) as store:
        shown += str(store.execute(text("SELECT to_jsonb(w) FROM webhook w")).all())
    assert made["secret"] not in shown
    assert "/hooks/a" not in shown
    assert '"host":"127.0.0.1"' in shown.replace(" ", "")


def test_two_secrets_sign_until_the_overlap_is_over(alice, world, receiver):
    made = made_by(alice, receiver)
    fresh = alice.post(f"/webhooks/{made['id']}/rotate", {"overlap_hours": 1}).json["secret"]
    for knows in (made["secret"], fresh):
        receiver.knows(knows)
        assert alice.post(f"/webhooks/{made['id']}/test").json["delivered"]
    hurry(world, former_until="now() - interval '1 second'")
    assert alice.post(f"/webhooks/{made['id']}/test").json["delivered"]
    receiver.knows(made["secret"])
    refused = alice.post(f"/webhooks/{made['id']}/test").json
    assert (refused["status"], refused["code"]) == (401, "receiver_refused")


FAULTS: list[tuple[dict[str, Any], str, int | None]] = [
    ({"status": 500}, "receiver_failed", 500),
    ({"status": 404}, "receiver_refused", 404),
    ({"throttle": 7}, "receiver_busy", 429),
    ({"drop_after": True}, "outcome_unknown", None),
]


def test_what_was_not_taken_comes_again_under_its_own_id(alice, world, receiver):
    made = made_by(alice, receiver)
    opt_out(world)
    for action, _, _ in FAULTS:
        receiver.control("fault", {"path": "/hooks/.*", "occurrence": 1, "action": action})
        assert send(world, made["id"]) == 0
        hurry(world)
    (waits,) = alice.get(f"/webhooks/{made['id']}/messages").json["messages"]
    assert (waits["state"], waits["attempts"]) == ("pending", len(FAULTS))
    assert send(world, made["id"]) == 1
    tries = alice.get(f"/webhook-messages/{waits['id']}").json["tries"]
    told = [(one["code"], one["status"]) for one in tries]
    assert told == [*((code, status) for _, code, status in FAULTS), (None, 200)]
    seen = receiver.control("state")
    assert len(seen["messages"]) == 1
    # The one that was taken and whose answer was lost: the receiver knows it again by its id.
    assert seen["repeats"] == [waits["message_id"]]


def test_a_receiver_that_fails_is_left_alone_and_ended_after_three_days(alice, world, receiver):
    made = made_by(alice, receiver)
    receiver.knows("whsec_" + "QUJD" * 8)
    opt_out(world, 5)
    for _ in range(3):
        send(world, made["id"])
    resting = alice.get(f"/webhooks/{made['id']}").json
    assert (resting["state"], resting["failures"]) == ("active", 3)
    assert resting["rests_until"]
    hurry(world, failing_since="now() - interval '73 hours'")
    send(world, made["id"])
    ended = alice.get(f"/webhooks/{made['id']}").json
    assert (ended["state"], ended["reason"]) == ("disabled", "failing")
    assert "401" in ended["error"]
    assert alice.get("/audit").json["entries"][-1]["action"] == "webhook.disabled"
    receiver.knows(made["secret"])
    opt_out_later = alice.post(f"/webhooks/{made['id']}/resume").json
    assert (opt_out_later["state"], opt_out_later["error"]) == ("active", None)
    hurry(world)
    send(world, made["id"])
    assert len(receiver.messages) == 5


def test_a_receiver_that_is_gone_ends_the_webhook_at_once(alice, world, receiver):
    made = made_by(alice, receiver)
    opt_out(world)
    order = {"path": "/hooks/.*", "method": "POST", "occurrence": 1, "action": {"status": 410}}
    receiver.control("fault", order)
    send(world, made["id"])
    ended = alice.get(f"/webhooks/{made['id']}").json
    assert (ended["state"], ended["reason"]) == ("disabled", "receiver_gone")


def test_ten_tries_fail_a_message_and_a_person_sends_it_again(alice, world, receiver):
    made = made_by(alice, receiver)
    opt_out(world)
    receiver.knows("whsec_" + "QUJD" * 8)
    for _ in range(10):
        hurry(world)
        send(world, made["id"])
    (failed,) = alice.get(f"/webhooks/{made['id']}/messages").json["messages"]
    assert (failed["state"], failed["attempts"]) == ("failed", 10)
    receiver.knows(made["secret"])
    hurry(world, failures="0")
    assert send(world, made["id"]) == 0
    again = alice.post(f"/webhook-messages/{failed['id']}/resend")
    assert (again.status_code, again.json["state"]) == (202, "pending")
    assert send(world, made["id"]) == 1
    assert receiver.messages[0]["id"] == failed["message_id"]


def test_what_happens_while_it_is_paused_waits(alice, world, receiver):
    made = made_by(alice, receiver)
    assert alice.post(f"/webhooks/{made['id']}/pause").json["state"] == "paused"
    opt_out(world)
    assert send(world, made["id"]) == 0
    alice.post(f"/webhooks/{made['id']}/resume")
    assert send(world, made["id"]) == 1


def test_a_stalled_sender_changes_nothing_when_another_has_taken_over(alice, world, receiver):
    made = made_by(alice, receiver)
    opt_out(world)
    desk, workspace_id = world.hub.desk, world.workspace_id
    (stalled,) = sending._claim(desk, workspace_id, made["id"])
    assert send(world, made["id"]) == 0
    hurry(world)
    with world.database.begin(workspace_id) as store:
        store.execute(text("UPDATE webhook_message SET lease_until = now() - interval '1 s'"))
    assert send(world, made["id"]) == 1
    sending._settle(desk, workspace_id, made["id"], stalled, sending.Tried(500, 1, "x", "y"))
    (kept,) = alice.get(f"/webhooks/{made['id']}/messages").json["messages"]
    assert (kept["state"], kept["attempts"]) == ("delivered", 2)


def test_old_messages_are_forgotten_with_their_log(alice, world, receiver):
    made_by(alice, receiver)
    opt_out(world, 2)
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            text(
                "UPDATE webhook_message SET occurred_at = now() - interval '31 days'"
                " WHERE data->>'external_id' = 'c-1'"
            )
        )
        assert sending.remove_old(store, world.workspace_id) == 1


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"url": "http://example.test/h"}, "/url"),
    ({"url": "https://10.0.0.1/h"}, "/url"),
    ({"url": "https://user:word@example.test/h"}, "/url"),
    ({"url": "x\u0000"}, "/url"),
    ({"events": ["response.gone"]}, "/events/0"),
    ({"events": []}, "/events"),
    ({"name": ""}, "/name"),
    ({"secret": "mine"}, "/secret"),
]


def test_what_cannot_be_a_webhook_is_refused_by_its_place(alice):
    wanted = {"name": "n", "url": "https://example.test/h", "events": ALL}
    answers = [alice.post("/webhooks", wanted | changes) for changes, _ in REFUSED]
    assert [(one.status_code, one.json["errors"][0]["pointer"]) for one in answers] == [
        (422, place) for _, place in REFUSED
    ]


def test_names_are_taken_once_and_changes_hold(alice, receiver):
    made = made_by(alice, receiver)
    other = alice.post("/webhooks", {"name": "o", "url": receiver.hook, "events": ALL}).json
    assert alice.post("/webhooks", {"name": "o", "url": receiver.hook, "events": ALL}).json[
        "code"
    ] == ("name_taken")
    assert alice.patch(f"/webhooks/{other['id']}", {"name": "mine"}).json["code"] == "name_taken"
    assert alice.patch(f"/webhooks/{made['id']}", {"url": "http://10.0.0.1/x"}).status_code == 422
    changed = alice.patch(
        f"/webhooks/{made['id']}",
        {"url": receiver.hook.replace("127.0.0.1", "localhost"), "events": ["response.failed"]},
    ).json
    assert (changed["host"], changed["events"]) == ("localhost", ["response.failed"])
    assert alice.post(f"/webhooks/{made['id']}/test").json["status"] == 200
    assert alice.delete(f"/webhooks/{made['id']}").status_code == 204
    assert alice.get(f"/webhooks/{made['id']}").status_code == 404


def test_the_command_line_does_the_same(world, receiver, answerback, monkeypatch):
    monkeypatch.setenv("ANSWERBACK_ALLOWED_HOSTS", "127.0.0.1")
    secret = answerback("webhook", "create", "alice", "mine", receiver.hook)["secret"]
    receiver.knows(secret)
    assert answerback("webhook", "test", "alice", "mine")["status"] == 200
    opt_out(world)
    (row,) = answerback("webhook", "log", "alice", "mine", "--state", "pending")
    answerback("webhook", "pause", "alice", "mine")
    (one,) = answerback("webhook", "list", "alice")
    assert (one["state"], one["events"]) == ("paused", sorted(ALL))
    fresh = answerback("webhook", "rotate", "alice", "mine", "--overlap-hours", "0")
    receiver.knows(fresh["secret"])
    answerback("webhook", "resume", "alice", "mine")
    answerback("webhook", "resend", "alice", str(row["id"]))
    assert send(world, one["id"]) == 1
    answerback("webhook", "remove", "alice", "mine")
    assert answerback("webhook", "list", "alice") == []
