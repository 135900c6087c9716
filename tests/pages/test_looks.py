"""Every page in Chromium: the policy is kept, axe finds nothing serious, nothing is wider than a
phone; and a person connects a CRM by what the pages say.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from connector.app import create_app
from connector.db import Database
from connector.settings import Settings
from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.pages.conftest import PASSWORD, Browser, founded
from tests.pages.filled import Filled, fill

CHROMIUM = Path("/usr/bin/chromium")
AXE = (Path(__file__).parents[1] / "browser" / "axe" / "axe.min.js").read_text(encoding="utf-8")
WORST = {"serious", "critical"}
PHONE = {"width": 375, "height": 740}
SCREEN = {"width": 1280, "height": 850}
LONG = "A workspace with a name that nobody would have thought to be so long"

pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def address(settings: Settings, database: Database) -> Iterator[str]:
    """The pages, served at an address that is their public one."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    public_url = f"http://127.0.0.1:{server.server_port}"
    server.app = create_app(replace(settings, public_url=public_url), database)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield public_url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def filled(app: Any, database: Database, settings: Settings) -> Filled:
    """A workspace with a bit of everything, and long names."""
    made = fill(founded(app, database, settings, "looks"), database)
    made.sql("UPDATE workspace SET name = :name, stage = 'production'", name=LONG)
    return made


@pytest.fixture(scope="module")
def page(chromium: Any, address: str, filled: Filled) -> Iterator[Any]:
    """A signed-in person's browser. `page.complaints` is what it said of the pages."""
    context = chromium.new_context(viewport=SCREEN, base_url=address, reduced_motion="reduce")
    made = context.new_page()
    made.complaints = []
    made.on("console", lambda told: made.complaints.append(f"{told.type}: {told.text}"))
    made.on("pageerror", lambda told: made.complaints.append(str(told)))
    sign_in(made, filled.browser)
    yield made
    context.close()


def sign_in(page: Any, browser: Browser) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(browser.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/w/**")


def open_page(page: Any, path: str) -> None:
    """The page with all its parts."""
    page.goto(path)
    page.wait_for_load_state("networkidle")


def faults(page: Any, **options: Any) -> list[str]:
    """What axe-core finds that keeps somebody out."""
    page.evaluate(AXE)
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        if one["impact"] in WORST
        for node in one["nodes"]
    ]


# What reaches beyond the screen and is not inside something that scrolls by itself.
WIDE = """width => document.documentElement.scrollWidth <= width ? [] :
    [...document.querySelectorAll("body *")]
        .filter(one => one.getBoundingClientRect().right > width)
        .filter(one => !one.closest(".table-responsive"))
        .map(one => one.outerHTML.slice(0, 120))"""
PATHS = {
    "home": "~/",
    "apps": "~/apps",
    "connect": "~/apps/zendesk",
    "connection": "~/connections/{connection_id}",
    "deliveries": "~/deliveries",
    "delivery": "~/deliveries/{dead}",
    "replay": "~/deliveries/replay?state=dead",
    "fields": "~/fields",
    "entity": "~/fields/{connection_id}",
    "compare": "~/fields/{connection_id}/compare",
    "mappings": "~/mappings",
    "new mapping": "~/mappings/new",
    "mapping": "~/mappings/{mapping_id}?search=nps",
    "row": "~/mappings/{mapping_id}/rows/1",
    "versions": "~/mappings/{mapping_id}/versions",
    "try": "~/mappings/{mapping_id}/test",
    "account": "/account",
    "codes": "/account/codes",
    "missing": "~/nowhere",
}


@pytest.mark.parametrize("name", PATHS)
def test_a_page_keeps_the_policy_and_nobody_out_and_fits_a_phone(page, filled, name):
    path = filled.browser.address(PATHS[name].format(**filled.ids))
    page.complaints.clear()
    page.set_viewport_size(SCREEN)
    open_page(page, path)
    assert faults(page) == []
    page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    assert faults(page, runOnly=["color-contrast"]) == []
    page.set_viewport_size(PHONE)
    assert page.evaluate(WIDE, PHONE["width"]) == []
    serious = [one for one in page.complaints if not re.match("verbose|.*404", one)]
    assert serious == []


def test_the_day_is_drawn_with_a_word_for_each_line(page, filled):
    open_page(page, filled.browser.address("~/"))
    told = page.locator(".u-legend th:visible").all_inner_texts()
    assert [one.strip() for one in told] == ["Written", "Failed", "Responses"]


def test_a_person_connects_a_crm_by_what_the_pages_say(page, filled):
    page.set_viewport_size(SCREEN)
    with running(HubSpot()) as hubspot:
        open_page(page, filled.browser.address("~/apps"))
        page.get_by_label("Search apps").fill("hub")
        page.locator("#apps").get_by_text("Salesforce").wait_for(state="detached")
        page.get_by_role("link", name="HubSpot").last.click()
        page.get_by_label("Client id").fill("demo-client")
        page.get_by_label("Client secret").fill("demo-secret")
        page.get_by_label("Name of the connection").fill("HubSpot by hand")
        page.get_by_text("More settings").click()
        page.get_by_label("Address of the CRM").fill(hubspot)
        page.get_by_role("button", name="Connect", exact=True).click()
        page.get_by_role("link", name="Go on to HubSpot").click()
        page.get_by_role("link", name="Back to the connection").click()
        page.get_by_role("button", name="Test", exact=True).click()
        page.get_by_text("It works:").wait_for()
    assert page.locator(".card-actions .badge").first.inner_text() == "Connected"


def test_a_filter_is_sent_when_it_changes_and_colours_and_language_stay(page, filled):
    page.set_viewport_size(SCREEN)
    open_page(page, filled.browser.address("~/deliveries"))
    page.get_by_label("State").select_option("dead")
    page.wait_for_url("**/deliveries?state=dead*")
    page.get_by_role("button", name="Dark colours").click()
    page.get_by_role("button", name="Language").click()
    page.get_by_role("button", name="Deutsch").click()
    page.get_by_role("heading", name="Zustellungen und Fehler").wait_for()
    assert "state=dead" in page.url
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"
    page.get_by_role("button", name="Sprache").click()
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Light colours").click()


def test_an_act_that_cannot_be_taken_back_asks_first(page, filled):
    page.set_viewport_size(SCREEN)
    here = filled.browser.address(f"~/connections/{filled.ids['connection_id']}")
    asked: list[str] = []

    def decline(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", decline)
    open_page(page, here)
    page.get_by_role("button", name="Disconnect").click()
    assert asked
    assert (
        filled.one("SELECT state FROM connection WHERE id = :id", id=filled.ids["connection_id"])
        == "connected"
    )
