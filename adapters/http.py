"""The only way out to a CRM: one origin, one deadline, one size, no redirects, no retries.

SDKs bring their own HTTP client. `requests_session` (simple-salesforce, zenpy) and `urllib3_pool`
(HubSpot) give them one that cannot leave its origin, ends every call within `Wire.total_s` however
slowly the bytes drip in (a plain read timeout counts anew with each byte), refuses more than
`Wire.max_bytes` of decoded body and asks `Wire.before` for permission first. `failure` turns what
these clients raise into the port's errors.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPResponse as PlainResponse
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from adapters.calls import SAFE, Asks, Body, Call, Watch, by_method, unwatched
from adapters.errors import AdapterError, BrokenContract, OutcomeUnknown, TryLater
from adapters.out import WayOut

CHUNK_BYTES = 65_536
# Further addresses of a host are tried when one takes no connection; not all of a long list.
MOST_ADDRESSES = 3


def _permit(_kind: str | None) -> None:
    """Every call may go at once: the wire of a probe outside the limiter and of unit tests."""


def _forget(_status: int, _headers: Mapping[str, str]) -> None:
    """Nobody listens to the answers' headers."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How calls leave us. Times in seconds, sizes in bytes of decoded body.

    `before(kind)` is asked before each call and may wait or raise (the rate limiter; it also
    refuses a call inside a database transaction). `answered(status, headers)` is told when the
    answer's headers are there and its body is not read yet (usage headers; exact kill points in
    tests). `watch(call)` sees each call before that, and may keep it back. `out`: the way to
    addresses that a customer has given, where the hub lends one.
    """

    connect_s: float = 3.0
    read_s: float = 10.0
    total_s: float = 20.0
    max_bytes: int = 5 * 1024 * 1024
    before: Callable[[str | None], None] = _permit
    answered: Callable[[int, Mapping[str, str]], None] = _forget
    out: WayOut | None = None
    watch: Watch = unwatched

    def leave(self, call: Call, kind: str | None = None) -> None:
        """Every call passes here before it is sent: seen by who watches, then permitted. Raises
        what either of them does; then nothing is sent.
        """
        self.watch(call)
        self.before(kind)


KindOf = Callable[[str, str], str | None]
Addresses = Callable[[str, int], Sequence[str]]


def one_kind(_method: str, _path: str) -> str | None:
    """All calls count against the same limits."""
    return None


class HostRefused(BrokenContract):
    """A call would have left its origin: nothing was sent."""

    code = "host_refused"


class BodyTooLarge(OutcomeUnknown):
    """The answer is larger than any answer of this API: it was not read to its end."""

    code = "body_too_large"


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, without user info. Raises HostRefused for what has none or
    too much.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        message = "the address has no plain http or https origin"
        raise HostRefused(message)
    return f"{parts.scheme}://{parts.netloc}"


def requests_session(
    wire: Wire,
    origin: str,
    *,
    target: str | None = None,
    kind_of: KindOf = one_kind,
    judged: bool = False,
    asks: Asks = by_method,
) -> requests.Session:
    """A session that reaches `origin` and nothing else; `target` is where its calls really go
    (simulator). `judged`: a customer has named the host, so that every connection goes to an
    address which the wire's way out has judged. `asks`: which calls change nothing.
    """
    session = requests.Session()
    session.adapters.clear()
    # An entry in ~/.netrc would replace the bearer header, a proxy variable would see the token.
    session.trust_env = False
    session.max_redirects = 0
    # The slash matters: without it https://acme.example also matches
    # https://acme.example.evil.example.
    addresses = _judged_by(wire) if judged else None
    session.mount(origin + "/", _OneOrigin(wire, target, kind_of, addresses, asks))
    return session


def _judged_by(wire: Wire) -> Addresses:
    if wire.out is None:
        message = "there is no way out from here"
        raise BrokenContract(message, code="no_way_out")
    return wire.out.addresses


def urllib3_pool(
    wire: Wire, origin: str, *, kind_of: KindOf = one_kind, asks: Asks = by_method
) -> GuardedPool:
    """A pool manager's `request` that reaches `origin` and nothing else."""
    return GuardedPool(wire, origin, kind_of, asks)


def failure(exc: Exception) -> AdapterError:
    """The port's error for what an HTTP client raised: certainly not sent is TryLater, else
    OutcomeUnknown.
    """
    if isinstance(exc, AdapterError):
        return exc
    if isinstance(exc, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return TryLater("the CRM's certificate or TLS failed", code="tls_failed")
    if _never_sent(exc):
        return TryLater("the CRM could not be reached", code="connect_failed")
    if isinstance(exc, requests.exceptions.InvalidSchema | requests.exceptions.TooManyRedirects):
        return HostRefused("the call was redirected or led to another host")
    return OutcomeUnknown("the connection broke or timed out before a whole answer came")


def _never_sent(exc: Exception) -> bool:
    cause: BaseException | None = exc
    while cause is not None:
        reason = getattr(cause, "reason", None)
        for one in (cause, reason):
            if isinstance(
                one,
                requests.exceptions.ConnectTimeout
                | urllib3.exceptions.ConnectTimeoutError
                | urllib3.exceptions.NewConnectionError,
            ):
                return True
        cause = cause.__cause__ or cause.__context__
    return False


# --- requests -----------------------------------------------------------------------------------


class _OneOrigin(HTTPAdapter):
    """Sends for one origin. The caller's request is not changed: zenpy compares hosts in the
    answer's request.
    """

    def __init__(
        self,
        wire: Wire,
        target: str | None,
        kind_of: KindOf,
        addresses: Addresses | None,
        asks: Asks,
    ) -> None:
        self._wire, self._target, self._kind_of = wire, target, kind_of
        self._addresses, self._asks = addresses, asks
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        wire = self._wire
        self.poolmanager.pool_classes_by_scheme = deadline_pools(
            wire.total_s, wire.read_s, self._addresses
        )

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        asked = urlsplit(str(request.url))
        on_wire = request.copy()
        if self._target is not None:
            on_wire.headers["Host"] = asked.netloc
            on_wire.url = self._target + (asked.path or "/")
            on_wire.url += f"?{asked.query}" if asked.query else ""
        method = str(request.method)
        self._wire.leave(
            _seen(self._asks, method, str(request.url), request.body),
            self._kind_of(method, asked.path),
        )
        timeout = (self._wire.connect_s, self._wire.read_s)
        answer = super().send(on_wire, stream=True, timeout=timeout)
        self._wire.answered(answer.status_code, answer.headers)
        answer.request, answer.url = request, str(request.url)
        # requests has no setter for a body that was read under a cap.
        answer._content = whole_body(cast(urllib3.HTTPResponse, answer.raw), self._wire.max_bytes)  # noqa: SLF001
        answer._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        return answer


# --- urllib3 ------------------------------------------------------------------------------------


class GuardedPool:
    """Takes the place of a `PoolManager` in an SDK that offers no other way to reach its
    transport.
    """

    def __init__(self, wire: Wire, origin: str, kind_of: KindOf, asks: Asks) -> None:
        self._wire, self._origin, self._kind_of, self._asks = wire, origin, kind_of, asks
        self._pool = urllib3.PoolManager(maxsize=4, retries=False)
        self._pool.pool_classes_by_scheme = deadline_pools(wire.total_s, wire.read_s)

    def request(self, method: str, url: str, **options: Any) -> urllib3.HTTPResponse:
        """One call; raises HostRefused for another origin, urllib3's errors for the network's."""
        if origin_of(url) != self._origin:
            message = "a call would have left the connection's own host"
            raise HostRefused(message)
        query = urlencode(options.get("fields") or {}) if method in SAFE else ""
        whole = f"{url}?{query}" if query else url
        self._wire.leave(
            _seen(self._asks, method, whole, options.get("body")),
            self._kind_of(method, urlsplit(url).path),
        )
        options.update(
            timeout=urllib3.Timeout(connect=self._wire.connect_s, read=self._wire.read_s),
            redirect=False,
            retries=False,
            preload_content=False,
        )
        answer = cast(urllib3.HTTPResponse, self._pool.request(method, url, **options))
        self._wire.answered(answer.status, answer.headers)
        body = whole_body(answer, self._wire.max_bytes)
        return urllib3.HTTPResponse(
            body=body,
            headers=answer.headers,
            status=answer.status,
            reason=answer.reason,
            decode_content=False,
        )


# --- what both share ----------------------------------------------------------------------------


def _seen(asks: Asks, method: str, url: str, body: Body) -> Call:
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Call(method, path, body, asks(method, parts.path, body))


def whole_body(answer: urllib3.HTTPResponse, max_bytes: int) -> bytes:
    """The decoded body, read piece by piece. Raises BodyTooLarge as soon as it is too long."""
    body = bytearray()
    while chunk := answer.read(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            answer.close()
            message = f"the answer is larger than {max_bytes} bytes"
            raise BodyTooLarge(message)
    answer.release_conn()
    return bytes(body)


class _DeadlineReader(io.RawIOBase):
    """A socket's bytes until a deadline: each read may wait at most for what is left of it."""

    def __init__(self, sock: socket.socket, ends_at: float, read_s: float) -> None:
        self._sock, self._ends_at, self._read_s = sock, ends_at, read_s
        # Keeps the descriptor alive until this reader is closed, as socket.makefile does.
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            message = "the call's deadline has passed"
            raise TimeoutError(message)
        self._sock.settimeout(min(left_s, self._read_s))
        return cast(Any, self._file).readinto(buffer) or 0

    def close(self) -> None:
        self._file.close()
        super().close()


def deadline_reader(sock: socket.socket, ends_at: float, read_s: float) -> io.RawIOBase:
    """A socket's bytes, as far as they come before `ends_at` (monotonic)."""
    return _DeadlineReader(sock, ends_at, read_s)


def deadline_pools(
    total_s: float, read_s: float, addresses: Addresses | None = None
) -> dict[str, Any]:
    """Connection pools whose answers end within `total_s` seconds after the request began.
    `addresses`: the judged ones of a host, asked at each connect; none other is connected to.

    They take numbers, not the wire: until a pool is collected urllib3 holds its connections
    elsewhere, and a connection that led back to the pool's owner would keep both for ever.
    """

    def with_deadline(base: type[HTTPConnection]) -> type[HTTPConnection]:
        class Connection(base):  # type: ignore[misc,valid-type]
            def _new_conn(self) -> socket.socket:
                connect = super()._new_conn
                if addresses is None:
                    return cast(socket.socket, connect())
                return _pinned(self, connect, addresses)

            def request(self, *args: Any, **kwargs: Any) -> None:
                self.ends_at = time.monotonic() + total_s
                super().request(*args, **kwargs)

            def response_class(
                self, sock: socket.socket, *args: Any, **kwargs: Any
            ) -> PlainResponse:
                answer = PlainResponse(sock, *args, **kwargs)
                answer.fp.close()
                reader = _DeadlineReader(sock, self.ends_at, read_s)
                answer.fp = io.BufferedReader(reader)
                return answer

        return Connection

    class HTTP(HTTPConnectionPool):
        ConnectionCls = with_deadline(HTTPConnection)

    class HTTPS(HTTPSConnectionPool):
        ConnectionCls = with_deadline(HTTPSConnection)  # type: ignore[assignment]

    return {"http": HTTP, "https": HTTPS}


def _pinned(
    connection: Any, connect: Callable[[], socket.socket], addresses: Addresses
) -> socket.socket:
    """A connection to one of the judged addresses; another is tried where one takes none."""
    name: str = connection._dns_host  # noqa: SLF001 - urllib3 has no other place for it
    every = addresses(name, connection.port)[:MOST_ADDRESSES]
    try:
        for number, address in enumerate(every, start=1):
            connection._dns_host = address  # noqa: SLF001
            try:
                return connect()
            except urllib3.exceptions.HTTPError:
                if number == len(every):
                    raise
    finally:
        # The certificate is checked against the name.
        connection._dns_host = name  # noqa: SLF001
    raise AssertionError  # pragma: no cover - there is one address at least


__all__ = [
    "BodyTooLarge",
    "GuardedPool",
    "HostRefused",
    "KindOf",
    "Wire",
    "deadline_pools",
    "deadline_reader",
    "failure",
    "one_kind",
    "origin_of",
    "requests_session",
    "urllib3_pool",
    "whole_body",
]
