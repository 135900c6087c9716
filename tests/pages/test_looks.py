"""Every page in Chromium: the policy is kept, axe finds nothing serious, nothing is wider than a
phone; and a person connects a CRM by what the pages say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.access.pages import PAGES
from connector.db import Database
from connector.settings import Settings
from demo import screenshots
from schemas.config import MappingSchema
from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.pages.chromium import PHONE, SCREEN, needs_chromium, open_page, opened, sign_in
from tests.pages.conftest import PASSWORD, founded
from tests.pages.filled import MAPPED, Filled, fill

AXE = (Path(__file__).parents[1] / "browser" / "axe" / "axe.min.js").read_text(encoding="utf-8")
WORST = {"serious", "critical"}
LONG = "A workspace with a name that nobody would have thought to be so long"

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def filled(app: Any, database: Database, settings: Settings) -> Filled:
    """A workspace with a bit of everything, and long names."""
    made = fill(founded(app, database, settings, "looks"), database)
    made.sql("UPDATE workspace SET name = :name, stage = 'production'", name=LONG)
    # A row that cannot be written, so that what stands against publishing is on the page.
    lost = {"variable": "answers.gone", "field": f"{'a_long_name_' * 6}__c"}
    body = MappingSchema().load({**MAPPED, "rows": [*MAPPED["rows"], lost]})
    made.sql("UPDATE mapping_version SET body = cast(:body AS jsonb)", body=json.dumps(body))
    return made


@pytest.fixture(scope="module")
def page(chromium: Any, address: str, filled: Filled) -> Iterator[Any]:
    """A signed-in person's browser."""
    with opened(chromium, address) as made:
        sign_in(made, filled.browser)
        yield made


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
# Tables of which a part is out of sight. A closed part of a page is laid out for a phone alone.
CUT = """({closed}) => [...document.querySelectorAll(".table-responsive")]
    .filter(one => (closed || one.checkVisibility()) && one.scrollWidth > one.clientWidth + 1)
    .map(one => one.outerHTML.slice(0, 120))"""
# What a page is asked for, so that it shows most.
ASKED = {
    "/w/<key:space>/deliveries/replay": "?state=dead&error_code=too_long",
    "/w/<key:space>/mappings/<id:mapping_id>": "?search=nps",
    "/w/<key:space>/settings/sources/new": "?platform=recipe",
    "/w/<key:space>/settings/tags": "?prefix=Acme&separator=_&opt_out=Never&enabled=yes",
}
# What a browser takes away or puts into a page, and what only leads on.
NO_PAGES = {
    "/",
    "/w/<key:space>/fields/<id:connection_id>/csv",
    "/w/<key:space>/fields/<id:connection_id>/mapping.xlsx",
    "/w/<key:space>/mappings/<id:mapping_id>/fields",
    "/w/<key:space>/mappings/<id:mapping_id>/mapping.xlsx",
    "/w/<key:space>/mappings/<id:mapping_id>/mapping.yaml",
    "/w/<key:space>/mappings/<id:mapping_id>/rows/<id:place>/preview",
    "/w/<key:space>/responses/<id:response_id>/files/<id:file_id>",
    "/w/<key:space>/settings/audit/csv",
}
# Every page there is: from the access table, without which none is shown.
OPENED = [rule for method, rule in PAGES if method == "GET" and rule not in NO_PAGES]
OTHERS = ["/oauth/callback/<app>", "/w/<key:space>/nowhere"]


@pytest.mark.parametrize("rule", [*OPENED, *OTHERS])
def test_a_page_keeps_the_policy_and_nobody_out_and_fits_a_phone(page, filled, rule):
    path = filled.browser.address(filled.path_of(rule)) + ASKED.get(rule, "")
    page.complaints.clear()
    page.set_viewport_size(SCREEN)
    open_page(page, path)
    assert page.locator("h1").count() == 1, page.content()[:500]
    assert faults(page) == []
    assert page.evaluate(CUT, {"closed": False}) == []
    page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    assert faults(page, runOnly=["color-contrast"]) == []
    page.set_viewport_size(PHONE)
    assert page.evaluate(WIDE, PHONE["width"]) == []
    assert page.evaluate(CUT, {"closed": True}) == []
    serious = [one for one in page.complaints if not re.match("verbose|.*40[014]", one)]
    assert serious == []


@pytest.mark.parametrize("rule", sorted(NO_PAGES))
def test_what_is_not_opened_here_is_no_page(filled, rule):
    filled.browser.sign_in()
    answer = filled.browser.get(filled.path_of(rule))
    assert answer.status_code == 303 or (answer.status_code == 200 and b"<html" not in answer.data)


# Texts that are shown in part, though nobody has said that they may be.
SHORTENED = """() => [...document.querySelectorAll("#sidebar .nav-link-title, main th, main .btn")]
    .filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
    .map(one => one.textContent.trim())"""
LONGEST = ["~/campaigns/{campaign_id}", "~/connections/{connection_id}", "~/mappings/{mapping_id}"]


@pytest.mark.parametrize("code", ["en", "da", "de", "fr", "it"])
def test_no_language_is_too_long_for_its_place(chromium, address, filled, code):
    with opened(chromium, address, locale=code) as reader:
        reader.goto("/sign-in")
        reader.locator("[name=email]").fill(filled.browser.email)
        reader.locator("[name=password]").fill(PASSWORD)
        reader.keyboard.press("Enter")
        reader.wait_for_url("**/w/**")
        assert reader.locator("html").get_attribute("lang") == code
        for path in LONGEST:
            reader.set_viewport_size(SCREEN)
            open_page(reader, filled.browser.address(path.format(**filled.ids)))
            reader.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert reader.evaluate(SHORTENED) == []
            assert reader.evaluate(CUT, {"closed": True}) == []
            reader.set_viewport_size(PHONE)
            assert reader.evaluate(CUT, {"closed": True}) == []


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
        page.get_by_role("link", name="HubSpot by hand").click()
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


def test_the_pictures_of_the_docs_are_taken_and_none_that_shows_an_address(page, filled, tmp_path):
    page.set_viewport_size(SCREEN)
    space = filled.browser.address("~")
    for name in screenshots.PICTURES:
        assert screenshots.taken(page, space, name, folder=tmp_path).stat().st_size > 10_000
    for shown in (
        "<p>http://127.0.0.1:8080/hooks</p>",
        '<input value="http://localhost:8080/hooks">',
    ):
        page.set_content(shown)
        with pytest.raises(screenshots.NoPicture, match="an address of this run"):
            screenshots.kept(page, tmp_path / "connect.png")
    assert not (tmp_path / "connect.png").exists()


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


SEEN = ("~/", "~/deliveries", "~/deliveries/{dead}", "~/fields", "~/fields/{connection_id}")
HIDDEN = ("~/apps", "~/mappings", "~/people", "~/people/invite", "~/connections/{connection_id}")


def test_a_viewer_is_invited_comes_in_sees_and_can_change_nothing(page, filled, chromium, address):
    page.set_viewport_size(SCREEN)
    open_page(page, filled.browser.address("~/people"))
    page.get_by_role("link", name="Invite").click()
    page.get_by_label("E-mail address").fill("vera@example.test")
    page.get_by_label("Viewer").check()
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("Link", exact=True).input_value()
    context = chromium.new_context(viewport=SCREEN, base_url=address, reduced_motion="reduce")
    guest = context.new_page()
    guest.goto(link)
    assert faults(guest) == []
    guest.get_by_label("Your name").fill("Vera")
    guest.get_by_label("Password").fill(PASSWORD)
    guest.get_by_role("button", name="Accept").click()
    guest.wait_for_url("**/w/**")
    guest.get_by_role("button", name="Your account").click()
    guest.get_by_role("button", name="Sign out").click()
    guest.wait_for_url("**/sign-in")
    sign_in(guest, replace(filled.browser, email="vera@example.test"))
    menu = guest.locator("#sidebar").inner_text()
    assert "Deliveries and errors" in menu
    assert not {"Mappings", "People", "Apps and connections"} & set(menu.split("\n"))
    forms = {}
    for path in SEEN:
        open_page(guest, filled.browser.address(path.format(**filled.ids)))
        forms[path] = guest.locator("main form[method=post]").count()
    assert forms == dict.fromkeys(SEEN, 0)
    codes = {
        path: guest.goto(filled.browser.address(path.format(**filled.ids))).status
        for path in HIDDEN
    }
    assert codes == dict.fromkeys(HIDDEN, 403)
    guest.goto(link)
    guest.get_by_role("heading", name="This link opens nothing").wait_for()
    context.close()


def test_the_tour_is_walked_by_keyboard_alone(page, filled):
    page.set_viewport_size(SCREEN)
    page.complaints.clear()
    open_page(page, filled.browser.address("~/"))
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Show me around").click()
    page.get_by_role("complementary", name="Home says whether all is well").wait_for()
    page.get_by_role("button", name="Next stop").focus()
    for title in ("Campaigns show", "Mappings say", "Deliveries tell", "Contacts answer"):
        page.keyboard.press("Enter")
        page.get_by_role("complementary", name=title).wait_for()
        assert faults(page) == []
        # Each stop has the way on in its hand.
        page.wait_for_function("document.activeElement.tagName == 'BUTTON'")
    page.keyboard.press("Enter")
    page.get_by_text("The tour is over").wait_for()
    assert page.locator(".tour").count() == 0
    assert [one for one in page.complaints if not one.startswith("verbose")] == []


# Whatever a page says of a moment: charts draw their words where nobody can read them back.
SAID = """window.said = [];
    const own = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, "format").get;
    Object.defineProperty(Intl.DateTimeFormat.prototype, "format", { get() {
        const said = own.call(this);
        return (moment) => { window.said.push(said(moment)); return said(moment); };
    } });"""


def test_a_trend_of_one_day_says_that_day_and_no_other(page, filled):
    day = filled.one(
        "SELECT to_char(answered_at AT TIME ZONE 'Europe/Copenhagen', 'Mon FMDD') FROM response"
    )
    page.add_init_script(SAID)
    open_page(page, filled.browser.address(f"~/campaigns/{filled.ids['campaign_id']}?span=30"))
    page.locator("[data-chart].is-drawn canvas").wait_for()
    assert set(page.evaluate("said")) == {day}
