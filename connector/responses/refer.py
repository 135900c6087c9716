"""References of a wave: what a record refers to is looked up, and its id becomes a value like any
other.

The company itself is a delivery of its own lane (plan makes it where companies may be created).
Until it is there the contact's fields wait a moment; a company that does not come is left out
after a few tries, the other fields go on. A contact whose company stands and is to be kept needs no
look-up: that is most of them, once each has been written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.errors import AdapterError, PauseMapping
from adapters.values import Outcome, Record, Status
from connector.responses.fold import EMPTY, Target
from connector.responses.steps import FIELDS, Delivery
from connector.responses.work import Work, chunks, without

# Half a minute in all: as long as a company takes whose first call met a CRM in trouble.
WAITS_S = (2.0, 4.0, 8.0, 16.0)

Key = tuple[str, str, str]
Seen = tuple[Target, Sequence[Record]]


def with_references(work: Work, whole: Sequence[Seen]) -> list[Seen]:
    """The targets with their references as values; those that wait for one are handed back.

    `whole`: each target with the records that the CRM has for it.
    """
    linked = [(_with_contact(work, target), records) for target, records in whole]
    needed = [(_without_kept(target, records), records) for target, records in linked]
    targets = [target for target, _ in needed]
    asked = [each for target in targets for one in target.deliveries for each in _references(one)]
    if not asked:
        return needed
    try:
        found = _found(work, {key for key, _ in asked})
        found |= _stood_in(work, [one for one in asked if one[0] not in found])
    except AdapterError as exc:
        work.failed([one for target in targets for one in target.deliveries if _refers(one)], exc)
        left = [(_closed(work, target), records) for target, records in needed]
    else:
        left = [(_resolved(work, target, found), records) for target, records in needed]
    return [(target, records) for target, records in left if target.deliveries]


def _with_contact(work: Work, target: Target) -> Target:
    """The target with its contact's record where we know it: no look-up is needed then."""
    if not target.follows:
        return target
    return replace(
        target, deliveries=tuple(_naming_contact(work, one) for one in target.deliveries)
    )


def _naming_contact(work: Work, one: Delivery) -> Delivery:
    if one.kind != FIELDS:
        return one
    remote_id = work.contact_record(one)
    refs = one.payload.get("refs") or {}
    known = {into for into, ref in refs.items() if ref.get("contact")} if remote_id else set()
    values = {**one.payload["values"], **dict.fromkeys(known, remote_id)}
    rest = {into: ref for into, ref in refs.items() if into not in known}
    return replace(one, payload={**one.payload, "values": values, "refs": rest})


def _without_kept(target: Target, records: Sequence[Record]) -> Target:
    """The target without references to fields that stay as they are."""
    return replace(target, deliveries=tuple(_needing(one, records) for one in target.deliveries))


def _needing(one: Delivery, records: Sequence[Record]) -> Delivery:
    refs = (one.payload.get("refs") or {}) if one.kind == FIELDS else {}
    # What stands may be from a try of ours whose answer was lost: then the ledger wants to know.
    keep = () if one.may_have_been_sent else one.payload.get("keep") or ()
    needed = {
        into: ref
        for into, ref in refs.items()
        if not (into in keep and records and all(_is_filled(each, into) for each in records))
    }
    return replace(one, payload={**one.payload, "refs": needed}) if refs else one


def _is_filled(record: Record, field: str) -> bool:
    return record.values.get(field) not in EMPTY


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
                records = work.caller.ask(
                    lambda crm, e=entity, f=field, v=part: crm.find(e, f, v, want=[])  # type: ignore[misc]
                )
            except PauseMapping:
                # The CRM has no such field or does not show it: the contact goes on without it.
                continue
            for value, hits in records.items():
                if len(hits) == 1:
                    found[entity, field, value] = hits[0].remote_id
    return found


def _stood_in(work: Work, asked: Sequence[tuple[Key, Mapping[str, Any]]]) -> dict[Key, str]:
    """People who are not there as contacts, and will not be made: as what else they are."""
    ways = {
        (entity, field, value): (home, field, value)
        for (home, field, value), ref in asked
        if not ref.get("create")
        for entity in ref.get("or") or ()
    }
    found = _found(work, ways) if ways else {}
    return {ways[key]: remote_id for key, remote_id in found.items()}


def _resolved(work: Work, target: Target, found: Mapping[Key, str]) -> Target:
    kept = []
    for one in target.deliveries:
        values = dict(one.payload.get("values") or {})
        waits = False
        for key, ref in _references(one):
            if key in found:
                values[ref["into"]] = found[key]
            else:
                waits |= bool(ref.get("create")) and one.claims <= len(WAITS_S)
        if not waits and _lacks_contact(one, found):
            _not_there(work, one)
        elif waits:
            work.hand_back(one, wait_s=WAITS_S[max(0, one.claims - 1)])
        else:
            kept.append(replace(one, payload={**one.payload, "values": values}) if values else one)
    return _whole_or_none(work, replace(target, deliveries=tuple(kept)), target)


def _whole_or_none(work: Work, left: Target, target: Target) -> Target:
    """What hangs on a record of its own waits or dies with the record."""
    fates = [work.results.settlements.get(one.id) for one in target.deliveries]
    fate = next((one for one in fates if one is not None), None)
    if not target.follows or fate is None or any(one.kind == FIELDS for one in left.deliveries):
        return left
    for one in left.deliveries:
        if fate.state == "pending":
            work.hand_back(one, wait_s=fate.wait_s or 0)
        else:
            work.results.settle(replace(fate, delivery_id=one.id, burnt=False))
    return replace(left, deliveries=())


def _lacks_contact(one: Delivery, found: Mapping[Key, str]) -> bool:
    return any(
        ref.get("contact") and ref.get("needed", True) and key not in found
        for key, ref in _references(one)
    )


def _not_there(work: Work, one: Delivery) -> None:
    """A record without its contact says nothing to anybody. Where the contact may still be made
    (its own delivery waits), it is tried by the schedule; else it is refused.
    """
    message = "the CRM has no record for this contact"
    refs = (one.payload.get("refs") or {}).values()
    if any(ref.get("contact") and ref.get("create") for ref in refs):
        work.again(one, code="contact_not_there", message=message)
    else:
        gone = Outcome("", Status.REJECTED, code="not_found", message=message)
        work.dead(one, gone, reason="not_found")
