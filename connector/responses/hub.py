"""What every job of a process works with; made once, after the fork."""

from __future__ import annotations

from dataclasses import dataclass

from connector.connections.desk import Desk
from connector.db import Database
from connector.responses.limiter import Limiter
from connector.settings import Settings


@dataclass(frozen=True, slots=True)
class Hub:
    """Settings, the store and keys, and the rate limiter shared with other processes."""

    settings: Settings
    desk: Desk
    limiter: Limiter

    @property
    def database(self) -> Database:
        """The store."""
        return self.desk.database
