"""What a HubSpot portal has left of its calls. Pure.

The ten seconds stand on every answer but a search's; the day only on answers to keys (vendor's
usage guidelines, seen November 2026). The day ends at the portal's midnight, which no header tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.usage import Source, Usage, in_window, of_the_day, whole_number

_PREFIX = "X-HubSpot-RateLimit-"


def told_in(
    headers: Mapping[str, str], now: datetime, *, learnt: Mapping[str, Any]
) -> tuple[Usage, ...]:
    """The portal's ten seconds and its day by one answer's headers."""
    interval_ms = whole_number(headers.get(f"{_PREFIX}Interval-Milliseconds", "")) or 0
    window = in_window(
        headers.get(f"{_PREFIX}Max", ""),
        headers.get(f"{_PREFIX}Remaining", ""),
        window_s=interval_ms // 1000,
    )
    day = of_the_day(
        headers.get(f"{_PREFIX}Daily", ""),
        headers.get(f"{_PREFIX}Daily-Remaining", ""),
        resets_at=next_midnight(now, str(learnt.get("time_zone", "UTC"))),
    )
    return (*window, *day)


def told_by(body: Mapping[str, Any]) -> tuple[Usage, ...]:
    """The day by the usage endpoint. The portal's keys share it; the fullest counts."""
    found = [one for told in body.get("results") or () for one in _day(told)]
    return tuple(sorted(found, key=lambda one: one.remaining)[:1])


def next_midnight(now: datetime, zone: str) -> datetime:
    """When the portal's day ends, as an aware time."""
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        place = ZoneInfo("UTC")
    tomorrow = now.astimezone(place) + timedelta(days=1)
    return tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)


def _day(told: object) -> tuple[Usage, ...]:
    if not isinstance(told, Mapping):
        return ()
    limit, used = whole_number(told.get("usageLimit")), whole_number(told.get("currentUsage"))
    if not limit or used is None:
        return ()
    left = max(0, limit - used)
    return of_the_day(limit, left, resets_at=_at(told.get("resetsAt")), source=Source.ENDPOINT)


def _at(told: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        return None
    return at if at.tzinfo else None
