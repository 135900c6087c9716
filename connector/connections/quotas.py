"""The quota of a connection as an admin sees it: what is left, what waits, when it will be done."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from adapters.errors import AdapterError
from adapters.usage import UsageTeller
from connector import clock
from connector.connections import quota
from connector.connections.budget import Budget
from connector.connections.desk import Desk
from connector.connections.discover import ask
from connector.connections.forecast import Pace, forecast, in_words
from connector.connections.profile import load
from connector.connections.refusals import refusal_of
from schemas.priority import Priority

# Enough to say how long it takes, whatever lies in the queue.
MOST_COUNTED = 1_000_000


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the store knows of a connection's calls."""

    budget: Budget
    waiting: Mapping[str, int]
    pace: Pace | None
    resume_at: datetime | None
    timezone: str


def shown(
    connection: Connection, workspace_id: int, connection_id: int, *, share: float
) -> dict[str, Any]:
    """The connection's quota as JSON and in words. `share` is this installation's part of the rate.
    Refusal not_found.
    """
    profile = load(connection, workspace_id, connection_id)
    here = _standing(connection, workspace_id, connection_id, quota.budget(connection, profile))
    now = clock.now()
    rates = quota.rates(profile, here.budget)
    usable = tuple(quota.part_of(one, share) for one in rates)
    begins_at = max(now, here.resume_at) if here.resume_at else now
    found = forecast(
        sum(here.waiting.values()),
        here.pace,
        rates=usable,
        budget=here.budget,
        begins_at=begins_at,
    )
    zone = ZoneInfo(here.timezone)
    return {
        "account": quota.account_of(profile),
        "light": here.budget.light(now),
        "reserve_percent": here.budget.reserve_percent,
        "rate_reserve_percent": here.budget.rate_reserve_percent,
        # When a day that runs low, or is used up, is looked at again.
        "again_at": here.budget.again_at if here.budget.day else None,
        "limits": [quota.limit_shown(one, here.budget) for one in here.budget.seen],
        "rates": [{"calls": one.calls, "per_s": one.per_s, "kind": one.kind} for one in usable],
        "waiting": here.waiting,
        "calls_per_row": here.pace.calls_per_row if here.pace else None,
        "rows_per_s": here.pace.rows_per_s if here.pace else None,
        "forecast": {"calls": found.calls, "done_at": found.done_at},
        "words": in_words(found, here.waiting, here.budget, now=now, zone=zone),
    }


def reach(
    connection: Connection, workspace_id: int, connection_id: int, rows: int, *, share: float
) -> dict[str, Any]:
    """What `rows` more deliveries of a backfill would take: `calls`, None until a wave was
    measured; `calls_left`, what the day has for backfills, None where it has no limit that is
    known; whether the one reaches for the other; and when they would be done, behind what waits.
    Refusal not_found.
    """
    profile = load(connection, workspace_id, connection_id)
    here = _standing(connection, workspace_id, connection_id, quota.budget(connection, profile))
    now = clock.now()
    rates = quota.rates(profile, here.budget)
    usable = tuple(quota.part_of(one, share) for one in rates)
    whole = forecast(
        sum(here.waiting.values()) + rows,
        here.pace,
        rates=usable,
        budget=here.budget,
        begins_at=max(now, here.resume_at) if here.resume_at else now,
    )
    calls = math.ceil(rows * here.pace.calls_per_row) if here.pace else None
    left = _left_for_backfills(here.budget, now)
    reaches = None if calls is None or left is None else calls <= left
    return {"calls": calls, "calls_left": left, "reaches": reaches, "done_at": whole.done_at}


def _left_for_backfills(budget: Budget, now: datetime) -> int | None:
    """Up to where the day runs low: there backfills wait, and new answers go on."""
    if budget.day is None or budget.is_stale(now):
        return None
    return max(0, budget.day.usage.remaining - 2 * budget.floor)


def refreshed(desk: Desk, workspace_id: int, connection_id: int) -> None:
    """Ask the CRM what its account has left, with one call. Nothing where it has no such call.

    Refusal not_connected, crm_refused or crm_unavailable.
    """

    def told(crm: Any) -> Any:  # noqa: ANN401 - UsageTeller, checked
        return crm.usage() if isinstance(crm, UsageTeller) else ()

    try:
        usages = ask(desk, workspace_id, connection_id, question=told)
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    heard = [quota.Heard(one, 0.0) for one in usages]
    with desk.database.begin(workspace_id) as connection:
        profile = load(connection, workspace_id, connection_id)
        quota.keep(connection, workspace_id, quota.account_of(profile), heard)


def _standing(
    connection: Connection, workspace_id: int, connection_id: int, budget: Budget
) -> _Standing:
    row = connection.execute(STANDING, {"w": workspace_id, "c": connection_id}).one()
    counted = connection.execute(WAITING, {"c": connection_id, "most": MOST_COUNTED})
    waiting = {one.word: 0 for one in Priority}
    waiting |= {Priority(one.priority).word: one.n for one in counted}
    return _Standing(budget, waiting, _pace(row), row.resume_at, row.timezone)


def _pace(row: Any) -> Pace | None:  # noqa: ANN401 - a row
    """None until a row has been settled."""
    if not row.recent_rows:
        return None
    return Pace(row.recent_calls / row.recent_rows, row.recent_rows / max(row.recent_s, 0.001))


STANDING = text(
    """
    SELECT c.resume_at, w.timezone, p.recent_calls, p.recent_rows, p.recent_s
      FROM connection c JOIN workspace w ON w.id = c.workspace_id
      LEFT JOIN connection_pace p ON p.connection_id = c.id
     WHERE c.workspace_id = :w AND c.id = :c
    """
)
# What a claim of the CRM waits for too: parked for the day's limit, or in an asynchronous batch.
WAITING = text(
    """
    SELECT priority, count(*) AS n FROM (
      SELECT priority FROM delivery WHERE connection_id = :c
         AND (state IN ('pending', 'leased', 'awaiting') OR state = 'parked' AND reason = 'rate')
       LIMIT :most) one
     GROUP BY priority
    """
)
