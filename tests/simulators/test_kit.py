"""What every simulator can do, whatever the CRM: faults, log, clock, OAuth, the process."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from simulators.kit.messages import Answer, Request
from simulators.kit.oauth import AuthorizationServer, OAuthRefused
from simulators.kit.quota import DailyCount, SlidingWindow
from simulators.kit.server import running
from simulators.kit.simulator import Simulator, route
from tests.simulators.conformance import Client, differences

ROOT = Path(__file__).parents[2]
BACK = "http://127.0.0.1:9/oauth/callback/any"


class Shop(Simulator):
    """A service with one list."""

    name = "Shop <&>"

    def set_up(self) -> None:
        self.things: list[str] = []

    @route("POST", r"/things", kind="write")
    def add(self, request: Request) -> Answer:
        self.things.append(request.json()["name"])
        return Answer(201, {"count": len(self.things)})

    @route("DELETE", r"/things/(?P<name>[^/]+)", kind="write")
    def remove(self, request: Request) -> Answer:
        self.things.remove(request.params["name"])
        return Answer(204)

    @route("GET", r"/things/(?P<name>[^/]+)", kind="read")
    def one(self, request: Request) -> Answer:
        return Answer(200, {"name": request.params["name"]})

    @route("GET", r"/things/all", kind="read")
    def all(self, _request: Request) -> Answer:
        return Answer(200, self.things)

    def records(self) -> dict[str, object]:
        return {"things": self.things}


@pytest.fixture
def shop() -> Iterator[Client]:
    with running(Shop()) as base_url:
        client = Client(base_url)
        yield client
        client.close()


def strike(shop: Client, **action: object) -> None:
    shop.control("fault", {"method": "POST", "path": "/things", "action": action})


def add(shop: Client) -> bytes:
    return shop.call("POST", "/things", {"name": "hat"}).body


def test_params_are_decoded_and_the_particular_route_wins(shop: Client) -> None:
    assert shop.call("GET", "/things/a%2Fb%20c").json() == {"name": "a/b c"}
    assert shop.call("GET", "/things/all").json() == []


def test_a_204_has_no_body_bytes_and_the_connection_lives_on(shop: Client) -> None:
    add(shop)
    assert shop.call("DELETE", "/things/hat").body == b""
    assert shop.call("GET", "/things/all").json() == []


def test_a_reset_before_applies_nothing(shop: Client) -> None:
    strike(shop, drop_before=True)
    with pytest.raises(ConnectionResetError):
        add(shop)
    state = shop.state()
    assert state["things"] == []
    assert state["applied_then_lost"] == 0


def test_a_reset_after_is_applied_and_counted_as_lost(shop: Client) -> None:
    strike(shop, drop_after=True)
    with pytest.raises(ConnectionResetError):
        add(shop)
    state = shop.state()
    assert state["things"] == ["hat"]
    assert state["applied_then_lost"] == 1


def test_a_half_answer_is_shorter_than_it_says(shop: Client) -> None:
    strike(shop, half_after=True)
    with pytest.raises(http.client.IncompleteRead):
        add(shop)
    assert shop.state()["things"] == ["hat"]


@pytest.mark.parametrize(
    ("action", "body"),
    [("bad_json_after", b'{"results"'), ("html_after", b"<!doctype"), ("empty_after", b"")],
)
def test_a_spoilt_answer_was_applied(shop: Client, action: str, body: bytes) -> None:
    strike(shop, **{action: True})
    assert add(shop).startswith(body)
    assert shop.state()["things"] == ["hat"]


def test_a_status_on_order_applies_nothing(shop: Client) -> None:
    strike(shop, status=503, body={"no": "way"}, headers={"Retry-After": "7"})
    heard = shop.call("POST", "/things", {"name": "hat"})
    assert (heard.status, heard.headers["retry-after"], heard.json()) == (503, "7", {"no": "way"})
    assert shop.state()["things"] == []


def test_the_second_match_is_struck_and_the_third_is_not(shop: Client) -> None:
    shop.control("fault", {"path": "/things", "occurrence": 2, "action": {"status": 500}})
    statuses = [shop.call("POST", "/things", {"name": "x"}).status for _ in range(3)]
    assert statuses == [201, 500, 201]


def test_every_match_is_struck_until_cleared(shop: Client) -> None:
    shop.control("fault", {"path": "/things", "occurrence": 0, "action": {"status": 500}})
    assert [shop.call("GET", "/things/all").status for _ in range(3)] == [500] * 3
    shop.control("fault", {"clear": True})
    assert shop.call("GET", "/things/all").status == 200


def test_a_storm_answers_429_to_all(shop: Client) -> None:
    shop.control("fault", {"storm": 60})
    assert shop.call("GET", "/things/all").status == 429
    assert shop.state()["faults"] == {"throttle": 1}


def test_random_faults_repeat_with_the_same_seed() -> None:
    def statuses() -> list[int]:
        with running(Shop(seed=7)) as base_url:
            client = Client(base_url)
            client.control("fault", {"random": {"rate": 0.5, "kinds": ["500", "503"]}})
            told = [client.call("GET", "/things/all").status for _ in range(30)]
            client.close()
            return told

    first = statuses()
    assert first == statuses()
    assert set(first) == {200, 500, 503}


def test_an_unknown_action_is_refused(shop: Client) -> None:
    heard = shop.call("POST", "/__sim__/fault", {"action": {"explode": True}})
    assert heard.status == 400


def test_the_log_counts_calls_by_kind_and_leaves_control_out(shop: Client) -> None:
    add(shop)
    shop.call("GET", "/things/all")
    assert [one["kind"] for one in shop.log()] == ["write", "read"]
    assert shop.state()["counts"] == {
        "kind": {"write": 1, "read": 1},
        "status": {"201": 1, "200": 1},
    }


def test_a_reset_forgets_everything(shop: Client) -> None:
    add(shop)
    shop.control("options", {"latency_ms": 5})
    shop.control("clock", {"offset_s": 60})
    shop.control("reset")
    state = shop.state()
    assert (state["things"], state["counts"]["kind"], state["options"]["latency_ms"]) == ([], {}, 0)


def test_an_unknown_option_is_refused(shop: Client) -> None:
    assert shop.call("POST", "/__sim__/options", {"latency": 5}).status == 400


def test_the_page_escapes_what_it_shows(shop: Client) -> None:
    page = shop.call("GET", "/?q=%3Cscript%3E").body.decode()
    assert "<script>" not in page
    assert "Shop &lt;&amp;&gt;" in page


def test_differences_name_the_place() -> None:
    told = differences({"a": [{"b": 1, "c": "x"}]}, {"a": [{"b": "1"}], "d": None})
    assert told == [
        "$.d: only in ours",
        "$.a[].c: missing in ours",
        "$.a[].b: number recorded, text ours",
    ]


# --- OAuth ------------------------------------------------


@pytest.fixture
def server() -> AuthorizationServer:
    shop = Shop()
    return AuthorizationServer(shop.clock, shop.rng, options=shop.options)


def ask(**told: str) -> dict[str, list[str]]:
    asked = {
        "client_id": "demo-client",
        "redirect_uri": BACK,
        "response_type": "code",
        "state": "s1",
        **told,
    }
    return parse_qs(urlencode(asked))


def code_for(server: AuthorizationServer, **told: str) -> str:
    place = server.authorize(ask(**told), scopes=["read"]).headers["Location"]
    return parse_qs(urlsplit(place).query)["code"][0]


def trade(server: AuthorizationServer, code: str, **told: str) -> dict[str, str]:
    del server
    return {
        "client_id": "demo-client",
        "client_secret": "demo-secret",
        "code": code,
        "redirect_uri": BACK,
        **told,
    }


def with_refresh(token: str | None) -> dict[str, str | None]:
    return {"client_id": "demo-client", "client_secret": "demo-secret", "refresh_token": token}


def test_the_state_comes_back_with_the_code(server: AuthorizationServer) -> None:
    place = server.authorize(ask(), scopes=[]).headers["Location"]
    assert place.startswith(BACK + "?")
    assert parse_qs(urlsplit(place).query)["state"] == ["s1"]


@pytest.mark.parametrize(
    "told", [{"client_id": "stranger"}, {"redirect_uri": "https://evil.example/cb"}]
)
def test_strangers_are_not_redirected_to(server: AuthorizationServer, told: dict[str, str]) -> None:
    assert server.authorize(ask(**told), scopes=[]).status == 400


def test_a_code_works_once_and_its_second_use_ends_the_grant(server: AuthorizationServer) -> None:
    code = code_for(server)
    tokens = server.exchange(trade(server, code))
    assert server.access(tokens.access_token)
    with pytest.raises(OAuthRefused, match="used before"):
        server.exchange(trade(server, code))
    assert server.access(tokens.access_token) is None


def test_a_code_needs_the_verifier_of_its_challenge(server: AuthorizationServer) -> None:
    verifier = "v" * 50
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    with pytest.raises(OAuthRefused, match="code_verifier"):
        server.exchange(trade(server, code_for(server, **pkce), code_verifier="w" * 50))
    assert server.exchange(trade(server, code_for(server, **pkce), code_verifier=verifier))


@pytest.mark.parametrize(
    "told",
    [{"client_secret": "wrong"}, {"client_id": "other"}, {"redirect_uri": BACK + "/"}],
)
def test_a_code_is_bound_to_client_and_address(
    server: AuthorizationServer, told: dict[str, str]
) -> None:
    with pytest.raises(OAuthRefused):
        server.exchange(trade(server, code_for(server), **told))


def test_reuse_of_a_rotated_refresh_token_revokes_the_family() -> None:
    shop = Shop(options={"rotate_refresh": True})
    server = AuthorizationServer(shop.clock, shop.rng, options=shop.options)
    first = server.exchange(trade(server, code_for(server)))
    second = server.refresh(with_refresh(first.refresh_token))
    assert second.refresh_token != first.refresh_token
    old = server.access(first.access_token)
    assert old
    assert server.is_expired(old)
    with pytest.raises(OAuthRefused):
        server.refresh(with_refresh(first.refresh_token))
    with pytest.raises(OAuthRefused):
        server.refresh(with_refresh(second.refresh_token))
    assert server.access(second.access_token) is None


def test_without_rotation_the_refresh_token_stays(server: AuthorizationServer) -> None:
    first = server.exchange(trade(server, code_for(server)))
    again = [server.refresh(with_refresh(first.refresh_token)) for _ in range(2)]
    assert [one.refresh_token for one in again] == [first.refresh_token] * 2
    assert server.refreshes == 2


# --- quotas ------------------------------------------------


def test_a_window_slides() -> None:
    window = SlidingWindow(2, 10)
    assert [window.take(at) for at in (0.0, 1.0, 2.0, 10.5, 10.6, 11.5)] == [
        True, True, False, True, False, True,
    ]  # fmt: skip
    assert window.wait_s(12.0) == 8.5


def test_a_daily_count_starts_anew_at_midnight() -> None:
    count = DailyCount(1)
    day = 20_000 * 86_400.0
    assert [count.take(at) for at in (day, day + 1, day + 86_400)] == [True, False, True]
    assert count.wait_s(day + 86_390) == 10


# --- the process ------------------------------------------------


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "simulators.hubspot", "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    word, _, base_url = process.stdout.readline().strip().partition(" ")
    assert word == "listening"
    return base_url


def test_the_process_says_where_it_listens_and_ends_at_sigterm() -> None:
    process = started("--option", "ten_secondly=7")
    with process:
        client = Client(address(process))
        assert client.state()["options"]["ten_secondly"] == 7
        client.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_the_process_dies_with_its_parent() -> None:
    told = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-m', 'simulators.hubspot'], "
        "stdout=subprocess.PIPE, text=True)\n"
        "print(p.pid, p.stdout.readline().strip(), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", told], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout
        child = int(parent.stdout.readline().split()[0])
        parent.kill()
        parent.wait(5)
    assert gone(child)


def gone(pid: int) -> bool:
    """Whether the process ends; waits on its descriptor, not on the clock."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 5)[0])
    finally:
        os.close(descriptor)
