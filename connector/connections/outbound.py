"""The way out to an address that somebody else has given us: the file of an answer, a webhook, an
alert. One request, to an address that was judged a moment ago.

    judged     https, no user info, no odd port; what an operator has allowed may differ
    resolved   ALL addresses of the host, every one of them open (hosts.py), anew at each try
    pinned     the connection goes to a judged address, the certificate must be the host's
    bounded    no redirect is followed, one deadline, one size of decoded body

Nothing of the URL stands in an error's text: its path or query may be the secret that opens it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.connectionpool import HTTPConnectionPool

from adapters.errors import AdapterError
from adapters.http import BodyTooLarge, Wire, deadline_pools, failure, whole_body
from connector.connections.hosts import (
    AllowedHosts,
    HostNotAllowed,
    HostUnknown,
    Resolve,
    is_host,
    is_loopback,
    open_addresses,
)

USER_AGENT = "Answerback"
PORTS: Mapping[str, int] = {"https": 443, "http": 80}
# Further addresses of the host are tried when one takes no connection; not all of a long list.
MOST_ADDRESSES = 3
# What the path and the query of a URL may hold unescaped (RFC 3986); what is escaped stays so.
_SAFE = "/:@!$&'()*+,;=~-._%?"
_BLANK_OR_BACKSLASH = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a call may do. `allowed`: hosts that the operator has opened for this purpose.

    Times in seconds; `max_bytes` counts the decoded body.
    """

    max_bytes: int
    allowed: AllowedHosts = field(default_factory=AllowedHosts)
    total_s: float = 20.0
    connect_s: float = 3.0
    read_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host answered: its status, headers in lower case, and the whole body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class NotReached(Exception):
    """No whole answer came: the network, the name, the certificate. Try later."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TooLarge(Exception):
    """The body is longer than the rules allow: it was not read to its end."""


@dataclass(frozen=True, slots=True)
class _Place:
    scheme: str
    host: str
    port: int
    netloc: str
    target: str


def judged(url: str, *, allowed: AllowedHosts, resolve: Resolve | None = None) -> tuple[str, ...]:
    """The addresses that this URL leads to now, all of them open. For a check when a URL is saved.

    Raises HostNotAllowed (url_invalid, url_not_https, host_not_allowed, address_not_open) or
    HostUnknown.
    """
    place = _place(url, allowed)
    return open_addresses(place.host, place.port, allowed=allowed, resolve=resolve)


def refuse_unplain(url: str, *, allowed: AllowedHosts) -> None:
    """Refuse what could never be called, by the text alone: nothing is resolved. Raises
    HostNotAllowed.
    """
    _place(url, allowed)


def get(
    url: str,
    *,
    rules: Rules,
    headers: Mapping[str, str] | None = None,
    resolve: Resolve | None = None,
) -> Answer:
    """The answer to one GET, whatever its status.

    Raises HostNotAllowed (asking again does not help), NotReached (it may), or TooLarge.
    """
    return _sent("GET", url, rules=rules, resolve=resolve, headers=headers)


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    rules: Rules,
    resolve: Resolve | None = None,
) -> Answer:
    """The answer to one POST; the same errors. NotReached may mean that the body arrived."""
    return _sent("POST", url, rules=rules, resolve=resolve, body=body, headers=headers)


def _sent(
    method: str,
    url: str,
    *,
    rules: Rules,
    resolve: Resolve | None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    place = _place(url, rules.allowed)
    try:
        addresses = open_addresses(place.host, place.port, allowed=rules.allowed, resolve=resolve)[
            :MOST_ADDRESSES
        ]
    except HostUnknown as exc:
        code, message = "host_unknown", "the host's name does not resolve"
        raise NotReached(code, message) from exc
    for number, address in enumerate(addresses, start=1):
        try:
            return _asked(place, address, method, rules=rules, body=body, headers=headers or {})
        except NotReached as exc:
            if exc.code != "connect_failed" or number == len(addresses):
                raise
    raise AssertionError  # pragma: no cover - open_addresses answers one at least


def _asked(
    place: _Place,
    address: str,
    method: str,
    *,
    rules: Rules,
    body: bytes | None,
    headers: Mapping[str, str],
) -> Answer:
    """One request to one address. The name goes along in the Host header and the certificate."""
    with _pool(place, address, rules) as pool:
        try:
            answer = pool.urlopen(
                method,
                place.target,
                body=body,
                headers={
                    "Host": place.netloc,
                    "User-Agent": USER_AGENT,
                    "Accept-Encoding": "identity",
                    **headers,
                },
                redirect=False,
                retries=False,
                assert_same_host=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=rules.connect_s, read=rules.read_s),
            )
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, told, whole_body(answer, rules.max_bytes))  # type: ignore[arg-type]
        except BodyTooLarge as exc:
            raise TooLarge from exc
        except (urllib3.exceptions.HTTPError, OSError, AdapterError) as exc:
            known = failure(exc)
            # The cause names the address and the path: it stays here.
            raise NotReached(known.code, str(known)) from None


def _pool(place: _Place, address: str, rules: Rules) -> HTTPConnectionPool:
    wire = Wire(connect_s=rules.connect_s, read_s=rules.read_s, total_s=rules.total_s)
    named = {}
    if place.scheme == "https":
        named = {"server_hostname": place.host, "assert_hostname": place.host}
    pool: HTTPConnectionPool = deadline_pools(wire.total_s, wire.read_s)[place.scheme](
        address, port=place.port, retries=False, maxsize=1, **named
    )
    return pool


def _place(url: str, allowed: AllowedHosts) -> _Place:
    """Where a URL leads, by its text alone. Raises HostNotAllowed."""
    code, message = "url_invalid", "the address is no plain https address"
    if _BLANK_OR_BACKSLASH.search(url):
        raise HostNotAllowed(code, message)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise HostNotAllowed(code, message) from exc
    host, scheme = parts.hostname or "", parts.scheme
    if scheme not in PORTS or "@" in parts.netloc or not is_host(host):
        raise HostNotAllowed(code, message)
    _check_port(scheme, host, port, allowed=allowed)
    path, query = quote(parts.path or "/", safe=_SAFE), quote(parts.query, safe=_SAFE)
    target = f"{path}?{query}" if query else path
    return _Place(scheme, host, port or PORTS[scheme], parts.netloc, target)


def _check_port(scheme: str, host: str, port: int | None, *, allowed: AllowedHosts) -> None:
    """Https on its own port, for any host; anything else only where the operator says so."""
    if scheme == "https" and port in {None, PORTS["https"]}:
        return
    if not allowed.permits(host, port):
        code = "url_not_https" if scheme == "http" else "host_not_allowed"
        message = "the address must begin with https:// and name no port of its own"
        raise HostNotAllowed(code, message)
    if scheme == "http" and not is_loopback(host):
        code, message = "url_not_https", "the address must begin with https://"
        raise HostNotAllowed(code, message)
