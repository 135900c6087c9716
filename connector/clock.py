"""The one place that reads the clock; everything else takes the time as an argument or asks here.

Due times and leases are not judged by this clock but by the database's now(), so that a machine
whose clock is wrong neither doubles nor skips work.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock as an aware UTC datetime."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that never go back, for durations and deadlines inside one process."""
    return time.monotonic()
