"""What an empty workspace leads to, step by step, and the tour of a filled one."""

from __future__ import annotations

import re

import pytest

from connector.access import Role
from tests.pages.conftest import text_of
from tests.pages.filled import Filled, fill

CONNECTED = (
    "INSERT INTO connection (workspace_id, app, name, auth, state) VALUES (:w, 'hubspot', 'crm',"
    " 'key', 'connected')"
)
DEFINED = (
    "INSERT INTO entity_snapshot (workspace_id, connection_id, entity, digest, schema_digest,"
    " definition) SELECT :w, id, 'contacts', '', '', '{}' FROM connection WHERE workspace_id = :w"
)
MAPPED = (
    "INSERT INTO mapping (workspace_id, name, connection_id)"
    " SELECT :w, 'Scores', id FROM connection WHERE workspace_id = :w"
)
SWITCHED_ON = (
    "INSERT INTO automation (workspace_id, name, published, latest) VALUES (:w, 'All', 1, 1)"
)
# Planned: another test's worker would take what waits, and find nothing here that it can read.
RECEIVED = (
    "INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous, body,"
    " answered_at, planned_at) VALUES (:w, 'api', 'r-1', 1, 'completed', true, '{}', now(), now())"
)
# What one does, in the order of the steps, and how many are behind one then.
DONE = (
    (CONNECTED, 1),
    (DEFINED, 2),
    (MAPPED, 3),
    (SWITCHED_ON, 4),
    (RECEIVED, 4),
)
EMPTY = ("deliveries", "contacts", "responses", "campaigns")


def part(pattern: str, shown: str) -> str:
    """What of the page is like that."""
    found = re.search(pattern, shown, re.DOTALL)
    assert found, shown
    return found[0]


def count_of(page) -> str:
    return part(r"\d of 5", text_of(page))


def test_each_step_is_behind_once_the_workspace_says_so(alice, database):
    here = Filled(alice, database)
    seen = [count_of(alice.get("~/"))]
    for statement, _ in DONE:
        here.sql(statement)
        seen.append(count_of(alice.get("~/")))
    assert seen == ["0 of 5", *(f"{number} of 5" for _, number in DONE)]
    assert "One has come in: it is on its way" in text_of(alice.get("~/"))


def test_the_next_step_has_the_button(alice, database):
    here = Filled(alice, database)
    here.sql(CONNECTED)
    page = alice.get("~/").text
    now = part(r'<li class="first-step +is-next".*?</li>', page)
    assert "Fetch its fields" in now
    assert 'class="btn btn-primary"' in now
    assert page.count('class="btn btn-primary"') == 1


def test_a_mapping_that_is_not_published_is_the_one_to_try(alice, database):
    here = Filled(alice, database)
    for statement, _ in DONE[:3]:
        here.sql(statement)
    mapping_id = here.one("SELECT id FROM mapping")
    assert f"/mappings/{mapping_id}/test" in alice.get("~/").text


def test_the_standard_integration_is_a_mapping_that_is_published(alice, database):
    here = Filled(alice, database)
    for statement, _ in DONE[:2]:
        here.sql(statement)
    here.sql("UPDATE connection SET standard = '{\"enabled\": true}'")
    assert count_of(alice.get("~/")) == "4 of 5"


def test_a_viewer_sees_the_steps_and_who_takes_them(colleague):
    page = colleague(Role.VIEWER).get("~/")
    assert "takes these steps" in text_of(page)
    assert "/apps" not in page.text


@pytest.mark.parametrize("path", EMPTY)
def test_an_empty_page_says_what_belongs_there_and_gives_the_button(alice, path):
    page = alice.get(f"~/{path}").text
    shown = part(r'<div class="empty">.*?</a>', page)
    assert f"/w/{alice.slug}/settings/sources" in shown


def test_fields_lead_to_the_apps(alice):
    shown = part(r'<div class="empty">.*?</a>', alice.get("~/fields").text)
    assert f"/w/{alice.slug}/apps" in shown


# --- the tour -----------------------------------------------------------------------------------


def stop_of(page) -> str | None:
    found = re.search(r"Tour, stop (\d of \d)", text_of(page))
    return found[1] if found else None


def walked(browser) -> list[str]:
    """The paths of the tour's stops, from where the person is to its end."""
    paths = []
    page = browser.get("~/")
    while forward := re.search(r'name="to" value="(\w+)">\s*<button[^>]*btn-primary', page.text):
        answer = browser.post("~/tour", to=forward[1])
        paths.append(answer.headers["Location"].removeprefix(f"/w/{browser.slug}/"))
        page = browser.get(answer.headers["Location"])
        assert stop_of(page), answer.headers["Location"]
    return paths


def test_an_empty_workspace_has_no_tour_and_a_filled_one_begins_it(alice, database):
    before = stop_of(alice.get("~/"))
    fill(alice, database)
    assert (before, stop_of(alice.get("~/"))) == (None, "1 of 5")


def test_the_tour_leads_through_the_pages_and_is_remembered_for_the_person(
    alice, colleague, database
):
    fill(alice, database)
    editor = colleague(Role.EDITOR)
    assert walked(alice) == ["campaigns", "mappings", "deliveries", "contacts"]
    assert alice.get("~/campaigns").text.count("tour-title") == 0
    assert "You were looking around" in text_of(alice.get("~/"))
    assert stop_of(editor.get("~/")) == "1 of 4"


def test_the_tour_ends_when_one_says_so_and_begins_again_when_asked_for(alice, database):
    fill(alice, database)
    alice.get("~/")
    answer = alice.post("~/tour", to="")
    assert answer.headers["Location"] == f"/w/{alice.slug}/"
    assert [stop_of(alice.get(path)) for path in ("~/", "~/campaigns")] == [None, None]
    alice.post("~/tour", to="home")
    assert stop_of(alice.get("~/")) == "1 of 5"


def test_whoever_may_not_see_mappings_is_not_led_there(alice, colleague, database):
    fill(alice, database)
    viewer = colleague(Role.VIEWER)
    assert walked(viewer) == ["campaigns", "deliveries", "contacts"]
    assert viewer.post("~/tour", to="mappings").status_code == 422
