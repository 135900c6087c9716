"""THEN redirect: the respondent's browser is led on, by the rule as it held for the response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import ValidationError
from sqlalchemy import text

from adapters.trustpilot.links import key_of, sealed_link
from connector.app import create_app
from connector.connections import connect
from connector.problems import Refusal
from connector.responses import redirects
from connector.responses.configuration import automations
from connector.responses.configuration.actions import warnings
from schemas.config import AutomationSchema
from schemas.secret import Secret
from simulators.kit.server import running
from simulators.trustpilot import AUTHENTICATION_KEY, ENCRYPTION_KEY, Trustpilot
from tests.responses.scene import joined
from tests.world import World, answered

ELSEWHERE = "https://reviews.example/write"
THANKS, WAITS = b"Thank you for your answers", b"One moment, please"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with running(Trustpilot()) as url:
        yield url


@pytest.fixture
def app(world: World) -> Flask:
    return create_app(world.hub.settings, world.database)


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def connected(world: World, site: str, **settings: Any) -> Any:
    own = {"domain": "shop.example", "authentication_key": AUTHENTICATION_KEY}
    return connect.create(
        world.hub.desk,
        world.workspace_id,
        app="trustpilot",
        name="trustpilot",
        auth="key",
        base_url=site,
        settings=own | settings,
        key=Secret(ENCRYPTION_KEY),
        actor="test",
    )


def rule(world: World, name: str = "review", condition: str | None = None, **action: Any) -> Any:
    then = [{"do": "redirect", **action}]
    body = AutomationSchema().load({"name": name, "if": condition, "then": then})
    with world.database.begin(world.workspace_id) as store:
        made = automations.save(store, world.workspace_id, body=body, actor="test")
        return automations.publish(store, world.workspace_id, made["id"])


def address(world: World, response_id: str | None = "r0", source: str = "api") -> str:
    """The path of a response's own address, or of its source's."""
    with world.database.begin(world.workspace_id) as store:
        links = redirects.links_of(store, world.hub.desk, world.workspace_id)
    if response_id is None:
        return urlsplit(links.of_source(source)).path
    return urlsplit(links.of_response(source, response_id)).path


def test_a_link_is_the_vendor_s_own_algorithm() -> None:
    made = sealed_link(
        "https://www.trustpilot.com",
        "shop.example",
        {"email": "ada@example.test", "name": "Ada", "ref": "R-1"},
        encryption_key=bytes(range(32)),
        authentication_key=bytes(range(32, 64)),
        iv=bytes(16),
    )
    assert made == (
        "https://www.trustpilot.com/evaluate-bgl/shop.example?p=AAAAAAAAAAAAAAAAAAAAAJXzHJXAduU8It8"
        "hXQ68nqvSrbuy72QaDup3HY8plInI8KiLSB3wJ8b6WvsqBkg3JJOu2p4ARI1OgKJ0KNiy9b9gouj1Myl4l8CQr9UgH"
        "MhIOcYFBCirXmn7rEqWB9wpNw%3D%3D"
    )


@pytest.mark.parametrize("text_", ["", "?", "QUJD", ENCRYPTION_KEY[:-4], ENCRYPTION_KEY + "AA=="])
def test_what_is_no_key_of_32_bytes_is_none(text_: str) -> None:
    assert key_of(text_) is None


def test_a_respondent_is_led_to_a_review_that_is_theirs(
    world: World, site: str, browser: FlaskClient
) -> None:
    assert connected(world, site).state == "connected"
    rule(world, connection="trustpilot")
    world.push(answered(0))
    world.settle()
    led = browser.get(address(world))
    assert led.status_code == 302
    told = requests.get(led.headers["Location"], timeout=5)
    assert told.json() == {"email": "c0@example.test", "name": "Søren Contact 0", "ref": "r0"}
    assert "c0@example.test" not in led.headers["Location"]


def test_the_rule_decides_and_an_edit_decides_anew(world: World, browser: FlaskClient) -> None:
    rule(world, condition="answers.why != ''", url=ELSEWHERE)
    world.push(answered(0, why="Because"))
    world.settle()
    here = address(world)
    assert browser.get(here).headers["Location"] == ELSEWHERE
    changed = answered(0, revision=2)
    del changed["answers"]["why"]
    world.push(changed)
    world.settle()
    assert THANKS in browser.get(here).data


def test_what_is_deleted_leads_nowhere(world: World, browser: FlaskClient) -> None:
    rule(world, url=ELSEWHERE)
    world.push(answered(0), {**answered(0, revision=2), "event": "deleted"})
    world.settle()
    assert THANKS in browser.get(address(world)).data


def test_the_first_rule_that_applies_wins_and_a_later_one_is_for_the_rest(
    world: World, browser: FlaskClient
) -> None:
    rule(world, "some", "contact.name == 'Søren Contact 0'", url=ELSEWHERE)
    rule(world, "rest", None, url="https://other.example/")
    world.push(answered(0), answered(1))
    world.settle()
    assert browser.get(address(world)).headers["Location"] == ELSEWHERE
    assert browser.get(address(world, "r1")).headers["Location"] == "https://other.example/"


def test_who_is_anonymous_is_led_to_an_address_and_to_no_review_of_theirs(
    world: World, site: str, browser: FlaskClient
) -> None:
    rule(world, url=ELSEWHERE)
    nobody = {**answered(0), "respondent": {"anonymous": True}}
    world.push(nobody)
    world.settle()
    assert browser.get(address(world)).headers["Location"] == ELSEWHERE
    assert world.deliveries() == []


def test_a_browser_that_is_faster_than_its_response_waits(
    world: World, browser: FlaskClient
) -> None:
    rule(world, url=ELSEWHERE)
    here = address(world, None).replace("{response_id}", "r0")
    first = browser.get(here)
    assert WAITS in first.data
    assert first.headers["Refresh"] == f"2; url={here}?visit=2"
    assert THANKS in browser.get(f"{here}?visit=5").data
    german = {"Accept-Language": "de"}
    waits = browser.get(here, headers=german)
    assert "Einen Moment bitte" in waits.text
    assert "Weiter</a>" in waits.text
    assert waits.headers["Vary"] == "Accept-Language"
    assert "Vielen Dank" in browser.get(f"{here}?visit=5", headers=german).text
    world.push(answered(0))
    world.settle()
    assert browser.get(f"{here}?visit=2").headers["Location"] == ELSEWHERE


def test_what_can_be_guessed_leads_on_for_three_days_only(
    world: World, browser: FlaskClient
) -> None:
    rule(world, url=ELSEWHERE)
    world.push(answered(0))
    world.settle()
    with world.database.begin(world.workspace_id) as store:
        store.execute(text("UPDATE response SET received_at = now() - interval '73 hours'"))
    assert THANKS in browser.get(address(world, None).replace("{response_id}", "r0")).data
    assert browser.get(address(world)).status_code == 302


@pytest.mark.parametrize("change", [("r0", "r1"), ("/api/", "/hook-1/"), ("/go/", "/go/9")])
def test_an_address_that_we_have_not_made_is_none(
    world: World, browser: FlaskClient, change: tuple[str, str]
) -> None:
    here = address(world)
    assert browser.get(here).status_code == 200
    assert browser.get(here.replace(*change)).status_code == 404


def test_a_connection_that_needs_somebody_thanks_all_the_same(
    world: World, site: str, browser: FlaskClient
) -> None:
    made = connected(world, site)
    rule(world, connection="trustpilot")
    world.push(answered(0))
    world.settle()
    with world.database.begin(world.workspace_id) as store:
        store.execute(
            text("UPDATE connection SET state = 'disconnected' WHERE id = :id"), {"id": made.id}
        )
    assert THANKS in browser.get(address(world)).data


def test_keys_of_the_wrong_form_are_said_when_it_is_connected(world: World, site: str) -> None:
    view = connected(world, site, authentication_key="QUJD")
    assert (view.state, view.reason_code) == ("needs_attention", "key_refused")


def test_a_mapping_writes_the_address_to_the_crm(world: World, browser: FlaskClient) -> None:
    rows = [{"variable": "response.redirect_url", "field": "nps_comment"}]
    with joined(world, "hubspot", note="none", rows=rows) as crm:
        rule(world, url=ELSEWHERE)
        world.push(answered(0))
        world.settle()
        written = crm.value("c0@example.test", "comment")
    assert written == world.hub.settings.public_url + address(world)
    assert browser.get(urlsplit(written).path).headers["Location"] == ELSEWHERE


def test_the_api_tells_the_addresses(world: World, browser: FlaskClient) -> None:
    rule(world, url=ELSEWHERE)
    world.push(answered(0))
    world.settle()
    key = {"Authorization": f"Bearer {world.key}"}

    def told(path: str) -> list[dict[str, Any]]:
        found: dict[str, list[dict[str, Any]]] = browser.get(path, headers=key).get_json()
        return found["links"]

    (own,) = told("/api/v1/links/r0")
    assert (own["planned"], own["leads_to"]) == (True, f"url:{ELSEWHERE}")
    assert own["url"].endswith(address(world))
    (source,) = told("/api/v1/links")
    assert source["url"].endswith(address(world, None))
    assert browser.get("/api/v1/links/nothing", headers=key).status_code == 404


@pytest.mark.parametrize(
    ("condition", "warned"),
    [
        ("computed.score >= 9", True),
        ("answers.nps > 8", True),
        ("9 <= answers.nps", True),
        ("answers.nps == 10", True),
        ("computed.score_class == 'promoter'", True),
        ("contact.country == 'DK'", False),
        ("answers.why != ''", False),
        (None, False),
    ],
)
def test_who_invites_only_the_satisfied_is_warned(
    condition: str | None,
    warned: bool,  # noqa: FBT001
) -> None:
    then = [{"do": "redirect", "url": ELSEWHERE}]
    found = warnings({"if": condition, "then": then}, inviting=())
    assert [one.code for one in found] == (["review_gating"] if warned else [])


def test_the_warning_keeps_nothing_from_being_published(world: World) -> None:
    made = rule(world, condition="computed.score >= 9", url=ELSEWHERE)
    assert (made["published"], [one["pointer"] for one in made["warnings"]]) == (1, ["/if"])


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"url": "http://plain.example"},
        {"url": "javascript:alert(1)"},
        {"url": ELSEWHERE, "connection": "trustpilot"},
    ],
)
def test_a_redirect_names_one_place_that_is_https(action: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AutomationSchema().load({"name": "x", "then": [{"do": "redirect", **action}]})


def test_an_app_that_leads_nowhere_is_refused(world: World) -> None:
    with joined(world, "splio"), pytest.raises(Refusal) as raised:
        rule(world, connection="splio-main")
    assert [one.pointer for one in raised.value.places] == ["/then/0/do"]
