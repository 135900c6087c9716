"""Faults on demand: what goes wrong with which call, when, and how often.

A fault is `{"method": regex, "path": regex, "body": regex, "occurrence": 1, "times": 1, "action":
{...}}`: it strikes the `occurrence`th call that matches (counted from now; 0 = every one until
cleared) and the `times - 1` matching calls after it. The action has one or more of these keys:

    delay_s: n              wait first, then go on as usual
    status, body, headers   answer this, apply nothing (a text body is sent in `charset`)
    throttle: s             429 in the CRM's own words, apply nothing
    drop_before             reset, nothing applied
    html_before             200 with a login page, nothing applied
    drop_after              applied, then reset
    half_after              applied, Content-Length 500, a few bytes, cut
    bad_json_after          applied, broken JSON
    html_after              applied, 200 with a page
    empty_after             applied, 200 with no body
    wrong_type_after        applied, the JSON sent as text/plain
    slow_after: s           applied, answered after s seconds
    drip: s                 applied, one byte every s seconds
    huge_after: MB          applied, that many megabytes
    gzip_bomb_after: MB     applied, that many megabytes once unpacked
    row: {key, error, times}   that record of a batch fails, the others go well; the key is its id,
                            its e-mail, or "field id": only where that field is written, or what
                            hangs on that record
    meanwhile: {seed, options, oauth}   applied and answered as usual, but before the answer goes
                            out somebody else does this in the account, as the control endpoints do
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass, field
from typing import Any

from simulators.kit.messages import Request

SLOW_S = 3.0
RANDOM_KINDS: dict[str, dict[str, Any]] = {
    "throttle": {"throttle": 1},
    "500": {"status": 500},
    "503": {"status": 503},
    "drop_before": {"drop_before": True},
    "drop_after": {"drop_after": True},
    "half_after": {"half_after": True},
    "bad_json_after": {"bad_json_after": True},
    "html_after": {"html_after": True},
    "slow_after": {"slow_after": SLOW_S},
}
KNOWN_ACTIONS = frozenset(
    {
        "delay_s", "status", "body", "headers", "charset", "throttle", "drop_before", "html_before",
        "drop_after", "half_after", "bad_json_after", "html_after", "empty_after",
        "wrong_type_after", "slow_after", "drip", "huge_after", "gzip_bomb_after", "row",
        "meanwhile",
    }
)  # fmt: skip


@dataclass(slots=True)
class Fault:
    """One order for trouble, and how many matching calls it has seen."""

    action: dict[str, Any]
    method: str = ""
    path: str = ""
    body: str = ""
    occurrence: int = 1
    times: int = 1
    seen: int = 0

    def strikes(self, request: Request) -> bool:
        """Whether this call is struck; counts it if it matches."""
        if not self._matches(request):
            return False
        self.seen += 1
        return self.occurrence == 0 or 0 <= self.seen - self.occurrence < self.times

    def _matches(self, request: Request) -> bool:
        return (
            re.fullmatch(self.method or ".*", request.method, re.IGNORECASE) is not None
            and re.search(self.path, request.path) is not None
            and (
                not self.body
                or re.search(self.body, request.body.decode(errors="replace")) is not None
            )
        )


@dataclass(slots=True)
class RowFault:
    """A record that fails inside a batch. `times` is how often; None = until cleared."""

    key: str
    error: Any
    times: int | None = 1


@dataclass(slots=True)
class _Random:
    rate: float
    kinds: list[str]
    path: str
    slow_s: float


@dataclass(slots=True)
class Faults:
    """All orders in force."""

    rng: random.Random
    orders: list[Fault] = field(default_factory=list)
    rows: list[RowFault] = field(default_factory=list)
    storm_until: float = 0.0
    _random: _Random | None = None

    def order(self, told: dict[str, Any]) -> None:
        """Take one order from the control endpoint. Raises ValueError for what it does not know."""
        if told.get("clear"):
            self.orders, self.rows, self._random, self.storm_until = [], [], None, 0.0
        if "storm" in told:
            self.storm_until = time.monotonic() + float(told["storm"])
        if "random" in told:
            self._random = _random_of(told["random"])
        action = dict(told.get("action", {}))
        unknown = action.keys() - KNOWN_ACTIONS
        unknown |= action.get("meanwhile", {}).keys() - {"seed", "options", "oauth"}
        if unknown:
            message = f"unknown actions: {sorted(unknown)}"
            raise ValueError(message)
        if action.get("slow_after") is True:
            action["slow_after"] = action.pop("delay_s", SLOW_S)
        if row := action.pop("row", None):
            self.rows.append(RowFault(str(row["key"]), row.get("error"), row.get("times", 1)))
        if action:
            names = ("method", "path", "body", "occurrence", "times")
            self.orders.append(Fault(action, **{one: told[one] for one in names if one in told}))

    def strike(self, request: Request) -> dict[str, Any] | None:
        """The action that strikes this call, None when it may go well."""
        struck = [one.action for one in self.orders if one.strikes(request)]
        return struck[0] if struck else self._chance(request)

    def storm_s(self) -> float:
        """Seconds that the storm of 429s still lasts; 0 when there is none."""
        return max(0.0, self.storm_until - time.monotonic())

    def row(self, *keys: object) -> Any | None:
        """The error ordered for a record known by any of these keys, and count it as used."""
        for one in self.rows:
            if one.times != 0 and one.key in {str(key) for key in keys if key is not None}:
                one.times = None if one.times is None else one.times - 1
                return one.error
        return None

    def _chance(self, request: Request) -> dict[str, Any] | None:
        chance = self._random
        if chance is None or not re.search(chance.path, request.path):
            return None
        if self.rng.random() >= chance.rate:
            return None
        action = dict(RANDOM_KINDS[self.rng.choice(chance.kinds)])
        if "slow_after" in action:
            action["slow_after"] = chance.slow_s
        return action


def _random_of(told: dict[str, Any]) -> _Random:
    kinds = list(told.get("kinds") or RANDOM_KINDS)
    unknown = set(kinds) - RANDOM_KINDS.keys()
    if unknown:
        message = f"unknown kinds: {sorted(unknown)}"
        raise ValueError(message)
    # A refresh whose answer is lost kills the grant: that is a test of its own, not a random fault.
    path = told.get("path", r"^(?!.*/oauth)")
    return _Random(float(told["rate"]), kinds, path, float(told.get("slow_s", SLOW_S)))


def name_of(action: dict[str, Any]) -> str:
    """The word under which an action is counted: `500`, `drop_after`..."""
    if "status" in action:
        return str(action["status"])
    return next(
        (one for one in action if one not in {"delay_s", "body", "headers", "charset"}), "delay_s"
    )
