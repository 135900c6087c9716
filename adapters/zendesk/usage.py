"""What a Zendesk account has left of its calls of this minute. Pure.

The names of the headers have changed twice: `X-Rate-Limit`, then `rate-limit` and `ratelimit-limit`
with the seconds until the minute ends (vendor's rate limit page, seen November 2026). There is no
limit of a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from adapters.usage import Usage, in_window, whole_number

MINUTE_S = 60
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
    """The account's minute by one answer's headers."""
    for limit, remaining, reset in _NAMES:
        wait_s = whole_number(headers.get(reset, ""))
        ends_at = None if wait_s is None else now + timedelta(seconds=min(wait_s, MINUTE_S))
        found = in_window(
            headers.get(limit, ""),
            headers.get(remaining, ""),
            window_s=MINUTE_S,
            resets_at=ends_at,
        )
        if found:
            return found
    return ()
