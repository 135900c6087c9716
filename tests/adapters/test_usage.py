"""What answers' headers and limits endpoints tell about an account's calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from requests.structures import CaseInsensitiveDict

from adapters.http import Wire
from adapters.hubspot import HubSpot
from adapters.hubspot.usage import told_by as hubspot_told_by
from adapters.salesforce import Salesforce
from adapters.salesforce.usage import told_by as salesforce_told_by
from adapters.usage import DAY_S, Source, Usage, UsageKind, UsageTeller
from adapters.values import Account
from adapters.zendesk import Zendesk
from simulators.hubspot import HubSpot as Simulated
from simulators.kit.server import running

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MIDNIGHT_THERE = datetime(2026, 11, 22, 23, tzinfo=UTC)


def told(adapter: type[UsageTeller], *, learnt: Any = None, **headers: str) -> tuple[Usage, ...]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return adapter.usage_told(CaseInsensitiveDict(named), NOON, learnt=learnt or {})


def test_salesforce_tells_the_orgs_day_which_has_no_end() -> None:
    (day,) = told(
        Salesforce, Sforce_Limit_Info="api-usage=18/5000; per-app-api-usage=17/250(appName=x)"
    )
    assert day == Usage(UsageKind.DAILY, 5000, 4982, DAY_S)
    assert day.used == 18


def test_an_org_beyond_its_limit_has_nothing_left() -> None:
    (day,) = told(Salesforce, Sforce_Limit_Info="api-usage=5100/5000")
    assert (day.remaining, day.used) == (0, 5000)


def test_salesforces_limits_resource_tells_the_same() -> None:
    (day,) = salesforce_told_by({"DailyApiRequests": {"Max": 15000, "Remaining": 14998}})
    assert (day.limit, day.remaining, day.source) == (15000, 14998, Source.ENDPOINT)


def test_hubspot_tells_an_oauth_app_its_ten_seconds_only() -> None:
    (window,) = told(
        HubSpot,
        X_HubSpot_RateLimit_Max="110",
        X_HubSpot_RateLimit_Remaining="109",
        X_HubSpot_RateLimit_Interval_Milliseconds="10000",
    )
    assert window == Usage(UsageKind.WINDOW, 110, 109, 10)


def test_hubspots_day_ends_at_the_portals_midnight() -> None:
    (day,) = told(
        HubSpot,
        learnt={"time_zone": "Europe/Copenhagen"},
        X_HubSpot_RateLimit_Daily="250000",
        X_HubSpot_RateLimit_Daily_Remaining="249999",
    )
    assert (day.kind, day.remaining, day.resets_at) == (UsageKind.DAILY, 249999, MIDNIGHT_THERE)


def test_hubspots_usage_endpoint_tells_the_day_of_the_keys() -> None:
    told_day = {"usageLimit": 500, "currentUsage": 20, "resetsAt": "2026-11-22T23:00:00Z"}
    (day,) = hubspot_told_by({"results": [told_day]})
    assert (day.limit, day.used, day.resets_at) == (500, 20, MIDNIGHT_THERE)


@pytest.mark.parametrize(
    ("names"),
    [
        ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
        ("rate-limit", "rate-limit-remaining", "rate-limit-reset"),
        ("X-Rate-Limit", "X-Rate-Limit-Remaining", "ratelimit-reset"),
    ],
)
def test_zendesk_tells_its_minute_under_any_of_its_names(names: tuple[str, str, str]) -> None:
    (window,) = Zendesk.usage_told(
        CaseInsensitiveDict(dict(zip(names, ("700", "699", "41"), strict=True))), NOON, learnt={}
    )
    assert (window.limit, window.remaining, window.window_s) == (700, 699, 60)
    assert window.resets_at == NOON + timedelta(seconds=41)


@pytest.mark.parametrize(
    ("adapter", "header", "value"),
    [
        (Salesforce, "Sforce-Limit-Info", "api-usage=many/5000"),
        (Salesforce, "Sforce-Limit-Info", "api-usage=1/0"),
        (HubSpot, "X-HubSpot-RateLimit-Daily", "250000"),
        (HubSpot, "X-HubSpot-RateLimit-Max", "110"),
        (Zendesk, "X-Rate-Limit", "7e2"),
        (Zendesk, "X-Rate-Limit", "-1"),
    ],
)
def test_what_is_no_number_tells_nothing(
    adapter: type[UsageTeller], header: str, value: str
) -> None:
    assert adapter.usage_told(CaseInsensitiveDict({header: value}), NOON, learnt={}) == ()


@pytest.mark.parametrize("body", [{}, {"results": None}, {"results": ["x", {"usageLimit": "y"}]}])
def test_an_endpoint_without_the_day_tells_nothing(body: Any) -> None:
    assert hubspot_told_by(body) == ()
    assert salesforce_told_by(body) == ()


def test_a_key_of_hubspot_is_told_its_day_by_header_and_endpoint_alike() -> None:
    portal = Simulated(options={"daily": 500})
    with running(portal) as base_url:
        heard: list[Usage] = []

        def hear(_status: int, headers: Any) -> None:
            heard.extend(HubSpot.usage_told(headers, NOON, learnt={}))

        account = Account(portal.options["service_key"], base_url=base_url)
        (asked,) = HubSpot(account, Wire(answered=hear), {}).usage()
    (day,) = (one for one in heard if one.kind is UsageKind.DAILY)
    assert (asked.limit, asked.remaining) == (day.limit, day.remaining) == (500, 499)


def test_an_oauth_app_of_hubspot_is_not_told_its_day() -> None:
    with running(Simulated()) as base_url:
        token = requests.post(f"{base_url}/__sim__/oauth", json={"issue": {}}, timeout=5).json()
        account = Account(token["access_token"], base_url=base_url)
        assert HubSpot(account, Wire(), {}).usage() == ()
