"""Changes of a mapping's draft, one at a time, and what could be mapped next. Pure.

headed, with_row, without_row, with_rows   the changed body
suggestions                                 variable -> field by name and type
value_map                                   an answer's options onto a field's, by value and label
mark                                        what a form was made of: a draft that has changed
                                            since is not overwritten
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from connector.responses.configuration.sheet.choices import Known
from connector.responses.fitting import FITS
from connector.responses.vocabulary import Kind
from schemas.fields import Entity, Field, Option

Body: TypeAlias = Mapping[str, Any]
NEW_ROW: Body = {
    "transforms": [], "when_missing": "skip", "when_present": "overwrite", "default": None,
}  # fmt: skip
# Members of a mapping that may be left out, and what they then mean.
SAYS_NOTHING: Body = {"files": "none", "links": {}}
_WORD = re.compile(r"[^\W_]+")
# Words that stand in every second label.
_SAY_NOTHING = frozenset({"the", "of", "c", "answers", "contact", "a", "is", "your", "you", "how"})
# Half of all words must be the same to be offered, more to be taken without being asked.
_ALIKE = 0.5
SURE = 0.6


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A variable and the field that is called most like it and can hold it."""

    variable: str
    question: str
    field: Field
    likeness: float


def mark(body: Body) -> str:
    """A short word that differs whenever the body does."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def headed(body: Body, changes: Body) -> dict[str, Any]:
    """The body with another head; rows stay. What says nothing is left out."""
    identify = {**body["identify"], **changes.get("identify", {})}
    told = {**body, **changes, "identify": identify, "rows": list(body["rows"])}
    return {name: value for name, value in told.items() if SAYS_NOTHING.get(name) != value}


def with_rows(body: Body, rows: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The body with a row for each (variable, field) whose field no row writes yet."""
    kept = list(body["rows"])
    taken = {row["field"] for row in kept}
    for variable, field in rows:
        if field not in taken:
            kept.append({**NEW_ROW, "variable": variable, "field": field})
            taken.add(field)
    return {**body, "rows": kept}


def with_row(body: Body, place: int, row: Body) -> dict[str, Any]:
    """The body with another row at this place."""
    rows = list(body["rows"])
    rows[place] = dict(row)
    return {**body, "rows": rows}


def without_row(body: Body, place: int) -> dict[str, Any]:
    """The body without the row at this place."""
    return {**body, "rows": [row for n, row in enumerate(body["rows"]) if n != place]}


def suggestions(known: Iterable[Known], entity: Entity, body: Body) -> tuple[Suggestion, ...]:
    """For each variable that no row uses the likest field that no row writes, the surest first."""
    used = {row["variable"] for row in body["rows"]}
    taken = {row["field"] for row in body["rows"]} | {body["identify"]["field"]}
    free = [
        (one, (_words(one.name), _words(one.label)))
        for one in entity.fields
        if _is_free(one, taken)
    ]
    found = [
        best for one in known if one.variable not in used and one.offered
        if (best := _best(one, free)) is not None
    ]  # fmt: skip
    surest: dict[str, Suggestion] = {}
    for one in sorted(found, key=lambda each: -each.likeness):
        surest.setdefault(one.field.name, one)
    return tuple(surest.values())


def value_map(options: Sequence[tuple[str, str]], offered: Sequence[Option]) -> dict[str, str]:
    """Each of an answer's options with the field's that has its value or label, else empty."""
    by_word = {one.label.casefold(): one.value for one in offered if one.active}
    by_word |= {one.value.casefold(): one.value for one in offered if one.active}
    return {
        value: by_word.get(value.casefold(), by_word.get(label.casefold(), ""))
        for value, label in options
    }


def _is_free(one: Field, taken: Collection[str]) -> bool:
    return one.name not in taken and (one.creatable or one.updatable)


def _best(
    one: Known, free: Iterable[tuple[Field, tuple[frozenset[str], ...]]]
) -> Suggestion | None:
    asked = [_words(one.variable.partition(".")[2]), _words(one.question)]
    fits = FITS[Kind(one.kind)]
    found = [
        (_alike(asked_words, said), field)
        for field, names in free
        if field.type in fits
        for asked_words in asked
        for said in names
    ]
    likeness, field = max(found, key=lambda each: each[0], default=(0.0, None))
    if field is None or likeness < _ALIKE:
        return None
    return Suggestion(one.variable, one.question, field, likeness)


def _words(*texts: str) -> frozenset[str]:
    said = {word for text in texts for word in _WORD.findall(text.casefold())}
    return frozenset(said - _SAY_NOTHING)


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """How many of the words that either says both say: 0 to 1."""
    return len(one & other) / len(one | other) if one and other else 0.0
