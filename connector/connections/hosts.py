"""Which host a connection may speak to: the app's own list, and what the operator has allowed.

A host is judged twice. By name when a base URL is saved, and whenever an address is learnt from a
settings template or a token answer: `allowed_origin`. By address after resolving, before a call:
`open_addresses`. The text of a host proves nothing about its address: `2130706433` is 127.0.0.1.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from schemas.phrases import phrase

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST_HOST = 253
# Among an app's patterns: any host, whose addresses are then judged at each connection.
ANYWHERE = "*"
_HTTPS_PORT = 443

# `is_global` alone is not enough: on Python 3.11 it is true for multicast, for IPv4-compatible
# and for wrapped loopback addresses, and its table changes between patch releases.
_CLOSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "3fff::/20",
    )
)  # fmt: skip
_GLOBAL_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class HostNotAllowed(ValueError):
    """This address may not be called. `code` is a stable word; the text holds no part of a URL."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class HostUnknown(Exception):
    """The name does not resolve at the moment: try later."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hosts outside the apps' own lists that the operator lets connections use.

    An entry is a host name or an address, with or without a port: `sandbox.example`,
    `127.0.0.1`, `10.0.0.5:8443`. A name may only resolve to open addresses or to addresses that
    are entries themselves. http is for loopback alone; a port must be named, except on loopback.
    """

    entries: frozenset[str] = frozenset()

    @classmethod
    def of(cls, entries: Iterable[str]) -> "AllowedHosts":
        """The entries as written in the settings, whatever their case and spaces."""
        return cls(frozenset(entry.strip().lower() for entry in entries if entry.strip()))

    def permits(self, host: str, port: int | None) -> bool:
        """Whether the operator allows this host on this port (None: the scheme's own)."""
        named = {f"{_bracketed(host)}:{port}", f"{host}:{port}"}
        if port is not None and named & self.entries:
            return True
        free_port = port in {None, _HTTPS_PORT} or is_loopback(host)
        return free_port and bool({host, _bracketed(host)} & self.entries)

    def permits_address(self, host: str, address: Address) -> bool:
        """Whether a host may have this closed address: it is an entry, or localhost is."""
        if host == "localhost" and address.is_loopback:
            return any(entry.partition(":")[0] == "localhost" for entry in self.entries)
        return any(_names(entry, address) for entry in self.entries)


def allowed_origin(url: str, *, own_hosts: Iterable[str], allowed: AllowedHosts) -> str:
    """The origin of a base URL (`https://host`, with the port if it has one), if it may be called.

    `own_hosts` are the app's patterns (`*.example.com`: one or more labels before it; `*`: any
    host, whose addresses must then be looked at as well). Raises
    HostNotAllowed with the code base_url_invalid, base_url_not_https or host_not_allowed.
    """
    parts = _split(url)
    host, port = str(parts.hostname), _port(parts)
    if port is None and parts.scheme == "https" and _on_list(host, own_hosts):
        return f"https://{host}"
    if not allowed.permits(host, port):
        code, message = (
            "host_not_allowed",
            phrase("the host is neither the app's own nor on the list"),
        )
        raise HostNotAllowed(code, message)
    if parts.scheme != "https" and not is_loopback(host):
        code, message = "base_url_not_https", phrase("the base URL must begin with https://")
        raise HostNotAllowed(code, message)
    suffix = "" if port is None else f":{port}"
    return f"{parts.scheme}://{_bracketed(host)}{suffix}"


def open_addresses(
    host: str, port: int, *, allowed: AllowedHosts, resolve: Resolve | None = None
) -> tuple[str, ...]:
    """Every address of a host, all of them open: call one of these and no other.

    Raises HostNotAllowed when a single address is closed (a resolver may answer good and bad ones
    together), HostUnknown when there is none.
    """
    found = (resolve or _resolved)(host, port)
    if not found:
        message = phrase("the host has no address")
        raise HostUnknown(message)
    for text in found:
        address = ipaddress.ip_address(text.partition("%")[0])
        if not is_open(address) and not allowed.permits_address(host, address):
            code, message = (
                "address_not_open",
                phrase("the host leads to an address that is not public"),
            )
            raise HostNotAllowed(code, message)
    return tuple(found)


def is_open(address: Address) -> bool:
    """Whether an address is global unicast, seen through IPv4-mapped, NAT64 and 6to4 wrappings."""
    inner = _unwrapped(address)
    if inner.is_multicast or not inner.is_global:
        return False
    if isinstance(inner, ipaddress.IPv6Address) and inner not in _GLOBAL_UNICAST_V6:
        return False
    return not any(inner in network for network in _CLOSED if network.version == inner.version)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its own name or a plain address literal."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult:
    code, message = (
        "base_url_invalid",
        phrase("the base URL must be a plain address such as https://host"),
    )
    try:
        parts = urlsplit(url.strip())
        port_is_number = parts.port is None or parts.port > 0
    except ValueError as exc:
        raise HostNotAllowed(code, message) from exc
    plain = parts.scheme in {"http", "https"} and "@" not in parts.netloc and port_is_number
    bare = parts.path in {"", "/"} and not parts.query and not parts.fragment
    if not (plain and bare and is_host(parts.hostname or "")):
        raise HostNotAllowed(code, message)
    return parts


def _port(parts: SplitResult) -> int | None:
    """The port as far as it says more than the scheme."""
    return None if (parts.scheme, parts.port) == ("https", _HTTPS_PORT) else parts.port


def is_host(host: str) -> bool:
    """Whether a text has the form of a host name or of an IPv6 address, without brackets."""
    if len(host) <= _LONGEST_HOST and _HOSTNAME.fullmatch(host):
        return True
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


def _on_list(host: str, patterns: Iterable[str]) -> bool:
    return any(_matches(host, pattern.lower()) for pattern in patterns)


def _matches(host: str, pattern: str) -> bool:
    if pattern == ANYWHERE:
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _names(entry: str, address: Address) -> bool:
    host = urlsplit(f"//{entry}").hostname if entry.count(":") <= 1 or "[" in entry else entry
    try:
        return ipaddress.ip_address(host or "") == address
    except ValueError:
        return False


def _resolved(host: str, port: int) -> Sequence[str]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        message = "the host's name does not resolve"
        raise HostUnknown(message) from exc
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
