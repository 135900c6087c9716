"""Reads back through the API what became of the pushes: the ledger, the deliveries, the rest."""

from __future__ import annotations

import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from demo.api import API

LOOK_EVERY_S = 1.0
# Small pages while it goes on: the newest lines are read once a second.
FRESH_PAGE = 100
NOTE, TAGS = "note", ("tags", "npstoday_tags", "NPSToday_Tags__c")


class NotDone(Exception):
    """The product did not finish in time; the text says what is open."""


@dataclass(slots=True)
class Ledger:
    """The ledger as far as it was read; only new lines are read again."""

    api: API
    lines: list[dict[str, Any]] = field(default_factory=list)
    last_id: int = 0

    def read(self) -> None:
        """Read what was written since the last look."""
        fresh: list[dict[str, Any]] = []
        for line in self.api.pages("/ledger", "lines", limit=FRESH_PAGE):
            if line["id"] <= self.last_id:
                break
            fresh.append(line)
        if fresh:
            self.last_id = fresh[0]["id"]
            self.lines += reversed(fresh)

    def delivered(self) -> Counter[int]:
        """How many deliveries have written something, by connection."""
        pairs = {(line["connection_id"], line["delivery_id"]) for line in self.lines}
        return Counter(connection_id for connection_id, _ in pairs)

    def counts(self, connection_id: int) -> dict[str, int]:
        """What was written at a connection: values of fields, tags, notes."""
        mine = (line for line in self.lines if line["connection_id"] == connection_id)
        return dict(Counter(_kind(line["field"]) for line in mine))

    def latencies(
        self, connection_id: int, accepted: Mapping[int, float]
    ) -> dict[str, list[float]]:
        """Seconds from the 202 to the CRM by kind. `accepted`: our response id -> that moment."""
        found: dict[tuple[str, int], float] = {}
        for line in self.lines:
            if line["connection_id"] == connection_id:
                key = (_kind(line["field"]), line["response_id"])
                at = datetime.fromisoformat(line["written_at"]).timestamp()
                found[key] = max(found.get(key, 0.0), at)
        by_kind: dict[str, list[float]] = defaultdict(list)
        for (kind, response_id), at in found.items():
            if response_id in accepted:
                by_kind[kind].append(max(0.0, at - accepted[response_id]))
        return dict(by_kind)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Every delivery as the API lists it."""

    rows: list[dict[str, Any]]

    @classmethod
    def read(cls, api: API) -> Deliveries:
        """All of them."""
        return cls(list(api.pages("/deliveries", "deliveries")))

    def states(self, connection_id: int) -> Counter[str]:
        """How many are in each state at a connection."""
        return Counter(one["state"] for one in self.rows if one["connection_id"] == connection_id)

    def told_open(self, connection_id: int) -> str:
        """What is not settled, in words."""
        counted = Counter(
            " ".join(filter(None, (one["state"], one["kind"], one["reason"], one["error_code"])))
            for one in self.rows
            if one["connection_id"] == connection_id and one["state"] not in {"done", "superseded"}
        )
        return ", ".join(f"{count} {what}" for what, count in counted.most_common()) or "all done"

    def dead(self, connection_id: int) -> list[dict[str, Any]]:
        """Those that were given up."""
        mine = (one for one in self.rows if one["connection_id"] == connection_id)
        return [one for one in mine if one["state"] == "dead"]

    def responses(self) -> set[int]:
        """Our ids of the responses that have any."""
        return {one["response_id"] for one in self.rows}


def open_deliveries(api: API) -> dict[int, int]:
    """How many deliveries are not settled, by connection."""
    listed = api.call("GET", "/connections")["connections"]
    return {one["id"]: one["waiting"] for one in listed}


def state_of(api: API, response_id: str) -> str:
    """What became of a response, in one word."""
    return str(api.call("GET", f"/responses/{response_id}")["state"])


def until(is_so: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Look again and again. Raises NotDone."""
    ends_at = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > ends_at:
            message = f"{what}: not after {within_s:.0f} s"
            raise NotDone(message)
        time.sleep(LOOK_EVERY_S)


def percentile(values: list[float], percent: int) -> float:
    """That percentile; 0 of nothing."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _kind(name: str) -> str:
    return NOTE if name == NOTE else "tag" if name in TAGS else "field"
