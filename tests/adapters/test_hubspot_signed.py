"""HubSpot's signatures, by vectors that the vendor's SDK and our own code agreed on."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.hubspot.signed import is_signed, is_signed_without_time

SECRET = "topsecret"
BODY = b'[{"eventId":1,"objectId":7}]'
URL = "https://hub.example/in/hs?x=/y"
AT_MS = 1_767_323_045_000
V3 = "LWp5Y/0RHeuGptu2YQOq7uNZrFuaH+jQrWOE2yXNojM="
V1 = "da666700820ac711e55690559285573f7da0362cd317624f5b5bd408e267a583"
V2 = "fb623c057eb5f25749fef40f58d8ca107cb554709de777293ba893a1ed4f28d5"
HEADERS = {"x-hubspot-signature-v3": V3, "x-hubspot-request-timestamp": str(AT_MS)}


def signed(headers: dict[str, str] | None = None, **changes: Any) -> bool:
    told: dict[str, Any] = {
        "method": "POST", "url": URL, "body": BODY, "secrets": [SECRET], "now_ms": AT_MS,
    }  # fmt: skip
    return is_signed({**HEADERS, **(headers or {})}, **{**told, **changes})


def old(version: str, signature: str, **changes: Any) -> bool:
    headers = {"x-hubspot-signature-version": version, "x-hubspot-signature": signature}
    told: dict[str, Any] = {"method": "POST", "url": URL, "body": BODY, "secrets": [SECRET]}
    return is_signed_without_time(headers, **{**told, **changes})


def test_the_vector_is_signed_with_any_of_the_secrets() -> None:
    assert signed()
    assert signed(secrets=["another", SECRET])


def test_the_address_is_decoded_as_hubspot_does_whatever_the_case() -> None:
    assert signed(url="https://hub.example/in/hs?x=%2Fy")
    assert signed(url="https://hub.example/in/hs?x=%2fy")
    assert not signed(url="https://hub.example/in/hs?x=%25y")


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "PUT"},
        {"url": "https://hub.example/in/hs"},
        {"body": BODY + b" "},
        {"secrets": ["another"]},
        {"secrets": []},
    ],
    ids=str,
)
def test_anything_else_is_not_signed(changes: dict[str, Any]) -> None:
    assert not signed(**changes)


@pytest.mark.parametrize("away_ms", [-300_001, 300_001, -(10**12), 10**14])
def test_a_time_far_in_the_past_or_in_the_future_is_refused(away_ms: int) -> None:
    assert not signed(now_ms=AT_MS - away_ms)


def test_five_minutes_either_way_are_allowed() -> None:
    assert signed(now_ms=AT_MS + 300_000)
    assert signed(now_ms=AT_MS - 300_000)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-hubspot-signature-v3": ""},
        {"x-hubspot-signature-v3": "smørrebrød"},
        {"x-hubspot-signature-v3": "\udcff"},
        {"x-hubspot-request-timestamp": ""},
        {"x-hubspot-request-timestamp": "٣" * 13},
        {"x-hubspot-request-timestamp": f" {AT_MS}"},
        {"x-hubspot-request-timestamp": f"{AT_MS}\n"},
        {"x-hubspot-request-timestamp": "9" * 400},
        {"x-hubspot-request-timestamp": "-1"},
    ],
    ids=ascii,
)
def test_hostile_headers_are_not_signed_and_no_exception(headers: dict[str, str]) -> None:
    assert not signed(headers)


def test_a_request_without_the_headers_is_not_signed() -> None:
    assert not is_signed({}, method="POST", url=URL, body=BODY, secrets=[SECRET], now_ms=AT_MS)


def test_the_older_versions_by_their_vectors() -> None:
    assert old("v1", V1)
    assert old("v2", V2)
    assert not old("v1", V2)
    assert not old("v2", V1)
    assert not old("v2", V2, method="GET")
    assert not old("v3", V1)
    assert not old("v1", "smørrebrød")
    assert not old("", V1)
