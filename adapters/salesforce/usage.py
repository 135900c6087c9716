"""What a Salesforce org has left of its calls. Pure.

The allocation is the org's, over the last 24 hours as they slide: there is no time at which it
begins anew. `Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=17/250(appName=x)` stands on
every REST answer; `/limits` says the same (vendor's REST guide, seen November 2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.rights import Room
from adapters.usage import Source, Usage, of_the_day, whole_number

HEADER = "Sforce-Limit-Info"
_STORES = {"DataStorageMB": "data storage", "FileStorageMB": "file storage"}


def told_in(headers: Mapping[str, str]) -> tuple[Usage, ...]:
    """The org's day by one answer's headers."""
    told = headers.get(HEADER, "").partition("api-usage=")[2]
    used, _, most = told.partition(";")[0].strip().partition("/")
    return _day(used, most, Source.HEADER)


def told_by(limits: object) -> tuple[Usage, ...]:
    """The org's day by the limits resource."""
    day: Any = limits.get("DailyApiRequests") if isinstance(limits, Mapping) else None
    if not isinstance(day, Mapping):
        return ()
    return of_the_day(day.get("Max"), day.get("Remaining"), source=Source.ENDPOINT)


def rooms_by(limits: object) -> tuple[Room, ...]:
    """What the org may still store; told to users with *Manage Users* alone (REST guide, 2026-11).
    How many custom fields an object may still have is told nowhere.
    """
    told: Mapping[str, Any] = limits if isinstance(limits, Mapping) else {}
    found = []
    for name, what in _STORES.items():
        one = told.get(name)
        most, left = (
            (whole_number(one.get("Max")), whole_number(one.get("Remaining")))
            if isinstance(one, Mapping)
            else (None, None)
        )
        if most and left is not None:
            found.append(Room(what, most, left, "MB"))
    return tuple(found)


def _day(used: str, most: str, source: Source) -> tuple[Usage, ...]:
    gone, limit = whole_number(used), whole_number(most)
    if gone is None or not limit:
        return ()
    # An org may go beyond its limit for a while: what is left is never below nothing.
    return of_the_day(limit, max(0, limit - gone), source=source)
