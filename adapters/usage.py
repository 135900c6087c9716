"""What an account has left of its calls, as its CRM tells it in headers or at an endpoint. Pure.

An adapter that can tell is a `UsageTeller`: `usage_told` reads one answer's headers, `usage` asks
an endpoint that the CRM has for it. The hub keeps what was told for each account, whichever
connection heard it, and calls no more than that leaves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

DAY_S = 86_400


class UsageKind(StrEnum):
    """Whether a limit holds for some seconds, or for a whole day."""

    WINDOW = "window"
    DAILY = "daily"


class Source(StrEnum):
    """How a limit became known."""

    HEADER = "header"
    ENDPOINT = "endpoint"


@dataclass(frozen=True, slots=True)
class Usage:
    """One limit of an account: how many calls it may make in `window_s` seconds, how many are left.

    `resets_at` is when the count begins anew; None: it slides, or nobody said. Several limits of
    one kind are told apart by `calls`, the kind of call they are for (None: all kinds together).
    The customer's other tools count too: what is used is not ours alone.
    """

    kind: UsageKind
    limit: int
    remaining: int
    window_s: int
    resets_at: datetime | None = None
    source: Source = Source.HEADER
    calls: str | None = None

    @property
    def used(self) -> int:
        """How many calls the account has made, whoever made them."""
        return max(0, self.limit - self.remaining)


@runtime_checkable
class UsageTeller(Protocol):
    """An adapter whose CRM tells what the account has left."""

    @staticmethod
    def usage_told(
        headers: Mapping[str, str], now: datetime, *, learnt: Mapping[str, Any]
    ) -> tuple[Usage, ...]:
        """What an answer's headers tell, () when they tell nothing. Called for every answer: cheap,
        and never raises. `now` is aware; `learnt` is `Account.learnt`.
        """
        ...

    def usage(self) -> tuple[Usage, ...]:
        """What the CRM's endpoint for it tells, in one call; () where it has none for this account.
        Raises any AdapterError.
        """
        ...


def whole_number(told: object) -> int | None:
    """The whole number that a header holds, None when it holds anything else."""
    held = str(told).strip()
    return int(held) if re.fullmatch(r"[0-9]{1,12}", held) else None


def in_window(
    limit: object, remaining: object, *, window_s: int, resets_at: datetime | None = None
) -> tuple[Usage, ...]:
    """The window two header values tell, () unless both are numbers and the limit is above 0."""
    most, left = whole_number(limit), whole_number(remaining)
    if not most or left is None or window_s <= 0:
        return ()
    return (Usage(UsageKind.WINDOW, most, min(left, most), window_s, resets_at),)


def of_the_day(
    limit: object,
    remaining: object,
    *,
    resets_at: datetime | None = None,
    source: Source = Source.HEADER,
) -> tuple[Usage, ...]:
    """The day two values tell, () unless both are numbers and the limit is above 0."""
    most, left = whole_number(limit), whole_number(remaining)
    if not most or left is None:
        return ()
    return (Usage(UsageKind.DAILY, most, min(left, most), DAY_S, resets_at, source),)
