"""Checks an edit before any CRM is asked: the fields may be edited, the values fit.

A refusal names the change and the rule, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.problems import Code, Place, Refusal
from connector.responses.extras.choosing import SENTENCES, Chosen, Extra
from connector.responses.extras.comparing import Change
from connector.responses.fitting import Unfit, fitted, given
from connector.responses.vocabulary import Kind
from schemas.fields import Entity, Field, FieldValue
from schemas.phrases import phrase
from schemas.record import compile_record_schema, refusals


def checked(
    chosen: Chosen, wanted: Sequence[Mapping[str, Any]], *, by_etag: bool
) -> tuple[Change, ...]:
    """The changes in canonical form. `by_etag`: what was seen need not be told, by If-Match or
    because nothing was there, and `was` may be missing. Raises Refusal(CHANGE_REFUSED) with every
    faulty place.
    """
    extras = {one.name: one for one in chosen.extras}
    changes: list[Change] = []
    places: list[Place] = []
    for at, one in enumerate(wanted):
        try:
            changes.append(_change(extras.get(one["field"]), one, at, by_etag=by_etag))
        except _Wrong as exc:
            places.append(exc.place)
    places += _twice(wanted)
    if chosen.entity is not None:
        places += _unfit(changes, chosen.entity)
    if places:
        raise Refusal(Code.CHANGE_REFUSED, places=places)
    return tuple(changes)


class _Wrong(Exception):
    def __init__(self, place: Place) -> None:
        super().__init__(place.code)
        self.place = place


def _change(extra: Extra | None, one: Mapping[str, Any], at: int, *, by_etag: bool) -> Change:
    pointer = f"/changes/{at}"
    if extra is None or extra.field is None:
        text = phrase("it is no extra field of this connection")
        raise _Wrong(Place(f"{pointer}/field", "unknown_field", text))
    if extra.why_not is not None:
        raise _Wrong(Place(f"{pointer}/field", extra.why_not, SENTENCES[extra.why_not]))
    if "was" not in one and not by_etag:
        text = phrase("say the value that was seen, or send If-Match")
        raise _Wrong(Place(f"{pointer}/was", "required", text))
    value = _fitted(extra.field, one["value"], f"{pointer}/value")
    was = _fitted(extra.field, one.get("was"), f"{pointer}/was")
    return Change(extra.field, value, was, at)


def _fitted(field: Field, value: object, pointer: str) -> FieldValue:
    try:
        held = given(value)
        # An empty text is how a form says "nothing".
        return None if held == "" else fitted(held, Kind.ANY, field=field)
    except Unfit as exc:
        raise _Wrong(Place(pointer, exc.code, str(exc))) from exc


def _twice(wanted: Sequence[Mapping[str, Any]]) -> Iterator[Place]:
    seen: set[str] = set()
    for at, one in enumerate(wanted):
        if one["field"] in seen:
            yield Place(f"/changes/{at}/field", "duplicate", phrase("the field stands twice"))
        seen.add(one["field"])


def _unfit(changes: Sequence[Change], entity: Entity) -> Iterator[Place]:
    at = {one.name: one.place for one in changes}
    values = {one.name: one.value for one in changes}
    schema = compile_record_schema(entity)()
    for one in refusals(schema, entity, values, creating=False):
        yield Place(f"/changes/{at[one.field]}/value", one.rule, one.message)
