"""The OAuth server that the simulators share, and the process each of them is."""

from __future__ import annotations

import base64
import hashlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from simulators.kit.oauth import AuthorizationServer, OAuthRefused
from simulators.kit.simulator import Simulator
from tests.simulators.conformance import Client

ROOT = Path(__file__).parents[2]
BACK = "http://127.0.0.1:9/oauth/callback/any"


class Shop(Simulator):
    """A service with nothing in it."""


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
        # Not select: it takes no descriptor above 1,023, which a long test process may have.
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        return bool(waiting.poll(5_000))
    finally:
        os.close(descriptor)
