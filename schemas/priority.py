"""How urgent work is: what a person waits for, what has just been answered, what may wait. Pure."""

from __future__ import annotations

from enum import IntEnum


class Priority(IntEnum):
    """The lane in which deliveries stand for the account's calls; a lower number goes first.

    The order of one contact's answers does not hang on it: due rows of a contact go together.
    """

    INTERACTIVE = 0
    LIVE = 1
    REPLAY = 2
    BACKFILL = 3

    @property
    def word(self) -> str:
        """Its name as people and the API write it."""
        return self.name.lower()


# What waits when an account's day runs low, before anything that somebody has just answered.
PATIENT = (Priority.REPLAY, Priority.BACKFILL)
