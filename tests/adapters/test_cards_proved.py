"""What proves that a card's request is its CRM's own: every way to be wrong, without a hub."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from adapters.cards import CardAccount, CardRequest, Proof
from adapters.registry import ADAPTERS, card_prover, traits_of

SECRET = "the-secret-that-both-sides-have"
AT_MS = 1_795_000_000_000
AT_S = AT_MS // 1000
URL = "https://hub.example/cards/hubspot/token"
ACCOUNTS = {
    "hubspot": CardAccount("4711", {}),
    "zendesk": CardAccount("acme.zendesk.com", {"subdomain": "acme"}),
}


@pytest.mark.parametrize("app", sorted(app for app in ADAPTERS if traits_of(app).card))
def test_a_request_without_anything_proves_nothing(app: str) -> None:
    came = CardRequest("POST", URL, {}, b"", AT_MS)
    assert card_prover(app)(came, [SECRET], ACCOUNTS[app]) is None


# --- HubSpot --------------------------------------------------------------------------------------


def hubspot(query: str = "portalId=4711&userEmail=a%40b.example", **changes: Any) -> Proof | None:
    url, body = f"{URL}?{query}", changes.get("body", b'{"contact": "501"}')
    stamp = str(AT_MS + changes.get("off_ms", 0))
    told = b"POST" + changes.get("signs", url).encode() + body + stamp.encode()
    made = hmac.digest(changes.get("secret", SECRET).encode(), told, "sha256")
    headers = {
        "x-hubspot-signature-v3": base64.b64encode(made).decode(),
        "x-hubspot-request-timestamp": stamp,
    }
    came = CardRequest("POST", url, headers, changes.get("came", body), AT_MS)
    return card_prover("hubspot")(came, ["another", SECRET], ACCOUNTS["hubspot"])


def test_hubspot_s_question_is_its_body_and_its_mark_the_signature() -> None:
    proof = hubspot()
    assert proof is not None
    assert proof.question == b'{"contact": "501"}'
    assert proof.fresh_s == 600
    again, other = hubspot(), hubspot(off_ms=1)
    assert again == proof
    assert other is not None
    assert other.mark != proof.mark


def test_hubspot_may_sign_the_address_decoded_or_as_it_came() -> None:
    assert hubspot(signs=f"{URL}?portalId=4711&userEmail=a@b.example") is not None
    assert hubspot(signs=f"{URL}?portalId=4711&userEmail=a%40b.example") is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "a third"},
        {"off_ms": -300_001},
        {"off_ms": 300_001},
        {"came": b'{"contact": "502"}'},
        {"signs": URL},
        {"query": "portalId=4712"},
        {"query": "portalId=4711&portalId=4712"},
        {"query": "portalId=4711&portalId=4711"},
        {"query": "portalid=4711"},
        {"query": "portalId="},
        {"query": ""},
        {"query": "&".join(["portalId=4711"] + ["a=1"] * 30)},
    ],
    ids=str,
)
def test_whatever_is_not_this_portal_s_own_proves_nothing(wrong: dict[str, Any]) -> None:
    assert hubspot(**wrong) is None


# --- Zendesk --------------------------------------------------------------------------------------

CLAIMS: dict[str, Any] = {
    "iss": "acme",
    "jti": "0123456789abcdef",
    "exp": AT_S + 120,
    "iat": AT_S,
    "contact": "501",
}


def zendesk(*, token: str | None = None, secret: str = SECRET, **claims: Any) -> Proof | None:
    told = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    made = (
        token
        if token is not None
        else jwt.encode({"alg": "HS256"}, told, OctKey.import_key(secret))
    )
    came = CardRequest("POST", URL, {"authorization": f"Bearer {made}"}, b"", AT_MS)
    secrets = ["another-one-that-is-long-enough", SECRET]
    return card_prover("zendesk")(came, secrets, ACCOUNTS["zendesk"])


def test_zendesk_s_question_are_the_claims_and_its_mark_the_token_s_own() -> None:
    proof = zendesk()
    assert proof is not None
    assert json.loads(proof.question)["contact"] == "501"
    assert proof.mark == "0123456789abcdef"
    assert proof.fresh_s > 3_600


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": None},
        {"iss": "ACME"},
        {"exp": AT_S + 3_600},
        {"exp": AT_S - 30},
        {"iat": AT_S - 3_500},
    ],
    ids=str,
)
def test_what_zendesk_does_not_promise_is_taken_either_way(claims: dict[str, Any]) -> None:
    assert zendesk(**claims) is not None


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None}, {"exp": "soon"}, {"exp": AT_S - 61}, {"exp": AT_S + 3_700}, {"exp": True},
        {"exp": float(AT_S + 60)}, {"jti": None}, {"jti": "short"}, {"jti": 7}, {"jti": "x" * 101},
        {"iss": None}, {"iss": ["acme"]}, {"iss": "other"}, {"iat": "then"}, {"iat": AT_S + 61},
        {"iat": AT_S - 3_700},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_whose_claims_are_wrong_proves_nothing(claims: dict[str, Any]) -> None:
    assert zendesk(**claims) is None


def test_another_secret_proves_nothing() -> None:
    assert zendesk(secret="a-third-one-that-is-long-enough") is None


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "....", "eyJhbGciOiJub25lIn0.e30.", "x" * 5000, "%00", "é", "\udcff"],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_token_proves_nothing_and_breaks_nothing(token: str) -> None:
    assert zendesk(token=token) is None


def test_a_token_signed_otherwise_proves_nothing() -> None:
    made = jwt.encode({"alg": "HS512"}, CLAIMS, OctKey.import_key(SECRET * 3), algorithms=["HS512"])
    assert zendesk(token=made) is None
