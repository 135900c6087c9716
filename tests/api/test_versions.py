"""What is deprecated is told a year ahead; limits are told in headers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connector.access import ACCESS
from connector.api import versions
from connector.api.gate import LIMITS
from connector.api.versions import DEPRECATED, Deprecated
from connector.app import create_app
from tests.api.conftest import founded

ROOT = Path(__file__).resolve().parents[2]
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
OLD = Deprecated(
    SINCE, datetime(2027, 1, 1, tzinfo=UTC), "https://hub.example/api/docs", "/api/v2/workspace"
)


def test_a_deprecated_route_says_so_in_every_answer_and_no_other_does(settings, database):
    app = create_app(settings, database)
    versions.install(app, {("GET", "/api/v1/workspace"): OLD})
    alice = founded(app.test_client(), database, "alice")
    told = alice.get("/workspace").headers
    assert told["Deprecation"] == "@1767225600"
    assert told["Sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    assert told["Link"] == (
        '<https://hub.example/api/docs>; rel="deprecation"; type="text/html", '
        '</api/v2/workspace>; rel="successor-version"'
    )
    refused = alice.client.get("/api/v1/workspace")
    assert (refused.status_code, refused.headers["Sunset"]) == (401, told["Sunset"])
    assert "Deprecation" not in alice.get("/keys").headers


def test_nothing_goes_sooner_than_a_year_after_it_was_told():
    with pytest.raises(ValueError, match="a year"):
        Deprecated(SINCE, SINCE + timedelta(days=364), "https://hub.example")


def test_what_is_deprecated_is_a_route_and_stands_in_the_docs():
    told = (ROOT / "docs" / "api.md").read_text("utf-8").split("## Versions")[1].split("\n## ")[0]
    missing = [route for route in DEPRECATED if route not in ACCESS or route[1] not in told]
    assert missing == []
    assert DEPRECATED or "Nothing of `/api/v1` is deprecated today" in told


def test_the_limit_of_a_kind_is_told_in_every_answer(alice):
    assert alice.get("/keys").headers["RateLimit-Policy"] == '"list";q=3000;w=60'
    body = {"response_id": "r1", "submitted_at": "2026-11-22T01:02:00Z", "answers": {}}
    assert alice.post("/responses", body).headers["RateLimit-Policy"] == '"push";q=120000;w=60'
    assert "RateLimit-Policy" not in alice.client.get("/health").headers


def test_the_documented_limits_are_those_that_are_counted():
    told = (ROOT / "docs" / "api.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([\d,]+) \|$", told, re.MULTILINE)
    assert {kind: int(most.replace(",", "")) for kind, most in rows} == dict(LIMITS)
