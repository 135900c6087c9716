"""Deliveries whose batch the CRM works on by itself: what is kept until the poll, and how the wave
is rebuilt. Pure.

The handle of a delivery holds the job's name; the first delivery of the job also holds the CRM's
own handle, the first of each target the change that was sent. A batch of notes (noting.py) keeps
with each delivery its place and the record it is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.values import Operation, Started
from connector.responses.decide import Change
from connector.responses.fold import Target, fold
from connector.responses.steps import Delivery, Settlement
from schemas.fields import canonical


@dataclass(frozen=True, slots=True)
class Job:
    """An asynchronous batch that was sent: the CRM's handle, the changes in the batch's order."""

    crm: Mapping[str, Any]
    changes: tuple[Change, ...]
    linking: bool


@dataclass(frozen=True, slots=True)
class NoteJob:
    """A batch of notes that was sent: the deliveries in its order, each with its record's id."""

    crm: Mapping[str, Any]
    notes: tuple[tuple[Delivery, str], ...]


def parked(
    changes: Sequence[Change], started: Started, *, job: str, linking: bool
) -> tuple[Settlement, ...]:
    """Every delivery of the batch's lanes waits for the poll."""
    settlements = []
    for place, change in enumerate(changes):
        for number, one in enumerate(change.target.deliveries):
            handle: dict[str, Any] = {"job": job}
            if number == 0:
                handle["change"] = _stored(change, place)
            if number == 0 and place == 0:
                whole = {"crm": dict(started.handle), "count": len(changes), "linking": linking}
                handle |= whole
            wait_s = started.poll_after_s
            settlements.append(Settlement(one.id, "awaiting", wait_s=wait_s, handle=handle))
    return tuple(settlements)


def parked_notes(
    notes: Sequence[tuple[Delivery, str]], started: Started, *, job: str
) -> tuple[Settlement, ...]:
    """Every note of the batch waits for the poll."""
    whole = {"crm": dict(started.handle), "count": len(notes)}
    return tuple(
        Settlement(
            one.id,
            "awaiting",
            wait_s=started.poll_after_s,
            handle={"job": job, "note": place, "record": record, **({} if place else whole)},
        )
        for place, (one, record) in enumerate(notes)
    )


def is_poll(deliveries: Sequence[Delivery]) -> bool:
    """Whether these deliveries were claimed to ask for a job's outcome."""
    return any(one.handle is not None for one in deliveries)


def still(deliveries: Sequence[Delivery], started: Started) -> tuple[Settlement, ...]:
    """The CRM is not done: the same handles, the next poll."""
    return tuple(
        Settlement(one.id, "awaiting", wait_s=started.poll_after_s, handle=_moved(one, started))
        for one in deliveries
    )


def _moved(one: Delivery, started: Started) -> dict[str, Any]:
    handle = dict(one.handle or {})
    return handle | {"crm": dict(started.handle)} if "crm" in handle else handle


def restored(deliveries: Sequence[Delivery]) -> Job | NoteJob | None:
    """The job these deliveries wait for; None when its record is incomplete: then its outcome is
    unknown.
    """
    handles = [one.handle or {} for one in deliveries]
    whole = next((handle for handle in handles if "crm" in handle), None)
    if whole is None:
        return None
    return _restored_notes(whole, deliveries) if "note" in whole else _job(whole, deliveries)


def _restored_notes(whole: Mapping[str, Any], deliveries: Sequence[Delivery]) -> NoteJob | None:
    placed = {one.handle["note"]: one for one in deliveries if one.handle}
    if sorted(placed) != list(range(whole["count"])):
        return None
    in_order = [placed[place] for place in sorted(placed)]
    notes = tuple((one, str((one.handle or {})["record"])) for one in in_order)
    return NoteJob(whole["crm"], notes)


def _job(whole: Mapping[str, Any], deliveries: Sequence[Delivery]) -> Job | None:
    changes = {
        place: change for target in _targets(deliveries) for place, change in _restored(target)
    }
    if sorted(changes) != list(range(whole["count"])):
        return None
    in_order = tuple(changes[place] for place in sorted(changes))
    return Job(whole["crm"], in_order, bool(whole.get("linking")))


def _targets(deliveries: Sequence[Delivery]) -> tuple[Target, ...]:
    in_order = sorted(deliveries, key=lambda one: (one.lane, one.rank.order, one.id))
    return fold(in_order, {}).targets


def _restored(target: Target) -> list[tuple[int, Change]]:
    return [
        (handle["change"]["place"], _change(target, handle["change"]))
        for one in target.deliveries
        if "change" in (handle := one.handle or {})
    ]


def _stored(change: Change, place: int) -> dict[str, Any]:
    return {
        "place": place,
        "key": change.target.key,
        "operation": change.operation.value,
        "values": dict(change.values),
        "before": dict(change.before),
        "sources": {name: list(every) for name, every in change.sources.items()},
        "remote_id": change.remote_id,
    }


def _change(target: Target, stored: Mapping[str, Any]) -> Change:
    return Change(
        # The batch's own key: another delivery of the target may have been settled meanwhile.
        replace(target, key=stored["key"]),
        Operation(stored["operation"]),
        {name: canonical(value) for name, value in stored["values"].items()},
        {name: canonical(value) for name, value in stored["before"].items()},
        {name: tuple(every) for name, every in stored["sources"].items()},
        stored["remote_id"],
    )
