"""Walked in Chromium as a new user would: nothing is known but what the pages say."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connector.connections import drift as watch
from connector.db import Database
from connector.responses.configuration import preflight
from connector.settings import Settings
from simulators.hubspot import HubSpot
from simulators.kit.server import running
from simulators.odoo import Odoo
from simulators.salesforce import Salesforce
from simulators.zendesk import Zendesk
from tests.pages.chromium import PHONE, needs_chromium, opened, sign_in
from tests.pages.conftest import PASSWORD, Browser, founded
from tests.world import FIELDS, CRMSeen, World, answered, hub_on, new_key

pytestmark = needs_chromium


@dataclass
class Walker:
    """Somebody at a browser, whose clicks and filled fields are counted."""

    page: Any
    browser: Browser
    world: World
    clicks: int = 0
    fields: int = 0

    def click(self, name: str, role: str = "link", *, last: bool = False) -> None:
        """Press what is called so."""
        found = self.page.get_by_role(role, name=name, exact=True)
        (found.last if last else found.first).click()
        self.clicks += 1

    def tick(self, label: str) -> None:
        self.page.get_by_label(label).check()
        self.clicks += 1

    def fill(self, label: str, value: str) -> None:
        self.page.get_by_label(label, exact=True).fill(value)
        self.fields += 1

    def at_simulator(self, url: str) -> None:
        """What no user does: the simulator stands where the vendor's own address would."""
        self.page.get_by_text("More settings").click()
        self.page.get_by_label("Address of the CRM").fill(url)

    def go(self, path: str) -> None:
        self.page.goto(self.browser.address(path))

    def says(self, words: str) -> None:
        """Wait until the page says so."""
        self.page.get_by_text(words).first.wait_for()

    def work(self) -> None:
        """What scheduler and workers do meanwhile."""
        for one in self.world.rows("SELECT id FROM connection WHERE state = 'connected'"):
            desk = self.world.hub.desk
            watch.check(desk, self.world.workspace_id, one.id, after_connecting=preflight.tell)
        self.world.settle()

    def crm(self, app: str, url: str) -> CRMSeen:
        """The simulated CRM, and the newest connection."""
        (one,) = self.world.rows("SELECT id, name FROM connection ORDER BY id DESC LIMIT 1")
        return CRMSeen(app, url, one.id, one.name)


@pytest.fixture
def walker(
    app: Any, database: Database, settings: Settings, chromium: Any, address: str
) -> Iterator[Walker]:
    """The owner of an empty workspace, at its home."""
    browser = founded(app, database, settings, "walk")
    world = World(hub_on(settings, database), browser.workspace_id, "")
    with opened(chromium, address) as page:
        sign_in(page, browser)
        yield Walker(page, browser, world)
        serious = [one for one in page.complaints if not one.startswith(("verbose", "debug"))]
        assert serious == []


def test_from_an_empty_workspace_to_the_first_tag_by_what_the_pages_say(walker):
    with running(HubSpot()) as url:
        seen = CRMSeen("hubspot", url, 0, "")
        seen.seed([{"email": "anna@example.test"}])
        walker.click("Choose an app")
        walker.page.locator(".app-card", has_text="HubSpot").click()
        walker.clicks += 1
        walker.fill("Client id", "demo-client")
        walker.fill("Client secret", "demo-secret")
        walker.at_simulator(url)
        walker.click("Connect", "button")
        walker.click("Go on to HubSpot")
        walker.click("Switch on", "button")
        walker.click("New source")
        walker.page.get_by_text("Any platform, in our own form").click()
        walker.clicks += 1
        walker.click("Make the source", "button")
        walker.fill("E-mail address of the contact", "anna@example.test")
        walker.click("Send a test", "button")
        walker.work()
        walker.says("All is written")
        assert seen.tags("anna@example.test") == ["NPSToday.Test survey.9"]
        assert (walker.clicks, walker.fields) == (9, 3)


CRMS = {"salesforce": Salesforce, "hubspot": HubSpot, "zendesk": Zendesk, "odoo": Odoo}
ASKED = {"zendesk": {"Subdomain": "acme"}}
CALLED = {"salesforce": "Salesforce", "hubspot": "HubSpot", "zendesk": "Zendesk", "odoo": "Odoo"}


def connect_by_consent(walker: Walker, app: str, url: str) -> None:
    walker.fill("Client id", "demo-client")
    walker.fill("Client secret", "demo-secret")
    for name, value in ASKED.get(app, {}).items():
        walker.fill(name, value)
    walker.at_simulator(url)
    walker.page.locator(".guide button.btn-primary").click()
    walker.click(f"Go on to {CALLED[app]}")
    walker.says("is connected.")


def connect_by_key(walker: Walker, url: str) -> None:
    walker.page.get_by_label("API key of the integration user").fill(new_key(url).reveal())
    walker.at_simulator(url)
    walker.click("Connect", "button")
    walker.says("Connected.")


def map_try_and_publish(walker: Walker, crm: CRMSeen) -> None:
    """A mapping of one row, found by searching, tried on the response that came, switched on."""
    fields, page = FIELDS[crm.app], walker.page
    walker.go("~/mappings/new")
    page.get_by_label("Name", exact=True).fill(f"Scores to {crm.app}")
    page.get_by_label("Writes to").select_option(f"{crm.connection_id}:{fields['entity']}")
    page.get_by_label("Nothing").check()
    walker.click("Begin", "button")
    page.get_by_label("Variable", exact=True).fill("answers.nps")
    page.get_by_label("Search its field").press_sequentially(fields["score"])
    page.locator("#found button", has_text=fields["score"]).first.click()
    page.get_by_label(f"Remove {fields['score']}").wait_for()
    walker.click("Try it")
    page.get_by_label("Response").select_option(index=1)
    page.get_by_role("row", name=re.compile(rf"{fields['score']}.*7")).wait_for()
    walker.click(f"Scores to {crm.app}")
    walker.click("Publish and switch on", "button")
    walker.says("Published. It works from the next response on.")


def test_each_crm_is_connected_mapped_tried_and_published_and_gets_score_and_tag(walker):
    walker.world.push(answered(1, score=7))
    walker.work()
    with contextlib.ExitStack() as serving:
        seen = {}
        for app, simulator in CRMS.items():
            url = serving.enter_context(running(simulator()))
            walker.go(f"~/apps/{app}")
            if app == "odoo":
                walker.fill("Database", "acme")
                walker.fill("User", "integration@example.com")
                connect_by_key(walker, url)
            else:
                connect_by_consent(walker, app, url)
            seen[app] = walker.crm(app, url)
            seen[app].seed([{"email": "c2@example.test"}])
            walker.work()
            map_try_and_publish(walker, seen[app])
        walker.world.push(answered(2, score=9))
        walker.work()
        written = {
            app: (float(crm.value("c2@example.test", "score")), crm.tags("c2@example.test"))
            for app, crm in seen.items()
        }
    assert written == dict.fromkeys(CRMS, (9.0, ["NPSToday.Møde.9"])) | {
        "zendesk": (9.0, ["npstoday_møde_9"])
    }
    walker.go("~/")
    walker.says("All is well: nothing needs you.")


@pytest.fixture
def mapped(walker, hubspot) -> World:
    """The same with a HubSpot that was connected before, and its mapping, which makes nobody."""
    world: World = walker.world
    world.connect("hubspot", hubspot)
    world.mapping("hubspot", operation="update", name="Scores")
    return world


def test_an_error_is_found_repaired_and_replayed_by_what_the_pages_say(walker, mapped):
    email = f"{walker.browser.slug}@new.test"
    mapped.push(answered(1, email=email, score=4))
    walker.work()
    walker.go("~/")
    walker.says("The CRM has no such record, and none may be created")
    walker.click("Look")
    walker.page.locator("#rows a").first.click()
    walker.says("Create it there, or let the mapping create records; then replay.")
    walker.click("Mappings")
    walker.click("Scores")
    walker.page.get_by_label("Then").select_option("upsert")
    walker.click("Save as draft", "button")
    walker.click("Publish", "button")
    walker.says("Published.")
    walker.click("Deliveries and errors")
    walker.click("Replay")
    walker.says("A replay is safe")
    walker.page.get_by_role("button", name=re.compile(r"Replay \d+")).click()
    walker.says("Tried again:")
    walker.work()
    assert mapped.crms["hubspot"].tags(email) == ["NPSToday.Møde.4"]
    walker.go("~/")
    walker.says("All is well: nothing needs you.")
    walker.go("~/deliveries/replay?state=dead")
    assert walker.page.get_by_role("button", name="Replay 0").is_disabled()


def press_until(page: Any, selector: str, *, most: int = 120) -> None:
    """Go on by Tab until this has the focus; it must be seen that it has."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus-visible").count():
            return
    message = f"{selector} is not reached by Tab"
    raise AssertionError(message)


def test_a_mapping_is_made_by_keyboard_alone(walker, mapped):
    page = walker.page
    page.set_default_timeout(10_000)
    (number,) = mapped.rows("SELECT id FROM mapping")
    walker.go(f"~/mappings/{number.id}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # past the menu
    press_until(page, "#f-new-variable")
    page.keyboard.type("contact.first_name")
    press_until(page, "#f-new-search")
    page.keyboard.type("firstname")
    page.locator("#found button").first.wait_for()
    press_until(page, '#found button[value="firstname"]')
    page.keyboard.press("Enter")
    page.get_by_label("Change firstname").wait_for()
    press_until(page, '[aria-label="Change firstname"]')
    page.keyboard.press("Enter")
    page.get_by_label("Another step").wait_for()
    press_until(page, "#f-new-step")
    page.keyboard.type("Upper")
    press_until(page, 'button[value="add"]')
    page.keyboard.press("Enter")
    page.get_by_label("Remove step 1").wait_for()
    press_until(page, ".above")
    page.keyboard.press("Enter")
    page.get_by_label("Change firstname").wait_for()
    press_until(page, 'input[name="accept"]')
    page.keyboard.press("Space")
    press_until(page, 'button[name="act"][value="publish"]')
    page.keyboard.press("Enter")
    walker.says("Published.")
    (kept,) = mapped.rows(
        "SELECT body -> 'rows' -> -1 AS row FROM mapping_version WHERE state = 'published'"
        " AND mapping_id = :number",
        number=number.id,
    )
    assert (kept.row["field"], kept.row["transforms"][0]["name"]) == ("firstname", "upper")


def test_without_scripts_one_signs_in_filters_reads_and_maps(walker, mapped, chromium, address):
    mapped.push(answered(1, email="nobody@new.test"))
    walker.work()
    with opened(chromium, address, java_script_enabled=False) as page:
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(walker.browser.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("Needs you").wait_for()
        page.get_by_role("link", name="Deliveries and errors").click()
        page.get_by_label("State").select_option("dead")
        page.get_by_role("button", name="Filter").click()
        page.locator("#rows a").first.click()
        page.get_by_text("Its life").wait_for()
        page.get_by_role("link", name="Mappings").click()
        page.get_by_role("link", name="Scores", exact=True).click()
        page.get_by_label("Variable", exact=True).fill("contact.company")
        page.get_by_label("Search its field").fill("company")
        page.get_by_role("button", name="Search", exact=True).click()
        page.locator('#found button[value="company"]').click()
        page.get_by_label("Remove company").wait_for()
        page.get_by_role("button", name="Deutsch").click()
        page.get_by_role("link", name="Zuordnungen", exact=True).first.wait_for()
        page.get_by_role("button", name="Abmelden").click()
        page.get_by_role("heading", name="Anmelden").wait_for()


def test_on_a_phone_one_reads_what_failed_and_why(walker, mapped, chromium, address):
    mapped.push(answered(1, email="nobody@new.test"))
    walker.work()
    with opened(chromium, address, viewport=PHONE, has_touch=True) as page:
        sign_in(page, walker.browser)
        page.get_by_role("button", name="Menu").tap()
        page.get_by_role("link", name="Deliveries and errors").tap()
        page.locator("#rows a").first.tap()
        why = page.get_by_text("The CRM has no such record, and none may be created").first
        why.wait_for()
        box = why.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE["width"]
        page.get_by_role("button", name="Menu").tap()
        page.get_by_role("link", name="Contacts", exact=True).tap()
        page.locator("main table a").first.tap()
        page.get_by_text("What happened").wait_for()
