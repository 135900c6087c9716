"""Every page x every role and every stranger, from the one table; forms that are not ours."""

from __future__ import annotations

import re

import pytest

from connector.access import ACCESS, RIGHTS, Door, Role
from tests.pages.conftest import Browser, client_of

MEMBERS = {route: rule for route, rule in ACCESS.items() if rule.door is Door.MEMBER}
PEOPLE = {route: rule for route, rule in ACCESS.items() if rule.door is Door.PERSON}
FORMS = [route for route in [*MEMBERS, *PEOPLE, ("POST", "/sign-in"), ("POST", "/preferences")]
         if route[0] == "POST"]  # fmt: skip


def ask(browser: Browser, route: tuple[str, str]):
    method, rule = route
    path = rule.replace("/w/<key:space>", "~")
    path = re.sub(
        r"<(id|key|whole):\w+>", lambda kind: "2000000000" if kind[1] == "id" else "none", path
    )
    return browser.get(path) if method == "GET" else browser.post(path)


def test_pages_ask_whoever_is_not_signed_in_to_sign_in(app, alice):
    stranger = Browser(client_of(app), alice.slug)
    for route in [*MEMBERS, *PEOPLE]:
        answer = ask(stranger, route)
        assert answer.status_code == 303, route
        assert answer.headers["Location"].startswith("/sign-in"), route


def test_roles_open_exactly_the_pages_that_the_table_says(colleague, alice):
    browsers = {role: colleague(role) for role in Role}
    wrong = [
        (role, *route)
        for route, rule in MEMBERS.items()
        for role, browser in browsers.items()
        if (ask(browser, route).status_code == 403) == (rule.right in RIGHTS[role])
    ]
    assert wrong == []


def test_a_workspace_of_others_looks_as_if_it_were_not_there(alice, charlie):
    for route in MEMBERS:
        charlie.slug = alice.slug
        foreign = ask(charlie, route)
        charlie.slug = "nowhere"
        unknown = ask(charlie, route)
        assert (foreign.status_code, unknown.status_code) == (404, 404), route
        assert foreign.text.replace(alice.slug, "nowhere") == unknown.text, route


def test_a_key_opens_no_page(app, alice):
    answer = app.test_client().get(
        f"/w/{alice.slug}/", headers={"Authorization": "Bearer ab_live_x"}
    )
    assert answer.status_code == 303


def test_a_session_opens_nothing_of_the_api(alice):
    answer = alice.client.get("/api/v1/connections")
    assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("route", FORMS, ids=lambda route: route[1])
def test_a_form_that_no_page_of_ours_showed_changes_nothing(alice, route):
    alice.seen = ""
    answer = ask(alice, route)
    assert answer.status_code == 400
    assert "This form has expired" in answer.text


def test_a_form_that_another_site_sends_is_refused(alice):
    alice.get("/account")
    answer = alice.post("/account/codes", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 400


def test_the_proof_of_another_session_is_none(alice, charlie):
    alice.seen = charlie.seen
    assert alice.post("/account/codes").status_code == 400


BROWSERS = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "accepts", "kind"),
    [
        ("/nowhere", BROWSERS, "text/html"),
        ("/nowhere", "application/json", "application/problem+json"),
        ("/nowhere", "*/*", "application/problem+json"),
        ("/api/v1/nowhere", BROWSERS, "application/problem+json"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_page_to_browsers_alone(app, path, accepts, kind):
    answer = app.test_client().get(path, headers={"Accept": accepts})
    assert (answer.status_code, answer.mimetype) == (404, kind)
