"""What an adapter is lent to reach an address that a customer has given: outbound.py, with its
errors in the words of the adapter port.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.errors import OutcomeUnknown, ReconnectNeeded, TryLater
from adapters.out import Reply
from connector.connections import outbound
from connector.connections.hosts import (
    AllowedHosts,
    HostNotAllowed,
    HostUnknown,
    Resolve,
    open_addresses,
)
from connector.connections.outbound import NotReached, Rules, TooLarge
from connector.connections.parking import reconnect_needed

# Nobody reads what a receiver answers beside its status.
MOST_BYTES = 65_536
# Web, and mail: relay, submission, and what providers offer beside it where 25 is closed.
OPEN_PORTS = frozenset({443, 25, 465, 587, 2525})
# Nothing has left us after these.
NOT_SENT = frozenset({"connect_failed", "host_unknown", "tls_failed"})


@dataclass(frozen=True, slots=True)
class Outward:
    """The way out with the operator's list of hosts; `total_s` bounds one call."""

    allowed: AllowedHosts
    total_s: float = 20.0
    resolve: Resolve | None = None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The port's `post`."""
        try:
            answer = outbound.post(
                url, body, headers=headers, rules=self._rules(), resolve=self.resolve
            )
        except HostNotAllowed as exc:
            raise _not_allowed(exc) from exc
        except TooLarge as exc:
            message = "the receiver's answer is too long"
            raise OutcomeUnknown(message, code="body_too_large") from exc
        except NotReached as exc:
            kind = TryLater if exc.code in NOT_SENT else OutcomeUnknown
            raise kind(str(exc), code=exc.code) from exc
        return Reply(answer.status, answer.headers, answer.body)

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The port's `addresses`: on a port of the web or of mail, or what the operator allows."""
        if port not in OPEN_PORTS and not self.allowed.permits(host, port):
            raise reconnect_needed(code="port_not_allowed")
        try:
            return open_addresses(host, port, allowed=self.allowed, resolve=self.resolve)
        except HostNotAllowed as exc:
            raise _not_allowed(exc) from exc
        except HostUnknown as exc:
            raise TryLater(str(exc), code="host_unknown") from exc

    def _rules(self) -> Rules:
        total_s = self.total_s
        return Rules(
            max_bytes=MOST_BYTES,
            allowed=self.allowed,
            total_s=total_s,
            connect_s=min(3.0, total_s),
            read_s=min(10.0, total_s),
        )


def _not_allowed(exc: HostNotAllowed) -> ReconnectNeeded:
    return reconnect_needed(code=exc.code)
