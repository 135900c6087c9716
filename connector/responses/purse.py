"""The day's calls of an account, counted down by every process together, to the call.

What a CRM tells lags behind: calls are on their way in other threads and processes. So each call is
taken from a count in Redis before it is sent, and what an answer tells only ever lowers that count
(less what is on its way), until it is taken anew from an answer once a minute. While Redis is away
a process counts its own calls by what its own answers tell.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import redis

from connector.log import get_logger

KEY = "rq:ab:day:"
# Once a minute the count may rise again: a new day, or yesterday's calls sliding out.
ANEW_S = 60
# Without a call for so long nothing is on its way any more (a call has 20 s).
TTL_MS = 120_000

# The fields of the hash: left, flying (calls without an answer yet), since (when left was taken
# from an answer). A call whose process was killed stays flying until the account rests: the count
# is then too low by it, never too high.
TAKE = """
local left = redis.call('HGET', KEYS[1], 'left')
if not left then
  if ARGV[2] == '' then return -1 end
  left = ARGV[2]
  redis.call('HSET', KEYS[1], 'left', left, 'flying', 0, 'since', redis.call('TIME')[1])
end
if tonumber(left) <= tonumber(ARGV[1]) then return 0 end
redis.call('HINCRBY', KEYS[1], 'left', -1)
redis.call('HINCRBY', KEYS[1], 'flying', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
TOLD = """
local flying = math.max(0, tonumber(redis.call('HGET', KEYS[1], 'flying') or '0') - 1)
local held = redis.call('HGET', KEYS[1], 'left')
local since = tonumber(redis.call('HGET', KEYS[1], 'since') or '0')
local now = tonumber(redis.call('TIME')[1])
redis.call('HSET', KEYS[1], 'flying', flying)
if ARGV[1] ~= '' then
  local told = tonumber(ARGV[1]) - flying
  if not held or told < tonumber(held) or now - since >= tonumber(ARGV[2]) then
    redis.call('HSET', KEYS[1], 'left', told, 'since', now)
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""


@dataclass(slots=True)
class Purse:
    """One per process; threads may share it."""

    store: redis.Redis
    _own: dict[str, int] = field(default_factory=dict)
    _away_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, account: str, *, floor: int, known: int | None) -> bool:
        """Take one call from the day; False when only the reserve is left.

        `known` is what was last stored of the account, for whoever begins to count; None where
        nothing was: then the first answer will tell.
        """
        if time.monotonic() >= self._away_until:
            try:
                return self._taken(account, floor, known)
            except redis.RedisError as exc:
                self._rest(exc)
        with self._lock:
            left = self._own.get(account, known)
            if left is not None:
                self._own[account] = left - 1
        return left is None or left > floor

    def told(self, account: str, remaining: int | None) -> None:
        """An answer has come; what it told is left, None when it told nothing."""
        with self._lock:
            if remaining is not None:
                self._own[account] = remaining
        if time.monotonic() < self._away_until:
            return
        try:
            said = "" if remaining is None else remaining
            self.store.eval(TOLD, 1, KEY + account, said, ANEW_S, TTL_MS)
        except redis.RedisError as exc:
            self._rest(exc)

    def _taken(self, account: str, floor: int, known: int | None) -> bool:
        said = "" if known is None else known
        # -1: nobody knows yet, so nothing is counted either.
        return int(str(self.store.eval(TAKE, 1, KEY + account, floor, said, TTL_MS))) != 0

    def _rest(self, exc: redis.RedisError) -> None:
        """Not asked again for two seconds: a dead Redis must not cost a timeout per call."""
        self._away_until = time.monotonic() + 2
        get_logger(__name__).warning("quota_not_shared", kind=type(exc).__name__)
