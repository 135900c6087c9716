"""Fold: the claimed deliveries of a lane become one Target per CRM record; answers that a newer one
of the same target has overtaken are superseded. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from connector.responses.steps import (
    FIELDS,
    TAG,
    UNDO,
    Delivery,
    Rank,
    field_target,
    tag_target,
)
from connector.responses.tags import (
    Spelling,
    TagPattern,
    campaign_field,
    owned,
    replaced,
    score_of,
    spellings,
    without,
)
from schemas.fields import FieldValue
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
    their own; `per_campaign` names the field that each campaign has instead, `longest` its length.
    """

    spelling: Spelling
    pattern: TagPattern
    field: str | None = None
    style: int = 0
    per_campaign: str | None = None
    longest: int = 36
    former: tuple[TagPattern, ...] = ()

    def tag(self, campaign: str, score: object) -> str:
        """The spelling this account keeps."""
        return self.all_spellings(campaign, score)[0]

    def all_spellings(self, campaign: str, score: object) -> tuple[str, ...]:
        """The kept spelling first, then the others this CRM could keep."""
        every = spellings(campaign, score, spelling=self.spelling, pattern=self.pattern)
        return every[self.style :] or every[-1:]

    def owned(self, names: Iterable[str]) -> frozenset[str]:
        """Every tag in these names that may be replaced, in the patterns of before too."""
        every = [(name, pattern) for name in names for pattern in (self.pattern, *self.former)]
        return frozenset().union(
            *(owned(name, spelling=self.spelling, pattern=one) for name, one in every)
        )

    @property
    def in_record(self) -> bool:
        """Whether a score travels in the contact's own fields."""
        return self.field is not None or self.per_campaign is not None

    def field_of(self, campaign: str) -> str | None:
        """The field that holds this campaign's score; None where tags have endpoints."""
        if self.per_campaign is None:
            return self.field
        return campaign_field(campaign, template=self.per_campaign, longest=self.longest)

    def field_for(self, one: Delivery) -> str | None:
        """The field that a tag delivery is written to."""
        return self.field_of(one.payload["campaign"]) if one.about == TAG else None

    def fields_for(self, deliveries: Iterable[Delivery]) -> frozenset[str]:
        """The fields that the tags among these are written to."""
        return frozenset(name for one in deliveries if (name := self.field_for(one)))

    def value(self, one: Delivery, held: FieldValue) -> FieldValue:
        """What the field holds with this score: its number, or the tags with the new one."""
        campaign, score = one.payload["campaign"], one.payload["score"]
        if one.kind == UNDO and not self.is_ours(one, held):
            return held
        if self.per_campaign is not None:
            return None if score is None else score_of(score)
        current = held if isinstance(held, tuple) else ()
        if score is None:
            return without(current, self.owned(names_of(one)))
        return replaced(current, self.tag(campaign, score), self.owned(names_of(one)))

    def is_ours(self, one: Delivery, held: FieldValue) -> bool:
        """Whether a score that is to be taken back still stands."""
        scores = one.payload["scores"]
        if self.per_campaign is not None:
            return held in scores
        tags = set(held) if isinstance(held, tuple) else set()
        return any(not tags.isdisjoint(self._as_spelt(one, score)) for score in scores)

    def _as_spelt(self, one: Delivery, score: object) -> frozenset[str]:
        every = [
            spelt
            for name in names_of(one)
            for pattern in (self.pattern, *self.former)
            for spelt in spellings(name, score, spelling=self.spelling, pattern=pattern)
        ]
        return frozenset(every)


def names_of(one: Delivery) -> tuple[str, ...]:
    """The names that a tag delivery's campaign has and had in its tags."""
    return (one.payload["campaign"], *one.payload.get("former", ()))


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

    @property
    def follows(self) -> bool:
        """Whether it refers to the contact's own record, which then has to be written first."""
        return any(one.payload.get("contact") for one in self.deliveries)

    def fields(self) -> tuple[str, ...]:
        """Every field that the deliveries may write, in order and once."""
        names = (
            name
            for one in self.deliveries
            if one.about == FIELDS
            for part in ("values", "refs", "inherit", "create", "back", "unknown")
            for name in one.payload.get(part) or ()
        )
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Folded:
    """The targets of a wave, and the deliveries that a newer answer has overtaken."""

    targets: tuple[Target, ...]
    superseded: tuple[Delivery, ...]


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
    parts = {part: one.payload.get(part) or {} for part in ("values", "refs")}
    left = {
        part: {
            name: value
            for name, value in every.items()
            if not _is_overtaken(one, field_target(one.entity, name), clocks)
        }
        for part, every in parts.items()
    }
    if any(parts.values()) and not any(left.values()):
        return None
    return replace(one, payload={**one.payload, **left})


def _is_overtaken(one: Delivery, target: str, clocks: Clocks) -> bool:
    newest = clocks.get((one.lane, target))
    return newest is not None and one.rank.is_older_than(newest)
