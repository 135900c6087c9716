"""The simulator's own clock: real time plus an offset that a test can move."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since 1970 as the simulated service sees them."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def now(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time() + self.offset_s

    def millis(self) -> int:
        """Milliseconds since 1970, UTC."""
        return int(self.now() * 1000)

    def iso(self) -> str:
        """Now as `2026-11-22T10:00:00.123Z`."""
        return iso(self.now())


def iso(at_s: float) -> str:
    """A time as `2026-11-22T10:00:00.123Z`."""
    text = datetime.fromtimestamp(at_s, tz=UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
