"""The answers of a platform in our normal form, one small maker per kind. Pure.

Every maker answers None where nothing was answered: an empty text, no choice, no score. So a
missing score is never a detractor, and a skipped list never empties a field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from marshmallow import ValidationError

from schemas.answer import VALUE_OF
from schemas.sources.base import JSON, Wishes, as_number, as_text, objects, words

Answer: TypeAlias = dict[str, Any]
# What is chosen where the respondent wrote an answer of their own instead.
OTHER = "other"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBERS = frozenset({"nps", "rating", "number", "duration"})
_LISTS = frozenset({"multi_choice", "ranking"})
_SCHEMES = ("https://", "http://")


def number(
    value: JSON, kind: str = "number", *, scale: tuple[int, int] | None = None
) -> Answer | None:
    """A number, a rating or a duration; NPS only from 0 to 10, else it is a number."""
    exact = as_number(value)
    if exact is None:
        return None
    is_score = isinstance(exact, int) and 0 <= exact <= 10
    answer: Answer = {"type": "number" if kind == "nps" and not is_score else kind, "value": exact}
    if scale is not None:
        answer["scale"] = {"min": scale[0], "max": scale[1]}
    return answer


def text(value: JSON, kind: str = "text") -> Answer | None:
    """A text; an empty one was not written."""
    plain = as_text(value)
    return None if plain is None or not plain.strip() else {"type": kind, "value": plain}


def choice(value: JSON, label: JSON = None, *, other: JSON = None) -> Answer | None:
    """One option, or what was written instead of one."""
    chosen, named, written = as_text(value), as_text(label), as_text(other)
    if chosen is None and written is None:
        return None
    answer: Answer = {"type": "single_choice", "value": chosen or OTHER}
    return answer | _beside(label=named, other=written)


def choices(
    values: Sequence[str], labels: Sequence[str] = (), *, other: JSON = None
) -> Answer | None:
    """Options; what was written beside them stands in `other`."""
    written = as_text(other)
    if not values and written is None:
        return None
    answer: Answer = {"type": "multi_choice", "value": list(values)}
    if labels and len(labels) == len(values):
        answer["labels"] = list(labels)
    return answer | _beside(other=written)


def ranking(values: Sequence[str], labels: Sequence[str] = ()) -> Answer | None:
    """Options in the respondent's order, the first one first."""
    made = choices(values, labels)
    return made and made | {"type": "ranking"}


def matrix(
    rows: Mapping[str, Sequence[str]],
    *,
    row_labels: Mapping[str, str] | None = None,
    column_labels: Mapping[str, str] | None = None,
) -> Answer | None:
    """What was chosen in each row; rows without a choice stay out."""
    chosen = {row: list(columns) for row, columns in rows.items() if row and columns}
    if not chosen:
        return None
    answer: Answer = {"type": "matrix", "value": chosen}
    if row_labels or column_labels:
        answer["labels"] = {"rows": dict(row_labels or {}), "cols": dict(column_labels or {})}
    return answer


def boolean(value: JSON) -> Answer | None:
    """Yes or no."""
    return {"type": "boolean", "value": value} if isinstance(value, bool) else None


def day(value: JSON) -> Answer | None:
    """A date; a text that is none stays a text."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        return {"type": "date", "value": value}
    return text(value)


def files(links: Sequence[Mapping[str, Any] | None]) -> Answer | None:
    """Files by their address or content."""
    found = [one for one in links if one]
    return {"type": "file", "value": found} if found else None


def signature(link: Mapping[str, Any] | None) -> Answer | None:
    """A drawn signature."""
    return {"type": "signature", "value": link} if link else None


def link(
    value: JSON, *, name: JSON = None, mime: JSON = None, size: JSON = None
) -> dict[str, Any] | None:
    """A file by its web address or with its content in a `data:` address; None for another text."""
    if not isinstance(value, str):
        return None
    if value.startswith("data:"):
        place = {"content": value}
    elif value.startswith(_SCHEMES):
        place = {"url": value}
    else:
        return None
    bytes_ = size if isinstance(size, int) and not isinstance(size, bool) else None
    return place | _beside(name=as_text(name), mime=as_text(mime), size=bytes_)


def _beside(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - of whatever kind
    return {name: value for name, value in values.items() if value is not None}


# --- by the shape alone ---------------------------------------------------------------------------


def shaped(value: JSON) -> Answer | None:
    """What a value is where the platform does not say it; raises LookupError for an unknown shape.

    A list of web addresses is files, a `data:image` a signature, an object of texts a matrix.
    """
    if isinstance(value, bool):
        return boolean(value)
    if isinstance(value, str):
        drawn = value.startswith("data:image/")
        return signature(link(value)) if drawn else text(value)
    if isinstance(value, list):
        return _shaped_list(value)
    if isinstance(value, Mapping):
        return _shaped_rows(value)
    return number(value)


def _shaped_list(value: list[JSON]) -> Answer | None:
    """Options, files by address, or files as objects; LookupError for other objects."""
    inner, plain = objects(value), words(value)
    if inner:
        enclosed = [_enclosed(one) for one in inner]
        if plain or not all(enclosed):
            raise LookupError
        return files(enclosed)
    if plain and all(one.startswith(_SCHEMES) for one in plain):
        return files([link(one) for one in plain])
    return choices(plain)


def _enclosed(one: Mapping[str, Any]) -> dict[str, Any] | None:
    place = one.get("content") or one.get("url")
    return link(place, name=one.get("name"), mime=one.get("type"), size=one.get("size"))


def _shaped_rows(value: Mapping[str, Any]) -> Answer | None:
    if any(isinstance(one, Mapping) for one in value.values()):
        raise LookupError
    rows = {
        str(row): words(one) if isinstance(one, list) else words([one])
        for row, one in value.items()
    }
    return matrix(rows)


# --- all answers of a response --------------------------------------------------------------------


class Sheet:
    """The answers read so far, by key, and the keys of those that were not understood.

    `coded`: the admin chooses the options' codes, so that a code may serve as the number.
    """

    def __init__(self, wishes: Wishes, *, coded: bool = False) -> None:
        self.answers: dict[str, Answer] = {}
        self._types = wishes.types
        self._coded = coded
        self._unread: list[str] = []

    def put(self, key: str, answer: Answer | None, *, title: JSON = None) -> None:
        """Keep an answer, as the type that the admin has named for its key; nothing for None."""
        if answer is not None:
            kind = self._types.get(key)
            kept = answer if kind is None else retyped(answer, kind, coded=self._coded)
            self.answers[key] = kept | _beside(title=as_text(title))

    def put_shaped(self, key: str, value: JSON, *, title: JSON = None) -> None:
        """Keep a value as what its shape says."""
        try:
            self.put(key, shaped(value), title=title)
        except LookupError:
            self.miss(key)

    def miss(self, key: str) -> None:
        """Remember that something was answered that is not understood."""
        self._unread.append(key)

    def meta(self, **told: JSON) -> dict[str, str]:
        """What is told about the response, with the keys that were not understood."""
        plain = {name: said for name, one in told.items() if (said := as_text(one)) is not None}
        return plain | ({"unread_answers": ", ".join(self._unread)} if self._unread else {})


def retyped(answer: Answer, kind: str, *, coded: bool = False) -> Answer:
    """The answer as that type; unchanged where its value cannot be one."""
    value = answer["value"]
    if kind in _NUMBERS:
        wanted: Any = _as_score(answer, by_code=coded and kind != "nps")
    elif kind == "ranking" and answer["type"] == "matrix":
        return _ranked(answer, by_code=coded) or answer
    elif kind in _LISTS:
        wanted = value if isinstance(value, list) else words([value])
    elif kind == "single_choice":
        wanted = as_text(value)
    else:
        wanted = value
    try:
        fitted = VALUE_OF[kind](wanted)
    except ValidationError:
        return answer
    return {**answer, "type": kind, "value": fitted}


def _as_score(answer: Answer, *, by_code: bool) -> int | str | None:
    """The number that the respondent read; an option's id, which may look like one, is none."""
    shown = as_number(answer.get("label", answer["value"]))
    return as_number(answer["value"]) if shown is None and by_code else shown


def _ranked(answer: Answer, *, by_code: bool) -> Answer | None:
    """A matrix of one place per option as a ranking; None where the places are no numbers."""
    names = answer.get("labels") or {}
    shown = names.get("cols", {})
    places = {
        row: _place("".join(chosen), shown, by_code=by_code)
        for row, chosen in answer["value"].items()
    }
    order = {row: int(place) for row, place in places.items() if isinstance(place, int)}
    if len(order) < len(places) or len(set(order.values())) < len(order):
        return None
    ids = sorted(order, key=lambda row: order[row])
    rows = names.get("rows", {})
    made = ranking(ids, [rows.get(one, one) for one in ids])
    return made and made | _beside(title=answer.get("title"))


def _place(column: str, shown: Mapping[str, Any], *, by_code: bool) -> int | str | None:
    """The place that the respondent read; a column's id, which may look like one, is none."""
    place = as_number(shown.get(column, column))
    return as_number(column) if place is None and by_code else place


# --- who answered ---------------------------------------------------------------------------------

NAMES: Mapping[str, tuple[str, ...]] = {
    "email": ("email", "e-mail", "email_address"),
    "external_id": ("external_id", "crm_id", "contact_id", "customer_id"),
    "phone": ("phone", "phone_number", "mobile"),
    "name": ("name", "full_name"),
}


def respondent(
    wishes: Wishes, *places: Mapping[str, Any], answers: Mapping[str, Answer] | None = None
) -> dict[str, Any]:
    """Who answered, looked for by name in the places in order, then in the answers."""
    written = {key: one["value"] for key, one in (answers or {}).items() if one["type"] == "text"}
    found: dict[str, Any] = {}
    for what, usual in NAMES.items():
        names = wishes.respondent.get(what, usual)
        said = next((one for place in (*places, written) if (one := _named(place, names))), None)
        if said is not None and (what != "email" or _is_address(said)):
            found[what] = said.strip()
    return found or {"anonymous": True}


def _named(place: Mapping[str, Any], names: Sequence[str]) -> str | None:
    by_name = {str(name).lower(): value for name, value in place.items()}
    return next((said for name in names if (said := as_text(by_name.get(name.lower())))), None)


def _is_address(value: str) -> bool:
    return re.fullmatch(r"\s*[^@\s]{1,64}@[^@\s]{1,255}\s*", value) is not None


def campaign(wishes: Wishes, survey: Mapping[str, Any]) -> dict[str, Any]:
    """The campaign of the source, else the survey is its own."""
    return dict(wishes.campaign or named(survey["id"], survey.get("name")))


def named(key: str, name: JSON) -> dict[str, str]:
    """A survey or campaign by its id, with its name where it is told."""
    plain = as_text(name)
    return {"id": key} if plain is None else {"id": key, "name": plain}
