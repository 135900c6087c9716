"""Fold and decide: which records this wave writes, with which values, and what each delivery then
is. Pure.

    fold      the claimed deliveries of a lane become one Target per CRM record; answers that a
    newer one of the same
              target has overtaken are superseded
    decide    a target, seen against what the CRM holds, becomes a Change, nothing to do, or a
    refusal divided   a change that the CRM refused without naming a field, one per delivery, so
    that the bad one stands alone
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.base import Operation, Record
from connector.responses.steps import (
    FIELDS,
    TAG,
    Delivery,
    Rank,
    Settlement,
    field_target,
    tag_target,
)
from connector.responses.tags import Spelling, TagPattern, owned, replaced, spellings
from schemas.fields import FieldValue, canonical
from schemas.record import Refusal

Clocks = Mapping[tuple[str, str], Rank]
# (values, creating) -> why they cannot be written
CREATING = True
# What a CRM may answer for a field that holds nothing.
EMPTY: tuple[FieldValue, ...] = (None, "", ())
Check = Callable[[Mapping[str, FieldValue], bool], Sequence[Refusal]]


@dataclass(frozen=True, slots=True)
class Tagging:
    """How score tags are written at this connection. `field` is None where tags have endpoints of
    their own.
    """

    spelling: Spelling
    pattern: TagPattern
    field: str | None = None
    style: int = 0

    def tag(self, campaign: str, score: object) -> str:
        """The spelling this account keeps."""
        return self.all_spellings(campaign, score)[0]

    def all_spellings(self, campaign: str, score: object) -> tuple[str, ...]:
        """The kept spelling first, then the others this CRM could keep."""
        every = spellings(campaign, score, spelling=self.spelling, pattern=self.pattern)
        return every[self.style :] or every[-1:]

    def owned(self, campaign: str) -> frozenset[str]:
        """Every tag of this campaign that may be replaced."""
        return owned(campaign, spelling=self.spelling, pattern=self.pattern)


@dataclass(frozen=True, slots=True)
class Target:
    """One CRM record this wave works on, with the live deliveries for it, oldest answer first."""

    key: str
    lane: str
    entity: str
    match_field: str
    match_value: str
    linked: bool
    contact_id: int
    deliveries: tuple[Delivery, ...]

    @property
    def creates(self) -> bool:
        """Whether a record that is not there may be created."""
        return any(
            one.kind == FIELDS and one.payload["operation"] in {"create", "upsert"}
            for one in self.deliveries
        )

    @property
    def upserts(self) -> bool:
        """Whether a record may be created, and written where it is there already."""
        return any(
            one.kind == FIELDS and one.payload["operation"] == "upsert" for one in self.deliveries
        )

    @property
    def ambiguous(self) -> str:
        """The rule when several records match; the strictest of the mappings'."""
        rules = {
            one.payload.get("ambiguous", "refuse") for one in self.deliveries if one.kind == FIELDS
        }
        return rules.pop() if len(rules) == 1 else "refuse"

    def fields(self) -> tuple[str, ...]:
        """Every field that the deliveries may write, in order and once."""
        names = (
            name
            for one in self.deliveries
            if one.kind == FIELDS
            for part in ("values", "create")
            for name in one.payload.get(part, ())
        )
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Folded:
    """The targets of a wave, and the deliveries that a newer answer has overtaken."""

    targets: tuple[Target, ...]
    superseded: tuple[Delivery, ...]


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
    already, and (without a change) what the record holds.
    """

    target: Target
    remote_id: str | None = None
    change: Change | None = None
    settled: tuple[Settlement, ...] = ()
    held: Mapping[str, FieldValue] = field(default_factory=dict)


def fold(deliveries: Iterable[Delivery], clocks: Clocks) -> Folded:
    """One Target per record; deliveries must come oldest answer first within a lane."""
    live: dict[tuple[str, str, str, str], list[Delivery]] = {}
    superseded = []
    for one in deliveries:
        current = _current(one, clocks)
        if current is None:
            superseded.append(one)
            continue
        match = one.payload["match"]
        key = (one.lane, one.entity, match["field"], str(match["value"]).lower())
        live.setdefault(key, []).append(current)
    return Folded(tuple(_target(group) for group in live.values()), tuple(superseded))


def _target(group: Sequence[Delivery]) -> Target:
    first = group[0]
    return Target(
        key=str(min(one.id for one in group)),
        lane=first.lane,
        entity=first.entity,
        match_field=first.payload["match"]["field"],
        match_value=str(first.payload["match"]["value"]),
        linked=bool(first.payload.get("linked")),
        contact_id=first.contact_id,
        deliveries=tuple(group),
    )


def _current(one: Delivery, clocks: Clocks) -> Delivery | None:
    """The delivery without the values a newer answer has overtaken; None when nothing of it is
    left.
    """
    if one.kind == TAG:
        return None if _is_overtaken(one, tag_target(one.campaign_id or 0), clocks) else one
    if one.kind != FIELDS:
        return one
    values = {
        name: value
        for name, value in one.payload["values"].items()
        if not _is_overtaken(one, field_target(one.entity, name), clocks)
    }
    if one.payload["values"] and not values:
        return None
    return replace(one, payload={**one.payload, "values": values})


def _is_overtaken(one: Delivery, target: str, clocks: Clocks) -> bool:
    newest = clocks.get((one.lane, target))
    return newest is not None and one.rank.is_older_than(newest)


def decide(
    target: Target, records: Sequence[Record], *, tagging: Tagging, check: Check
) -> Decision:
    """What to do with this target, given every record the CRM found for it."""
    record, refusal = _chosen(target, records)
    if refusal is not None:
        every = tuple(replace(refusal, delivery_id=one.id) for one in target.deliveries)
        return Decision(replace(target, deliveries=()), settled=every)
    creating = record is None
    bad = _bad_deliveries(target, check, creating=creating)
    if not creating:
        bad |= {one.id: _exists(one) for one in target.deliveries if _only_creates(one)}
    good = replace(target, deliveries=tuple(one for one in target.deliveries if one.id not in bad))
    settled = tuple(bad.values())
    if not good.deliveries:
        return Decision(good, settled=settled)
    change = _change(good, record, tagging)
    missing = check(_all_but(tagging.field, change.values), CREATING) if creating else ()
    if missing:
        return Decision(replace(good, deliveries=()), settled=settled + _refused(good, missing[0]))
    if not creating and not change.values:
        held = dict(record.values) if record is not None else {}
        return Decision(good, change.remote_id, None, settled, held)
    return Decision(good, change.remote_id, change, settled)


def _all_but(name: str | None, values: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """The values that the downloaded definitions can judge: the tags' own field, and its options,
    we make ourselves, often after the download.
    """
    return {field: value for field, value in values.items() if field != name}


def _chosen(target: Target, records: Sequence[Record]) -> tuple[Record | None, Settlement | None]:
    """The one record to write, or None to create one, or the reason why neither is allowed."""
    if not records and target.creates:
        return None, None
    if not records:
        return None, _dead("not_found", "the CRM has no record for this contact")
    if len(records) == 1:
        return records[0], None
    if target.ambiguous == "refuse" or any(one.updated_at is None for one in records):
        text = f"{len(records)} records of the CRM match; choose a rule in the mapping or merge"
        return None, _dead("ambiguous", text)
    ordered = sorted(records, key=lambda one: (str(one.updated_at), one.remote_id))
    return ordered[-1 if target.ambiguous == "newest" else 0], None


def _dead(reason: str, message: str) -> Settlement:
    return Settlement(0, "dead", reason, code=reason, message=message)


def _only_creates(one: Delivery) -> bool:
    return one.kind == FIELDS and one.payload["operation"] == "create"


def _exists(one: Delivery) -> Settlement:
    text = "the CRM has this record already, and the mapping only creates"
    return replace(_dead("exists", text), delivery_id=one.id)


def _bad_deliveries(target: Target, check: Check, *, creating: bool) -> dict[int, Settlement]:
    """The deliveries whose own values the record schema refuses; the neighbours go on without
    them.
    """
    bad = {}
    for one in target.deliveries:
        if one.kind != FIELDS:
            continue
        values = {name: canonical(value) for name, value in one.payload["values"].items()}
        refusals = [refusal for refusal in check(values, creating) if refusal.rule != "required"]
        if refusals:
            bad[one.id] = refused(one.id, refusals[0])
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
            shared = sources.get(name, ()) if one.kind == TAG else ()
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
    if one.kind == TAG and tagging.field is not None:
        current = values.get(tagging.field, before.get(tagging.field))
        campaign = one.payload["campaign"]
        held = current if isinstance(current, tuple) else ()
        tag = tagging.tag(campaign, one.payload["score"])
        return {tagging.field: replaced(held, tag, tagging.owned(campaign))}
    return {}


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
