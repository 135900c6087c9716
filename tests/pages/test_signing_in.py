"""Passwords, one-time codes, sessions that end, and guessing that is held up."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pyotp
import pytest
from flask import request
from sqlalchemy import text

from connector import audit
from connector.access import Role
from connector.accounts import passwords
from connector.app import create_app
from connector.problems import Refusal
from connector.settings import Environment
from schemas.secret import Secret
from tests.pages.conftest import PASSWORD, Browser, client_of, founded, let_in, text_of

NEW = "another meadow, in July"


def secret_of(browser: Browser) -> str:
    """The secret that the page shows for the app on the phone."""
    return str(re.findall(r'data-copy="([A-Z2-7]+)"', browser.get("/account/codes").text)[0])


def cookie_of(browser: Browser) -> str:
    """What the browser shows for its session."""
    kept = browser.client.get_cookie("ab-session")
    return kept.value if kept else ""


def with_codes(browser: Browser) -> tuple[pyotp.TOTP, list[str]]:
    """Codes are set up; the app on the phone, and the recovery codes."""
    browser.post("/account/codes")
    phone = pyotp.TOTP(secret_of(browser))
    answer = browser.post("/account/codes/confirm", code=phone.now())
    return phone, re.findall(r"\b[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}\b", answer.text)


def later_code(phone: pyotp.TOTP) -> str:
    """The next code, which is taken half a minute early: the present one has served."""
    return phone.at(time.time() + 30)


def test_a_password_opens_the_workspace(app, database, settings):
    browser = founded(app, database, settings, "alice")
    assert browser.sign_in().headers["Location"] == "/"
    assert browser.get("/").headers["Location"] == f"/w/{browser.slug}/"
    assert browser.get("~/").status_code == 200


def test_one_is_led_back_to_the_page_that_was_asked_for(app, database, settings):
    browser = founded(app, database, settings, "alice")
    asked = browser.get("~/?x=1").headers["Location"]
    assert asked == f"/sign-in?next=/w/{browser.slug}/?x%3D1"
    browser.get(asked)
    answer = browser.post(
        "/sign-in", email=browser.email, password=PASSWORD, next=f"/w/{browser.slug}/?x=1"
    )
    assert answer.headers["Location"] == f"/w/{browser.slug}/?x=1"


@pytest.mark.parametrize("next_", ["//evil.test", "/\\evil.test", "https://evil.test", "evil", ""])
def test_nobody_is_led_to_another_site(app, database, settings, next_):
    browser = founded(app, database, settings, "alice")
    browser.get("/sign-in")
    answer = browser.post("/sign-in", email=browser.email, password=PASSWORD, next=next_)
    assert answer.headers["Location"] == "/"


def test_an_unknown_address_is_answered_as_a_wrong_password_is(app, alice):
    stranger = Browser(client_of(app))
    stranger.get("/sign-in")
    wrong = stranger.post("/sign-in", email=alice.email, password="wrong")
    unknown = stranger.post("/sign-in", email="nobody@example.test", password="wrong")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text.replace(alice.email, "") == unknown.text.replace("nobody@example.test", "")


def test_an_unknown_address_costs_the_same_work(monkeypatch):
    hashed = []
    real = passwords.hasher_of(Environment.TEST)
    verify = type(real).verify

    def counted(self, kept, given):
        hashed.append(kept)
        return verify(self, kept, given)

    monkeypatch.setattr(type(real), "verify", counted)
    assert not passwords.is_right(Environment.TEST, None, Secret("x"))
    assert not passwords.is_right(Environment.TEST, real.hash("y"), Secret("x"))
    assert len(hashed) == 2


def test_the_fifth_wrong_password_makes_one_wait_even_with_the_right_one(app, alice):
    stranger = Browser(client_of(app), email=alice.email)
    stranger.get("/sign-in")
    for _ in range(5):
        assert stranger.post("/sign-in", email=alice.email, password="x").status_code == 401
    answer = stranger.post("/sign-in", email=alice.email.upper(), password=PASSWORD)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 30


def test_waiting_doubles_up_to_a_quarter_of_an_hour(database):
    waits = []
    with database.across() as connection:
        for _ in range(14):
            connection.execute(text("SELECT ab_sign_in_failed('\\x01', 5)"))
            waits.append(connection.scalar(text("SELECT ab_sign_in_held(ARRAY['\\x01'::bytea])")))
    assert waits[:4] == [0, 0, 0, 0]
    assert waits[4:] == [30, 60, 120, 240, 480, 900, 900, 900, 900, 900]


def test_an_address_that_nobody_has_makes_one_wait_as_well(app, alice):
    stranger = Browser(client_of(app))
    stranger.get("/sign-in")
    codes = [stranger.post("/sign-in", email="no@example.test", password="x").status_code
             for _ in range(6)]  # fmt: skip
    assert codes == [401] * 5 + [429]


def test_a_right_password_forgives_the_failures_before_it(app, alice):
    browser = Browser(client_of(app), email=alice.email)
    for _ in range(2):
        browser.get("/sign-in")
        for _ in range(4):
            assert browser.post("/sign-in", email=alice.email, password="x").status_code == 401
        assert browser.sign_in().status_code == 303
        browser.post("/sign-out")


def test_the_store_holds_no_password_and_no_cookie(alice, database):
    with database.begin(alice.workspace_id) as connection:
        kept = connection.execute(text("SELECT * FROM person")).one()
        session = connection.execute(text("SELECT * FROM web_session")).one()
    assert PASSWORD not in str(kept)
    assert kept.password.startswith("$argon2id$")
    assert cookie_of(alice).encode() not in bytes(session.digest)


def test_signing_in_gives_a_new_cookie(app, database, settings):
    browser = founded(app, database, settings, "alice")
    browser.client.set_cookie("ab-session", "planted")
    browser.sign_in()
    assert cookie_of(browser) != "planted"


def test_signing_out_ends_the_session_for_whoever_has_the_cookie(app, alice):
    stolen = cookie_of(alice)
    alice.post("/sign-out")
    thief = app.test_client()
    thief.set_cookie("ab-session", stolen)
    assert thief.get("/account").status_code == 303


ENDS = {
    "idle": "UPDATE web_session SET seen_at = now() - interval '31 min'",
    "old": "UPDATE web_session SET expires_at = now()",
    "ended": "UPDATE web_session SET ended_at = now()",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_session_ends_when_it_is_idle_old_or_ended(alice, database, end):
    assert alice.get("/account").status_code == 200
    with database.begin(alice.workspace_id) as connection:
        connection.execute(text(ENDS[end]))
    assert alice.get("/account").status_code == 303


def test_another_session_can_be_ended_from_ones_account(app, alice):
    elsewhere = Browser(client_of(app), alice.slug, alice.email)
    elsewhere.sign_in()
    assert alice.get("/account").text.count('name="session"') == 1
    alice.post("/account/sessions/end")
    assert elsewhere.get("/account").status_code == 303
    assert alice.get("/account").status_code == 200


def test_a_new_password_ends_the_sessions_elsewhere_and_the_old_one_is_void(app, alice):
    elsewhere = Browser(client_of(app), alice.slug, alice.email)
    elsewhere.sign_in()
    alice.get("/account")
    assert alice.post("/account/password", current=PASSWORD, password=NEW).status_code == 303
    assert elsewhere.get("/account").status_code == 303
    assert alice.get("/account").status_code == 200
    assert elsewhere.sign_in(PASSWORD).status_code == 401
    assert elsewhere.sign_in(NEW).status_code == 303


@pytest.mark.parametrize("weak", ["short", "passwordpassword", "aaaaaaaaaaaa", "EMAIL", "x" * 300])
def test_a_password_that_is_guessed_first_is_not_taken(alice, weak):
    weak = weak.replace("EMAIL", alice.email)
    answer = alice.post("/account/password", current=PASSWORD, password=weak)
    assert answer.status_code == 422
    assert "Choose another password: at least 12 characters" in answer.text


def test_the_password_changes_only_with_the_present_one(alice):
    answer = alice.post("/account/password", current="wrong", password=NEW)
    assert answer.status_code == 422
    assert alice.sign_in().status_code == 303


def test_codes_are_asked_for_once_they_are_confirmed(app, alice):
    phone, recovery = with_codes(alice)
    assert len(set(recovery)) == 10
    browser = Browser(client_of(app), alice.slug, alice.email)
    browser.get("/sign-in")
    answer = browser.post("/sign-in", email=alice.email, password=PASSWORD)
    assert answer.headers["Location"].startswith("/sign-in/code")
    assert browser.get("/account").status_code == 303
    browser.get("/sign-in/code")
    assert browser.post("/sign-in/code", code="000000").status_code == 401
    assert browser.post("/sign-in/code", code=later_code(phone)).status_code == 303
    assert browser.get("/account").status_code == 200


def test_a_code_serves_once(app, alice):
    phone, _ = with_codes(alice)
    code = later_code(phone)
    answers = []
    for _ in range(2):
        browser = Browser(client_of(app), alice.slug, alice.email)
        browser.sign_in()
        browser.get("/sign-in/code")
        answers.append(browser.post("/sign-in/code", code=code).status_code)
    assert answers == [303, 401]


def test_a_recovery_code_serves_once_however_it_is_typed(app, alice):
    _, recovery = with_codes(alice)
    answers = []
    for typed in (recovery[0].upper(), recovery[0], recovery[1].replace("-", " ")):
        browser = Browser(client_of(app), alice.slug, alice.email)
        browser.sign_in()
        browser.get("/sign-in/code")
        answers.append(browser.post("/sign-in/code", code=typed).status_code)
    assert answers == [303, 401, 303]


def test_codes_go_off_only_with_the_password(alice):
    with_codes(alice)
    alice.get("/account")
    assert alice.post("/account/codes/remove", current="wrong").status_code == 422
    assert alice.post("/account/codes/remove", current=PASSWORD).status_code == 303
    assert alice.sign_in().headers["Location"] == "/"


def test_a_secret_in_force_is_not_replaced_by_another(alice):
    with_codes(alice)
    assert alice.post("/account/codes").status_code == 409


def test_every_act_leaves_an_entry(alice, database):
    with_codes(alice)
    with database.begin(alice.workspace_id) as connection:
        actions = [one.action for one in audit.entries(connection, alice.workspace_id)]
    assert actions[-3:] == ["person.signed_in", "person.codes_begun", "person.codes_on"]


def test_who_may_change_settings_of_production_sets_codes_up_first(settings, database, alice):
    strict = create_app(
        replace(settings, environment=Environment.PRODUCTION, public_url="https://hub.test"),
        database,
    )
    with strict.test_client() as client:
        client.set_cookie("__Host-session", cookie_of(alice), secure=True)
        answer = client.get(f"/w/{alice.slug}/", base_url="https://localhost")
        assert answer.headers["Location"] == "/account/codes"
        page = client.get("/account/codes", base_url="https://localhost").text
    assert "Whoever may change settings here signs in with a code" in page


def test_a_person_is_a_member_of_several_workspaces_with_one_password(alice, charlie, database,
                                                                      settings):  # fmt: skip
    let_in(database, settings, charlie.workspace_id, alice.email, Role.VIEWER, password=None)
    page = alice.get("~/")
    assert f"/w/{charlie.slug}/" in page.text
    alice.slug = charlie.slug
    assert alice.get("~/").status_code == 200


def test_nobody_gets_a_new_password_by_a_workspace_they_do_not_live_in(alice, charlie, database,
                                                                       settings):  # fmt: skip
    with pytest.raises(Refusal) as told:
        let_in(database, settings, charlie.workspace_id, alice.email, Role.OWNER, NEW)
    assert told.value.code == "conflict"
    assert alice.sign_in().status_code == 303


def test_whoever_is_no_member_any_more_sees_nothing_of_it(alice, database):
    with database.begin(alice.workspace_id) as connection:
        connection.execute(text("UPDATE user_account SET disabled_at = now()"))
    assert alice.get("~/").status_code == 404
    assert "no member of any workspace" in text_of(alice.get("/account"))


def test_the_app_role_reads_no_holds(database):
    with pytest.raises(Exception, match="permission denied"), database.across() as connection:
        connection.execute(text("SELECT * FROM sign_in_hold"))


def test_sessions_and_people_are_seen_from_their_workspace_alone(alice, charlie, database):
    with database.begin(charlie.workspace_id) as connection:
        assert connection.scalars(text("SELECT email FROM person")).all() == [charlie.email]
        assert len(connection.scalars(text("SELECT id FROM web_session")).all()) == 1


def test_use_is_noted_at_most_once_a_minute(alice, database):
    with database.begin(alice.workspace_id) as connection:
        connection.execute(text("UPDATE web_session SET seen_at = now() - interval '2 min'"))
    alice.get("/account")
    with database.begin(alice.workspace_id) as connection:
        seen = connection.scalar(text("SELECT seen_at FROM web_session"))
    assert (datetime.now(UTC) - seen).total_seconds() < 30  # noqa: TID251 - beside the store's clock


def test_behind_a_proxy_the_senders_own_address_is_counted(settings, database):
    behind = create_app(replace(settings, proxies=1), database)
    seen = []
    behind.before_request_funcs[None].insert(0, lambda: seen.append(request.remote_addr))
    forwarded = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    behind.test_client().get("/health", headers=forwarded)
    assert seen == ["198.51.100.7"]
