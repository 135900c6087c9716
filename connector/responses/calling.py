"""Calls the CRM for one wave: makes the adapter, refreshes its token once, keeps to the rate, the
lease and the stop.

The wire's hook is asked before every call of an SDK. It refuses a call inside a transaction (a bug
of ours), a call that might outlive the lease, and any call once the process was asked to stop;
then it waits for its place in the rate.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from adapters.base import CRM
from adapters.calls import Watch, unwatched
from adapters.errors import AdapterError, Throttled, TokenExpired, TryLater, asking
from adapters.http import Wire
from adapters.registry import adapter_for
from connector import stopping
from connector.connections import quota
from connector.connections.budget import Budget
from connector.connections.desk import Desk
from connector.connections.ear import Ear
from connector.connections.parking import reconnect_needed
from connector.connections.tokens import Reached, reach
from connector.connections.wayout import Outward
from connector.db import refuse_inside_transaction
from connector.failpoints import failpoint
from connector.responses.failures import HandBack, Queued, Trouble
from connector.responses.limiter import Allowance, Limiter
from connector.responses.meter import Meter
from connector.responses.schedule import FIRST_PAUSE_S
from schemas.fields import Entity
from schemas.priority import Priority

Answer = TypeVar("Answer")
Part = TypeVar("Part")

# Longer waits for a place in the rate are not slept but given back to the outbox; a person is told.
LONGEST_NAP_S = 5.0
# Others look again so often whether somebody urgent has passed.
YIELD_S = 0.1
ROUND_TRIP_S = 0.15
MOST_IN_FLIGHT = 8


@dataclass(slots=True)
class Caller:
    """One wave's way to one CRM account. `ends_at` is the monotonic time at which the lease
    ends; `watch` sees each call before it leaves.
    """

    desk: Desk
    workspace_id: int
    connection_id: int
    limiter: Limiter
    monotonic: Callable[[], float]
    ends_at: float
    call_deadline_s: float
    rate_share: float
    entities: Mapping[str, Entity]
    reached: Reached
    budget: Budget = field(default_factory=Budget)
    priority: Priority = Priority.LIVE
    watch: Watch = unwatched
    phase: str = "read"
    calls: int = 0
    trouble: Trouble = field(default_factory=Trouble)
    meter: Meter = field(init=False)
    _queued: Counter[str] = field(default_factory=Counter)
    _stands_first: bool = False
    _adapters: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        ear = Ear(self.reached.profile.app, self.reached.profile.learnt)
        self.meter = Meter(self.reached, self.budget, self.limiter.purse, ear)

    def call(self, work: Callable[[CRM], Answer]) -> Answer:
        """The answer of `work(adapter)`; a refused token is refreshed once and the work done
        again. When the CRM asks for a pause, every process hears of it.
        """
        began = self.monotonic()
        try:
            answer = self._called(work)
        except HandBack:
            raise
        except Throttled as exc:
            self.pause(exc.wait_s)
            raise
        except AdapterError:
            self.trouble.hung |= self.monotonic() - began > self.call_deadline_s / 2
            raise
        self.trouble.went_well()
        return answer

    def ask(self, question: Callable[[CRM], Answer]) -> Answer:
        """As `call`, for what changes nothing at the CRM: never OutcomeUnknown."""
        try:
            return self.call(question)
        except TryLater as exc:
            raise asking(exc) from exc.__cause__

    def pause(self, wait_s: float | None) -> None:
        """The CRM asked to be left alone; None: it did not say for how long."""
        self.limiter.pause(self._allowance().account, FIRST_PAUSE_S if wait_s is None else wait_s)

    def _called(self, work: Callable[[CRM], Answer]) -> Answer:
        reached = self.reached
        try:
            return work(self._adapter(reached))
        except TokenExpired:
            fresh = self._refreshed(reached)
        try:
            return work(self._adapter(fresh))
        except TokenExpired as exc:
            raise reconnect_needed(code="token_refused") from exc

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Calls in here change the CRM: the exact kill points of the fault tests look at it."""
        self.phase = "write"
        try:
            yield
        finally:
            self.phase = "read"

    def each(self, parts: Iterable[Part], work: Callable[[Part], None]) -> None:
        """Work on every part, several at a time as the account's rate allows."""
        waiting: Sequence[Part] = list(parts)
        at_once = min(self._in_flight(), len(waiting))
        if at_once <= 1:
            for part in waiting:
                work(part)
            return
        with ThreadPoolExecutor(at_once) as pool:
            # list() so that an exception of a part is raised here, after the others have ended.
            list(pool.map(work, waiting))

    def _in_flight(self) -> int:
        policies = quota.rates(self.reached.profile, self.budget)
        rate = min((one.calls / one.per_s for one in policies if one.kind is None), default=10.0)
        return min(MOST_IN_FLIGHT, math.ceil(rate * ROUND_TRIP_S) + 1)

    def _refreshed(self, seen: Reached) -> Reached:
        with self._lock:
            if self.reached.version == seen.version:
                self.reached = self._renewed(seen.version)
            return self.reached

    def _renewed(self, seen_version: int) -> Reached:
        """A newer token than the refused one. While none can be had nothing can be sent, which is
        no attempt of any delivery.
        """
        try:
            return reach(
                self.desk, self.workspace_id, self.connection_id, seen_version=seen_version
            )
        except TryLater as exc:
            raise Throttled(str(exc), wait_s=exc.wait_s, code=exc.code) from exc

    def _adapter(self, reached: Reached) -> CRM:
        """This thread's adapter for this token: SDK clients are not shared between threads."""
        held = getattr(self._adapters, "held", None)
        if held is None or held[0] != reached.version:
            held = reached.version, self._made(reached)
            self._adapters.held = held
        adapter: CRM = held[1]
        return adapter

    def _made(self, reached: Reached) -> CRM:
        wire = Wire(
            connect_s=min(3.0, self.call_deadline_s),
            total_s=self.call_deadline_s,
            read_s=min(10.0, self.call_deadline_s),
            before=self._before,
            answered=self._answered,
            out=Outward(self.desk.allowed, self.call_deadline_s),
            watch=self.watch,
        )
        return adapter_for(reached.profile.app)(reached.account, wire, self.entities)

    def _before(self, kind: str | None) -> None:
        refuse_inside_transaction()
        allowance = self._allowance()
        # The wave ends there: its rows go on when the pause is over.
        if paused_s := self.limiter.paused_s(allowance.account):
            raise HandBack(wait_s=paused_s)
        while (wait_s := self._refused_for(allowance, kind)) > 0:
            if wait_s > LONGEST_NAP_S:
                raise self._no_place(allowance, kind, wait_s)
            stopping.wait(wait_s)
        # Last: what is taken from the day is sent.
        self.meter.take()

    def _no_place(self, allowance: Allowance, kind: str | None, wait_s: float) -> HandBack:
        """Where only the kind's own limit is used up, its calls come back one after the other, as
        fast as that limit lets them.
        """
        own = [one for one in allowance.policies if one.kind is not None and one.kind == kind]
        if not own or self.limiter.own_wait_s(allowance, kind) == 0:
            return HandBack(wait_s=wait_s)
        slowest = min(one.calls / one.per_s for one in own) * self.rate_share
        with self._lock:
            self._queued[str(kind)] += 1
            before = self._queued[str(kind)] - 1
        return Queued(wait_s=wait_s + before / slowest)

    def _refused_for(self, allowance: Allowance, kind: str | None) -> float:
        if stopping.is_stopping():
            raise HandBack(wait_s=0)
        if self.ends_at - self.monotonic() < self.call_deadline_s:
            # A call that outlives the lease could be repeated by another worker while it runs.
            raise HandBack(wait_s=0)
        if self.priority is Priority.INTERACTIVE:
            return self._urgently(allowance, kind)
        return min(YIELD_S, self.limiter.yields_s(allowance.account)) or self.limiter.wait_s(
            allowance, kind
        )

    def _urgently(self, allowance: Allowance, kind: str | None) -> float:
        """A person waits for this call: the next free place is its own."""
        wait_s = self.limiter.wait_s(allowance, kind)
        if 0 < wait_s <= LONGEST_NAP_S:
            self.limiter.go_first(allowance.account, wait_s)
            self._stands_first = True
        elif self._stands_first:
            self.limiter.gone_first(allowance.account)
            self._stands_first = False
        return wait_s

    def _allowance(self) -> Allowance:
        policies = quota.rates(self.reached.profile, self.budget)
        return Allowance(self.meter.account, policies, self.rate_share)

    def _answered(self, _status: int, headers: Mapping[str, str]) -> None:
        with self._lock:
            self.calls += 1
        self.meter.answered(headers)
        if self.phase == "write":
            failpoint("crm_sent")
