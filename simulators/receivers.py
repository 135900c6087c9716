"""Who is told of a response: a customer's own system that takes signed webhooks, and a chat room.

The receiver checks what the Standard Webhooks specification (1.0.0) asks of one: the signature over
id, time and raw body, the time within five minutes, and the id to tell a repeat from a new message.
The room is Mattermost's incoming webhook (developer documentation, 2026-11).
"""

from __future__ import annotations

import base64
import hmac
from typing import Any, ClassVar

from simulators.kit.messages import Answer, Request
from simulators.kit.simulator import Simulator, route

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLDEST_S = 300
LONGEST_POST = 16_383


class Receiver(Simulator):
    """`secrets`: those that may have signed. Repeats of an id are answered 200 and kept apart."""

    name = "receiver"
    defaults: ClassVar[dict[str, Any]] = {"secrets": [SECRET]}

    def set_up(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.repeats: list[str] = []

    def records(self) -> dict[str, Any]:
        """The messages in their order, and the ids that came again."""
        return {"messages": self.messages, "repeats": self.repeats}

    def throttled(self, request: Request, wait_s: float) -> Answer:
        del request
        return Answer(429, None, {"Retry-After": str(int(wait_s))})

    @route("POST", r"/hooks/[^/]+", kind="write")
    def hook(self, request: Request) -> Answer:
        """401 for what is not signed or too old, 400 for what is no event."""
        if not self._is_signed(request):
            return Answer(401, {"error": "signature"})
        told, message_id = request.json(), request.headers["webhook-id"]
        if not isinstance(told, dict) or {"type", "timestamp", "data"} - set(told):
            return Answer(400, {"error": "no event"})
        if any(one["id"] == message_id for one in self.messages):
            self.repeats.append(message_id)
        else:
            self.messages.append({"id": message_id, **told})
        return Answer(200, {})

    def _is_signed(self, request: Request) -> bool:
        told = [request.headers.get(f"webhook-{one}", "") for one in ("id", "timestamp")]
        stamp, offered = told[1], request.headers.get("webhook-signature", "").split()
        if not all(told) or not stamp.isdigit() or abs(self.clock.now() - int(stamp)) > OLDEST_S:
            return False
        text = ".".join(told).encode() + b"." + request.body
        return any(
            hmac.compare_digest(f"v1,{_signature(one, text)}", each)
            for one in self.options["secrets"]
            for each in offered
        )


def _signature(secret: str, text: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.digest(key, text, "sha256")).decode()


class Room(Simulator):
    """A chat room behind an incoming webhook; `tokens`: the hooks there are."""

    name = "room"
    defaults: ClassVar[dict[str, Any]] = {"tokens": ["room-token-1234567890abcde"]}

    def set_up(self) -> None:
        self.posts: list[dict[str, Any]] = []

    def records(self) -> dict[str, Any]:
        """What was posted, in order."""
        return {"posts": self.posts}

    @route("POST", r"/hooks/(?P<token>[^/]+)", kind="write")
    def post(self, request: Request) -> Answer:
        """Needs a text that is not too long, under a hook that exists."""
        told = request.json()
        if request.params["token"] not in self.options["tokens"]:
            return Answer(404, {"id": "web.incoming_webhook.invalid.app_error"})
        text = told.get("text") if isinstance(told, dict) else None
        if not text or len(text) > LONGEST_POST:
            return Answer(400, {"id": "web.incoming_webhook.text.app_error"})
        self.posts.append(told)
        return Answer(200, "ok", content_type="text/plain")
