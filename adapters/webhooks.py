"""Sends one signed webhook and judges the answer: for actions, and for events to the customer's own
systems alike.

Signed by Standard Webhooks (spec 1.0.0): `webhook-id` stays the same however often a message is
sent, so that its receiver can tell a repeat; the time and the signature are made anew each time.

    2xx             received
    410             the receiver is gone for good: ReconnectNeeded
    429, 503        Throttled, as long as `Retry-After` says
    other 5xx       OutcomeUnknown: it may have been taken
    anything else   Refused: this message is tried again by the schedule, its neighbours go on
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from adapters.calls import Call
from adapters.errors import AdapterError, BrokenContract, OutcomeUnknown, ReconnectNeeded, Throttled
from adapters.http import Wire
from adapters.out import Reply
from schemas.signatures import SCHEMES, key_bytes, signed

STANDARD = SCHEMES["standard"]
# The specification asks for 24 to 64 bytes of key.
LEAST_KEY_BYTES, MOST_KEY_BYTES = 24, 64


class Refused(AdapterError):
    """The receiver does not take this message, or answers from another place."""

    code = "receiver_refused"


@dataclass(frozen=True, slots=True)
class Hook:
    """Where to, and the secrets that sign: two while one replaces another."""

    url: str = field(repr=False)
    secrets: Sequence[str] = field(repr=False)


def body_of(event: str, at: str, told: Mapping[str, Any]) -> bytes:
    """The body of an event by the specification's shape: type, timestamp (ISO 8601, UTC), data."""
    whole = {"type": event, "timestamp": at, "data": told}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def send(wire: Wire, hook: Hook, body: bytes, *, message_id: str, now_s: float) -> None:
    """Deliver one message; a return means that its receiver has answered 2xx."""
    headers = signed(STANDARD, body, secrets=hook.secrets, message_id=message_id, now_s=now_s)
    _judge(post(wire, hook.url, body, {"Content-Type": "application/json", **headers}))


def post(wire: Wire, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    """One POST by the wire's way out; it keeps to the rate, and its answer is told like others."""
    if wire.out is None:
        message = "there is no way out from here"
        raise BrokenContract(message, code="no_way_out")
    wire.leave(Call("POST", urlsplit(url).path, body))
    reply = wire.out.post(url, body, headers)
    wire.answered(reply.status, reply.headers)
    return reply


def is_key(secret: str) -> bool:
    """Whether a text is a signing secret as the specification has them."""
    made = key_bytes(STANDARD, secret)
    return made is not None and LEAST_KEY_BYTES <= len(made) <= MOST_KEY_BYTES


def _judge(reply: Reply) -> None:
    status = reply.status
    if 200 <= status < 300:
        return
    if status == 410:
        message = "the receiver says that it is gone"
        raise ReconnectNeeded(message, code="receiver_gone")
    if status in {429, 503}:
        message = "the receiver asked for a pause"
        raise Throttled(message, wait_s=wait_of(reply), code="receiver_busy")
    if status >= 500:
        message = f"the receiver answered {status}"
        raise OutcomeUnknown(message, code="receiver_failed")
    message = f"the receiver answered {status}"
    raise Refused(message)


def wait_of(reply: Reply) -> float | None:
    """Seconds of `Retry-After`; None where it says none, or a date."""
    told = reply.headers.get("retry-after", "").strip()
    return float(told) if re.fullmatch(r"\d{1,6}", told) else None
