"""Rows one call at a time: what is done stays done, what could not be sent comes back as retry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from adapters.errors import AdapterError, OutcomeUnknown, Throttled, TryLater
from adapters.values import Note, Outcome, Row, Status, TagChange, Task
from adapters.zendesk.answers import (
    Forbidden,
    RecordBusy,
    RecordGone,
    RowRefused,
    forbidden,
    message_of,
)
from adapters.zendesk.client import reaching

# A record's own limit counts by the minute; where nobody says how much of it is left.
OWN_LIMIT_S = 15.0
T = TypeVar("T", Row, TagChange, Note, Task)


def one_by_one(rows: Sequence[T], act: Callable[[T], Outcome]) -> tuple[Outcome, ...]:
    """One outcome per row, in order.

    A call's fault at the first row is raised. Later the rows before it have been written: their
    outcomes must not be lost, so the fault becomes `retry` for the rest, with its code. Rows after
    the failed one were not sent: `detail` says so, so that no attempt need be burnt for them; and
    whether the CRM asked for a pause.
    """
    outcomes: list[Outcome] = []
    for at, row in enumerate(rows):
        try:
            outcomes.append(_judged(row, act))
        except AdapterError as exc:
            if at == 0:
                raise
            outcomes.append(_put_off(row, exc))
            outcomes.extend(_unsent(one, exc) for one in rows[at + 1 :])
            break
    return tuple(outcomes)


def rejected(key: str, refused: RowRefused) -> Outcome:
    """The outcome of a refused row."""
    return Outcome(
        key,
        Status.REJECTED,
        code=refused.code,
        message=message_of(refused),
        field=refused.field,
    )


def gone(key: str) -> Outcome:
    """The outcome of a row whose record is deleted or merged away."""
    return Outcome(
        key, Status.REJECTED, code="not_found", message="Zendesk has no such record (any more)"
    )


def _judged(row: T, act: Callable[[T], Outcome]) -> Outcome:
    try:
        with reaching():
            return act(row)
    except RowRefused as refused:
        return rejected(row.key, refused)
    except RecordGone:
        return gone(row.key)
    except RecordBusy as exc:
        return _busy(row.key, exc)
    except Forbidden as exc:
        raise forbidden() from exc


def _busy(key: str, exc: RecordBusy) -> Outcome:
    """Only this record has to wait: the others go on, the connection does not pause."""
    detail = {"sent": False, "wait_s": OWN_LIMIT_S if exc.wait_s is None else exc.wait_s}
    message = "Zendesk takes only so many updates of one record in a minute"
    return Outcome(key, Status.RETRY, code="record_throttled", message=message, detail=detail)


def _put_off(row: Row | TagChange | Note | Task, exc: AdapterError) -> Outcome:
    wait_s = exc.wait_s if isinstance(exc, TryLater) else None
    return Outcome(
        row.key,
        Status.RETRY,
        code=exc.code,
        message=str(exc),
        detail={
            "sent": isinstance(exc, OutcomeUnknown),
            "throttled": isinstance(exc, Throttled),
            "wait_s": wait_s,
        },
    )


def _unsent(row: Row | TagChange | Note | Task, exc: AdapterError) -> Outcome:
    wait_s = exc.wait_s if isinstance(exc, TryLater) else None
    detail = {"sent": False, "wait_s": wait_s}
    return Outcome(row.key, Status.RETRY, code="not_sent", message=str(exc), detail=detail)
