"""An edited response: its newest notes and files take the place of those before. Pure.

Fields, tags and records follow an edit by themselves: their newest answer wins. A note or file
would stand beside the one of before, so the version that is planned takes that one back, by the
same steps as a deletion (compensation.py). What the edit has not changed stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connector.responses.case import ConnectionFacts, Planned
from connector.responses.compensation import WrittenStep, undoing
from connector.responses.note import marker_line
from connector.responses.steps import FILE, NOTE, Step

KINDS = frozenset({NOTE, FILE})
# Why a note or file of an older version is not written any more.
EDITED = "response_edited"
# Why the newest version writes no note or file: the one of before says the same.
STANDS = "stands_already"


@dataclass(frozen=True, slots=True)
class Standing:
    """A note or file of an earlier version that may stand in the CRM. `is_done`: it certainly does.
    `same_file`: the newest version has the same file in its place.
    """

    step: WrittenStep
    is_done: bool
    same_file: bool = False


@dataclass(frozen=True, slots=True)
class Replaced:
    """What is planned of an edit, and (contact id, step) of what it takes back."""

    planned: Planned
    back: tuple[tuple[int, Step], ...] = ()


def as_older(planned: Planned) -> Planned:
    """What is left of a version that an edit has replaced: no notes and files."""
    ended = {one.key: EDITED for one in planned.steps if one.kind in KINDS}
    return _without(planned, ended)


def as_edit(
    planned: Planned,
    contact_id: int | None,
    standing: Sequence[Standing],
    *,
    connections: Mapping[int, ConnectionFacts],
) -> Replaced:
    """The newest version's steps, without what stands already, and what takes back the others."""
    by_step: dict[str, list[Standing]] = defaultdict(list)
    for one in standing:
        by_step[one.step.key].append(one)
    new = {one.key: one for one in planned.steps if one.kind in KINDS}
    kept = {key for key, every in by_step.items() if _stands(every, new.get(key), contact_id)}
    back = {
        (one.step.contact_id, key): undoing(one.step, connections[one.step.connection_id])
        for key, every in by_step.items()
        if key not in kept
        for one in every
        if one.step.connection_id in connections
    }
    steps = tuple(
        (contact, replace(step, payload={**step.payload, "edited": True}))
        for (contact, _), step in back.items()
    )
    return Replaced(_without(planned, dict.fromkeys(sorted(kept), STANDS)), _told_apart(steps))


def _stands(every: Sequence[Standing], new: Step | None, contact_id: int | None) -> bool:
    if len(every) != 1 or new is None or not every[0].is_done:
        return False
    (one,) = every
    if one.step.contact_id != contact_id:
        return False
    return one.same_file if new.kind == FILE else _said(one.step.payload) == _said(new.payload)


def _said(payload: Mapping[str, Any]) -> list[str]:
    """What a note tells: without its head, which has the time, and its marker (note.py)."""
    _, *lines = str(payload["text"]).split("\n")
    told = [one for one in lines if one != marker_line(payload["marker"])]
    return [payload["title"], payload["thread"], *told]


def _without(planned: Planned, ended: Mapping[str, str]) -> Planned:
    left = tuple(one for one in planned.steps if one.key not in ended)
    return replace(planned, steps=left, verdicts={**planned.verdicts, **ended})


def _told_apart(steps: Sequence[tuple[int, Step]]) -> tuple[tuple[int, Step], ...]:
    """A step's key is its own in its response: where an edit has moved a response to another
    contact, both may have one to take back.
    """
    seen: dict[str, int] = defaultdict(int)
    apart = []
    for contact, step in steps:
        number, seen[step.key] = seen[step.key], seen[step.key] + 1
        apart.append((contact, replace(step, key=f"{step.key}:{number}") if number else step))
    return tuple(apart)
