"""The way out to addresses that a customer has given us, as an adapter may use it. Pure.

An adapter of a CRM calls one origin (adapters/http.py). A webhook's receiver, a chat or a mail
server may stand anywhere: there the hub itself goes, because it judges every address first
(connector/connections/wayout.py). Where a Wire has no way out, there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """What the host answered: its status, headers in lower case, and the whole body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class WayOut(Protocol):
    """Judged, pinned and bounded; no redirect is followed."""

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer to one POST, whatever its status.

        Raises ReconnectNeeded where the address may not be called, TryLater where certainly
        nothing was sent, OutcomeUnknown where it may have arrived.
        """
        ...

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of a host, each of which may be called: connect to one of these and no
        other. Raises ReconnectNeeded, TryLater.
        """
        ...
