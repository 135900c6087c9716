"""The webhook adapter: one signed POST a message (adapters/webhooks.py)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

from adapters import webhooks
from adapters.errors import ReconnectNeeded
from adapters.http import Wire
from adapters.recordless import Recordless
from adapters.traits import Traits
from adapters.values import Account, Identity, Message, Outcome, Status
from adapters.webhook.traits import TRAITS
from adapters.webhooks import Hook, Refused
from schemas.fields import Entity

PING = "answerback.ping"


class Webhook(Recordless):
    """One receiver."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        del entities
        former = str(account.settings.get("former_secret") or "")
        secrets = [one for one in (account.token, former) if one]
        self._hook, self._wire = Hook(str(account.settings["url"]), secrets), wire

    def probe(self) -> Identity:
        """The port's `probe`: a ping, which the receiver has to take like any other message."""
        if not all(webhooks.is_key(one) for one in self._hook.secrets):
            message = "a signing secret is whsec_ and 24 to 64 bytes in base64"
            raise ReconnectNeeded(message, code="key_refused")
        try:
            self._send(PING, datetime.fromtimestamp(time.time(), UTC), str(uuid4()), {})
        except Refused as exc:
            raise ReconnectNeeded(str(exc), code=exc.code) from exc
        host = urlsplit(self._hook.url).hostname or ""
        # The path may be the receiver's secret: it is told apart by a digest.
        digest = hashlib.sha256(self._hook.url.encode()).hexdigest()[:12]
        return Identity(account_id=host, account_name=host, user_id=digest)

    def tell(self, message: Message) -> Outcome:
        """The port's `tell`."""
        try:
            self._send(message.event, message.at, message.id, message.told)
        except Refused as exc:
            return Outcome(message.key, Status.RETRY, code=exc.code, message=str(exc))
        return Outcome(message.key, Status.WRITTEN, remote_id=message.id, created=True)

    def _send(self, event: str, at: datetime, message_id: str, told: Mapping[str, object]) -> None:
        moment = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        body = webhooks.body_of(event, moment, told)
        now_s = time.time()
        webhooks.send(self._wire, self._hook, body, message_id=message_id, now_s=now_s)
