"""How often one key and one address may ask, shared by every web process in Redis.

Each kind of request has a limit a minute of its own: pushing, which is cheap, is not held up by
what is dear (lists, calls to a CRM). A window is a plain minute: one count per key and kind,
however many requests. While Redis is away each process counts for itself, so a push is never
refused because Redis is; Redis that is slow is not waited for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

import redis
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from connector.problems import Code, Refusal

PUSH, READ, LIST, WRITE, CRM, HOOK, CARD, EVENTS, REFUSED = (
    "push",
    "read",
    "list",
    "write",
    "crm",
    "hook",
    "card",
    "events",
    "refused",
)
# Requests a minute: by key; hooks and refusals by address, cards by connection, events by client.
# ANSWERBACK_API_LIMITS changes them; 0 lifts.
LIMITS: Mapping[str, int] = MappingProxyType(
    {
        PUSH: 120_000,
        READ: 12_000,
        LIST: 3_000,
        WRITE: 3_000,
        CRM: 300,
        HOOK: 12_000,
        CARD: 1_200,
        EVENTS: 12_000,
        REFUSED: 1_200,
    }
)
TIMEOUT_S, REST_S = 0.05, 2.0
# Endings of routes that call a CRM; and of what is read and written there while somebody waits.
_LIVE = ("/contacts/<id:contact_id>/fields", "/contacts/<id:contact_id>/forms/<id:form_id>")
_CALLS = (
    "/probe",
    "/fields",
    "/quota",
    "/provisioning",
    "/authorize",
    "/disconnect",
    "/webhooks/<id:webhook_id>/test",
    "/trial",
    "/trial/send",
)


@dataclass(slots=True)
class Gate:
    """One per process; threads may share it."""

    limits: Mapping[str, int]
    redis_url: str | None
    _by_me: FixedWindowRateLimiter = field(
        default_factory=lambda: FixedWindowRateLimiter(MemoryStorage())
    )
    _by_all: FixedWindowRateLimiter | None = None
    _away_until: float = 0.0

    def pass_through(self, kind: str, who: str) -> None:
        """Count one request of this kind. Raises Refusal rate_limited with Retry-After."""
        most = self.limits.get(kind, LIMITS[kind])
        if not most:
            return
        wait_s = self._wait_s(RateLimitItemPerMinute(most), kind, who)
        if wait_s:
            text = f"More than {most} requests of the kind {kind} came within a minute."
            left = f'"{kind}";r=0;t={wait_s}'
            headers = {"Retry-After": str(wait_s), "RateLimit": left}
            raise Refusal(Code.RATE_LIMITED, text, headers=headers)

    def policy(self, kind: str) -> str | None:
        """The limit of a kind as the header RateLimit-Policy tells it; None where there is none."""
        most = self.limits.get(kind, LIMITS.get(kind, 0))
        return f'"{kind}";q={most};w=60' if most else None

    def is_first(self, kind: str, what: str, *, within_s: int) -> bool:
        """Whether nobody has shown this within so many seconds; now somebody has. While Redis is
        away each process remembers for itself.
        """
        return not self._wait_s(RateLimitItemPerSecond(1, within_s), kind, what)

    def is_new(self, kind: str, what: str, *, within_s: int) -> bool:
        """Whether `is_first` would say so; nothing is remembered by asking."""
        item, key = RateLimitItemPerSecond(1, within_s), ("api", kind, what)
        if self.redis_url and time.monotonic() >= self._away_until:
            try:
                return self._shared().test(item, *key)
            except redis.RedisError:
                self._away_until = time.monotonic() + REST_S
        return self._by_me.test(item, *key)

    def _wait_s(self, item: RateLimitItem, kind: str, who: str) -> int:
        if self.redis_url and time.monotonic() >= self._away_until:
            try:
                return _asked(self._shared(), item, kind, who)
            except redis.RedisError:
                self._away_until = time.monotonic() + REST_S
        return _asked(self._by_me, item, kind, who)

    def _shared(self) -> FixedWindowRateLimiter:
        if self._by_all is None:
            url = str(self.redis_url).replace("unix://", "redis+unix://", 1)
            options: dict[str, Any] = {
                "socket_timeout": TIMEOUT_S,
                "socket_connect_timeout": TIMEOUT_S,
            }
            self._by_all = FixedWindowRateLimiter(
                cast(Storage, storage_from_string(url, **options))
            )
        return self._by_all


def _asked(counting: FixedWindowRateLimiter, item: RateLimitItem, kind: str, who: str) -> int:
    """0 when the request may pass, else the whole seconds until the minute is over."""
    key = ("api", kind, who)
    if counting.hit(item, *key):
        return 0
    ends_at = counting.get_window_stats(item, *key).reset_time
    return max(1, min(60, math.ceil(ends_at - time.time())))


def kind_of(method: str, route: str) -> str:
    """The kind of a request by a key."""
    if route.endswith(_LIVE):
        return CRM
    if method in {"GET", "HEAD"}:
        return READ if route.endswith(">") else LIST
    if route.endswith("/responses"):
        return PUSH
    return CRM if route.endswith(_CALLS) else WRITE
