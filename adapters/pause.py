"""How long a CRM asks us to wait: HTTP's own header for it, Retry-After (RFC 9110). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

RETRY_AFTER = "Retry-After"


def asked_wait_s(headers: Mapping[str, str], name: str = RETRY_AFTER) -> float | None:
    """Seconds, told as a number or a date; None when none are told. `name`: a CRM's own header."""
    told = headers.get(name, "").strip()
    if re.fullmatch(r"\d{1,9}", told):
        return float(told)
    try:
        # The server's own clock is the one its date is measured by.
        until, now = (parsedate_to_datetime(one) for one in (told, headers["Date"]))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError, KeyError):
        return None
