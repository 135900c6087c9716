"""The chat adapter: a message is one POST to a room's incoming webhook, whose address is secret."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from adapters import webhooks
from adapters.chat.kinds import KINDS, is_host, put
from adapters.chat.traits import TRAITS
from adapters.errors import OutcomeUnknown, ReconnectNeeded, Throttled
from adapters.http import Wire
from adapters.out import Reply
from adapters.recordless import Recordless
from adapters.traits import Traits
from adapters.values import Account, Identity, Message, Outcome, Status
from schemas.fields import Entity

GREETING = "Answerback is connected to this room."
# The webhook was deleted, its room archived, or it was never one.
GONE = frozenset({401, 403, 404, 410})


class Chat(Recordless):
    """One room."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        del entities
        self._kind = KINDS[str(account.settings["kind"])]
        self._room = str(account.settings.get("room") or "")
        self._url, self._wire = account.token, wire

    def probe(self) -> Identity:
        """The port's `probe`: the room is greeted, so that somebody sees where messages go."""
        host = urlsplit(self._url).hostname or ""
        if not is_host(self._kind, host):
            message = "webhooks of this kind of chat have another host"
            raise ReconnectNeeded(message, code="host_not_allowed")
        refused = self._posted("", GREETING)
        if refused is not None:
            message = f"the chat answered {refused}"
            raise ReconnectNeeded(message, code="key_refused")
        digest = hashlib.sha256(self._url.encode()).hexdigest()[:12]
        return Identity(account_id=host, account_name=self._room or host, user_id=digest)

    def tell(self, message: Message) -> Outcome:
        """The port's `tell`."""
        refused = self._posted(message.title, message.text)
        if refused is None:
            return Outcome(message.key, Status.WRITTEN, remote_id=message.id, created=True)
        text = f"the chat answered {refused}"
        return Outcome(message.key, Status.REJECTED, code="message_refused", message=text)

    def _posted(self, title: str, text: str) -> int | None:
        """None where the chat has taken it, else the status of its refusal."""
        body = json.dumps(put(self._kind, title, text), ensure_ascii=False).encode()
        kind = {"Content-Type": "application/json; charset=utf-8"}
        reply = webhooks.post(self._wire, self._url, body, kind)
        _judge(reply)
        return None if 200 <= reply.status < 300 else reply.status


def _judge(reply: Reply) -> None:
    if reply.status in GONE:
        message = f"the chat answered {reply.status}: its webhook is gone"
        raise ReconnectNeeded(message, code="room_gone")
    if reply.status in {429, 503}:
        message = "the chat asked for a pause"
        raise Throttled(message, wait_s=webhooks.wait_of(reply))
    if reply.status >= 500:
        message = f"the chat answered {reply.status}"
        raise OutcomeUnknown(message, code="crm_failed")
