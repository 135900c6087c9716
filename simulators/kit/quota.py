"""How many calls an account may make: sliding windows over the simulator's clock."""

from __future__ import annotations

from collections import deque

DAY_S = 86_400


class SlidingWindow:
    """At most `limit` calls in any `per_s` seconds. A refused call is not counted."""

    def __init__(self, limit: int, per_s: float) -> None:
        self.limit = limit
        self.per_s = per_s
        self._taken: deque[float] = deque()

    def take(self, now_s: float) -> bool:
        """Count a call if it is allowed, and say whether it was."""
        self._forget(now_s)
        if len(self._taken) >= self.limit:
            return False
        self._taken.append(now_s)
        return True

    def remaining(self, now_s: float) -> int:
        """How many calls may still be made now."""
        self._forget(now_s)
        return max(0, self.limit - len(self._taken))

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next call is allowed; 0 when one is allowed now."""
        self._forget(now_s)
        if len(self._taken) < self.limit or not self._taken:
            return 0.0
        return max(0.0, self._taken[0] + self.per_s - now_s)

    def _forget(self, now_s: float) -> None:
        # The clock may have been set back by a test: stamps of the future count as gone.
        while self._taken and not now_s - self.per_s < self._taken[0] <= now_s:
            self._taken.popleft()


class DailyCount:
    """At most `limit` calls between two midnights, UTC. A refused call is not counted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._day = -1

    def take(self, now_s: float) -> bool:
        """Count a call if it is allowed, and say whether it was."""
        day = int(now_s // DAY_S)
        if day != self._day:
            self._day, self.used = day, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def wait_s(self, now_s: float) -> float:
        """Seconds until midnight, UTC."""
        return DAY_S - now_s % DAY_S
