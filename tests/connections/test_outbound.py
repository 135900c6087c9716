"""The way out to addresses of others: what is refused, and that nobody was called by it."""

from __future__ import annotations

import gzip
import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.connections.hosts import AllowedHosts, HostNotAllowed
from connector.connections.outbound import NotReached, Rules, TooLarge, get, judged, post
from tests.connections.certificates import authority, certificate
from tests.connections.test_hosts import CLOSED_HOSTS

OPEN = AllowedHosts.of(["127.0.0.1"])
RULES = Rules(max_bytes=1_000, total_s=2.0, connect_s=1.0, read_s=1.0, allowed=OPEN)
STRICT = Rules(max_bytes=1_000, total_s=2.0, connect_s=1.0, read_s=1.0)


class Canary:
    """A listener on loopback that counts who comes, whatever they say."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                one, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            one.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    one = Canary()
    yield one
    one.close()


class Pages(http.server.BaseHTTPRequestHandler):
    """A host with a few pages."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        {
            "/file": self._file,
            "/large": self._large,
            "/moved": self._moved,
            "/bomb": self._bomb,
            "/slow": self._slow,
            "/short": self._short,
        }[path]()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(201, body, {"X-Host": self.headers["Host"]})

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _file(self) -> None:
        self._answer(200, b"content " + self.path.encode(), {"X-Host": self.headers["Host"]})

    def _large(self) -> None:
        self._answer(200, b"x" * 1_001, {})

    def _moved(self) -> None:
        self._answer(302, b"", {"Location": f"http://127.0.0.1:{self.server.canary_port}/"})  # type: ignore[attr-defined]

    def _bomb(self) -> None:
        self._answer(200, gzip.compress(b"0" * 10_000_000), {"Content-Encoding": "gzip"})

    def _slow(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b".")
            self.wfile.flush()
            threading.Event().wait(0.1)

    def _short(self) -> None:
        self._answer(200, b"half", {"Content-Length": "8"})


@contextmanager
def serving(context: ssl.SSLContext | None = None, canary_port: int = 0) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.canary_port = canary_port  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


# --- refused before anything is sent --------------------------------------------------------------


@pytest.mark.parametrize("host", CLOSED_HOSTS)
def test_a_closed_host_is_refused_and_nobody_is_called(host: str, canary: Canary) -> None:
    named = f"[{host}]" if ":" in host else host
    for url in (f"https://{named}/x", f"http://{named}:{canary.port}/x"):
        with pytest.raises(HostNotAllowed):
            get(url, rules=STRICT)
    assert canary.connections == 0


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://files.example/x", "url_not_https"),
        ("ftp://files.example/x", "url_invalid"),
        ("file:///etc/passwd", "url_invalid"),
        ("gopher://files.example/", "url_invalid"),
        ("https://files.example:8443/x", "host_not_allowed"),
        ("https://files.example:22/", "host_not_allowed"),
        ("https://me:secret@files.example/x", "url_invalid"),
        ("https://good.example@127.0.0.1/", "url_invalid"),
        ("https:///x", "url_invalid"),
        ("https://files.example\\@127.0.0.1/", "url_invalid"),
        ("https://files.example/a\nHost: evil", "url_invalid"),
        ("https://files.example:99999/", "url_invalid"),
        ("https://[::1", "url_invalid"),
        ("https://bücher.example/", "url_invalid"),
        ("//files.example/x", "url_invalid"),
        ("", "url_invalid"),
    ],
)
def test_an_odd_url_is_refused_by_its_text(url: str, code: str) -> None:
    with pytest.raises(HostNotAllowed) as refusal:
        judged(url, allowed=AllowedHosts())
    assert refusal.value.code == code


def test_one_closed_address_among_good_ones_refuses_the_url(canary: Canary) -> None:
    with pytest.raises(HostNotAllowed) as refusal:
        get("https://two.example/x", rules=STRICT, resolve=lambda *_: ("8.8.8.8", "127.0.0.1"))
    assert refusal.value.code == "address_not_open"
    assert canary.connections == 0


def test_a_name_that_rebinds_is_refused_at_the_next_try(canary: Canary) -> None:
    answers = iter([("8.8.8.8",), ("127.0.0.1",)])
    resolve = lambda _host, _port: next(answers)  # noqa: E731 - a resolver in one line
    assert judged("https://good.example/x", allowed=AllowedHosts(), resolve=resolve)
    with pytest.raises(HostNotAllowed):
        get("https://good.example/x", rules=STRICT, resolve=resolve)
    assert canary.connections == 0


def test_the_name_is_resolved_once_for_a_call() -> None:
    """A second look between judging and connecting is where a rebinding host would slip in."""
    looks = []

    def resolve(host: str, _port: int) -> tuple[str, ...]:
        looks.append(host)
        return ("127.0.0.1",)

    with serving() as port:
        answer = get(f"http://127.0.0.1:{port}/file", rules=RULES, resolve=resolve)
    assert answer.status == 200
    assert looks == ["127.0.0.1"]


def test_a_redirect_is_answered_and_not_followed(canary: Canary) -> None:
    with serving(canary_port=canary.port) as port:
        answer = get(f"http://127.0.0.1:{port}/moved", rules=RULES)
    assert answer.status == 302
    assert canary.connections == 0


def test_a_refusal_holds_nothing_of_the_url() -> None:
    with pytest.raises(HostNotAllowed) as refusal:
        get("https://127.0.0.1/secret-token", rules=STRICT)
    assert "secret" not in str(refusal.value)
    assert "127" not in str(refusal.value)


# --- what is sent ---------------------------------------------------------------------------------


def test_an_allowed_host_is_asked_with_path_and_query_as_given() -> None:
    with serving() as port:
        answer = get(f"http://127.0.0.1:{port}/file?sig=a%2Fb&x=1", rules=RULES)
        assert answer.body == b"content /file?sig=a%2Fb&x=1"
        assert answer.headers["x-host"] == f"127.0.0.1:{port}"


def test_a_body_can_be_posted() -> None:
    with serving() as port:
        answer = post(f"http://127.0.0.1:{port}/hook", b"{}", headers={}, rules=RULES)
    assert (answer.status, answer.body) == (201, b"{}")


@pytest.mark.parametrize("path", ["large", "bomb"])
def test_a_body_over_the_limit_is_not_read_to_its_end(path: str) -> None:
    with serving() as port, pytest.raises(TooLarge):
        get(f"http://127.0.0.1:{port}/{path}", rules=RULES)


@pytest.mark.parametrize("path", ["slow", "short"])
def test_an_answer_that_does_not_end_well_is_no_answer(path: str) -> None:
    with serving() as port, pytest.raises(NotReached) as failure:
        get(f"http://127.0.0.1:{port}/{path}", rules=RULES)
    assert str(port) not in str(failure.value)


def test_the_next_address_is_tried_when_one_takes_no_connection() -> None:
    with serving() as port:
        answer = get(
            f"http://localhost:{port}/file",
            rules=Rules(max_bytes=1_000, allowed=AllowedHosts.of(["localhost"])),
            resolve=lambda *_: ("::1", "127.0.0.1"),
        )
    assert answer.status == 200


def test_a_name_that_does_not_resolve_is_not_reached() -> None:
    with pytest.raises(NotReached) as failure:
        get("https://nowhere.example/x", rules=STRICT, resolve=lambda *_: ())
    assert failure.value.code == "host_unknown"


# --- the certificate is the name's, not the address's ---------------------------------------------


def https(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server context with a certificate for `name`, by an authority that this process trusts."""
    issuer = authority()
    (folder / "ca.pem").write_bytes(issuer.pem)
    (folder / "server.pem").write_bytes(certificate(issuer, name))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def test_the_pinned_address_is_called_by_the_hosts_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = https(tmp_path, "files.example", monkeypatch)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    with serving(context) as port:
        allowed = AllowedHosts.of(["127.0.0.1", f"files.example:{port}"])
        rules = Rules(max_bytes=1_000, allowed=allowed)
        url = f"https://files.example:{port}/file"
        answer = get(url, rules=rules, resolve=lambda *_: ("127.0.0.1",))
    assert answer.status == 200
    assert asked == ["files.example"]


def test_a_certificate_of_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = https(tmp_path, "evil.example", monkeypatch)
    with serving(context) as port:
        allowed = AllowedHosts.of(["127.0.0.1", f"files.example:{port}"])
        rules = Rules(max_bytes=1_000, allowed=allowed)
        url = f"https://files.example:{port}/file"
        with pytest.raises(NotReached) as failure:
            get(url, rules=rules, resolve=lambda *_: ("127.0.0.1",))
    assert failure.value.code == "tls_failed"
