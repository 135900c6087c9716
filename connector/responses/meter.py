"""One wave's account of its account: what the CRM's answers tell of the calls that are left, and
whether the next one may still be made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.usage import Usage, UsageKind
from connector import clock
from connector.connections.budget import LOOK_AGAIN, Budget, floor_of
from connector.connections.ear import Ear
from connector.connections.quota import Heard, account_of
from connector.connections.tokens import Reached
from connector.responses.failures import Reserved
from connector.responses.purse import Purse


@dataclass(slots=True)
class Meter:
    """`budget` is what was known when the wave began. Threads of a wave share it."""

    reached: Reached
    budget: Budget
    purse: Purse
    ear: Ear
    began: float = field(default_factory=clock.monotonic)

    @property
    def account(self) -> str:
        """The account's name in the hub's books."""
        return account_of(self.reached.profile)

    @property
    def took_s(self) -> float:
        """For how long the wave has worked."""
        return clock.monotonic() - self.began

    def take(self) -> None:
        """Take one call from the day. Raises Reserved when only the reserve is left."""
        day = self._day()
        if day is None:
            return
        now = clock.now()
        known = None if self.budget.is_stale(now) else day.remaining
        floor = floor_of(day.limit, self.budget.reserve_percent)
        if self.purse.take(self.account, floor=floor, known=known):
            return
        ends_at = day.resets_at or now + LOOK_AGAIN
        message = "the rest of the account's calls of the day is reserved for your other tools"
        raise Reserved(message, wait_s=max(60.0, (ends_at - now).total_seconds()))

    def answered(self, headers: Mapping[str, str]) -> None:
        """Read what an answer's headers tell."""
        told = self.ear.listen(headers)
        if self._day() is not None:
            left = next((one.remaining for one in told if one.kind is UsageKind.DAILY), None)
            self.purse.told(self.account, left)

    def heard(self) -> tuple[Heard, ...]:
        """What this wave's answers told, each limit as it was told last."""
        return self.ear.heard()

    def _day(self) -> Usage | None:
        """The day as this wave was told of it, else as it was known before."""
        told = self.ear.last(UsageKind.DAILY)
        if told is not None:
            return told
        return self.budget.day.usage if self.budget.day else None
