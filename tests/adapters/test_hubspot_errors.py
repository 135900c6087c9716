"""A call that HubSpot refuses, or that breaks, becomes the error that says what to do."""

# ruff: noqa: F811 - pytest finds the imported fixtures by their names

from __future__ import annotations

import logging
import time

import pytest

from adapters.errors import (
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import HostRefused, Wire
from adapters.hubspot import HubSpot
from adapters.hubspot.traits import TRAITS
from adapters.values import Account, Batch, Operation, Row
from tests.adapters.contract import Bench, people
from tests.adapters.hubspot_bench import UPDATE, bench, definitions, hubspot, update_first  # noqa: F401


@pytest.mark.parametrize(
    ("policy", "wait_s"), [("TEN_SECONDLY_ROLLING", 10), ("SECONDLY", 1), ("UNHEARD_OF", None)]
)
def test_a_429_without_a_time_waits_as_its_policy_says(
    bench: Bench, policy: str, wait_s: float | None
) -> None:
    bench.fault(UPDATE, status=429, body={"category": "RATE_LIMITS", "policyName": policy})
    with pytest.raises(Throttled) as raised:
        update_first(bench)
    assert raised.value.wait_s == wait_s


def test_the_daily_limit_waits_until_the_portals_midnight(bench: Bench) -> None:
    # 22:30 UTC is 23:30 in Copenhagen in winter: half an hour is left, not an hour and a half.
    bench.fault(
        UPDATE,
        status=429,
        body={"policyName": "DAILY"},
        headers={"Date": "Sun, 22 Nov 2026 22:30:00 GMT"},
    )
    (first,) = bench.seed(people(1))
    adapter = hubspot(bench, learnt={"time_zone": "Europe/Copenhagen"})
    rows = (Row("k1", {"nps_score": "9"}, first),)
    with pytest.raises(Throttled) as raised:
        adapter.write(Batch("contacts", Operation.UPDATE, rows))
    assert raised.value.wait_s == 1_800
    assert raised.value.code == "daily_limit"


def test_a_portal_that_is_moving_is_left_alone_as_long_as_it_says(bench: Bench) -> None:
    bench.fault(UPDATE, status=477, headers={"Retry-After": "86400"}, body={})
    with pytest.raises(Throttled) as raised:
        update_first(bench)
    assert (raised.value.wait_s, raised.value.code) == (86_400, "crm_migrating")


def test_a_lock_is_waited_for(bench: Bench) -> None:
    bench.fault(UPDATE, status=423)
    with pytest.raises(TryLater) as raised:
        update_first(bench)
    assert (raised.value.wait_s, raised.value.code) == (2, "crm_locked")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521, 526])
def test_a_failing_server_leaves_a_writes_outcome_unknown(bench: Bench, status: int) -> None:
    bench.fault(UPDATE, status=status)
    with pytest.raises(OutcomeUnknown):
        update_first(bench)


def test_an_expired_token_asks_for_a_refresh(bench: Bench) -> None:
    adapter = hubspot(bench)
    bench.control("oauth", {"expire": True})
    with pytest.raises(TokenExpired):
        adapter.probe()


def test_a_missing_scope_names_the_scope_that_we_ask_for(bench: Bench) -> None:
    bench.control("options", {"removed_scopes": ["crm.objects.contacts.write"]})
    with pytest.raises(PauseMapping) as raised:
        update_first(bench)
    assert raised.value.scope == "crm.objects.contacts.write"


def test_the_other_shape_of_403_is_a_missing_scope_too(bench: Bench) -> None:
    token = bench.control("oauth", {"issue": {"scopes": ["oauth"]}})["access_token"]
    with pytest.raises(PauseMapping) as raised:
        hubspot(bench, token=token).entities()
    assert (raised.value.code, raised.value.scope) == ("missing_scope", "contacts-read")


def test_a_page_that_is_no_utf8_does_not_break_the_sdk(bench: Bench) -> None:
    # The SDK decodes every refusal as UTF-8: 0xE6 alone made it raise UnicodeDecodeError.
    page = "<html>Gået i stykker æ</html>"
    bench.fault(UPDATE, status=502, body=page, charset="latin-1")
    with pytest.raises(OutcomeUnknown):
        update_first(bench)


def test_an_empty_refusal_does_not_break_the_sdk(bench: Bench) -> None:
    bench.fault(UPDATE, status=503, body="")
    with pytest.raises(OutcomeUnknown):
        update_first(bench)


def test_the_client_never_leaves_its_host() -> None:
    adapter = HubSpot(Account("t", base_url="http://127.0.0.1:9"), Wire(connect_s=0.2), {})
    with pytest.raises(HostRefused):
        adapter._client.call("GET", "@evil.example/x")


def test_a_path_parameter_cannot_become_another_path(bench: Bench) -> None:
    adapter = hubspot(bench, settings={"entities": ["../../oauth", "a?b#c"]})
    assert [one.name for one in adapter.entities()] == list(TRAITS.entities)
    assert all("/oauth" not in one["path"] for one in bench.calls())


def test_one_connection_serves_all_calls_and_no_value_is_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    (first,) = bench.seed(people(1))
    adapter = hubspot(bench)
    # The SDK sets both loggers to WARNING for the whole process whenever it is configured.
    caplog.set_level(logging.DEBUG, logger="urllib3")
    caplog.set_level(logging.DEBUG, logger="hubspot")
    caplog.set_level(logging.DEBUG, logger="hubspot.crm.contacts")
    with caplog.at_level(logging.DEBUG):
        rows = (Row("k1", {"nps_comment": "canary-77"}, first),)
        adapter.write(Batch("contacts", Operation.UPDATE, rows))
        adapter.find("contacts", "email", ["c0@example.test"], want=["nps_comment"])
    assert "canary-77" not in caplog.text
    assert "c0@example.test" not in caplog.text
    assert caplog.text.count("Starting new HTTP connection") == 1


def test_a_tls_failure_is_told_as_one(bench: Bench) -> None:
    # The SDK alone ends in an AttributeError: it decodes the body of an answer that never came.
    secured = bench.base_url.replace("http://", "https://")
    with pytest.raises(TryLater) as raised:
        HubSpot(Account("t", base_url=secured), Wire(), {}).probe()
    assert raised.value.code == "tls_failed"


def test_a_retry_after_is_one_request_and_no_sleep(bench: Bench) -> None:
    # The SDK alone sleeps as long as it says and asks again, three times.
    bench.fault("/account-info/", status=429, headers={"Retry-After": "5"}, body={})
    adapter = bench.make()
    began = time.monotonic()
    with pytest.raises(Throttled):
        adapter.probe()
    assert time.monotonic() - began < 2
    assert len(bench.calls()) == 1
