"""How fast one account is called while Redis knows little: after a flush, and when it is away."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

from adapters.traits import RatePolicy
from connector.responses.calling import Caller
from connector.responses.limiter import ALONE, Allowance, Limiter
from connector.settings import Settings
from schemas.priority import Priority


def sent_at_once(limiter: Limiter, allowance: Allowance) -> int:
    """How many calls may go now."""
    gone = 0
    while limiter.wait_s(allowance, None) == 0.0:
        gone += 1
    return gone


def test_jobs_of_one_account_share_the_quarter_after_a_flush(settings: Settings) -> None:
    """Every job is a process of its own, with a memory of its own."""
    policy = RatePolicy(calls=40, per_s=60)
    allowance = Allowance("hubspot:1", (policy,))
    gone = sum(sent_at_once(Limiter(str(settings.redis_url)), allowance) for _ in range(8))
    assert gone == policy.calls * ALONE


def test_without_redis_a_process_keeps_to_a_quarter_of_its_own() -> None:
    limiter = Limiter("redis://127.0.0.1:1/0")
    assert sent_at_once(limiter, Allowance("hubspot:1", (RatePolicy(calls=40, per_s=60),))) == 10


def test_no_window_holds_more_than_the_rate_when_the_young_one_ends(settings: Settings) -> None:
    policy = RatePolicy(calls=20, per_s=2)
    allowance = Allowance("hubspot:2", (policy,))
    limiter = Limiter(str(settings.redis_url))
    began = time.monotonic()
    limiter._is_young(2)
    time.sleep(1.8)
    sent = []
    while time.monotonic() - began < 2.6:
        if limiter.wait_s(allowance, None) == 0.0:
            sent.append(time.monotonic())
        else:
            time.sleep(0.01)
    assert max(sum(1 for one in sent if end - 2 < one <= end) for end in sent) <= policy.calls
    assert len(sent) > policy.calls * ALONE


def test_a_pause_is_told_to_every_process_and_ends(settings: Settings) -> None:
    one, other = Limiter(str(settings.redis_url)), Limiter(str(settings.redis_url))
    one.pause("hubspot:1", 0.2)
    assert 0 < other.paused_s("hubspot:1") <= 0.2
    assert other.paused_s("hubspot:2") == 0
    time.sleep(0.25)
    assert other.paused_s("hubspot:1") == 0


def test_a_pause_that_nobody_can_tell_stops_nothing() -> None:
    limiter = Limiter("redis://127.0.0.1:1/0")
    limiter.pause("hubspot:1", 5.0)
    assert limiter.paused_s("hubspot:1") == 0


class Rated(Caller):
    """A caller of an account with five calls a second."""

    def _allowance(self) -> Allowance:
        return Allowance("hubspot:1", (RatePolicy(calls=5, per_s=1),))


def caller(limiter: Limiter, priority: Priority) -> Caller:
    nobody: Any = None
    reached: Any = SimpleNamespace(profile=SimpleNamespace(app="hubspot", learnt={}))
    return Rated(
        desk=nobody,
        workspace_id=1,
        connection_id=1,
        limiter=limiter,
        monotonic=time.monotonic,
        ends_at=time.monotonic() + 60,
        call_deadline_s=1.0,
        rate_share=1.0,
        entities={},
        reached=reached,
        priority=priority,
    )


def test_the_next_place_is_for_whoever_waits_in_front_of_a_screen(settings: Settings) -> None:
    limiter = Limiter(str(settings.redis_url))
    limiter.trust_counts()
    gone: list[float] = []
    done = threading.Event()

    def deliver() -> None:
        one = caller(Limiter(str(settings.redis_url)), Priority.LIVE)
        while not done.is_set():
            one._before(None)
            gone.append(time.monotonic())

    with ThreadPoolExecutor(6) as pool, ExitStack() as at_last:
        at_last.callback(done.set)
        for _ in range(6):
            pool.submit(deliver)
        for _ in range(3):
            time.sleep(0.4)
            asked = time.monotonic()
            caller(limiter, Priority.INTERACTIVE)._before(None)
            got = time.monotonic()
            # One may have had its place in the very moment in which the person asked.
            assert [at for at in gone if asked + 0.1 < at < got] == []
    assert limiter.yields_s("hubspot:1") == 0
