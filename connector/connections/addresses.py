"""Looks again, before each use, whether a connection's address may still be called."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from adapters.errors import ReconnectNeeded, TryLater
from connector.connections.desk import Desk
from connector.connections.hosts import (
    ANYWHERE,
    AllowedHosts,
    HostNotAllowed,
    HostUnknown,
    allowed_origin,
    open_addresses,
)
from connector.connections.profile import Profile


def check(desk: Desk, profile: Profile) -> None:
    """Nothing, when the address leads where it may. An app's own hosts are not looked up.

    Raises ReconnectNeeded when it does not any more (the operator's list or the name's addresses
    have changed since it was saved), TryLater when the name does not resolve.
    """
    hosts = profile.traits.hosts
    if profile.base_url is not None:
        check_origin(profile.base_url, own_hosts=hosts, allowed=desk.allowed)
    elif profile.traits.base_url and (ANYWHERE in hosts or not hosts):
        # The host is one of the settings: any public one, or one of the operator's list alone. An
        # app without an address of its own is judged where it calls.
        own = profile.traits.base_url.format_map(profile.settings)
        check_origin(own, own_hosts=hosts, allowed=desk.allowed)


def check_origin(url: str, *, own_hosts: Iterable[str], allowed: AllowedHosts) -> None:
    """The same for an address with the patterns of its app."""
    patterns = tuple(own_hosts)
    if _is_own(url, patterns):
        return
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        allowed_origin(url, own_hosts=patterns, allowed=allowed)
        open_addresses(str(parts.hostname), port, allowed=allowed)
    except HostNotAllowed as exc:
        raise ReconnectNeeded(str(exc), code=exc.code) from exc
    except HostUnknown as exc:
        raise TryLater(str(exc), code="host_unknown") from exc


def _is_own(url: str, own_hosts: tuple[str, ...]) -> bool:
    """Whether the app's makers have named the host; that any public one will do names none."""
    named = [one for one in own_hosts if one != ANYWHERE]
    try:
        allowed_origin(url, own_hosts=named, allowed=AllowedHosts())
    except HostNotAllowed:
        return False
    return True
