"""Every answer forbids what we did not say; the page of the API works under that policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from connector.access import ACCESS
from connector.api.headers import HEADERS
from connector.app import create_app
from tests.api.test_access import path_of

CHROMIUM = Path("/usr/bin/chromium")


def test_every_route_and_every_refusal_carries_the_headers(client):
    answers = [client.open(path_of(rule), method=method) for method, rule in ACCESS]
    answers += [client.get("/nowhere"), client.open("/health", method="PUT")]
    for answer in answers:
        told = {name: answer.headers.get(name) for name in HEADERS}
        assert told == HEADERS, answer.request.path


def test_only_the_pages_own_files_may_be_kept_by_a_browser(client):
    with client.get("/static/docs/start.js") as answer:
        answer.get_data()
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_policy_allows_no_inline_script_and_no_other_origin():
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


def test_transport_security_is_sent_where_the_public_address_is_https(settings, database, client):
    secure = create_app(replace(settings, public_url="https://hub.example"), database)
    sent = secure.test_client().get("/health").headers["Strict-Transport-Security"]
    assert int(sent.split("=")[1].split(";")[0]) >= 31_536_000
    assert "Strict-Transport-Security" not in client.get("/health").headers


def test_no_page_of_ours_holds_an_inline_script_or_style(client):
    for path in ("/api/docs", "/oauth/callback/hubspot?state=x"):
        page = client.get(path).text
        assert "<style" not in page
        assert "style=" not in page
        assert "onload" not in page
        assert page.count("<script") == page.count("<script src=")


@pytest.fixture
def address(app) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium")
def test_swagger_ui_draws_the_description_without_breaking_the_policy(address):
    sync_api = pytest.importorskip("playwright.sync_api")
    complaints: list[str] = []
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/api/docs")
        page.get_by_text("/api/v1/responses", exact=False).first.wait_for(timeout=30_000)
        browser.close()
    assert [one for one in complaints if one.startswith("error")] == []
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)
