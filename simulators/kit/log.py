"""The simulator's memory of what was called: every request, counts, faults, and the writes per
contact.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import Any

# A write whose answer was lost is the case that tells exactly-once from hope.
EFFECTS = frozenset({"write", "note", "tag", "file", "job"})


@dataclass(slots=True)
class Call:
    """One request. `status` is None while it runs and when no answer went out."""

    n: int
    at: float
    method: str
    path: str
    query: dict[str, list[str]]
    status: int | None = None
    fault: str | None = None
    kind: str = "other"
    rows: int = 0
    token_id: str | None = None
    took_ms: float | None = None


class CallLog:
    """All calls since the last reset."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.history: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.faults: Counter[str] = Counter()
        self.applied_then_lost = 0
        self.token_refreshes = 0

    def begin(self, at: float, method: str, path: str, query: dict[str, list[str]]) -> Call:
        """A new entry for a request that has just arrived."""
        call = Call(len(self.calls) + 1, at, method, path, query)
        self.calls.append(call)
        return call

    def wrote(self, contact: str, at: float, what: dict[str, Any]) -> None:
        """Remember one write to a contact: its fields, tag or note."""
        self.history[contact].append({"at": at, **what})

    def lost(self, call: Call) -> None:
        """The call was applied and its answer is about to be lost."""
        if call.kind in EFFECTS and call.status is not None and call.status < 400:
            self.applied_then_lost += 1

    def listing(self, *, since: int = 0, kind: str = "") -> list[dict[str, Any]]:
        """The calls after number `since`, of one kind or of all."""
        return [asdict(one) for one in self.calls[since:] if not kind or one.kind == kind]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many calls there were by kind, and by status ("none" = no answer went out)."""
        kinds = Counter(one.kind for one in self.calls)
        statuses = Counter(str(one.status or "none") for one in self.calls)
        return {"kind": dict(kinds), "status": dict(statuses)}
