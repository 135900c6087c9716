"""Trustpilot by its API: respondents are written to, or led on by a link that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import Wire
from adapters.trustpilot_api import TrustpilotAPI
from adapters.values import Account, Message
from connector import clock
from connector.app import create_app
from connector.connections import connect
from connector.connections.tokens import reach
from connector.problems import Refusal
from connector.responses import replay
from connector.responses.alerts import channels
from connector.responses.configuration import automations
from schemas.config import AutomationSchema
from schemas.secret import Secret
from simulators.kit.server import running
from simulators.trustpilot import Trustpilot
from tests.responses.scene import states
from tests.responses.test_messages import control
from tests.responses.test_redirects import THANKS, address
from tests.world import World, answered

UNIT, TEMPLATE = "46d6a890000064000500e0c3", "507f191e810c19729de860ea"
SETTINGS: dict[str, Any] = {
    "api_key": "demo-api-key",
    "grant_type": "password",
    "business_user": "owner@shop.example",
    "password": "demo-password",
    "business_unit": UNIT,
    "locale": "da-DK",
    "template": TEMPLATE,
    "return_url": "https://shop.example/thanks",
}
MAILS, LINKS = ".*/email-invitations", ".*/invitation-links"


@pytest.fixture
def site() -> Iterator[str]:
    with running(Trustpilot()) as url:
        yield url


def connected(world: World, site: str, *, key: str = "demo-api-secret", **settings: Any) -> Any:
    return connect.create(
        world.hub.desk,
        world.workspace_id,
        app="trustpilot_api",
        name="reviews",
        auth="key",
        base_url=site,
        settings=SETTINGS | settings,
        key=Secret(key),
        actor="test",
    )


def rule(world: World, condition: str | None = None, **action: Any) -> Any:
    then = [{"connection": "reviews", **action}]
    body = AutomationSchema().load({"name": "invite", "if": condition, "then": then})
    with world.database.begin(world.workspace_id) as store:
        made = automations.save(store, world.workspace_id, body=body, actor="test")
        return automations.publish(store, world.workspace_id, made["id"])


def browser(world: World) -> FlaskClient:
    return create_app(world.hub.settings, world.database).test_client()


def fault(site: str, path: str, **action: Any) -> None:
    control(site, "fault", {"path": path, "method": "POST", "occurrence": 1, "action": action})


def test_a_respondent_is_written_to_once_however_often_the_response_is_edited(
    world: World, site: str
) -> None:
    assert connected(world, site).state == "connected"
    rule(world, do="notify")
    for revision in (1, 2):
        world.push(answered(0, revision=revision))
        world.settle()
    world.push({**answered(0, revision=3), "event": "deleted"})
    world.settle()
    state = control(site, "state")
    assert state["mailed"] == [
        {
            "consumerEmail": "c0@example.test",
            "consumerName": "Søren Contact 0",
            "referenceNumber": "r0",
            "locale": "da-DK",
            "serviceReviewInvitation": {
                "templateId": TEMPLATE,
                "redirectUri": "https://shop.example/thanks",
            },
        }
    ]
    assert states(world, kind="message") == [("done", None), ("superseded", "already_told")]
    assert [one["username"] for one in state["signed_in"]] == ["owner@shop.example"]


def test_nobody_without_an_address_is_written_to(world: World, site: str) -> None:
    connected(world, site)
    rule(world, do="notify")
    told = answered(0)
    world.push({**told, "respondent": {"external_id": "x-0"}})
    world.settle()
    assert control(site, "state")["mailed"] == []
    assert world.deliveries() == []


def test_nobody_is_written_to_who_wants_no_more_surveys(world: World, site: str) -> None:
    connected(world, site)
    rule(world, do="notify")
    world.push(answered(0))
    world.plan()
    # What waits is cancelled, what comes is not planned: who says so with an answer counts at once.
    world.push({**answered(0, revision=2), "consent": {"contact": False}}, answered(1))
    world.plan()
    world.settle()
    world.push({**answered(2), "respondent": {"email": "C0@example.test"}})
    world.settle()
    assert [one["consumerEmail"] for one in control(site, "state")["mailed"]] == ["c1@example.test"]
    assert states(world, kind="message") == [("cancelled", None), ("done", None)]
    (told,) = world.rows("SELECT verdicts FROM response WHERE response_id = 'r2'")
    assert "opted_out" in told.verdicts.values()


def test_a_token_that_ends_between_is_renewed_once_and_the_mail_goes(
    world: World, site: str
) -> None:
    connected(world, site, grant_type="client_credentials", business_user="", password="")
    rule(world, do="notify")
    fault(site, MAILS, status=401)
    world.push(answered(0))
    world.settle()
    state = control(site, "state")
    assert [one["consumerEmail"] for one in state["mailed"]] == ["c0@example.test"]
    assert [set(one) for one in state["signed_in"]] == [{"grant_type"}] * 2


def test_an_invitation_that_is_refused_stops_no_other(world: World, site: str) -> None:
    connected(world, site)
    rule(world, do="notify")
    fault(site, MAILS, status=422)
    world.push(answered(0), answered(1))
    world.settle()
    done = world.deliveries(kind="message")
    assert sorted((one.state, one.error_code) for one in done) == [
        ("dead", "invitation_refused"),
        ("done", None),
    ]


@pytest.mark.parametrize("action", [{"status": 429}, {"status": 503}])
def test_a_mail_that_was_certainly_not_taken_goes_once_more(
    world: World, site: str, action: dict[str, Any]
) -> None:
    connected(world, site)
    rule(world, do="notify")
    fault(site, MAILS, **action)
    world.push(answered(0))
    world.settle()
    assert len(control(site, "state")["mailed"]) == 1
    assert states(world, kind="message") == [("done", None)]


def test_a_mail_whose_answer_was_lost_waits_for_a_person(world: World, site: str) -> None:
    connected(world, site)
    rule(world, do="notify")
    fault(site, MAILS, drop_after=True)
    world.push(answered(0), answered(1))
    world.settle()
    assert len(control(site, "state")["mailed"]) == 2
    assert states(world, kind="message") == [("dead", "perhaps_sent"), ("done", None)]
    (lost,) = world.deliveries(state="dead")
    assert lost.error_code == "outcome_unknown"
    assert "a second time" in lost.error
    # Another version of the response writes to nobody either: the first mail may be there.
    with world.database.begin(world.workspace_id) as store:
        replay.replay_all(store, world.workspace_id, {"state": "dead"})
    world.settle()
    assert len(control(site, "state")["mailed"]) == 3
    assert {one for one, _ in states(world, kind="message")} == {"done"}


def test_an_edit_of_a_response_that_perhaps_was_told_of_writes_to_nobody(
    world: World, site: str
) -> None:
    connected(world, site)
    rule(world, do="notify")
    fault(site, MAILS, drop_after=True)
    for revision in (1, 2):
        world.push(answered(0, revision=revision))
        world.settle()
    assert len(control(site, "state")["mailed"]) == 1


def test_the_adapter_is_not_given_what_only_signs_the_connection_in(
    world: World, site: str
) -> None:
    made = connected(world, site)
    settings = reach(world.hub.desk, world.workspace_id, made.id).account.settings
    assert settings["business_unit"] == UNIT
    assert "password" not in settings


def test_a_respondent_is_led_on_by_a_link_that_is_made_for_them(world: World, site: str) -> None:
    connected(world, site)
    rule(world, do="redirect")
    world.push(answered(0))
    world.settle()
    visitor = browser(world)
    # A token that has ended is renewed while the browser waits.
    fault(site, LINKS, status=401)
    led = visitor.get(address(world))
    assert led.status_code == 302
    assert requests.get(led.headers["Location"], timeout=5).json() == {
        "referenceId": "r0",
        "email": "c0@example.test",
        "name": "Søren Contact 0",
        "locale": "da-DK",
        "redirectUri": "https://shop.example/thanks",
    }
    fault(site, LINKS, status=500)
    assert THANKS in visitor.get(address(world)).data


@pytest.mark.parametrize(
    ("changes", "state", "code"),
    [
        ({"key": "another-secret"}, "needs_attention", "key_refused"),
        ({"password": ""}, "needs_attention", "key_refused"),
        ({"business_unit": "0" * 24}, "new", "missing_scope"),
    ],
)
def test_what_keeps_it_from_inviting_is_said_when_it_is_connected(
    world: World, site: str, changes: dict[str, str], state: str, code: str
) -> None:
    view = connected(world, site, **changes)
    assert (view.state, view.reason_code) == (state, code)


def test_who_invites_only_the_satisfied_is_warned_for_mails_too(world: World, site: str) -> None:
    connected(world, site)
    made = rule(world, "computed.score >= 9", do="notify")
    assert [one["code"] for one in made["warnings"]] == ["review_gating"]
    made = rule(world, "contact.country == 'DK'", do="notify")
    assert made["warnings"] == []
    for said in ({"subject": "Hello"}, {"text": "Hello"}, {"to": ["a@example.test"]}):
        with pytest.raises(Refusal) as raised:
            rule(world, do="notify", **said)
        assert [one.pointer for one in raised.value.places] == [f"/then/0/{next(iter(said))}"]


def test_no_alert_invites_anybody_to_a_review(world: World, site: str) -> None:
    made = connected(world, site)
    with world.database.begin(world.workspace_id) as store:
        assert channels.choosable(store, world.workspace_id) == []
        with pytest.raises(Refusal):
            channels.save(store, world.workspace_id, connection_id=made.id, recipients=())


# --- how a call can end ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "error"),
    [
        ({"status": 401}, TokenExpired),
        ({"status": 403}, PauseMapping),
        ({"status": 404}, PauseMapping),
        ({"status": 405}, BrokenContract),
        ({"status": 429, "headers": {"Retry-After": "7"}}, Throttled),
        ({"status": 500}, OutcomeUnknown),
        ({"status": 503}, TryLater),
        ({"drop_after": True}, OutcomeUnknown),
        ({"status": 200, "body": "<html>"}, OutcomeUnknown),
    ],
)
def test_each_end_of_a_call_is_told_by_its_error_and_without_a_value(
    site: str, action: dict[str, Any], error: type[AdapterError]
) -> None:
    fault(site, MAILS, **action)
    crm = TrustpilotAPI(Account("token", site, settings=SETTINGS), Wire(), {})
    message = Message(
        "k", "id", "response.completed", clock.now(), "", "", ("ada@example.test",), {"name": "Ada"}
    )
    with pytest.raises(error) as raised:
        crm.tell(message)
    assert "ada" not in str(raised.value).lower()
    if isinstance(raised.value, Throttled):
        assert raised.value.wait_s == 7


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/evaluate",
        "http://www.trustpilot.com/x",
        "https://trustpilot.com.evil.example/",
    ],
)
def test_nobody_is_led_to_an_address_that_is_not_trustpilots(site: str, url: str) -> None:
    fault(site, LINKS, status=200, body={"url": url})
    crm = TrustpilotAPI(Account("token", site, settings=SETTINGS), Wire(), {})
    with pytest.raises(OutcomeUnknown):
        crm.review_link(reference="r0", email="ada@example.test", name="Ada")
