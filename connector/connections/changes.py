"""What has changed between two definitions of one entity, by kind, and what of it breaks. Pure.

    breaks every value   removed, renamed, read_only, entity_removed
    breaks some values   retyped, shortened, required, options_gone, options_withdrawn,
                         permission_lost
    breaks none          options_added, options_offered, widened, added

Withdrawn is an option that the field still has and a record type does not offer any more.

`permission_lost` is about the rights on a whole entity. A CRM tells no renaming: a field that is
gone beside a new one of the same label and type is taken for one. A user who may no longer see a
field is told a definition without it, so that looks like a removal and is named as both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from adapters.rights import EntityRights
from schemas.fields import Entity, Field


class ChangeKind(StrEnum):
    """What became of a field, or of the whole entity."""

    ENTITY_REMOVED = "entity_removed"
    REMOVED = "removed"
    RENAMED = "renamed"
    READ_ONLY = "read_only"
    PERMISSION_LOST = "permission_lost"
    RETYPED = "retyped"
    SHORTENED = "shortened"
    REQUIRED = "required"
    OPTIONS_GONE = "options_gone"
    OPTIONS_WITHDRAWN = "options_withdrawn"
    OPTIONS_OFFERED = "options_offered"
    OPTIONS_ADDED = "options_added"
    WIDENED = "widened"
    ADDED = "added"


# No value can be written any more: what waits for the field is parked.
LOST = frozenset(
    {ChangeKind.ENTITY_REMOVED, ChangeKind.REMOVED, ChangeKind.RENAMED, ChangeKind.READ_ONLY}
)
BREAKING = LOST | {
    ChangeKind.PERMISSION_LOST,
    ChangeKind.RETYPED,
    ChangeKind.SHORTENED,
    ChangeKind.REQUIRED,
    ChangeKind.OPTIONS_GONE,
    ChangeKind.OPTIONS_WITHDRAWN,
}
# The rights on an entity whose loss is told, by their names in adapters/rights.py.
RIGHTS = ("read", "create", "update")
# Options named in one change; the rest are counted.
MOST_OPTIONS = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one field ("" for the whole entity). `before` and `after` are words."""

    kind: ChangeKind
    field: str
    label: str
    before: str = ""
    after: str = ""

    @property
    def breaks(self) -> bool:
        """Whether an answer that could be written may be refused now."""
        return self.kind in BREAKING

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "kind": self.kind.value, "breaks": self.breaks}


def changes_of(before: Entity, after: Entity | None) -> tuple[Change, ...]:
    """Every change between two definitions, the breaking ones first."""
    if after is None:
        return (Change(ChangeKind.ENTITY_REMOVED, "", before.label),)
    then, now = before.by_name(), after.by_name()
    gone = [one for name, one in then.items() if name not in now]
    new = [one for name, one in now.items() if name not in then]
    found = [
        *_missing(gone, new),
        *(change for name, one in then.items() if name in now
          for change in _of_field(one, now[name])),
    ]  # fmt: skip
    renamed = {one.after for one in found if one.kind is ChangeKind.RENAMED}
    found += [_added(one) for one in new if one.name not in renamed]
    return tuple(sorted(found, key=lambda one: (not one.breaks, one.field)))


def lost_rights(before: EntityRights, after: EntityRights) -> tuple[str, ...]:
    """What the connected user could do with an entity, and may not any more."""
    return tuple(one for one in RIGHTS if getattr(before, one) and not getattr(after, one))


def permission_lost(entity: Entity, lost: Iterable[str]) -> Change:
    """The change that says so; `before` names what was lost."""
    return Change(ChangeKind.PERMISSION_LOST, "", entity.label, ", ".join(lost), "not allowed")


def still_lost(change: Mapping[str, Any], now: Entity | None) -> bool:
    """Whether what a stored change says was lost is lost by this definition too."""
    if now is None:
        return True
    if change["kind"] == ChangeKind.ENTITY_REMOVED:
        return False
    field = now.field(change["field"])
    return field is None or (change["kind"] == ChangeKind.READ_ONLY and not field.updatable)


def _missing(gone: Iterable[Field], new: Iterable[Field]) -> Iterator[Change]:
    free = list(new)
    for one in gone:
        twin = next((two for two in free if _alike(one, two)), None)
        if twin is None:
            after = "it was removed, or the connected user may no longer see it"
            yield Change(ChangeKind.REMOVED, one.name, one.label, one.type.value, after)
        else:
            free.remove(twin)
            yield Change(ChangeKind.RENAMED, one.name, one.label, one.name, twin.name)


def _alike(one: Field, two: Field) -> bool:
    return one.type is two.type and one.label.casefold() == two.label.casefold()


def _added(one: Field) -> Change:
    kind = ChangeKind.REQUIRED if one.required else ChangeKind.ADDED
    return Change(kind, one.name, one.label, "", one.type.value)


def _of_field(then: Field, now: Field) -> Iterator[Change]:
    if then.updatable and not now.updatable:
        yield Change(ChangeKind.READ_ONLY, now.name, now.label, "writable", "read-only")
    if then.type is not now.type:
        yield Change(ChangeKind.RETYPED, now.name, now.label, then.type.value, now.type.value)
    elif _room(then) != _room(now):
        kind = ChangeKind.SHORTENED if _is_tighter(then, now) else ChangeKind.WIDENED
        yield Change(kind, now.name, now.label, _spelt(then), _spelt(now))
    if now.required and not then.required:
        yield Change(ChangeKind.REQUIRED, now.name, now.label, "optional", "required")
    yield from _of_options(then, now)
    if now.closed:
        # Where any value may be written, a record type refuses none.
        yield from _of_record_types(then, now)


def _of_record_types(then: Field, now: Field) -> Iterator[Change]:
    had, has = _active(then), _active(now)
    both = [one for one in had if one in has]
    for name in dict.fromkeys((*then.offered_by, *now.offered_by)):
        before, after = then.offered_by.get(name, had), now.offered_by.get(name, has)
        if gone := [one for one in both if one in before and one not in after]:
            told = f"{name}: {_listed(gone)}"
            yield Change(ChangeKind.OPTIONS_WITHDRAWN, now.name, now.label, told, "")
        if new := [one for one in both if one not in before and one in after]:
            told = f"{name}: {_listed(new)}"
            yield Change(ChangeKind.OPTIONS_OFFERED, now.name, now.label, "", told)


def _of_options(then: Field, now: Field) -> Iterator[Change]:
    had, has = _active(then), _active(now)
    if gone := [one for one in had if one not in has]:
        # Where any value may be written, an option that is gone refuses none.
        kind = ChangeKind.OPTIONS_GONE if now.closed else ChangeKind.WIDENED
        yield Change(kind, now.name, now.label, _listed(gone), "")
    if new := [one for one in has if one not in had]:
        yield Change(ChangeKind.OPTIONS_ADDED, now.name, now.label, "", _listed(new))


def _active(one: Field) -> dict[str, None]:
    return dict.fromkeys(option.value for option in one.options if option.active)


def _listed(values: list[str]) -> str:
    more = f" and {len(values) - MOST_OPTIONS} more" if len(values) > MOST_OPTIONS else ""
    return ", ".join(values[:MOST_OPTIONS]) + more


def _room(one: Field) -> tuple[int | None, ...]:
    return one.max_length, one.max_digits, one.max_scale


def _is_tighter(then: Field, now: Field) -> bool:
    pairs = zip(_room(then), _room(now), strict=True)
    return any(new is not None and (old is None or new < old) for old, new in pairs)


def _spelt(one: Field) -> str:
    names = ("characters", "digits", "decimals")
    told = [
        f"{room} {name}"
        for room, name in zip(_room(one), names, strict=True)
        if room is not None
    ]  # fmt: skip
    return ", ".join(told) or "no limit"
