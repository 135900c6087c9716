"""THEN notify: a chat, a mail server and a signed webhook are told of a response."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from marshmallow import ValidationError

from connector.connections import connect
from connector.problems import Refusal
from connector.responses.configuration import automations
from connector.tables import ledger
from schemas.config import AutomationSchema
from schemas.secret import Secret
from simulators.kit.server import running
from simulators.mail import PASSWORD, USER, MailServer
from simulators.receivers import SECRET, Receiver, Room
from tests.connections.certificates import authority, certificate
from tests.responses.scene import states
from tests.world import World, answered

TOKEN = "room-token-1234567890abcde"
WHO = "ada@example.test"
DETRACTOR = "computed.score <= 6"


@pytest.fixture(scope="module")
def room() -> Iterator[str]:
    with running(Room()) as url:
        yield url


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    with running(Receiver()) as url:
        yield url


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mail")
    issuer = authority()
    (folder / "ca.pem").write_bytes(issuer.pem)
    (folder / "server.pem").write_bytes(certificate(issuer, "localhost"))
    return folder


@pytest.fixture
def server(issued: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    monkeypatch.setenv("SSL_CERT_FILE", str(issued / "ca.pem"))
    with _serving(MailServer(certificate=str(issued / "server.pem"))) as one:
        yield one


@contextmanager
def _serving(one: MailServer) -> Iterator[MailServer]:
    one.port = one.start()
    try:
        yield one
    finally:
        one.stop()


def control(url: str, name: str, body: Any = None) -> Any:
    answer = requests.request(
        "GET" if body is None else "POST", f"{url}/__sim__/{name}", json=body, timeout=5
    )
    answer.raise_for_status()
    return answer.json() if answer.content else None


def fault(url: str, **action: Any) -> None:
    order = {"path": "/hooks/.*", "method": "POST", "occurrence": 1, "action": action}
    control(url, "fault", order)


def connected(world: World, app: str, key: str, **settings: Any) -> Any:
    return connect.create(
        world.hub.desk,
        world.workspace_id,
        app=app,
        name=app,
        auth="key",
        settings=settings,
        key=Secret(key),
        actor="test",
    )


def by_chat(world: World, room: str) -> None:
    control(room, "reset", {})
    connected(world, "chat", f"{room}/hooks/{TOKEN}", kind="mattermost", room="#service")


def by_hook(world: World, receiver: str) -> None:
    control(receiver, "reset", {})
    connected(world, "webhook", SECRET, url=f"{receiver}/hooks/a")


def by_mail(world: World, server: MailServer, **settings: Any) -> Any:
    where = {"host": "localhost", "port": str(server.port), "user": USER}
    return connected(world, "mail", PASSWORD, **where | {"sender": "hub@example.test"} | settings)


def rule(world: World, condition: str | None = DETRACTOR, **action: Any) -> int:
    body = AutomationSchema().load(
        {"name": "tell", "if": condition, "then": [{"do": "notify", **action}]}
    )
    with world.database.begin(world.workspace_id) as store:
        made = automations.save(store, world.workspace_id, body=body, actor="test")
        automations.publish(store, world.workspace_id, made["id"])
    return int(made["id"])


def posts(room: str) -> list[str]:
    """What the room was told, without the greeting."""
    return [one["text"] for one in control(room, "state")["posts"]][1:]


def events(receiver: str) -> list[dict[str, Any]]:
    """The events the receiver was sent, without the ping."""
    told: list[dict[str, Any]] = control(receiver, "state")["messages"][1:]
    return told


# --- chat -----------------------------------------------------------------------------------------


def test_a_room_is_greeted_and_told_of_a_detractor_alone(world: World, room: str) -> None:
    by_chat(world, room)
    rule(world, connection="chat", subject="{contact.name} gave {computed.score}")
    world.push(answered(0, score=2, why="Too slow"), answered(1, score=9))
    world.settle()
    (told,) = posts(room)
    assert told.startswith("Søren Contact 0 gave 2\n")
    assert "Why?: Too slow" in told
    assert states(world) == [("done", None)]


def test_people_are_told_once_however_often_a_response_is_edited(world: World, room: str) -> None:
    by_chat(world, room)
    rule(world, connection="chat")
    for revision, score in ((1, 2), (2, 1), (3, 10)):
        world.push(answered(0, score=score, revision=revision))
        world.settle()
    assert len(posts(room)) == 1
    assert states(world) == [("done", None), ("superseded", "already_told")]


def test_two_revisions_that_come_together_are_one_message(world: World, room: str) -> None:
    by_chat(world, room)
    rule(world, connection="chat")
    world.push(answered(0, score=2, revision=2), answered(0, score=1))
    world.settle()
    (told,) = posts(room)
    assert told.startswith("Møde: 2")


def test_no_answer_can_ring_the_room(world: World, room: str) -> None:
    by_chat(world, room)
    rule(world, connection="chat")
    world.push(answered(0, score=2, why="@channel @all look"))
    world.settle()
    (told,) = posts(room)
    assert "@channel" not in told
    assert "channel" in told


def test_answers_stay_here_where_the_admin_says_so(world: World, room: str) -> None:
    by_chat(world, room)
    rule(world, connection="chat", answers="none", subject="A detractor", text="See the CRM.")
    world.push(answered(0, score=2, why="private"))
    world.settle()
    assert posts(room) == ["A detractor\nSee the CRM."]


def test_a_hook_that_is_gone_parks_the_messages_and_a_new_one_sends_them(
    world: World, room: str
) -> None:
    by_chat(world, room)
    rule(world, connection="chat")
    control(room, "options", {"tokens": ["another-room-token"]})
    world.push(answered(0, score=2))
    world.settle()
    assert states(world) == [("parked", "auth")]
    (here,) = world.rows("SELECT id, state, reason_code FROM connection")
    assert (here.state, here.reason_code) == ("needs_attention", "room_gone")
    changes = connect.Changes(key=Secret(f"{room}/hooks/another-room-token"))
    connect.change(world.hub.desk, world.workspace_id, here.id, changes=changes, actor="test")
    world.settle()
    assert states(world) == [("done", None)]
    assert len(posts(room)) == 2  # a greeting again, and the message


@pytest.mark.parametrize(
    ("kind", "key"),
    [("slack", "https://hooks.slack.com.evil.example/x"), ("teams", "https://evil.example/x")],
)
def test_a_chat_of_a_vendor_is_on_the_vendor_s_host(world: World, kind: str, key: str) -> None:
    view = connected(world, "chat", key, kind=kind)
    assert (view.state, view.reason_code) == ("needs_attention", "host_not_allowed")


# --- webhook --------------------------------------------------------------------------------------


def test_a_system_gets_every_revision_signed_and_in_order(world: World, receiver: str) -> None:
    by_hook(world, receiver)
    rule(world, None, connection="webhook")
    world.push(answered(0, score=2))
    world.push(answered(0, score=9, revision=2))
    world.settle()
    told = events(receiver)
    assert [one["type"] for one in told] == ["response.completed", "response.completed"]
    scores = [one["data"]["response"]["answers"]["nps"]["value"] for one in told]
    assert scores == [2, 9]
    assert len({one["id"] for one in told}) == 2
    assert told[0]["data"]["automation"] == "tell"


@pytest.mark.parametrize("action", [{"drop_after": True}, {"status": 500}, {"throttle": 1}])
def test_a_lost_answer_sends_the_same_message_again(
    world: World, receiver: str, action: dict[str, Any]
) -> None:
    by_hook(world, receiver)
    rule(world, connection="webhook")
    fault(receiver, **action)
    world.push(answered(0, score=2))
    world.settle()
    told = control(receiver, "state")
    assert len(told["messages"][1:]) == 1
    assert told["repeats"] == ([told["messages"][1]["id"]] if "drop_after" in action else [])
    assert states(world) == [("done", None)]


def test_a_refused_message_holds_up_no_neighbour(world: World, receiver: str) -> None:
    by_hook(world, receiver)
    rule(world, connection="webhook")
    fault(receiver, status=422)
    world.push(answered(0, score=2), answered(1, score=3))
    world.plan()
    world.drain_of("webhook")
    assert sorted(one.error_code or "" for one in world.deliveries()) == ["", "receiver_refused"]
    world.settle()
    assert states(world) == [("done", None)] * 2


def test_without_answers_nobody_can_be_told_from_the_message(world: World, receiver: str) -> None:
    by_hook(world, receiver)
    rule(world, connection="webhook", answers="none", text="Score {computed.score}")
    world.push(answered(0, score=2, why="private"))
    world.settle()
    (told,) = events(receiver)
    assert "private" not in str(told)
    assert "c0@example.test" not in str(told)
    assert told["data"]["text"] == "Score 2"


def test_a_receiver_that_refuses_the_ping_is_not_connected(world: World, receiver: str) -> None:
    control(receiver, "reset", {})
    other = "whsec_" + "QUJD" * 8
    view = connected(world, "webhook", other, url=f"{receiver}/hooks/a")
    assert (view.state, view.reason_code) == ("needs_attention", "receiver_refused")


def test_the_address_and_the_secret_never_come_out(world: World, receiver: str) -> None:
    by_hook(world, receiver)
    (row,) = world.rows("SELECT to_jsonb(c) AS told FROM connection c")
    assert "/hooks/a" not in str(row.told)
    assert SECRET not in str(row.told)


# --- mail -----------------------------------------------------------------------------------------


def test_a_mail_goes_out_encrypted_and_whole(world: World, server: MailServer) -> None:
    assert by_mail(world, server).state == "connected"
    rule(world, connection="mail", to=[WHO], subject="{campaign.name}: {computed.score}")
    world.push(answered(0, score=2, why=".\nGrüße 😀"))
    world.settle()
    (got,) = server.mails
    mail = email.message_from_bytes(got.content, policy=email.policy.default)
    assert (got.sender, got.to, got.user) == ("hub@example.test", [WHO], USER)
    assert got.encrypted
    assert mail["Subject"] == "Møde: 2"
    assert "Grüße 😀" in mail.get_content()
    assert mail["Message-ID"].endswith("@example.test>")
    assert states(world) == [("done", None)]


def test_a_subject_cannot_carry_a_header_of_its_own(world: World, server: MailServer) -> None:
    by_mail(world, server)
    rule(world, connection="mail", to=[WHO], subject="{answers.why}")
    world.push(answered(0, score=2, why="x\r\nBcc: eve@example.test"))
    world.settle()
    (got,) = server.mails
    assert email.message_from_bytes(got.content)["Bcc"] is None


@pytest.mark.parametrize(
    ("verb", "action"),
    [
        ("RCPT", "450 4.2.0 greylisted"),
        ("DATA", "451 4.3.0 busy"),
        ("MAIL", "421 4.3.2 closing"),
        ("RCPT", "drop"),
        ("CONNECT", "drop"),
    ],
)
def test_what_was_certainly_not_sent_is_sent_once(
    world: World, server: MailServer, verb: str, action: str
) -> None:
    by_mail(world, server)
    rule(world, connection="mail", to=[WHO])
    server.faults = [(verb, action)]
    world.push(answered(0, score=2))
    world.settle()
    assert (len(server.mails), server.faults) == (1, [])
    assert states(world) == [("done", None)]


def test_a_mail_whose_answer_was_lost_goes_again_under_its_own_id(
    world: World, server: MailServer
) -> None:
    by_mail(world, server)
    rule(world, connection="mail", to=[WHO])
    server.faults = [("DATA", "drop_after")]
    world.push(answered(0, score=2))
    world.settle()
    ids = [email.message_from_bytes(one.content)["Message-ID"] for one in server.mails]
    assert len(ids) == 2
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("verb", "code"),
    [("RCPT", "address_refused"), ("DATA", "message_refused"), ("MAIL", "sender_refused")],
)
def test_what_the_server_refuses_for_good_is_dead_and_named(
    world: World, server: MailServer, verb: str, code: str
) -> None:
    by_mail(world, server)
    rule(world, connection="mail", to=[WHO])
    server.faults = [(verb, "550 5.7.1 no")]
    world.push(answered(0, score=2))
    world.settle()
    (one,) = world.deliveries()
    assert (one.state, one.error_code, one.error) == ("dead", code, "the mail server answered 550")


def test_one_refused_address_does_not_keep_the_mail_from_the_other(
    world: World, server: MailServer
) -> None:
    by_mail(world, server)
    rule(world, connection="mail", to=["gone@example.test", WHO])
    server.faults = [("RCPT gone@", "550 5.1.1 unknown")]
    world.push(answered(0, score=2))
    world.settle()
    assert [one.to for one in server.mails] == [[WHO]]
    (one,) = world.deliveries()
    assert (one.state, one.error_code) == ("done", "some_addresses_refused")


def test_a_wrong_password_parks_the_mails(world: World, server: MailServer) -> None:
    by_mail(world, server)
    rule(world, connection="mail", to=[WHO])
    server.users = {USER: "changed"}
    world.push(answered(0, score=2))
    world.settle()
    assert states(world) == [("parked", "auth")]
    assert world.rows("SELECT reason_code FROM connection")[0].reason_code == "key_refused"


@pytest.mark.parametrize(
    ("where", "code"),
    [({"security": "none"}, "encryption_needed"), ({"host": "10.0.0.1"}, "port_not_allowed")],
)
def test_no_password_goes_where_it_must_not(
    world: World, server: MailServer, where: dict[str, Any], code: str
) -> None:
    view = by_mail(world, server, **where)
    assert (view.state, view.reason_code, server.visits) == ("needs_attention", code, 0)


def test_a_server_without_encryption_is_left_before_the_password(world: World) -> None:
    with _serving(MailServer()) as plain:
        view = by_mail(world, plain)
        assert (view.state, view.reason_code) == ("needs_attention", "encryption_needed")


def test_a_certificate_of_nobody_we_trust_is_no_mail_server(
    world: World, server: MailServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "other.pem").write_bytes(authority().pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    view = by_mail(world, server)
    assert (view.state, view.reason_code) == ("new", "tls_failed")


# --- what is refused when it is saved -------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ({"connection": "mail"}, "/then/0/to"),
        ({"connection": "chat", "to": [WHO]}, "/then/0/to"),
        ({"connection": "chat", "text": "{contact.nmae} {answer.x}"}, "/then/0/text"),
        ({"connection": "chat", "do": "tag"}, "/then/0/do"),
        ({"connection": "none"}, "/then/0/connection"),
    ],
)
def test_what_cannot_be_told_is_refused_when_it_is_published(
    world: World, room: str, server: MailServer, action: dict[str, Any], place: str
) -> None:
    by_chat(world, room)
    by_mail(world, server)
    with pytest.raises(Refusal) as raised:
        rule(world, **action)
    assert [one.pointer for one in raised.value.places] == [place]


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ({"do": "notify"}, "connection"),
        ({"do": "notify", "connection": "c", "to": ["nobody"]}, "to"),
        ({"do": "notify", "connection": "c", "answers": "unmapped"}, "answers"),
        ({"do": "note", "answers": "none"}, "answers"),
        ({"do": "tag", "subject": "x"}, "subject"),
    ],
)
def test_an_action_that_says_what_it_cannot_use_is_refused(
    action: dict[str, Any], place: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        AutomationSchema().load({"name": "tell", "then": [action]})
    assert place in str(raised.value.messages)


def test_the_ledger_knows_that_it_was_sent_and_not_what(world: World, room: str) -> None:
    by_chat(world, room)
    rule(world, connection="chat")
    world.push(answered(0, score=2, why="private"))
    world.settle()
    with world.database.begin(world.workspace_id) as store:
        (line,) = store.execute(ledger.select()).all()
    assert (line.entity, line.field, line.created) == ("messages", "message", True)
    assert "private" not in str(line)
