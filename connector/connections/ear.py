"""Listens to a CRM's answers for what they tell of the account's calls, deliveries or not."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.registry import adapter_for
from adapters.usage import Usage, UsageKind
from connector import clock
from connector.connections.quota import Heard


@dataclass(slots=True)
class Ear:
    """For one connection's calls; threads may share it. `learnt` is `Account.learnt`."""

    app: str
    learnt: Mapping[str, Any]
    _told: dict[tuple[UsageKind, str | None], tuple[Usage, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, _status: int, headers: Mapping[str, str]) -> None:
        """For `Wire.answered`."""
        self.listen(headers)

    def listen(self, headers: Mapping[str, str]) -> tuple[Usage, ...]:
        """What an answer's headers tell, remembered; () where they tell nothing."""
        teller = getattr(adapter_for(self.app), "usage_told", None)
        if teller is None:
            return ()
        told: tuple[Usage, ...] = teller(headers, clock.now(), learnt=self.learnt)
        at = clock.monotonic()
        with self._lock:
            for one in told:
                self._told[one.kind, one.calls] = one, at
        return told

    def last(self, kind: UsageKind) -> Usage | None:
        """What was told last of the account as a whole."""
        told = self._told.get((kind, None))
        return told[0] if told else None

    def heard(self) -> tuple[Heard, ...]:
        """Each limit as it was told last."""
        at = clock.monotonic()
        return tuple(Heard(one, at - seen) for one, seen in self._told.values())
