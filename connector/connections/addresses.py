"""Looks again, before each use, whether a connection's own base URL may still be called."""

from urllib.parse import urlsplit

from adapters.errors import ReconnectNeeded, TryLater
from connector.connections.desk import Desk
from connector.connections.hosts import (
    AllowedHosts,
    HostNotAllowed,
    HostUnknown,
    allowed_origin,
    open_addresses,
)
from connector.connections.profile import Profile


def check(desk: Desk, profile: Profile) -> None:
    """Nothing, when the base URL leads where it may. An app's own hosts are not looked up.

    Raises ReconnectNeeded when it does not any more (the operator's list or the name's addresses
    have changed since it was saved), TryLater when the name does not resolve.
    """
    if profile.base_url is None or _is_own(profile.base_url, profile):
        return
    parts = urlsplit(profile.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        allowed_origin(profile.base_url, own_hosts=profile.traits.hosts, allowed=desk.allowed)
        open_addresses(str(parts.hostname), port, allowed=desk.allowed)
    except HostNotAllowed as exc:
        raise ReconnectNeeded(str(exc), code=exc.code) from exc
    except HostUnknown as exc:
        raise TryLater(str(exc), code="host_unknown") from exc


def _is_own(base_url: str, profile: Profile) -> bool:
    try:
        allowed_origin(base_url, own_hosts=profile.traits.hosts, allowed=AllowedHosts())
    except HostNotAllowed:
        return False
    return True
