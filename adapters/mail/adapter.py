"""The mail adapter: one mail a message, by the customer's own server.

`Message-ID` stays the same however often a mail is sent, so that a mail program that gets it twice
can tell.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate
from typing import ClassVar

from adapters.http import Wire
from adapters.mail.server import MailRefused, Place, deliver, signed_in
from adapters.mail.traits import TRAITS
from adapters.recordless import Recordless
from adapters.traits import Traits
from adapters.values import Account, Identity, Message, Outcome, Status
from schemas.fields import Entity


class Mail(Recordless):
    """One mail account."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        del entities
        self._place, self._password = Place.of(account.settings), account.token
        self._sender = str(account.settings["sender"])
        self._name = str(account.settings.get("sender_name") or "")
        self._wire = wire

    def probe(self) -> Identity:
        """The port's `probe`: signing in. Nothing is sent: nobody is known who would expect it."""
        with signed_in(self._wire, self._place, self._password, name=self._domain):
            pass
        return Identity(self._sender, self._sender, user_id=self._place.user)

    def tell(self, message: Message) -> Outcome:
        """The port's `tell`."""
        try:
            mail = self._mail(message)
        except (ValueError, MessageError):
            return _refused(message, code="address_refused", text="an address cannot be written")
        try:
            with signed_in(self._wire, self._place, self._password, name=self._domain) as server:
                lost = deliver(server, self._sender, message.to, mail)
        except MailRefused as exc:
            status = Status.RETRY if exc.comes_again else Status.REJECTED
            return _refused(message, code=exc.code, text=str(exc), status=status)
        # Who was refused among several is said; the others have their mail.
        code = "some_addresses_refused" if lost else ""
        return Outcome(message.key, Status.WRITTEN, message.id, created=True, code=code)

    @property
    def _domain(self) -> str:
        return self._sender.rpartition("@")[2]

    def _mail(self, message: Message) -> bytes:
        mail = EmailMessage(policy=SMTP)
        name, _, domain = self._sender.rpartition("@")
        mail["From"] = Address(self._name, name, domain)
        mail["To"] = ", ".join(message.to)
        mail["Subject"] = " ".join(message.title.split())
        mail["Date"] = formatdate(time.time())
        mail["Message-ID"] = f"<{message.id}@{domain}>"
        # Vacation notices and the like are not to answer (RFC 3834).
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        is_plain = all(one.isascii() for one in (self._sender, *message.to))
        return mail.as_bytes(policy=SMTP if is_plain else SMTPUTF8)


def _refused(
    message: Message, *, code: str, text: str, status: Status = Status.REJECTED
) -> Outcome:
    return Outcome(message.key, status, code=code, message=text)
