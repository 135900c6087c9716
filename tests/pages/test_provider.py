"""Sign-in by a provider: invited people alone, each round once, in the browser that began it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from sqlalchemy import text

from connector import audit
from connector.accounts.provider import Provider, SignInFailed
from connector.app import create_app
from connector.cli import checkup
from connector.db import Database
from connector.settings import OIDC, OAuthClient, Settings, SettingsError, load_settings
from schemas.secret import Secret
from simulators.kit.server import running
from simulators.openid import ADA, CLIENT_ID, CLIENT_SECRET, OpenIDProvider
from tests.pages.conftest import PASSWORD, Browser, client_of, text_of
from tests.pages.posted import newcomer
from tests.pages.test_invitations import invited

BACK = "/sign-in/provider/back"


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIDProvider]:
    simulator = OpenIDProvider()
    with running(simulator):
        yield simulator


@pytest.fixture(scope="module")
def by_provider(settings: Settings, provider: OpenIDProvider) -> Settings:
    client = OAuthClient(CLIENT_ID, Secret(CLIENT_SECRET))
    return replace(settings, oidc=OIDC(provider.base_url, "Acme SSO", client))


@pytest.fixture(scope="module")
def signing(by_provider: Settings, database: Database) -> Flask:
    made = create_app(by_provider, database)
    made.testing = False
    return made


@pytest.fixture
def ada(alice: Browser, signing: Flask, provider: OpenIDProvider) -> Browser:
    """Somebody at the provider, not known here yet."""
    address = newcomer()
    provider.person = {**ADA, "sub": f"subject of {address}", "email": address}
    provider.spoil.clear()
    provider.document.clear()
    return Browser(client_of(signing), alice.slug, address, alice.workspace_id)


def go_there(browser: Browser, following: str = "/") -> Any:
    return browser.get(f"/sign-in/provider?next={following}")


def come_back(address: str) -> str:
    """Where the provider sends the browser on to."""
    answer = requests.get(address, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    assert parts.path == BACK
    return f"{parts.path}?{parts.query}"


def sign_in(browser: Browser, following: str = "/") -> Any:
    return browser.get(come_back(go_there(browser, following).headers["Location"]))


def sign_out(browser: Browser) -> None:
    browser.get("/account")
    assert browser.post("/sign-out").status_code == 303
    assert browser.get("/account").status_code == 303


def test_the_button_is_there_where_a_provider_is_set(app, signing):
    assert "Acme SSO" in signing.test_client().get("/sign-in").text
    assert "/sign-in/provider" not in app.test_client().get("/sign-in").text
    assert app.test_client().get("/sign-in/provider").status_code == 404


def test_the_request_carries_state_nonce_and_pkce_and_none_is_kept(ada, database):
    asked = parse_qs(urlsplit(go_there(ada).headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["openid email profile"]
    assert {len(asked[name][0]) for name in ("state", "nonce", "code_challenge")} == {43}
    kept = ada.client.get_cookie("ab-provider")
    assert kept is not None
    assert kept.http_only
    assert kept.value not in str(asked)


def test_who_is_invited_comes_in_and_is_known_by_the_subject_from_then_on(ada, alice, provider,
                                                                          database):  # fmt: skip
    invited(alice, ada.email, "viewer")
    assert sign_in(ada, f"/w/{ada.slug}/fields").headers["Location"] == f"/w/{ada.slug}/fields"
    assert ada.get("~/").status_code == 200
    assert ada.get("~/apps").status_code == 403
    # A new address at the provider, which it has not verified yet: the subject is the same.
    provider.person |= {"email": newcomer(), "email_verified": False}
    sign_out(ada)
    assert sign_in(ada).status_code == 303
    assert ada.get("~/").status_code == 200
    with database.begin(ada.workspace_id) as connection:
        actions = [one.action for one in audit.entries(connection, ada.workspace_id, limit=500)]
    assert actions.count("member.joined") == 1
    assert actions[-2:].count("person.signed_in") >= 1


def test_who_signs_in_by_password_comes_in_by_the_same_address(alice, ada, provider):
    provider.person["email"] = alice.email
    assert sign_in(ada).status_code == 303
    assert ada.get("~/people").status_code == 200


def test_codes_are_asked_for_as_after_a_password(alice, ada, provider, database):
    with database.begin(alice.workspace_id) as connection:
        connection.execute(text("UPDATE person SET codes_since = now()"))
    provider.person["email"] = alice.email
    assert sign_in(ada).headers["Location"].startswith("/sign-in/code")
    assert ada.get("~/").status_code == 303


def refused(ada: Browser, answer: Any, said: str) -> None:
    assert answer.status_code == 401, text_of(answer)
    assert said in text_of(answer)
    assert ada.get("/account").status_code == 303


NOT_IN: dict[str, tuple[dict[str, Any], str]] = {
    "unverified": ({"email_verified": False}, "has not verified your e-mail address"),
    "unsaid": ({"email_verified": None}, "has not verified your e-mail address"),
    "said as text": ({"email_verified": "true"}, "has not verified your e-mail address"),
    "no address": ({"email": None}, "does not tell your e-mail address"),
}


def test_who_is_not_to_come_in_is_told_why(ada, alice, provider, database):
    refused(ada, sign_in(ada), "Nobody has invited this address yet")
    invited(alice, ada.email)
    good, told = dict(provider.person), {}
    for name, (changes, said) in NOT_IN.items():
        provider.person = {**good, **changes}
        answer = sign_in(ada)
        told[name] = (answer.status_code, said in text_of(answer))
    assert told == dict.fromkeys(NOT_IN, (401, True))
    assert ada.get("/account").status_code == 303
    with database.begin(alice.workspace_id) as connection:
        assert connection.scalar(text("SELECT count(*) FROM person")) == 1


def test_an_address_that_went_to_somebody_else_opens_nothing(ada, alice, provider):
    invited(alice, ada.email)
    sign_in(ada)
    sign_out(ada)
    provider.person["sub"] = "somebody else"
    refused(ada, sign_in(ada), "Another person signs in here by this address")


def test_an_invitation_that_is_over_lets_nobody_in(ada, alice, database):
    invited(alice, ada.email)
    with database.begin(alice.workspace_id) as connection:
        connection.execute(text("UPDATE member_invitation SET expires_at = now()"))
    refused(ada, sign_in(ada), "Nobody has invited this address yet")


FORGED: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.test"},
    "another client": {"aud": "other"},
    "for two, asked by another": {"aud": [CLIENT_ID, "other"], "azp": "other"},
    "another nonce": {"nonce": "x"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1},
    "long ago": {"iat": 1},
    "no subject": {"sub": None},
    "signed by nobody": {"signed": "by nobody"},
    "by another key": {"signed": "by another key"},
    "by the client's secret": {"signed": "by the client's secret"},
}


def test_a_forged_token_opens_nothing(ada, alice, provider):
    invited(alice, ada.email)
    told = {}
    for name, spoil in FORGED.items():
        provider.spoil.update(spoil)
        answer = sign_in(ada)
        told[name] = (answer.status_code, "Begin it again" in text_of(answer))
    assert told == dict.fromkeys(FORGED, (401, True))
    assert ada.get("/account").status_code == 303
    assert sign_in(ada).status_code == 303


def test_a_round_serves_once_even_with_a_good_code(ada, alice, provider):
    invited(alice, ada.email)
    there = go_there(ada).headers["Location"]
    secret = ada.client.get_cookie("ab-provider").value
    back, again = come_back(there), come_back(there)
    assert ada.get(back).status_code == 303
    assert ada.client.get_cookie("ab-provider") is None
    thief = Browser(client_of(ada.client.application))
    thief.client.set_cookie("ab-provider", secret)
    refused(thief, thief.get(again), "Begin it again")


def test_a_round_ends_in_the_browser_that_began_it(ada, alice):
    invited(alice, ada.email)
    back = come_back(go_there(ada).headers["Location"])
    victim = Browser(client_of(ada.client.application))
    refused(victim, victim.get(back), "Begin it again")
    go_there(victim)  # a round of their own does not help the foreign one
    refused(victim, victim.get(back), "Begin it again")


def test_a_round_expires(ada, alice, settings):
    invited(alice, ada.email)
    back = come_back(go_there(ada).headers["Location"])
    owners = Database(settings, settings.database_owner_url)
    with owners.across() as connection:
        connection.execute(text("UPDATE sign_in_round SET expires_at = now()"))
    owners.close()
    refused(ada, ada.get(back), "Begin it again")


def test_the_app_role_reads_no_rounds(database):
    with pytest.raises(Exception, match="permission denied"), database.across() as connection:
        connection.execute(text("SELECT * FROM sign_in_round"))


@pytest.mark.parametrize(
    ("query", "said"),
    [("iss=https%3A%2F%2Fevil.test", "Begin it again"), ("error=access_denied", "not signed in")],
)
def test_a_foreign_issuer_and_a_declined_consent_are_told(ada, query, said):
    state = parse_qs(urlsplit(go_there(ada).headers["Location"]).query)["state"][0]
    code = "" if "error" in query else "&code=x"
    refused(ada, ada.get(f"{BACK}?state={state}{code}&{query}"), said)


def test_a_callback_that_nobody_began_is_no_500(ada):
    queries = ("", "state=x", "state=x&code=y", "state=%00&code=y", "state=%F0%9F%98%80")
    told = {query: ada.get(f"{BACK}?{query}").status_code for query in queries}
    assert told == dict.fromkeys(queries, 401)


def test_a_new_session_takes_the_place_of_a_planted_one(ada, alice):
    invited(alice, ada.email)
    ada.client.set_cookie("ab-session", "planted")
    sign_in(ada)
    assert ada.client.get_cookie("ab-session").value != "planted"


@pytest.mark.parametrize("next_", ["//evil.test", "https://evil.test"])
def test_nobody_is_led_to_another_site(ada, alice, next_):
    invited(alice, ada.email)
    assert sign_in(ada, next_).headers["Location"] == "/"


def test_keys_that_have_changed_are_asked_for_anew(ada, alice, provider):
    invited(alice, ada.email)
    sign_in(ada)
    sign_out(ada)
    provider.change_key()
    assert sign_in(ada).status_code == 303


UNREADABLE: list[dict[str, Any]] = [
    {"issuer": "https://evil.test"},
    {"token_endpoint": "http://evil.test/token"},
    {"jwks_uri": None},
]


@pytest.mark.parametrize("changes", UNREADABLE)
def test_a_provider_that_says_odd_things_of_itself_is_not_used(by_provider, provider, changes):
    provider.document.update(changes)
    with pytest.raises(SignInFailed) as told:
        Provider(by_provider.oidc, "http://127.0.0.1/back").look()
    provider.document.clear()
    assert told.value.code == "provider_unreadable"


def test_the_doctor_asks_the_provider(by_provider, settings):
    (found,) = checkup._provider(by_provider)
    assert found.is_good
    away = replace(by_provider, oidc=replace(by_provider.oidc, issuer="http://127.0.0.1:1"))
    (lost,) = checkup._provider(away)
    assert (lost.is_good, "provider_away" in lost.mend) == (False, True)


SET = {
    "ANSWERBACK_OIDC_ISSUER": "https://id.test",
    "ANSWERBACK_OIDC_CLIENT_ID": "hub",
    "ANSWERBACK_OIDC_CLIENT_SECRET": "s",
}


@pytest.mark.parametrize("changes", [{"ANSWERBACK_OIDC_ISSUER": ""},
                                     {"ANSWERBACK_OIDC_CLIENT_ID": "",
                                      "ANSWERBACK_OIDC_CLIENT_SECRET": ""},
                                     {"ANSWERBACK_OIDC_ISSUER": "http://id.test"}])  # fmt: skip
def test_half_a_provider_is_refused(changes):
    assert load_settings(SET).oidc is not None
    with pytest.raises(SettingsError, match="ANSWERBACK_OIDC_ISSUER"):
        load_settings({**SET, **changes})


def test_who_has_no_password_signs_in_by_none(ada, alice):
    invited(alice, ada.email)
    sign_in(ada)
    assert "have no password here" in text_of(ada.get("/account"))
    assert ada.post("/account/password", current="", password=PASSWORD).status_code == 422
    sign_out(ada)
    assert ada.sign_in(PASSWORD).status_code == 401
