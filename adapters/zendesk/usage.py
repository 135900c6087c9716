"""What a Zendesk account has left of its calls of this minute. Pure.

The names of the headers have changed twice: `X-Rate-Limit`, then `rate-limit` and `ratelimit-limit`
with the seconds until the minute ends (vendor's rate limit page, seen November 2026). There is no
limit of a day. Answers to updates of tickets tell their own limit, in one header: 20 a minute in a
sandbox, 100 in most accounts, 300 with the High Volume add-on (vendor's page of the tickets API).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.usage import Usage, in_window, whole_number
from adapters.zendesk.traits import TICKET_UPDATE

MINUTE_S = 60
# `total=100; remaining=99; resets=41`
_TICKET_UPDATES = "Zendesk-RateLimit-tickets-update"
_PART = re.compile(r"\b(total|remaining|resets)=([0-9]{1,12})\b")
_PLANS = {
    200: "Team",
    400: "Growth or Professional",
    700: "Enterprise",
    2500: "Enterprise Plus, or the High Volume add-on",
}
# Limit, what remains, and the seconds until it begins anew: the newest names first.
_NAMES = (
    ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    ("rate-limit", "rate-limit-remaining", "rate-limit-reset"),
    ("X-Rate-Limit", "X-Rate-Limit-Remaining", "ratelimit-reset"),
)


def plan_by(limit: int | None) -> str:
    """The account's plan by its calls a minute (vendor's rate limit page); "" without them."""
    if limit is None:
        return ""
    return f"{_PLANS.get(limit, 'unknown plan')} ({limit} calls a minute)"


def told_in(headers: Mapping[str, str], now: datetime) -> tuple[Usage, ...]:
    """The account's minute by one answer's headers, and that of updates of tickets."""
    return _of_the_account(headers, now) + _of_ticket_updates(headers, now)


def _of_the_account(headers: Mapping[str, str], now: datetime) -> tuple[Usage, ...]:
    for limit, remaining, reset in _NAMES:
        found = _minute(headers.get(limit), headers.get(remaining), headers.get(reset), now)
        if found:
            return found
    return ()


def _of_ticket_updates(headers: Mapping[str, str], now: datetime) -> tuple[Usage, ...]:
    told = dict(_PART.findall(headers.get(_TICKET_UPDATES) or ""))
    found = _minute(told.get("total"), told.get("remaining"), told.get("resets"), now)
    return tuple(replace(one, calls=TICKET_UPDATE) for one in found)


def _minute(
    limit: str | None, remaining: str | None, reset: str | None, now: datetime
) -> tuple[Usage, ...]:
    wait_s = whole_number(reset)
    ends_at = None if wait_s is None else now + timedelta(seconds=min(wait_s, MINUTE_S))
    return in_window(limit or "", remaining or "", window_s=MINUTE_S, resets_at=ends_at)
