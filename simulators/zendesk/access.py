"""Who may call, and how often: tokens, scopes, the account's rate, single limits."""

from __future__ import annotations

import base64
import binascii
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from simulators.kit.messages import Request
from simulators.kit.quota import SlidingWindow
from simulators.zendesk.refusals import missing_scope, no_basic, throttled

PLANS = {
    "team": 200,
    "growth": 400,
    "professional": 400,
    "enterprise": 700,
    "enterprise_plus": 2500,
}
MINUTE_S = 60
# Updates of tickets an account may make in a minute: (plans, the high volume plan), by the vendor's
# page of the tickets API. Sandboxes and trials have the lower of each.
TICKET_UPDATES = {False: (100, 300), True: (20, 100)}
TICKETS_TOLD = "Number of allowed ticket update requests per minute exceeded"
PER_USER_TOLD = "Number of allowed user update requests per minute exceeded"


class Limits:
    """The sliding windows of one account."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.account = SlidingWindow(self.rate, MINUTE_S)
        self.incremental = SlidingWindow(10, MINUTE_S)
        self.tickets = SlidingWindow(self.ticket_rate, MINUTE_S)
        self._own: dict[object, SlidingWindow] = defaultdict(self._per_user)

    @property
    def rate(self) -> int:
        """Calls a minute: the option `rate`, else the plan's."""
        return int(self.options["rate"] or PLANS[self.options["plan"]])

    @property
    def ticket_rate(self) -> int:
        """Updates of tickets a minute: the option `ticket_rate`, else the plan's."""
        usual, high = TICKET_UPDATES[bool(self.options["sandbox"])]
        by_plan = high if self.options["plan"] == "enterprise_plus" else usual
        return int(self.options["ticket_rate"] or by_plan)

    def take_ticket(self, now: float) -> dict[str, str]:
        """Count one update of a ticket; what the answer tells of that. Raises 429."""
        self.tickets.limit = self.ticket_rate
        taken = self.tickets.take(now)
        wait_s = max(1, math.ceil(self.tickets.wait_s(now)))
        left = self.tickets.remaining(now)
        resets = max(1, math.ceil(MINUTE_S - now % MINUTE_S)) if taken else wait_s
        told = f"total={self.ticket_rate}; remaining={left}; resets={resets}"
        headers = {"zendesk-ratelimit-tickets-update": told}
        if not taken:
            raise throttled(wait_s, TICKETS_TOLD, headers)
        return headers

    def take(self, now: float) -> None:
        """Count one call of the account. Raises 429."""
        self.account.limit = self.rate
        if not self.account.take(now):
            raise throttled(max(1, math.ceil(self.account.wait_s(now))))

    def take_own(self, key: object, now: float) -> None:
        """Count one update of a single user. Raises 429."""
        window = self._own[key]
        window.limit = int(self.options["per_user_rate"])
        if not window.take(now):
            raise throttled(max(1, math.ceil(window.wait_s(now))), PER_USER_TOLD)

    def take_incremental(self, now: float) -> None:
        """Count one incremental export: ten a minute. Raises 429."""
        if not self.incremental.take(now):
            raise throttled(max(1, math.ceil(self.incremental.wait_s(now))))

    def headers(self, now: float) -> dict[str, str]:
        """What every answer tells of the account's rate."""
        left = str(self.account.remaining(now))
        resets = str(max(1, math.ceil(MINUTE_S - now % MINUTE_S)))
        return {
            "X-Rate-Limit": str(self.rate),
            "X-Rate-Limit-Remaining": left,
            "ratelimit-limit": str(self.rate),
            "ratelimit-remaining": left,
            "ratelimit-reset": resets,
        }

    def _per_user(self) -> SlidingWindow:
        return SlidingWindow(int(self.options["per_user_rate"]), MINUTE_S)


def basic_user(request: Request, api_tokens: Mapping[str, str]) -> str | None:
    """The e-mail of `email/token:token`, None if the call is not Basic. Raises 401."""
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, token = base64.b64decode(told, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise no_basic() from exc
    email, _, marker = name.rpartition("/")
    if marker != "token" or not token or api_tokens.get(email) != token:
        raise no_basic()
    return email


def check_scope(scopes: Iterable[str], path: str, method: str) -> None:
    """Raises 403 unless a scope allows this: `read`, `write` or the resource's own."""
    verb = "read" if method == "GET" else "write"
    wanted = f"{_resource(path)}:{verb}"
    if not {verb, wanted} & set(scopes):
        raise missing_scope(wanted)


def _resource(path: str) -> str:
    if "/custom_objects" in path:
        return "custom_objects"
    # Which scope uploads need is unverified: files belong to tickets.
    if "/tickets" in path or "/ticket_fields" in path or "/uploads" in path:
        return "tickets"
    return "organizations" if "/organization" in path else "users"
