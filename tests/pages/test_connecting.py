"""Connecting a CRM by following only what the pages say, and looking after the connection."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import text

from connector import audit
from connector.access import Role
from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.pages.conftest import Browser, client_of, text_of
from tests.world import new_key

FORM = {"name": "HubSpot EU", "client_id": "demo-client", "client_secret": "demo-secret"}


@pytest.fixture(scope="module")
def hubspot() -> Iterator[str]:
    with running(HubSpot()) as url:
        yield url


def link_of(answer) -> str:
    """The address of the consent page that the page leads to."""
    return html.unescape(re.findall(r'class="btn btn-primary"\s+href="([^"]+)"', answer.text)[0])


def consented(address: str, base_url: str) -> str:
    """Where the CRM sends the browser back to, as a path of ours."""
    parts = urlsplit(address)
    answer = requests.get(f"{base_url}{parts.path}?{parts.query}", allow_redirects=False, timeout=5)
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def connection_id_of(browser: Browser, database) -> int:
    with database.begin(browser.workspace_id) as store:
        return int(store.scalar(text("SELECT max(id) FROM connection")))


def test_a_crm_is_connected_by_oauth_through_the_pages_alone(alice, database, hubspot):
    assert "Redirect address" in text_of(alice.get("~/apps/hubspot"))
    asked = alice.post("~/apps/hubspot", base_url=hubspot, **FORM)
    assert asked.status_code == 200
    back = alice.client.get(consented(link_of(asked), hubspot))
    assert back.status_code == 303
    page = text_of(alice.get(back.location))
    assert "is connected." in page
    assert "Switched on, it would do this" in page
    here = f"~/connections/{connection_id_of(alice, database)}"
    alice.post(f"{here}/standard", act="on", tag="yes")
    alice.get(here)
    again = link_of(alice.post(f"{here}/authorize"))
    back = alice.client.get(consented(again, hubspot))
    assert back.location.endswith(here.removeprefix("~"))
    with database.begin(alice.workspace_id) as store:
        entries = [(one.action, one.actor) for one in audit.entries(store, alice.workspace_id)]
    assert ("connection.created", entries[-1][1]) in entries
    assert entries[-1][1].startswith("user:")


def test_what_a_member_began_nobody_elses_browser_completes(app, alice, hubspot):
    asked = alice.post("~/apps/hubspot", base_url=hubspot, **FORM)
    back = consented(link_of(asked), hubspot)
    refused = client_of(app).get(back, headers={"Accept-Language": "de"})
    assert refused.status_code == 400
    assert "Nicht verbunden" in text_of(refused)
    assert alice.client.get(back).status_code == 400  # used up


def test_the_operators_client_is_asked_for_no_second_time(alice, hubspot):
    alice.get("~/apps/hubspot")
    alice.post("~/apps/hubspot", base_url=hubspot, **FORM)
    assert "Redirect address" not in text_of(alice.get("~/apps/hubspot"))


def test_a_wrong_key_is_said_on_the_connections_page_and_mended_there(alice, database, hubspot):
    alice.get("~/apps/hubspot")
    form = {"name": "By key", "auth": "key", "key": "pat-wrong", "base_url": hubspot}
    answer = alice.post("~/apps/hubspot", **form)
    page = alice.get(answer.headers["Location"])
    assert "Connected" not in text_of(page).split("Deliveries and errors")[1]
    number = connection_id_of(alice, database)
    key = new_key(hubspot).reveal()
    alice.post(f"~/connections/{number}", name="By key", key=key, base_url=hubspot)
    assert "Connected" in text_of(alice.get(f"~/connections/{number}"))
    assert key not in alice.get(f"~/connections/{number}").text


def test_a_wrong_address_is_said_beside_its_field_and_what_was_typed_stays(alice):
    alice.get("~/apps/zendesk")
    answer = alice.post("~/apps/zendesk", name="Z", **{"set-subdomain": "not a domain!"})
    assert answer.status_code == 422
    assert 'value="not a domain!"' in answer.text
    assert "is-invalid" in answer.text


def test_a_name_that_is_taken_is_said(alice, hubspot):
    alice.get("~/apps/hubspot")
    for _ in range(2):
        answer = alice.post("~/apps/hubspot", base_url=hubspot, **FORM)
    assert answer.status_code == 422
    assert "The name is taken" in answer.text


def test_a_connection_is_tested_paused_resumed_and_ended(alice, database, hubspot):
    alice.get("~/apps/hubspot")
    key = new_key(hubspot).reveal()
    alice.post("~/apps/hubspot", name="K", auth="key", key=key, base_url=hubspot)
    here = f"~/connections/{connection_id_of(alice, database)}"
    alice.get(here)
    alice.post(f"{here}/probe")
    assert "It works:" in text_of(alice.get(here))
    alice.post(f"{here}/fields")
    assert "Objects that were read" in text_of(alice.get(here))
    alice.post(f"{here}/pause")
    assert "Let it work again" in text_of(alice.get(here))
    alice.post(f"{here}/resume")
    alice.post(f"{here}/quota")
    assert "The CRM has answered" in text_of(alice.get(here))
    alice.post(f"{here}/disconnect")
    assert "Connect again to resume" in text_of(alice.get(here))
    alice.post(f"{here}/remove")
    assert alice.get(here).status_code == 404


def test_what_the_crm_refuses_is_said_on_the_page_that_asked(alice, database):
    alice.get("~/apps/hubspot")
    alice.post("~/apps/hubspot", **FORM)
    here = f"~/connections/{connection_id_of(alice, database)}"
    alice.get(here)
    assert alice.post(f"{here}/fields").status_code == 303
    assert "alert-danger" in alice.get(here).text


def test_permissions_calls_and_changes_are_shown_as_parts_and_as_pages(alice, database, hubspot):
    alice.get("~/apps/hubspot")
    key = new_key(hubspot).reveal()
    alice.post("~/apps/hubspot", name="K", auth="key", key=key, base_url=hubspot)
    here = f"~/connections/{connection_id_of(alice, database)}"
    alice.get(here)
    alice.post(f"{here}/fields")
    for part in ("preflight", "quota", "drift"):
        whole = alice.get(f"{here}/{part}")
        piece = alice.get(f"{here}/{part}", **{"HX-Request": "true"})
        assert (whole.status_code, piece.status_code) == (200, 200)
        assert "<html" in whole.text
        assert "<html" not in piece.text
    assert "Everything that is published may be written" in text_of(alice.get(f"{here}/preflight"))
    alice.headers["Accept-Language"] = "de"
    assert "Nichts wartet." in text_of(alice.get(f"{here}/quota"))


def test_the_catalogue_is_searched(alice):
    assert "Zendesk" in text_of(alice.get("~/apps"))
    found = text_of(alice.get("~/apps?search=HUB", **{"HX-Request": "true"}))
    assert "HubSpot" in found
    assert "Zendesk" not in found
    assert "No app of that name" in text_of(alice.get("~/apps?search=nothing"))


def test_connections_are_hidden_from_whoever_has_no_right_to_settings(colleague, alice):
    viewer = colleague(Role.VIEWER)
    assert "Apps and connections" not in text_of(viewer.get("~/"))
    assert viewer.get("~/apps").status_code == 403
