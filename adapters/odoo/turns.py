"""Several calls for one batch: what is done stays done, and a refused call is halved.

A call of Odoo is one transaction. Refused because of one record it has changed none, so its rows
are sent again: the good ones together where Odoo names the bad, else in halves until the bad one
stands alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from adapters.errors import AdapterError, OutcomeUnknown, Throttled, TryLater
from adapters.odoo.refusals import RowFault
from adapters.values import Outcome, Status


class Keyed(Protocol):
    """A row, a tag's change or a note: what has a key of ours."""

    @property
    def key(self) -> str: ...


T = TypeVar("T", bound=Keyed)


def in_turn(
    parts: Iterable[Sequence[T]], act: Callable[[Sequence[T]], Sequence[Outcome]]
) -> dict[str, Outcome]:
    """The outcome of each row by its key; `act` is one call.

    A whole call's error at the first call is raised. Later it becomes `retry` for its rows and
    those that were not sent, so that the outcomes before it are not lost.
    """
    done: dict[str, Outcome] = {}
    waiting = deque(parts)
    while waiting:
        rows = waiting.popleft()
        try:
            told = act(rows)
        except RowFault as fault:
            if len(rows) > 1 and (fault.places or not fault.passes):
                waiting.extendleft(reversed(_apart(rows, fault.places)))
                continue
            told = [fault.outcome(one.key) for one in rows]
        except AdapterError as exc:
            if not done:
                raise
            rest = [one for part in waiting for one in part]
            told = [*_put_off(rows, exc), *_unsent(rest, exc)]
            waiting.clear()
        done |= {one.key: one for one in told}
    return done


def _apart(rows: Sequence[T], bad: frozenset[int]) -> list[Sequence[T]]:
    """The good rows and each bad one; halves where nobody knows which they are."""
    alone = [[one] for at, one in enumerate(rows) if at in bad]
    if not alone:
        middle = len(rows) // 2
        return [rows[:middle], rows[middle:]]
    rest = [one for at, one in enumerate(rows) if at not in bad]
    return [*([rest] if rest else []), *alone]


def _put_off(rows: Sequence[T], exc: AdapterError) -> list[Outcome]:
    detail = {
        "sent": isinstance(exc, OutcomeUnknown),
        "throttled": isinstance(exc, Throttled),
        "wait_s": exc.wait_s if isinstance(exc, TryLater) else None,
    }
    return [
        Outcome(one.key, Status.RETRY, code=exc.code, message=str(exc), detail=detail)
        for one in rows
    ]


def _unsent(rows: Sequence[T], exc: AdapterError) -> list[Outcome]:
    wait_s = exc.wait_s if isinstance(exc, TryLater) else None
    detail = {"sent": False, "wait_s": wait_s}
    return [
        Outcome(one.key, Status.RETRY, code="not_sent", message=str(exc), detail=detail)
        for one in rows
    ]
