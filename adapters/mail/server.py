"""One conversation with a mail server: connected to a judged address, encrypted, one deadline for
all of it.

What the server answers becomes the port's errors, by RFC 5321: 4xx comes again, 5xx is for good.
Whatever breaks before the end of the data was certainly not sent; after it nobody knows.
"""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from adapters.calls import Call
from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    ReconnectNeeded,
    TryLater,
)
from adapters.http import Wire, deadline_reader
from adapters.out import WayOut

STARTTLS, TLS, PLAIN = "starttls", "tls", "none"
_CLOSING = 421


class MailRefused(Exception):
    """The server refuses this mail. `comes_again`: it may take it later."""

    def __init__(self, status: int, *, code: str) -> None:
        super().__init__(f"the mail server answered {status}")
        self.code = code
        self.comes_again = status < 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where the mail server is, and who we are there."""

    host: str
    port: int
    security: str
    user: str

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Place:
        """As the admin has filled it in."""
        security = str(settings.get("security") or STARTTLS)
        port = int(settings.get("port") or (465 if security == TLS else 587))
        return cls(str(settings["host"]).lower(), port, security, str(settings.get("user") or ""))


@contextmanager
def signed_in(wire: Wire, place: Place, password: str, *, name: str) -> Iterator[smtplib.SMTP]:
    """A conversation, greeted as `name` and signed in. Raises AdapterError."""
    if wire.out is None:
        message = "there is no way out from here"
        raise BrokenContract(message, code="no_way_out")
    if place.security == PLAIN and place.user:
        message = "a password is not sent without encryption"
        raise ReconnectNeeded(message, code="encryption_needed")
    wire.leave(Call("SMTP", ""))
    server = _Conversation(wire, wire.out, place, name)
    try:
        with _not_sent():
            server.begin(place, password)
        wire.answered(220, {})
        yield server
    finally:
        with suppress(smtplib.SMTPException, OSError, ValueError):
            server.close()


def deliver(server: smtplib.SMTP, sender: str, to: Sequence[str], mail: bytes) -> tuple[str, ...]:
    """Hand one mail over; the addresses that the server did not take, where it took another.

    Raises MailRefused, TryLater (certainly not sent), OutcomeUnknown.
    """
    with _not_sent():
        options = ["SMTPUTF8", "BODY=8BITMIME"] if _is_international(sender, *to) else []
        if options and not server.has_extn("smtputf8"):
            raise MailRefused(553, code="address_refused")
        _check(server.mail(sender, options)[0], code="sender_refused")
        refused = {one: code for one in to if (code := server.rcpt(one)[0]) not in {250, 251}}
        if len(refused) == len(to):
            _check(max(refused.values(), key=lambda code: code < 500), code="address_refused")
        _begin_data(server)
    _check(_ended(server, mail), code="message_refused")
    return tuple(refused)


def _begin_data(server: smtplib.SMTP) -> None:
    status = server.docmd("data")[0]
    if status != 354:
        _check(status, code="message_refused")


def _ended(server: smtplib.SMTP, mail: bytes) -> int:
    """The answer to the end of the data. From here on it may have been taken."""
    lines = [b"." + one if one.startswith(b".") else one for one in mail.splitlines()]
    try:
        server.send(b"\r\n".join([*lines, b"."]) + b"\r\n")
        return server.getreply()[0]
    except (smtplib.SMTPException, OSError) as exc:
        message = "the mail server went silent after the mail"
        raise OutcomeUnknown(message) from exc


def _check(status: int, *, code: str) -> None:
    if status == _CLOSING:
        message = "the mail server is closing"
        raise TryLater(message, code="crm_unavailable")
    if not 200 <= status < 300:
        raise MailRefused(status, code=code)


def _is_international(*addresses: str) -> bool:
    return not all(one.isascii() for one in addresses)


@contextmanager
def _not_sent() -> Iterator[None]:
    """Around everything before the end of a mail's data."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as exc:
        raise _not_let_in(exc.smtp_code) from exc
    except smtplib.SMTPNotSupportedError as exc:
        message = "the mail server offers no encryption, or no way to sign in"
        raise ReconnectNeeded(message, code="encryption_needed") from exc
    except ssl.SSLError as exc:
        message = "the mail server's certificate or TLS failed"
        raise TryLater(message, code="tls_failed") from exc
    except (smtplib.SMTPException, OSError) as exc:
        message = "the mail server could not be reached, or broke off"
        raise TryLater(message, code="connect_failed") from exc


def _not_let_in(status: int) -> AdapterError:
    if status < 500:
        message = f"the mail server answered {status} to the password"
        return TryLater(message, code="crm_busy")
    message = "the mail server refuses the user or the password"
    return ReconnectNeeded(message, code="key_refused")


class _Conversation(smtplib.SMTP):
    """smtplib with our socket: one of the judged addresses, and a deadline for each answer."""

    def __init__(self, wire: Wire, out: WayOut, place: Place, name: str) -> None:
        self._wire, self._out = wire, out
        self._tls = place.security == TLS
        self._ends_at = time.monotonic() + wire.total_s
        # Without a name smtplib would ask the DNS for ours.
        super().__init__(local_hostname=name, timeout=wire.connect_s)

    def begin(self, place: Place, password: str) -> None:
        """Connect, encrypt, sign in. Raises what smtplib does, and AdapterError."""
        # smtplib checks the certificate against the name it was told to connect to.
        self._host = place.host
        status = self.connect(place.host, place.port)[0]
        if status != 220:
            raise smtplib.SMTPConnectError(status, b"")
        if place.security == STARTTLS:
            self.starttls(context=ssl.create_default_context())
        if place.user:
            self.login(place.user, password)
        # A relay that needs neither has not been greeted yet (RFC 5321, 4.1.4).
        self.ehlo_or_helo_if_needed()

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's; a server that drips its answer is not waited for."""
        if getattr(self, "file", None) is None and self.sock is not None:
            read_s = self._wire.read_s
            self.file = io.BufferedReader(deadline_reader(self.sock, self._ends_at, read_s))
        return super().getreply()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        failed: OSError | None = None
        for address in self._out.addresses(host, port):
            try:
                plain = socket.create_connection((address, port), timeout)
            except OSError as exc:
                failed = exc
                continue
            plain.settimeout(self._wire.read_s)
            return self._encrypted(plain, host) if self._tls else plain
        raise failed or OSError

    def _encrypted(self, plain: socket.socket, host: str) -> socket.socket:
        try:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise
