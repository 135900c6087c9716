"""What a deleted response's fields and tag go back to. Pure.

As if it had never been given. Whatever a newer answer has taken over stays. An answer that stepped
back before the deleted one, or found its value there already, gets its due; otherwise the value
that the ledger saw before is restored, past those of other deleted responses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.responses.decide import same
from connector.responses.steps import FIELDS, TAG, Delivery, Rank
from schemas.fields import Entity, canonical

EMPTY: tuple[Any, ...] = (None, "", [], ())
# What such an answer wants stands in the CRM, or would without those that overtook it.
COUNTS = frozenset({"done", "superseded"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger, of one contact at one connection. `gone`: its response is deleted."""

    id: int
    response_id: int
    step: str
    entity: str
    remote_id: str
    field: str
    before: Any
    after: Any
    written_at: datetime
    gone: bool = False

    @property
    def restores(self) -> bool:
        """Whether it gave an answer its due when another one was deleted."""
        return self.step.startswith("undo:")


@dataclass(frozen=True, slots=True)
class Answer:
    """A step of fields or a tag, of one contact at one connection: what its answer wants there.

    `sent`: what the record held before a call whose answer was lost. `crashed`: a process died
    with it, so that nobody knows whether it was written.
    """

    response_id: int
    step: str
    kind: str
    entity: str
    lane: str
    campaign_id: int | None
    rank: Rank
    state: str
    payload: Mapping[str, Any]
    settled_at: datetime | None = None
    claimed: bool = True
    crashed: bool = False
    sent: Mapping[str, Any] | None = None
    gone: bool = False

    def wants(self, field: str) -> bool:
        """Whether it has a value for this field."""
        return self.kind == FIELDS and field in (self.payload.get("values") or {})


@dataclass(frozen=True, slots=True)
class History:
    """All that a contact's answers wanted and wrote at one connection, and which of them are
    versions of the deleted response.
    """

    lines: Sequence[Line]
    answers: Sequence[Answer]
    versions: Collection[int]

    def others(self) -> Iterable[Answer]:
        """The answers that still count, apart from the deleted response's."""
        for one in self.answers:
            if one.response_id not in self.versions and not one.gone and one.state != "dead":
                yield one


def fields_back(undo: Delivery, history: History, entity: Entity | None) -> dict[str, Any]:
    """For `undo` of fields: field -> {"ours": what we wrote, "to": what it goes back to}. Under
    "unknown" those of which nobody can tell what stood there before.
    """
    mine = [
        one
        for one in history.answers
        if one.response_id in history.versions and one.step == undo.payload["step"]
    ]
    back: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for name in sorted({name for one in mine for name in one.payload.get("values") or {}}):
        if name == undo.payload["match"]["field"]:
            continue
        told = _back(name, mine, undo, history)
        if told is None or not _may_be_written(entity, name, told):
            continue
        (back if "to" in told else unknown)[name] = told
    return {"back": back, "unknown": {name: one["ours"] for name, one in unknown.items()}}


def _may_be_written(entity: Entity | None, name: str, told: Mapping[str, Any]) -> bool:
    field = entity.field(name) if entity is not None else None
    if field is None or not field.updatable:
        return False
    return not (field.required and told.get("to") in EMPTY)


def _back(
    name: str, mine: Sequence[Answer], undo: Delivery, history: History
) -> dict[str, Any] | None:
    newest = max((one.rank for one in mine if one.wants(name)), key=lambda rank: rank.order)
    others = [one for one in history.others() if one.lane == undo.lane and one.wants(name)]
    if any(newest.is_older_than(one.rank) for one in others):
        return None
    lines = [one for one in history.lines if one.entity == undo.entity and one.field == name]
    wanted = [canonical(one.payload["values"][name]) for one in mine if one.wants(name)]
    ours = [
        one
        for one in lines
        if (one.response_id in history.versions and one.step == undo.payload["step"])
        or (one.restores and any(same(one_of, canonical(one.after)) for one_of in wanted))
    ]
    if not ours:
        return _perhaps_written(name, mine)
    last = max(ours, key=lambda one: one.id)
    stepped_back = [one for one in others if one.state in COUNTS and _later(one, last)]
    if stepped_back:
        best = max(stepped_back, key=lambda one: one.rank.order)
        return {"ours": last.after, "to": best.payload["values"][name]}
    return {"ours": last.after, "to": _before(last, lines, history.versions)}


def _later(one: Answer, line: Line) -> bool:
    """Whether it was settled when the line stood already, and so left no line of its own."""
    return one.settled_at is not None and one.settled_at >= line.written_at


def _before(last: Line, lines: Sequence[Line], versions: Collection[int]) -> object:
    """What stood there before the line, past what deleted responses had written."""
    current = last
    for one in sorted(lines, key=lambda line: -line.id):
        if one.id >= current.id or one.remote_id != current.remote_id:
            continue
        led_here = same(canonical(one.after), canonical(current.before))
        if not (led_here and (one.gone or one.response_id in versions)):
            break
        current = one
    return current.before


def _perhaps_written(name: str, mine: Sequence[Answer]) -> dict[str, Any] | None:
    """A write whose answer was lost: what stood before is known, unless the process died."""
    for one in sorted(mine, key=lambda answer: answer.rank.order, reverse=True):
        if not one.wants(name):
            continue
        ours = one.payload["values"][name]
        before = (one.sent or {}).get("before", {})
        if name in before:
            return {"ours": ours, "to": before[name]}
        if one.crashed:
            return {"ours": ours}
    return None


def tag_back(undo: Delivery, history: History) -> dict[str, Any]:
    """For `undo` of a tag: "scores" that are taken back, and the "score" of the newest answer that
    still counts, given "answered_at" (None: no tag stays). Where a newer answer has taken the tag
    over, there is nothing to take back.
    """
    tags = [
        one
        for one in history.answers
        if one.kind == TAG and one.campaign_id == undo.campaign_id and one.lane == undo.lane
    ]
    mine = [one for one in tags if one.response_id in history.versions]
    others = [one for one in history.others() if one in tags]
    newest = max((one.rank.order for one in mine), default=None)
    if newest is None or any(one.rank.order > newest for one in others):
        return {"scores": [], "score": None, "answered_at": None}
    best = max(others, key=lambda one: one.rank.order, default=None)
    return {
        "scores": sorted({one.payload["score"] for one in mine if one.claimed}),
        "score": best.payload["score"] if best else None,
        "answered_at": best.rank.answered_at.isoformat() if best else None,
    }
