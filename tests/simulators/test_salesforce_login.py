"""The simulated Salesforce's OAuth server, held to the facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from simulators.kit.server import running
from simulators.salesforce import Salesforce
from tests.simulators.conformance import Client, Heard

# The check vector of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
REDIRECT = "http://127.0.0.1:5000/oauth/callback/salesforce"
APP = {"client_id": "demo-client", "client_secret": "demo-secret"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def salesforce() -> Iterator[Client]:
    with running(Salesforce()) as base_url:
        client = Client(base_url)
        yield client
        client.close()


def authorized(salesforce: Client, **changes: str) -> dict[str, list[str]]:
    asked = {
        "response_type": "code",
        "client_id": "demo-client",
        "redirect_uri": REDIRECT,
        "scope": "api refresh_token",
        "state": "s/1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    heard = salesforce.call("GET", f"/services/oauth2/authorize?{urlencode(asked)}")
    assert heard.status == 302
    assert heard.headers["location"].startswith(REDIRECT)
    return parse_qs(urlsplit(heard.headers["location"]).query)


def posted(salesforce: Client, what: str, **told: str) -> Heard:
    return salesforce.call("POST", f"/services/oauth2/{what}", urlencode(told), headers=FORM)


def exchanged(salesforce: Client, code: str, **changes: str) -> Heard:
    told = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER, **APP, **changes}  # fmt: skip
    return posted(salesforce, "token", **told)


def connected(salesforce: Client) -> dict[str, Any]:
    (code,) = authorized(salesforce)["code"]
    tokens: dict[str, Any] = exchanged(salesforce, code).json()
    return tokens


def refreshed(salesforce: Client, refresh_token: str) -> Heard:
    told = {"grant_type": "refresh_token", "refresh_token": refresh_token, **APP}
    return posted(salesforce, "token", **told)


def test_the_dance_gives_a_token_without_expiry_and_with_an_instance(salesforce: Client) -> None:
    told = authorized(salesforce)
    assert told["state"] == ["s/1"]
    heard = exchanged(salesforce, told["code"][0])
    tokens = heard.json()
    assert (heard.status, "expires_in" in tokens) == (200, False)
    assert tokens["instance_url"].startswith("http://127.0.0.1:")
    assert (tokens["scope"], tokens["token_type"]) == ("api refresh_token", "Bearer")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    who = salesforce.call("GET", "/services/oauth2/userinfo", headers=bearer).json()
    assert who["organization_id"].startswith("00D")
    assert tokens["id"].endswith(f"/id/{who['organization_id']}/{who['user_id']}")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "x" * 43},
        {"client_secret": "wrong"},
        {"redirect_uri": REDIRECT + "/other"},
    ],
)
def test_a_code_is_refused_to_who_did_not_ask_for_it(
    salesforce: Client, changes: dict[str, str]
) -> None:
    (code,) = authorized(salesforce)["code"]
    heard = exchanged(salesforce, code, **changes)
    assert heard.status == 400
    assert heard.json()["error"] in {"invalid_grant", "invalid_client"}


def test_a_code_works_once(salesforce: Client) -> None:
    (code,) = authorized(salesforce)["code"]
    assert exchanged(salesforce, code).status == 200
    assert exchanged(salesforce, code).json()["error"] == "invalid_grant"


def test_a_challenge_is_required_and_may_be_waived(salesforce: Client) -> None:
    no_challenge = {"code_challenge": "", "code_challenge_method": ""}
    assert authorized(salesforce, **no_challenge)["error"] == ["invalid_request"]
    salesforce.control("options", {"require_pkce": False})
    assert "code" in authorized(salesforce, **no_challenge)


def test_the_user_may_say_no(salesforce: Client) -> None:
    salesforce.control("options", {"deny_authorize": True})
    assert authorized(salesforce)["error"] == ["access_denied"]


def test_a_refresh_rotates_and_a_spent_token_kills_the_family(salesforce: Client) -> None:
    first = connected(salesforce)
    second = refreshed(salesforce, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    reused = refreshed(salesforce, first["refresh_token"])
    assert (reused.status, reused.json()["error"]) == (400, "invalid_grant")
    assert reused.json()["error_description"] == "expired access/refresh token"
    assert refreshed(salesforce, second["refresh_token"]).status == 400


def test_without_rotation_a_refresh_answers_no_refresh_token(salesforce: Client) -> None:
    salesforce.control("options", {"rotate_refresh": False})
    first = connected(salesforce)
    again = refreshed(salesforce, first["refresh_token"])
    assert (again.status, "refresh_token" in again.json()) == (200, False)
    assert salesforce.state()["token_refreshes"] == 1


def test_a_revoked_grant_is_dead(salesforce: Client) -> None:
    tokens = connected(salesforce)
    assert posted(salesforce, "revoke", token=tokens["refresh_token"]).status == 200
    assert refreshed(salesforce, tokens["refresh_token"]).status == 400
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    heard = salesforce.call("GET", "/services/oauth2/userinfo", headers=bearer)
    assert (heard.status, heard.body) == (403, b"Bad_OAuth_Token")


def test_a_session_ends_with_its_time(salesforce: Client) -> None:
    tokens = connected(salesforce)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert salesforce.call("GET", "/services/data/v66.0/limits", headers=bearer).status == 200
    salesforce.control("clock", {"offset_s": 7300})
    assert salesforce.call("GET", "/services/data/v66.0/limits", headers=bearer).status == 401


def test_a_removed_scope_closes_the_api(salesforce: Client) -> None:
    tokens = connected(salesforce)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    salesforce.control("options", {"removed_scopes": ["api"]})
    heard = salesforce.call("GET", "/services/data/v66.0/limits", headers=bearer)
    assert (heard.status, heard.json()[0]["errorCode"]) == (403, "API_DISABLED_FOR_ORG")
