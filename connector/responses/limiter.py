"""How fast one account may be called: a sliding window shared by every process, in Redis.

Redis is disposable here too. For one window after it was emptied nobody knows what was sent before:
all together then hold themselves to a quarter of the rate, and what they send counts in the full
window that follows. While it is away each process holds itself to a quarter.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import redis
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from adapters.traits import RatePolicy
from connector.responses.purse import Purse

MARGIN = 0.98
ALONE = 0.25
EPOCH_KEY = "rq:ab:limiter-epoch"
# Longer than any window: whoever finds the key younger than its window does not trust the counts.
EPOCH_TTL_S = 86_400
# A pause is told to the calls of waves that run already, which end with their lease; whoever claims
# later sees it in the database.
PAUSE_KEY, LONGEST_PAUSE_S = "rq:ab:pause:", 60.0
# Somebody waits in front of a screen for the next place in the rate. Longer than the wait it was
# told, so that it is the first to ask when the place comes free.
URGENT_KEY, URGENT_MARGIN_S = "rq:ab:urgent:", 0.3


@dataclass(frozen=True, slots=True)
class Allowance:
    """One account's policies, as this installation may use them. `share` is its part of the
    rate.
    """

    account: str
    policies: tuple[RatePolicy, ...]
    share: float = 1.0

    def applying(self, kind: str | None) -> Iterable[RatePolicy]:
        """The policies that a call of this kind counts against."""
        return (one for one in self.policies if one.kind in (None, kind))


class Limiter:
    """Asked before every call. One per process; threads may share it."""

    def __init__(self, redis_url: str) -> None:
        timeouts: dict[str, Any] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
        self._redis = redis.Redis.from_url(redis_url, **timeouts)
        url = redis_url.replace("unix://", "redis+unix://", 1)
        self._by_all = MovingWindowRateLimiter(cast(Storage, storage_from_string(url, **timeouts)))
        self._by_me = MovingWindowRateLimiter(MemoryStorage())
        self._alone_until = 0.0
        self.purse = Purse(self._redis)

    def wait_s(self, allowance: Allowance, kind: str | None) -> float:
        """0.0 when the call may go now (it is counted), else the seconds until it may ask again."""
        return self.own_wait_s(allowance, kind) or self._wait_s(allowance, kind)

    def own_wait_s(self, allowance: Allowance, kind: str | None) -> float:
        """For how many seconds calls of this kind alone have no place; nothing is counted."""
        own = [one for one in allowance.policies if one.kind is not None and one.kind == kind]
        return max((self._ask(allowance, one, only=True) for one in own), default=0.0)

    def _wait_s(self, allowance: Allowance, kind: str | None) -> float:
        waits = [self._ask(allowance, one) for one in allowance.applying(kind)]
        return max(waits, default=0.0)

    def pause(self, account: str, wait_s: float) -> None:
        """The CRM asked to be left alone: every process hears it before its next call."""
        lasts_ms = round(min(LONGEST_PAUSE_S, wait_s) * 1000)
        if lasts_ms > 0:
            with contextlib.suppress(redis.RedisError):
                self._redis.set(PAUSE_KEY + account, 1, px=lasts_ms)

    def paused_s(self, account: str) -> float:
        """For how many seconds the account is to be left alone; 0.0 when it is not, or Redis
        cannot say.
        """
        return self._left_s(PAUSE_KEY + account)

    def _left_s(self, key: str) -> float:
        if time.monotonic() < self._alone_until:
            return 0.0
        try:
            return max(0.0, float(self._redis.pttl(key)) / 1000)
        except redis.RedisError:
            self._leave_alone()
            return 0.0

    def go_first(self, account: str, wait_s: float) -> None:
        """Somebody who waits in front of a screen found no place for `wait_s` seconds: everybody
        else lets the next one pass.
        """
        with contextlib.suppress(redis.RedisError):
            lasts_ms = round((wait_s + URGENT_MARGIN_S) * 1000)
            self._redis.set(URGENT_KEY + account, 1, px=lasts_ms)

    def gone_first(self, account: str) -> None:
        """It has its place: the others go on."""
        with contextlib.suppress(redis.RedisError):
            self._redis.delete(URGENT_KEY + account)

    def yields_s(self, account: str) -> float:
        """For how many seconds others let somebody urgent pass; 0.0 when nobody is, or Redis cannot
        say.
        """
        return self._left_s(URGENT_KEY + account)

    def trust_counts(self) -> None:
        """Begin to count at once: for whoever knows that nobody has called for longer than a
        window.
        """
        with contextlib.suppress(redis.RedisError):
            self._redis.set(EPOCH_KEY, 0, nx=True, ex=EPOCH_TTL_S)

    def _ask(self, allowance: Allowance, policy: RatePolicy, *, only: bool = False) -> float:
        asked = partial(_looked if only else _asked, allowance=allowance, policy=policy)
        if time.monotonic() >= self._alone_until:
            try:
                return self._asked_all(asked, policy)
            except redis.RedisError:
                self._leave_alone()
        return asked(self._by_me, part=ALONE)

    def _asked_all(self, asked: Callable[..., float], policy: RatePolicy) -> float:
        if not self._is_young(policy.per_s):
            return asked(self._by_all, part=MARGIN)
        # Counted apart, and in the full window too: it must not open on top of what was sent young.
        return asked(self._by_all, part=ALONE, window="young") or asked(self._by_all, part=MARGIN)

    def _leave_alone(self) -> None:
        """Not asked again for two seconds: a dead Redis must not cost a timeout per call."""
        self._alone_until = time.monotonic() + 2

    def _is_young(self, window_s: int) -> bool:
        """Whether the shared counts began less than a window ago, so that older calls are missing
        in them.
        """
        now = time.time()
        self._redis.set(EPOCH_KEY, now, nx=True, ex=EPOCH_TTL_S)
        born = self._redis.get(EPOCH_KEY)
        return born is None or now - float(born) < window_s


def _asked(
    limiter: MovingWindowRateLimiter,
    *,
    allowance: Allowance,
    policy: RatePolicy,
    part: float,
    window: str = "full",
) -> float:
    """0.0 when there was a place, which is taken; else how long until there is one."""
    item, key = _named(allowance, policy, part=part, window=window)
    return 0.0 if limiter.hit(item, *key) else _until(limiter, item, key)


def _looked(
    limiter: MovingWindowRateLimiter,
    *,
    allowance: Allowance,
    policy: RatePolicy,
    part: float,
    window: str = "full",
) -> float:
    """As `_asked`, and no place is taken."""
    item, key = _named(allowance, policy, part=part, window=window)
    return 0.0 if limiter.test(item, *key) else _until(limiter, item, key)


def _named(
    allowance: Allowance, policy: RatePolicy, *, part: float, window: str
) -> tuple[RateLimitItem, tuple[str, ...]]:
    item = _item(policy, part * allowance.share)
    return item, (allowance.account, policy.kind or "all", window)


def _until(limiter: MovingWindowRateLimiter, item: RateLimitItem, key: tuple[str, ...]) -> float:
    reset_at = limiter.get_window_stats(item, *key).reset_time
    return max(0.05, min(float(item.get_expiry()), reset_at - time.time()))


def _item(policy: RatePolicy, part: float) -> RateLimitItem:
    return _Window(max(1, math.floor(policy.calls * part)), policy.per_s)


class _Window(RateLimitItemPerSecond):
    """Counted under one name whatever the rate: what an account's answers have taught must not
    open a second window on top of the first.
    """

    def key_for(self, *identifiers: bytes | str | float) -> str:
        return "/".join([self.namespace, *map(str, identifiers), f"{self.get_expiry()}s"])
