"""The only way out: one origin, one deadline, one size, no redirects, no retries; and what
failures mean.
"""

from __future__ import annotations

import gc
import gzip
import http.server
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import adapters
from adapters.errors import AdapterError, NotSent, OutcomeUnknown, TryLater
from adapters.http import (
    BodyTooLarge,
    HostRefused,
    Wire,
    failure,
    origin_of,
    requests_session,
    urllib3_pool,
)
from connector.responses.configuration.seeing import Recorder

QUICK = Wire(total_s=1, read_s=0.5)
ORIGIN = "https://acme.example"
Get = Callable[[str], Any]
BOMB = gzip.compress(b"0" * 50_000_000)


class Badly(http.server.BaseHTTPRequestHandler):
    """A CRM with every bad habit, by path."""

    protocol_version = "HTTP/1.1"
    seen: list[str]

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        """Serve what the path asks for."""
        type(self).seen.append(self.path)
        getattr(self, f"serve_{self.path.strip('/').split('?')[0]}")()

    def whole(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self, sign: bytes) -> None:
        for _ in range(100):
            try:
                self.wfile.write(sign)
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.1)

    def serve_ok(self) -> None:
        self.whole(b'{"ok": 1}')

    def serve_nothing(self) -> None:
        self.send_response(204)
        self.end_headers()

    def serve_chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n0\r\n\r\n")

    def serve_dripbody(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "500")
        self.end_headers()
        self.drip(b"x")

    def serve_driphead(self) -> None:
        self.drip(b"H")

    def serve_never(self) -> None:
        time.sleep(2)

    def serve_bomb(self) -> None:
        self.whole(BOMB, Content_Encoding="gzip")

    def serve_redirect(self) -> None:
        self.whole(b"", 302, Location="http://127.0.0.1:1/elsewhere")


@pytest.fixture
def target() -> Iterator[str]:
    Badly.seen = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Badly)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(params=["requests", "urllib3"])
def get(request: pytest.FixtureRequest, target: str) -> Iterator[Get]:
    """The same calls through both transports."""
    if request.param == "requests":
        with requests_session(QUICK, ORIGIN, target=target) as session:
            yield lambda path: session.get(ORIGIN + path).content
        return
    pool = urllib3_pool(QUICK, target)
    # urllib3 says None for a body that is empty.
    yield lambda path: pool.request("GET", target + path).data or b""


def failed(get: Get, path: str) -> AdapterError:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - each client has its own errors
        get(path)
    return failure(raised.value)


def test_whole_chunked_and_empty_answers_come_through_on_one_connection(get: Get) -> None:
    assert [get("/ok"), get("/chunked"), get("/nothing"), get("/ok?x=1")] == [
        b'{"ok": 1}', b"hello", b"", b'{"ok": 1}',
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/dripbody", "/driphead", "/never"])
def test_fault_32_a_slow_answer_is_cut_at_the_deadline(get: Get, path: str) -> None:
    began = time.monotonic()
    assert isinstance(failed(get, path), OutcomeUnknown)
    assert time.monotonic() - began < 1.5


def test_a_bomb_is_refused_before_it_is_unpacked(get: Get) -> None:
    assert isinstance(failed(get, "/bomb"), BodyTooLarge)


def test_a_closed_port_means_that_nothing_was_sent() -> None:
    with requests_session(QUICK, ORIGIN, target="http://127.0.0.1:1") as session:
        found = failed(lambda path: session.get(ORIGIN + path), "/ok")
    assert (type(found), found.code) == (TryLater, "connect_failed")
    pool = urllib3_pool(QUICK, "http://127.0.0.1:1")
    assert failed(lambda path: pool.request("GET", "http://127.0.0.1:1" + path), "/").code == (
        "connect_failed"
    )


def test_a_redirect_is_not_followed(target: str) -> None:
    with requests_session(QUICK, ORIGIN, target=target) as session:
        found = failed(lambda path: session.get(ORIGIN + path), "/redirect")
    assert isinstance(found, HostRefused)
    assert urllib3_pool(QUICK, target).request("GET", f"{target}/redirect").status == 302
    assert Badly.seen == ["/redirect", "/redirect"]


@pytest.mark.parametrize(
    "address",
    [
        "https://acme.example.evil.example/", "https://acme.example@evil.example/",
        "https://evil.example/", "http://acme.example/",
    ],
)  # fmt: skip
def test_another_host_gets_nothing(target: str, address: str) -> None:
    with (
        requests_session(QUICK, ORIGIN, target=target) as session,
        pytest.raises(requests.exceptions.InvalidSchema),
    ):
        session.get(address)
    with pytest.raises(HostRefused):
        urllib3_pool(QUICK, ORIGIN).request("GET", address)
    assert Badly.seen == []


def test_the_environment_cannot_change_the_way_out(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with requests_session(QUICK, ORIGIN, target=target) as session:
        assert session.get(f"{ORIGIN}/ok").json() == {"ok": 1}


def test_every_call_asks_first_with_its_kind(target: str) -> None:
    asked: list[str | None] = []
    wire = Wire(before=asked.append)
    kind_of = {"/ok": "search"}.get
    with requests_session(
        wire, ORIGIN, target=target, kind_of=lambda _method, path: kind_of(path)
    ) as session:
        session.get(f"{ORIGIN}/ok")
        session.get(f"{ORIGIN}/nothing")
    assert asked == ["search", None]


@pytest.mark.parametrize("bad", ["ftp://a.example", "https://", "https://u:p@a.example", "x"])
def test_an_address_without_a_plain_origin_is_refused(bad: str) -> None:
    with pytest.raises(HostRefused):
        origin_of(bad)


class Owner:
    """Uses a transport as a wave does: the wire's hook is the owner's own method."""

    def __init__(self, target: str, kind: str) -> None:
        wire = Wire(before=self.permit)
        if kind == "requests":
            self.transport: Any = requests_session(wire, target)
        else:
            self.transport = urllib3_pool(wire, target)

    def permit(self, _kind: str | None) -> None:
        """Every call may go."""


@pytest.mark.parametrize("kind", ["requests", "urllib3"])
def test_whoever_drops_a_used_transport_is_freed_with_its_connections(
    target: str, kind: str
) -> None:
    """A worker makes one per wave, for months: none may be kept by the connections of its own."""
    owner = Owner(target, kind)
    owner.transport.request("GET", f"{target}/ok")
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


def test_every_adapter_lets_its_calls_be_seen_before_they_ask_to_leave() -> None:
    home = Path(adapters.__file__).parent
    asking = {
        str(one.relative_to(home)) for one in home.rglob("*.py") if ".before(" in one.read_text()
    }
    # A database's work asks once, and each of its statements is seen.
    assert asking == {"http.py", "sql/line.py"}


@pytest.mark.parametrize("kind", ["requests", "urllib3"])
def test_who_watches_sees_a_call_and_may_keep_it_back(target: str, kind: str) -> None:
    asked: list[str | None] = []
    recorder = Recorder()
    wire = Wire(before=asked.append, watch=recorder.watch)
    send = (
        requests_session(wire, target).request
        if kind == "requests"
        else urllib3_pool(wire, target).request
    )
    with recorder.keeping_back():
        send("GET", f"{target}/ok?a=b")
        with pytest.raises(NotSent):
            send("POST", f"{target}/ok?a=b")
    assert [(one.call.method, one.call.path, one.sent) for one in recorder.calls] == [
        *(("GET", "/ok?a=b", True), ("POST", "/ok?a=b", False))
    ]
    assert (len(asked), Badly.seen) == (1, ["/ok?a=b"])
