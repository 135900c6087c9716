"""Typeform's forms as surveys: `GET /forms` and `GET /forms/{id}` (developer documentation of the
Create API, 2026-11). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from schemas.sources.base import (
    JSON,
    Ask,
    Definitions,
    Page,
    Survey,
    Unreadable,
    Wishes,
    as_text,
    mapping,
    objects,
    text_at,
)
from schemas.sources.definitions import Pair, plain, question, survey

_PAGE = 200
_KINDS: Mapping[str, str] = {
    "nps": "nps",
    **dict.fromkeys(("opinion_scale", "rating"), "rating"),
    **dict.fromkeys(("number", "payment"), "number"),
    **dict.fromkeys(("short_text", "long_text", "email", "phone_number", "website"), "text"),
    **dict.fromkeys(("yes_no", "legal"), "boolean"),
    "date": "date",
    "file_upload": "file",
    "dropdown": "single_choice",
    "ranking": "ranking",
    "matrix": "matrix",
}
_CHOICES = frozenset({"multiple_choice", "picture_choice"})


def page(body: JSON, path: str) -> Page:
    """One page; pages are counted from 1."""
    if not isinstance(mapping(body).get("items"), list):
        raise Unreadable(at="/items", why="must be a list")
    found = {
        str(one["id"]): as_text(one.get("last_updated_at")) or ""
        for one in objects(body["items"])
        if as_text(one.get("id"))
    }
    number = int(path.rpartition("page=")[2])
    count = body.get("page_count")
    more = isinstance(count, int) and number < count
    return Page(found, _path(number + 1) if more else None)


def _path(number: int) -> str:
    return f"/forms?page_size={_PAGE}&page={number}"


def asks(survey_id: str) -> tuple[Ask, ...]:
    """One call."""
    return (Ask("form", f"/forms/{quote(survey_id, safe='')}"),)


def read(found: Mapping[str, JSON], wishes: Wishes) -> Survey:
    """The form with the fields that can be answered."""
    form = mapping(found["form"])
    text_at(form, "id")
    return survey(plain(form.get("title")), _questions(objects(form.get("fields"))), wishes)


def _questions(fields: list[Mapping[str, Any]]) -> Iterator[Survey]:
    """The fields in their order; what only holds others gives way to them."""
    for one in fields:
        shape, name = mapping(one.get("properties")), str(one.get("type"))
        kind = _KINDS.get(name)
        if name in _CHOICES:
            # Both spellings are met: in the API and in the webhook's definition.
            several = shape.get("allow_multiple_selection") or one.get("allow_multiple_selections")
            kind = "multi_choice" if several else "single_choice"
        if kind is None:
            yield from _questions(objects(shape.get("fields")))
            continue
        inner = objects(shape.get("fields")) if kind == "matrix" else []
        options = shape if not inner else mapping(inner[0].get("properties"))
        key = as_text(one.get("ref")) or str(one.get("id"))
        yield question(
            key,
            kind,
            plain(one.get("title")),
            options=[_pair(choice, "id", "label") for choice in objects(options.get("choices"))],
            rows=[_row(row) for row in inner],
        )


def _pair(one: Mapping[str, Any], key: str, label: str) -> Pair:
    return as_text(one.get(key)) or as_text(one.get(label)) or "", plain(one.get(label))


def _row(one: Mapping[str, Any]) -> Pair:
    return as_text(one.get("ref")) or str(one.get("id")), plain(one.get("title"))


DEFINITIONS = Definitions(_path(1), page, asks, read)
