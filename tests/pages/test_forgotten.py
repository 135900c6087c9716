"""A forgotten password: asking tells nothing, the link serves once, every session ends."""

from __future__ import annotations

import re
from typing import Any

import pyotp
import pytest
from sqlalchemy import text

from connector import audit
from tests.pages.conftest import PASSWORD, Browser, client_of, text_of
from tests.pages.posted import last_mail, newcomer, path_in, send
from tests.pages.test_queries import counted

NEW = "another meadow, in July"


def ask(browser: Browser, address: str) -> Any:
    browser.get("/password")
    return browser.post("/password", email=address)


def link_for(browser: Browser, database, by_mail, mail_server) -> str:
    """The path of the link that a letter brings."""
    stranger = Browser(client_of(browser.client.application))
    assert ask(stranger, browser.email.upper()).status_code == 200
    assert send(database, by_mail, browser) == 1
    mail = last_mail(mail_server)
    assert mail["To"] == browser.email
    return path_in(mail.get_content())


def choose(browser: Browser, path: str, password: str = NEW) -> Any:
    browser.get(path)
    return browser.post(path, password=password)


def test_a_new_password_is_set_by_the_link_and_ends_every_session(owner, alice, database, by_mail,
                                                                  mail_server):  # fmt: skip
    path = link_for(owner, database, by_mail, mail_server)
    stranger = Browser(client_of(owner.client.application), owner.slug, owner.email)
    stranger.get(path)  # opening uses nothing up
    assert choose(stranger, path, "short").status_code == 422
    assert choose(stranger, path).headers["Location"] == "/sign-in"
    assert owner.get("/account").status_code == 303
    assert alice.get("/account").status_code == 303
    assert stranger.get("/account").status_code == 303
    assert stranger.sign_in(PASSWORD).status_code == 401
    assert stranger.sign_in(NEW).status_code == 303
    with database.begin(owner.workspace_id) as connection:
        entries = audit.entries(connection, owner.workspace_id, limit=500)
    actions = [one.action for one in entries]
    assert [one for one in actions if "reset" in one] == [
        "person.reset_asked", "person.password_reset",
    ]  # fmt: skip


def used(path: str, owner: Browser, database: Any) -> None:
    choose(Browser(client_of(owner.client.application)), path)


def expired(path: str, owner: Browser, database: Any) -> None:
    with database.begin(owner.workspace_id) as connection:
        connection.execute(text("UPDATE password_reset SET expires_at = now()"))


def disabled(path: str, owner: Browser, database: Any) -> None:
    with database.begin(owner.workspace_id) as connection:
        connection.execute(text("UPDATE person SET disabled_at = now()"))


@pytest.mark.parametrize("ends", [used, expired, disabled])
def test_a_link_that_is_over_changes_nothing(owner, database, by_mail, mail_server, ends):
    path = link_for(owner, database, by_mail, mail_server)
    ends(path, owner, database)
    stranger = Browser(client_of(owner.client.application), owner.slug, owner.email)
    stranger.get("/sign-in")
    answer = stranger.post(path, password="yet another meadow")
    assert (answer.status_code, text_of(answer)) == (
        404, text_of(stranger.get("/password/" + "x" * 43)),
    )  # fmt: skip
    assert stranger.sign_in("yet another meadow").status_code == 401


def test_of_two_links_the_other_is_void_with_the_new_password(owner, database, by_mail,
                                                              mail_server):  # fmt: skip
    first = link_for(owner, database, by_mail, mail_server)
    with database.begin(owner.workspace_id) as connection:
        connection.execute(
            text("UPDATE password_reset SET created_at = created_at - interval '2 min'")
        )
    second = link_for(owner, database, by_mail, mail_server)
    stranger = Browser(client_of(owner.client.application))
    assert choose(stranger, second).status_code == 303
    assert stranger.get(first).status_code == 404


def test_asking_tells_nothing_and_asks_the_store_the_same(owner, mailing, database):
    told = []
    for address in (owner.email, newcomer()):
        stranger = Browser(client_of(mailing))
        stranger.get("/password")
        with counted(database) as sent:
            answer = stranger.post("/password", email=address)
        told.append((answer.status_code, text_of(answer), sorted(answer.headers.keys()), sent))
    assert told[0] == told[1]


def test_asking_is_held_up_for_everybody_alike(owner, mailing):
    told = []
    for address in (owner.email, newcomer()):
        codes = [ask(Browser(client_of(mailing)), address).status_code for _ in range(4)]
        last = ask(Browser(client_of(mailing)), address)
        told.append((codes, last.status_code, "Too many have been asked for" in text_of(last)))
    assert told == [([200, 200, 200, 429], 429, True)] * 2


def test_one_letter_a_minute_is_enough(owner, mailing, database, by_mail):
    for _ in range(3):
        ask(Browser(client_of(mailing)), owner.email)
    assert send(database, by_mail, owner) == 1


def test_whoever_signs_in_by_a_provider_alone_gets_no_letter(owner, mailing, database, by_mail):
    with database.begin(owner.workspace_id) as connection:
        connection.execute(text("UPDATE person SET password = NULL"))
    assert ask(Browser(client_of(mailing)), owner.email).status_code == 200
    assert send(database, by_mail, owner) == 0


def test_codes_are_asked_for_as_before(owner, database, by_mail, mail_server):
    owner.post("/account/codes")
    secret = re.findall(r'data-copy="([A-Z2-7]+)"', owner.get("/account/codes").text)[0]
    owner.post("/account/codes/confirm", code=pyotp.TOTP(secret).now())
    stranger = Browser(client_of(owner.client.application), owner.slug, owner.email)
    choose(stranger, link_for(owner, database, by_mail, mail_server))
    answer = stranger.sign_in(NEW)
    assert answer.headers["Location"].startswith("/sign-in/code")


def test_who_was_held_up_by_guessing_signs_in_with_the_new_password(owner, database, by_mail,
                                                                    mail_server):  # fmt: skip
    guesser = Browser(client_of(owner.client.application))
    guesser.get("/sign-in")
    for _ in range(6):
        guesser.post("/sign-in", email=owner.email, password="x")
    stranger = Browser(client_of(owner.client.application), owner.slug, owner.email)
    choose(stranger, link_for(owner, database, by_mail, mail_server))
    assert stranger.sign_in(NEW).status_code == 303


def test_without_a_mail_server_the_page_says_who_helps(alice, app, database):
    stranger = Browser(client_of(app))
    for answer in (stranger.get("/password"), ask(stranger, alice.email)):
        assert "Ask whoever runs this installation" in text_of(answer)
    with database.begin(alice.workspace_id) as connection:
        assert connection.execute(text("SELECT * FROM password_reset")).all() == []
