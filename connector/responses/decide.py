"""Decide: a target, seen against what the CRM holds, becomes a change, nothing to do, or a refusal.
Pure.

A change that the CRM refused without naming a field is divided, one part per delivery, so that the
bad one stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.values import Operation, Record
from connector.responses.fold import Tagging, Target
from connector.responses.steps import (
    FIELDS,
    TAG,
    UNDO,
    Delivery,
    Made,
    Settlement,
)
from schemas.fields import FieldValue, canonical
from schemas.phrases import phrase
from schemas.record import Refusal

# (values, creating) -> why they cannot be written
CREATING = True
READ_ONLY = "read_only"
NOT_FOUND = "not_found"
# What a CRM may answer for a field that holds nothing.
EMPTY: tuple[FieldValue, ...] = (None, "", ())
Check = Callable[[Mapping[str, FieldValue], bool], Sequence[Refusal]]


@dataclass(frozen=True, slots=True)
class Change:
    """What is about to be written on one record. `sources`: field -> the deliveries whose value or
    tag it carries.
    """

    target: Target
    operation: Operation
    values: Mapping[str, FieldValue]
    before: Mapping[str, FieldValue]
    sources: Mapping[str, tuple[int, ...]]
    remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows for one target: perhaps a change, the record's id if known, what is settled
    already, and what the record holds.
    """

    target: Target
    remote_id: str | None = None
    change: Change | None = None
    settled: tuple[Settlement, ...] = ()
    held: Mapping[str, FieldValue] = field(default_factory=dict)


def decide(
    target: Target, records: Sequence[Record], *, tagging: Tagging, check: Check
) -> Decision:
    """What to do with this target, given every record the CRM found for it."""
    record, refusal = _chosen(target, records)
    if refusal is not None:
        every = tuple(_without_record(one, refusal) for one in target.deliveries)
        return Decision(replace(target, deliveries=()), settled=every)
    creating = record is None
    target, bad = _judged(target, check, creating=creating)
    bad |= _untold(target, record)
    if record is not None:
        bad |= {
            one.id: _exists(one, record) for one in target.deliveries if _is_others(one, record)
        }
    good = replace(target, deliveries=tuple(one for one in target.deliveries if one.id not in bad))
    settled = tuple(bad.values())
    if not good.deliveries:
        return Decision(good, settled=settled)
    change = _change(good, record, tagging)
    tags = tagging.fields_for(good.deliveries)
    missing = check(_all_but(tags, change.values), CREATING) if creating else ()
    if missing:
        return Decision(replace(good, deliveries=()), settled=settled + _refused(good, missing[0]))
    held = dict(record.values) if record is not None else {}
    if not creating and not change.values:
        return Decision(good, change.remote_id, None, settled, held)
    return Decision(good, change.remote_id, change, settled, held)


def _without_record(one: Delivery, refusal: Settlement) -> Settlement:
    """The refusal; where the record is gone there is nothing left to take back."""
    if one.kind == UNDO and refusal.reason == NOT_FOUND:
        return Settlement(one.id, "done", code="unchanged")
    return replace(refusal, delivery_id=one.id)


def _all_but(names: Collection[str], values: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """The values that the downloaded definitions can judge: the tags' own fields, and their
    options, are made often after the download.
    """
    return {field: value for field, value in values.items() if field not in names}


def _chosen(target: Target, records: Sequence[Record]) -> tuple[Record | None, Settlement | None]:
    """The one record to write, or None to create one, or the reason why neither is allowed."""
    if not records and target.creates:
        return None, None
    if not records:
        return None, _dead(NOT_FOUND, phrase("the CRM has no record for this contact"))
    if len(records) == 1:
        return records[0], None
    if target.ambiguous == "refuse" or any(one.updated_at is None for one in records):
        text = phrase(
            "%(count)s records of the CRM match; choose a rule in the mapping or merge",
            count=len(records),
        )
        return None, _dead("ambiguous", text)
    ordered = sorted(records, key=lambda one: (str(one.updated_at), one.remote_id))
    return ordered[-1 if target.ambiguous == "newest" else 0], None


def reads_same(wanted: FieldValue, held: FieldValue) -> bool:
    """As `same`, however the CRM has set the spaces and lines of a text."""
    if isinstance(wanted, str) and isinstance(held, str):
        return same(" ".join(wanted.split()), " ".join(held.split()))
    return same(wanted, held)


def _dead(reason: str, message: str) -> Settlement:
    return Settlement(0, "dead", reason, code=reason, message=message)


def _is_others(one: Delivery, record: Record) -> bool:
    """Whether it may only create, and nothing tells that the record is of another version of its
    own response: what was made of that, an edit writes like any update.
    """
    made: Made | None = one.payload.get("made")
    if not one.only_creates or made is None:
        return one.only_creates
    lost = any(_holds(record, sent, besides=_match_of(one)) for sent in made.perhaps)
    return record.remote_id not in made.records and not lost


def _match_of(one: Delivery) -> Collection[str]:
    return (one.payload["match"]["field"],)


def _holds(record: Record, sent: Mapping[str, Any], *, besides: Collection[str] = ()) -> bool:
    """Whether the record holds what was sent, as far as it was read; `besides` says nothing."""
    told = [
        (canonical(sent[name]), value)
        for name, value in record.values.items()
        if name in sent and name not in besides
    ]
    return bool(told) and all(reads_same(*pair) for pair in told)


def _exists(one: Delivery, record: Record) -> Settlement:
    """Refused; unless an earlier try of ours, whose answer was lost, has made it: then it holds
    what was sent.
    """
    if one.may_have_been_sent and _holds(record, one.payload["values"]):
        return Settlement(one.id, "done", code="unchanged", remote_id=record.remote_id)
    text = "the CRM has this record already, and the mapping only creates"
    return replace(_dead("exists", text), delivery_id=one.id)


def _judged(
    target: Target, check: Check, *, creating: bool
) -> tuple[Target, dict[int, Settlement]]:
    """The target as it may be written, and the deliveries whose own values the record schema
    refuses; the neighbours go on without them.
    """
    bad = {}
    judged = []
    for one in target.deliveries:
        if one.kind == FIELDS:
            values = {name: canonical(value) for name, value in one.payload["values"].items()}
            refusals = [found for found in check(values, creating) if found.rule != "required"]
            left_out = _for_others(one, values, refusals, check=check, creating=creating)
            if left_out:
                kept = {n: v for n, v in one.payload["values"].items() if n not in left_out}
                one = replace(one, payload={**one.payload, "values": kept})  # noqa: PLW2901
            against = [found for found in refusals if found.field not in left_out]
            if against:
                bad[one.id] = refused(one.id, against[0])
        judged.append(one)
    return replace(target, deliveries=tuple(judged)), bad


def _for_others(
    one: Delivery,
    values: Mapping[str, FieldValue],
    refusals: Sequence[Refusal],
    *,
    check: Check,
    creating: bool,
) -> Collection[str]:
    """The fields that an upsert leaves out, for they take a value only on a new record, or only on
    one that is there: whoever published the mapping was told so. What only creates leaves out what
    a record of its own takes no more.
    """
    locked = {found.field for found in refusals if found.rule == READ_ONLY}
    edits = one.only_creates and not creating
    if not locked or not (edits or one.payload["operation"] == "upsert"):
        return ()
    asked = {name: values[name] for name in locked}
    return locked - {found.field for found in check(asked, not creating) if found.rule == READ_ONLY}


def _untold(target: Target, record: Record | None) -> dict[int, Settlement]:
    """What would be taken back, but nobody knows what stood there before: a person has to look."""
    held = dict(record.values) if record is not None else {}
    bad = {}
    for one in target.deliveries:
        stands = [
            name
            for name, ours in (one.payload.get("unknown") or {}).items()
            if reads_same(canonical(ours), held.get(name))
        ]
        if stands:
            text = "a process died while writing this field: what stood there before is not known"
            settled = replace(_dead("before_unknown", text), delivery_id=one.id, field=stands[0])
            bad[one.id] = settled
    return bad


def refused(delivery_id: int, refusal: Refusal) -> Settlement:
    """A delivery that the record schema refuses: named field, kind of value and rule."""
    return Settlement(
        delivery_id,
        "dead",
        "validation",
        code=refusal.rule,
        message=refusal.message,
        field=refusal.field,
    )


def _refused(target: Target, refusal: Refusal) -> tuple[Settlement, ...]:
    return tuple(refused(one.id, refusal) for one in target.deliveries)


def _change(target: Target, record: Record | None, tagging: Tagging) -> Change:
    before = dict(record.values) if record is not None else {}
    values: dict[str, FieldValue] = {}
    sources: dict[str, tuple[int, ...]] = {}
    for one in target.deliveries:
        wanted = _values_of(one, before, values, tagging, creating=record is None)
        values |= wanted
        for name in wanted:
            # A later answer takes a field over; tags of several campaigns share theirs.
            shared = sources.get(name, ()) if one.about == TAG else ()
            sources[name] = (*shared, one.id)
    if record is not None:
        held = before.get
        values = {name: one for name, one in values.items() if not same(one, held(name))}
    else:
        values = _with_creation(target, values, sources)
    return Change(
        target,
        Operation.CREATE if record is None else Operation.UPDATE,
        values,
        {name: before.get(name) for name in values},
        {name: sources[name] for name in values if name in sources},
        record.remote_id if record is not None else None,
    )


def _values_of(
    one: Delivery,
    before: Mapping[str, FieldValue],
    values: Mapping[str, FieldValue],
    tagging: Tagging,
    *,
    creating: bool,
) -> dict[str, FieldValue]:
    """What this delivery wants in the record's fields, on top of what older ones of the wave
    want.
    """
    if one.kind == FIELDS:
        keep = () if creating else one.payload.get("keep", ())
        kept = [name for name in keep if before.get(name) not in EMPTY]
        return {
            name: canonical(value)
            for name, value in one.payload["values"].items()
            if name not in kept
        }
    if one.kind == UNDO and creating:
        return {}
    if one.kind == UNDO and one.about == FIELDS:
        return _taken_back(one, {**before, **values})
    name = tagging.field_for(one)
    if name is not None:
        held = values.get(name, before.get(name))
        return {name: tagging.value(one, held)}
    return {}


def _taken_back(one: Delivery, held: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """The fields that still hold what is taken back: what somebody else has written since stays."""
    return {
        name: canonical(told["to"])
        for name, told in (one.payload.get("back") or {}).items()
        if reads_same(canonical(told["ours"]), held.get(name))
    }


def _with_creation(
    target: Target, values: Mapping[str, FieldValue], sources: dict[str, tuple[int, ...]]
) -> dict[str, FieldValue]:
    """A new record also carries what identifies it and what the contact brings along."""
    extra: dict[str, FieldValue] = {}
    for one in target.deliveries:
        for name, value in (one.payload.get("create") or {}).items():
            extra.setdefault(name, canonical(value))
            sources.setdefault(name, (one.id,))
    extra.setdefault(target.match_field, target.match_value)
    sources.setdefault(target.match_field, (target.deliveries[0].id,))
    return {**extra, **values}


def same(wanted: FieldValue, held: FieldValue) -> bool:
    """Whether the CRM holds this value already; an empty text and an empty list count as
    nothing.
    """
    if isinstance(wanted, str) and isinstance(held, str) and "@" in wanted:
        # An address is the same whatever its case; HubSpot answers it in lower case.
        return wanted.casefold() == held.casefold()
    if isinstance(wanted, tuple) and isinstance(held, tuple):
        # A multi-choice field is a set: Salesforce answers in the order of its definition.
        return set(wanted) == set(held)
    return wanted == held or (wanted in EMPTY and held in EMPTY)


def divided(change: Change) -> tuple[Change, ...]:
    """One change per delivery (or group that shares a tag field), of the fields that carry its
    value.

    A part holds only the deliveries it carries; nothing to divide gives one part.
    """
    by_source: dict[tuple[int, ...], dict[str, FieldValue]] = {}
    for name, value in change.values.items():
        by_source.setdefault(change.sources.get(name, ()), {})[name] = value
    return tuple(
        replace(
            change,
            target=_only(change.target, source, key=f"{change.target.key}-{place}"),
            values=values,
            before={name: change.before.get(name) for name in values},
            sources=dict.fromkeys(values, source),
        )
        for place, (source, values) in enumerate(by_source.items())
    )


def _only(target: Target, ids: tuple[int, ...], *, key: str) -> Target:
    kept = tuple(one for one in target.deliveries if one.id in ids)
    return replace(target, key=key, deliveries=kept)
