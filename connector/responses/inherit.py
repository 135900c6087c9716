"""What a record takes over from what it belongs to: the contact's company, the deal's owner.

Most of it costs no call: a contact whose own fields are written in the same wave is read before
that, and its owner with it. What nobody has read yet is read by id, a batch a call. What cannot be
read, or is empty there, is left out: a record is worth more than one of its fields.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from adapters.errors import AdapterError, PauseMapping
from adapters.values import Record
from connector.responses.fold import EMPTY, Target
from connector.responses.steps import FIELDS, Delivery
from connector.responses.work import Work, chunks, without
from schemas.fields import FieldValue

Seen = tuple[Target, Sequence[Record]]
# (entity, remote id) and the field wanted of it
Asked = tuple[tuple[str, str], str]
Ways = Sequence[Mapping[str, str]]


def passed_on(work: Work, targets: Iterable[Target]) -> frozenset[str]:
    """The fields of contacts that records of this wave take over, of those the CRM has."""
    contact = work.known.traits.contact_entity
    entity = work.known.entities.get(contact)
    wanted = {
        way["field"]
        for target in targets
        for one in target.deliveries
        for ways in _inherit(one).values()
        for way in ways
        if way["entity"] == contact
    }
    return frozenset(one for one in wanted if entity is not None and entity.field(one))


def with_inherited(work: Work, whole: Sequence[Seen]) -> list[Seen]:
    """The targets with what they take over as values. A failure of the connection settles them."""
    asked = {one for seen in whole for one in _asked(*seen)}
    if not asked:
        return list(whole)
    try:
        _look(work, asked)
    except AdapterError as exc:
        needing = [target for target, records in whole if any(_asked(target, records))]
        failed = [one for target in needing for one in target.deliveries]
        work.failed(failed, exc)
        hit = frozenset(one.id for one in failed)
        left = [(without(target, hit), records) for target, records in whole]
        return [(target, records) for target, records in left if target.deliveries]
    return [(_with(work, *seen), seen[1]) for seen in whole]


def _inherit(one: Delivery) -> Mapping[str, Ways]:
    return (one.payload.get("inherit") or {}) if one.kind == FIELDS else {}


def _asked(target: Target, records: Sequence[Record]) -> Iterator[Asked]:
    for one in target.deliveries:
        for ways in _open(one, records).values():
            yield from ((_home(one, way), way["field"]) for way in ways if _via(one, way))


def _open(one: Delivery, records: Sequence[Record]) -> Mapping[str, Ways]:
    """What is not said otherwise, and not to be kept as it is."""
    keep = one.payload.get("keep") or ()
    return {
        into: ways
        for into, ways in _inherit(one).items()
        if into not in one.payload["values"]
        and not (into in keep and any(each.values.get(into) not in EMPTY for each in records))
    }


def _via(one: Delivery, way: Mapping[str, str]) -> FieldValue:
    """The record that this way leads over, if it is known."""
    value: FieldValue = one.payload["values"].get(way["via"])
    return value


def _home(one: Delivery, way: Mapping[str, str]) -> tuple[str, str]:
    return way["entity"], str(_via(one, way))


def _look(work: Work, asked: Iterable[Asked]) -> None:
    """Read what this wave has not seen yet. Raises AdapterError, but not PauseMapping."""
    groups: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (entity, remote_id), name in asked:
        if name not in work.seen.get((entity, remote_id), {}):
            groups[entity][remote_id].add(name)
    for entity, wanted in groups.items():
        want = sorted(set().union(*wanted.values()))
        for part in chunks(sorted(wanted), work.known.traits.read_batch):
            _read(work, entity, part, want)


def _read(work: Work, entity: str, ids: Sequence[str], want: Sequence[str]) -> None:
    by = work.known.traits.id_field
    try:
        told = work.caller.ask(lambda crm: crm.find(entity, by, ids, want=want))
    except PauseMapping:
        # Hidden from us since the definitions were downloaded: the records do without.
        told = {}
    for remote_id in ids:
        hits = told.get(remote_id, ())
        held = hits[0].values if len(hits) == 1 else {}
        seen = work.seen.setdefault((entity, remote_id), {})
        seen.update({name: held.get(name) for name in want})


def _with(work: Work, target: Target, records: Sequence[Record]) -> Target:
    return replace(
        target, deliveries=tuple(_filled(work, one, records) for one in target.deliveries)
    )


def _filled(work: Work, one: Delivery, records: Sequence[Record]) -> Delivery:
    taken: dict[str, FieldValue] = {}
    for into, ways in _open(one, records).items():
        held = (work.seen.get(_home(one, way), {}).get(way["field"]) for way in ways)
        value = next((each for each in held if each not in EMPTY), None)
        if value is not None:
            taken[into] = value
    if not taken:
        return one
    return replace(one, payload={**one.payload, "values": {**taken, **one.payload["values"]}})
