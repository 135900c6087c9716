"""Search, access, quotas and definitions of the simulated HubSpot portal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from simulators.hubspot import HubSpot
from simulators.kit.server import running
from tests.simulators.conformance import Client, Heard

CONTACTS = "/crm/objects/2026-09/contacts"
PROPERTIES = "/crm/properties/2026-09/contacts"
BACK = "http://127.0.0.1:9/oauth/callback/hubspot"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def hub() -> Iterator[Client]:
    with running(HubSpot()) as base_url:
        client = Client(base_url)
        tokens = client.control("oauth", {"issue": {}})
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client
        client.close()


def people(hub: Client, count: int) -> list[str]:
    contacts = [{"email": f"c{n}@example.test", "firstname": "Søren"} for n in range(count)]
    made: list[str] = hub.control("seed", {"contacts": contacts})["contacts"]
    return made


def update(hub: Client, *rows: dict[str, Any]) -> Heard:
    return hub.call("POST", f"{CONTACTS}/batch/update", {"inputs": list(rows)})


def create(hub: Client, *rows: dict[str, Any]) -> Heard:
    return hub.call("POST", f"{CONTACTS}/batch/create", {"inputs": list(rows)})


def search(hub: Client, **told: Any) -> Heard:
    return hub.call("POST", f"{CONTACTS}/search", told)


def by(name: str, operator: str, **more: Any) -> list[dict[str, Any]]:
    return [{"filters": [{"propertyName": name, "operator": operator, **more}]}]


def test_search_does_not_know_a_write_until_the_index_does(hub: Client) -> None:
    create(hub, {"properties": {"email": "late@example.test"}})
    groups = by("email", "EQ", value="late@example.test")
    assert search(hub, filterGroups=groups).json()["total"] == 0
    hub.control("clock", {"offset_s": 5})
    assert search(hub, filterGroups=groups).json()["total"] == 1


@pytest.mark.parametrize(
    "told",
    [
        {"limit": 201},
        {"after": "9900", "limit": 101},
        {"filterGroups": by("email", "HAS_PROPERTY") * 6},
        {"filterGroups": [{"filters": by("email", "HAS_PROPERTY")[0]["filters"] * 7}]},
        {"query": "x" * 3000},
        {"filterGroups": by("no_such", "EQ", value="1")},
        {"filterGroups": by("email", "LIKE", value="1")},
    ],
)
def test_search_refuses_what_is_over_its_limits(hub: Client, told: dict[str, Any]) -> None:
    assert search(hub, **told).status == 400


@pytest.mark.parametrize(
    ("groups", "total"),
    [
        (by("nps_score", "GTE", value="9"), 2),
        (by("nps_score", "BETWEEN", value="8", highValue="9"), 2),
        (by("nps_score", "NOT_HAS_PROPERTY"), 1),
        (by("email", "IN", values=["c0@example.test", "c9@example.test"]), 1),
        (by("nps_score", "GT", value="9") + by("nps_score", "LT", value="9"), 2),
    ],
)
def test_search_filters(hub: Client, groups: list[dict[str, Any]], total: int) -> None:
    scores = ["8", "9", "10", ""]
    contacts = [{"email": f"c{n}@example.test", "nps_score": s} for n, s in enumerate(scores)]
    hub.control("seed", {"contacts": contacts})
    assert search(hub, filterGroups=groups).json()["total"] == total


def token(hub: Client, **told: str) -> Heard:
    body = urlencode({"client_id": "demo-client", "client_secret": "demo-secret", **told})
    return hub.call("POST", "/oauth/2026-03/token", body, headers=FORM)


def test_the_oauth_dance(hub: Client) -> None:
    asked = {
        "client_id": "demo-client",
        "redirect_uri": BACK,
        "scope": "oauth crm.objects.contacts.read",
        "state": "s",
    }
    place = hub.call("GET", f"/oauth/authorize?{urlencode(asked)}").headers["location"]
    code = parse_qs(urlsplit(place).query)["code"][0]
    first = token(hub, grant_type="authorization_code", code=code, redirect_uri=BACK).json()
    assert len(first["access_token"]) > 300
    assert (first["expires_in"], first["hub_id"]) == (1800, 14_200_142)
    again = token(hub, grant_type="refresh_token", refresh_token=first["refresh_token"]).json()
    assert again["refresh_token"] == first["refresh_token"]
    hub.headers["Authorization"] = f"Bearer {again['access_token']}"
    assert hub.call("GET", CONTACTS).status == 200
    assert hub.call("GET", "/crm/objects/2026-09/deals").status == 403
    assert hub.state()["token_refreshes"] == 1


def test_a_dead_grant_says_bad_refresh_token(hub: Client) -> None:
    heard = token(hub, grant_type="refresh_token", refresh_token="gone")
    assert heard.status == 400
    assert (heard.json()["error"], heard.json()["status"]) == ("invalid_grant", "BAD_REFRESH_TOKEN")


def test_the_token_endpoint_reads_forms_only(hub: Client) -> None:
    assert hub.call("POST", "/oauth/2026-03/token", {"grant_type": "refresh_token"}).status == 415


def test_oauth_v1_can_be_switched_off(hub: Client) -> None:
    hub.control("options", {"oauth_v1": False})
    body = urlencode({"grant_type": "refresh_token"})
    assert hub.call("POST", "/oauth/v1/token", body, headers=FORM).status == 410


def test_an_expired_and_an_unknown_token_are_told_apart(hub: Client) -> None:
    hub.control("clock", {"offset_s": 1801})
    assert hub.call("GET", CONTACTS).json()["category"] == "EXPIRED_AUTHENTICATION"
    hub.headers["Authorization"] = "Bearer nobody"
    assert hub.call("GET", CONTACTS).json()["category"] == "INVALID_AUTHENTICATION"


def test_a_scope_that_was_taken_away_is_named(hub: Client) -> None:
    hub.control("options", {"removed_scopes": ["crm.objects.contacts.write"]})
    heard = hub.call("PATCH", f"{CONTACTS}/1", {"properties": {}})
    assert heard.status == 403
    assert "crm.objects.contacts.write" in str(heard.json()["errors"])


def test_call_111_within_ten_seconds_is_throttled(hub: Client) -> None:
    statuses = [hub.call("GET", CONTACTS).status for _ in range(111)]
    assert statuses == [200] * 110 + [429]
    hub.control("clock", {"offset_s": 10})
    heard = hub.call("GET", CONTACTS)
    assert (heard.status, heard.headers["x-hubspot-ratelimit-max"]) == (200, "110")


def test_search_has_a_quota_of_its_own_and_no_rate_headers(hub: Client) -> None:
    heard = [search(hub, limit=1) for _ in range(6)]
    assert [one.status for one in heard] == [200] * 5 + [429]
    assert heard[5].json()["policyName"] == "SECONDLY"
    assert "x-hubspot-ratelimit-max" not in heard[0].headers


def test_the_daily_limit_is_told_as_such(hub: Client) -> None:
    hub.control("options", {"daily": 1, "retry_after": True})
    hub.call("GET", CONTACTS)
    heard = hub.call("GET", CONTACTS)
    assert (heard.status, heard.json()["policyName"]) == (429, "DAILY")
    assert int(heard.headers["retry-after"]) <= 86_400


def our_tag_property(*options: str) -> dict[str, Any]:
    told = [{"label": one, "value": one, "displayOrder": 0, "hidden": False} for one in options]
    return {
        "groupName": "npstoday",
        "name": "npstoday_tags",
        "label": "NPSToday",
        "type": "enumeration",
        "fieldType": "checkbox",
        "options": told,
    }


def test_a_property_needs_its_group_and_exists_once(hub: Client) -> None:
    assert hub.call("POST", PROPERTIES, our_tag_property("A.1")).status == 400
    group = {"name": "npstoday", "label": "NPSToday"}
    assert hub.call("POST", f"{PROPERTIES}/groups", group).status == 201
    assert hub.call("POST", PROPERTIES, our_tag_property("A.1")).status == 201
    again = hub.call("POST", PROPERTIES, our_tag_property("A.1"))
    assert again.status == 409
    assert again.json()["subCategory"] == "Properties.PROPERTY_WITH_NAME_EXISTS"


def test_a_patch_replaces_the_options_and_a_lost_option_leaves_the_records(hub: Client) -> None:
    (first,) = people(hub, 1)
    hub.call("POST", f"{PROPERTIES}/groups", {"name": "npstoday", "label": "NPSToday"})
    hub.call("POST", PROPERTIES, our_tag_property("A.1", "B.2"))
    update(hub, {"id": first, "properties": {"npstoday_tags": "A.1;B.2"}})
    told = {"options": our_tag_property("B.2")["options"]}
    hub.call("PATCH", f"{PROPERTIES}/npstoday_tags", told)
    assert hub.state()["contacts"][0]["tags"] == ["B.2"]


def test_a_standard_property_cannot_be_changed(hub: Client) -> None:
    assert hub.call("PATCH", f"{PROPERTIES}/email", {"label": "x"}).status == 400


def test_an_archived_property_comes_back_when_created_again(hub: Client) -> None:
    hub.call("POST", f"{PROPERTIES}/groups", {"name": "npstoday", "label": "NPSToday"})
    hub.call("POST", PROPERTIES, our_tag_property("A.1"))
    assert hub.call("DELETE", f"{PROPERTIES}/npstoday_tags").status == 204
    assert hub.call("GET", f"{PROPERTIES}/npstoday_tags").status == 404
    assert hub.call("POST", PROPERTIES, our_tag_property("A.1")).status == 201
