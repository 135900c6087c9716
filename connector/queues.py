"""The doorbell: tells a worker that there is work. Best effort; the database is the truth.

A ring is a job with ids only. It is coalesced by a short-lived key that the job takes away when
it begins, and lost rings cost nothing: the sweep rings again. A drain holds another short-lived key
while it works, so that one slow connection never has more than its own few workers.

While Redis is away nobody waits for it: after a failure it is left alone for two seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from connector import clock
from connector.log import get_logger

QUEUE = "hub"
# Arguments carry a version, so that an old worker hands a newer job back instead of guessing.
VERSION = 1
JOB_TIMEOUT_S, FAILURE_TTL_S = 90, 86_400
# How long a waiting job keeps others of its kind from being rung for, if nobody takes it. A worker
# that dies right after it took one takes the job with it: the sweep must ring again within 2 s.
WAKE_MS = 1_200
# How often a drain says that it is still at work, under a key that lasts as long as a ring's.
AT_WORK_S, BUSY = 0.4, ":busy"
TIMEOUT_S, REST_S = 0.2, 2.0

PLAN, DRAIN, PROVISION = "plan", "drain", "provision"
DRIFT, FETCH, GATHER, LETTERS = "drift", "fetch", "gather", "letters"
ALERT, TELL = "alert", "tell"
BACKFILL, FORGET = "backfill", "forget"


@dataclass(slots=True)
class Doorbell:
    """One per process; threads may share it."""

    redis_url: str
    _silent_until: float = 0.0
    _away_since: float | None = None
    _queue: Queue | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ring(
        self, kind: str, workspace_id: int, connection_id: int = 0, *, number: int = 0
    ) -> bool:
        """Ask for one job of this kind; False when Redis could not be asked or somebody just did.

        `number` tells several drains of one connection apart.
        """
        if clock.monotonic() < self._silent_until:
            return False
        try:
            rung = self._ring(kind, workspace_id, connection_id, number=number)
        except redis.RedisError as exc:
            self._rest(exc)
            return False
        self._away_since = None
        return rung

    def heard(self, kind: str, workspace_id: int, connection_id: int, *, number: int) -> None:
        """The job begins: work that comes from now on must be able to ring again."""
        try:
            self._connected().connection.delete(_key(kind, workspace_id, connection_id, number))
        except redis.RedisError as exc:
            self._rest(exc)

    @contextmanager
    def at_work(
        self, kind: str, workspace_id: int, connection_id: int, *, number: int
    ) -> Iterator[bool]:
        """While inside, nobody is rung for the same. False: somebody is at it already.

        The key is renewed by a thread and ends by itself soon after a kill. Without Redis nobody
        can know of another: True.
        """
        key = _key(kind, workspace_id, connection_id, number) + BUSY
        try:
            mine = bool(self._connected().connection.set(key, 1, nx=True, px=WAKE_MS))
        except redis.RedisError as exc:
            self._rest(exc)
            mine = True
        if not mine:
            yield False
            return
        over = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(key, over), daemon=True)
        renewing.start()
        try:
            yield True
        finally:
            over.set()
            renewing.join()
            with suppress(redis.RedisError):
                self._connected().connection.delete(key)

    def _renew(self, key: str, over: threading.Event) -> None:
        while not over.wait(AT_WORK_S):
            with suppress(redis.RedisError):
                self._connected().connection.set(key, 1, px=WAKE_MS)

    def away_s(self) -> float:
        """For how many seconds Redis has not answered; 0.0 while it does."""
        since = self._away_since
        return 0.0 if since is None else clock.monotonic() - since

    def _ring(self, kind: str, workspace_id: int, connection_id: int, *, number: int) -> bool:
        queue = self._connected()
        key = _key(kind, workspace_id, connection_id, number)
        if queue.connection.exists(key + BUSY):
            return False
        if not queue.connection.set(key, 1, nx=True, px=WAKE_MS):
            return False
        queue.enqueue(
            f"connector.jobs.{kind}",
            args=(VERSION, workspace_id, connection_id, number),
            job_timeout=JOB_TIMEOUT_S,
            result_ttl=0,
            failure_ttl=FAILURE_TTL_S,
        )
        return True

    def waiting(self) -> int:
        """How many jobs nobody has taken yet; 0 when Redis cannot say."""
        try:
            return int(self._connected().count)
        except redis.RedisError as exc:
            self._rest(exc)
            return 0

    def _connected(self) -> Queue:
        with self._lock:
            if self._queue is None:
                connection = redis.Redis.from_url(
                    self.redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
                )
                self._queue = Queue(QUEUE, connection=connection, serializer=JSONSerializer)
            return self._queue

    def _rest(self, exc: redis.RedisError) -> None:
        now = clock.monotonic()
        self._silent_until = now + REST_S
        if self._away_since is None:
            self._away_since = now
            get_logger(__name__).warning("redis_away", kind=type(exc).__name__)


def _key(kind: str, workspace_id: int, connection_id: int, number: int) -> str:
    return f"rq:ab:ring:{kind}:{workspace_id}:{connection_id}:{number}"
