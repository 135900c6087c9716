"""References of a wave: a contact's company is looked up, and its id becomes a value like any
other.

The company itself is a delivery of its own lane (plan makes it where companies may be created).
Until it is there the contact's fields wait a moment; a company that does not come is left out
after a few tries, the other fields go on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.errors import AdapterError, PauseMapping
from connector.responses.fold import Target
from connector.responses.steps import FIELDS, Delivery
from connector.responses.work import Work, chunks, without

WAIT_S = 2.0
TRIES = 4

Key = tuple[str, str, str]


def with_references(work: Work, targets: Sequence[Target]) -> list[Target]:
    """The targets with their references as values; those that wait for one are handed back."""
    asked = {key for target in targets for one in target.deliveries for key, _ in _references(one)}
    if not asked:
        return list(targets)
    try:
        found = _found(work, asked)
    except AdapterError as exc:
        hit = [target for target in targets if any(_refers(one) for one in target.deliveries)]
        work.failed([one for target in hit for one in target.deliveries if _refers(one)], exc)
        return [one for target in targets if (one := _closed(work, target)).deliveries]
    return [one for target in targets if (one := _resolved(work, target, found)).deliveries]


def _references(one: Delivery) -> list[tuple[Key, Mapping[str, Any]]]:
    refs = (one.payload.get("refs") or {}) if one.kind == FIELDS else {}
    return [
        ((ref["entity"], ref["field"], ref["value"]), {**ref, "into": into})
        for into, ref in refs.items()
    ]


def _refers(one: Delivery) -> bool:
    return bool(_references(one))


def _closed(work: Work, target: Target) -> Target:
    return without(target, frozenset(one.id for one in target.deliveries if not work.is_open(one)))


def _found(work: Work, asked: Iterable[Key]) -> dict[Key, str]:
    """The one record of each key; a key that matches none or several has none."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entity, field, value in sorted(asked):
        groups[entity, field].append(value)
    found: dict[Key, str] = {}
    for (entity, field), values in groups.items():
        for part in chunks(values, work.known.traits.read_batch):
            try:
                records = work.caller.call(
                    lambda crm, e=entity, f=field, v=part: crm.find(e, f, v, want=[])  # type: ignore[misc]
                )
            except PauseMapping:
                # The CRM has no such field or does not show it: the contact goes on without it.
                continue
            for value, hits in records.items():
                if len(hits) == 1:
                    found[entity, field, value] = hits[0].remote_id
    return found


def _resolved(work: Work, target: Target, found: Mapping[Key, str]) -> Target:
    kept = []
    for one in target.deliveries:
        values = dict(one.payload.get("values") or {})
        waits = False
        for key, ref in _references(one):
            if key in found:
                values[ref["into"]] = found[key]
            else:
                waits |= bool(ref.get("create")) and one.claims < TRIES
        if waits:
            work.hand_back(one, wait_s=WAIT_S)
        else:
            kept.append(replace(one, payload={**one.payload, "values": values}) if values else one)
    return replace(target, deliveries=tuple(kept))
