"""Odoo's surveys: `survey.survey` with its questions and options, as records (16 measured; others
from memory, unverified). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from schemas.sources.base import (
    JSON,
    Ask,
    Definitions,
    Page,
    Survey,
    Wishes,
    as_text,
    mapping,
    object_at,
    objects,
)
from schemas.sources.definitions import Pair, plain, question, survey

Item = Mapping[str, Any]
FIRST = "surveys"
KINDS: Mapping[str, str] = {
    "simple_choice": "single_choice", "multiple_choice": "multi_choice", "matrix": "matrix",
    "numerical_box": "number", "scale": "rating", "date": "date",
    "text_box": "text", "char_box": "text", "datetime": "text", "free_text": "text",
    "textbox": "text",
}  # fmt: skip


def linked(value: JSON) -> tuple[str, str | None] | None:
    """The id and the name of what a link leads to; None where it leads nowhere."""
    parts = value if isinstance(value, list) else [value]
    key = as_text(parts[0]) if parts and not isinstance(parts[0], bool) else None
    return None if key is None else (key, as_text(parts[1]) if len(parts) > 1 else None)


def key_of(number: str) -> str:
    """How a question is called in mappings and rules, where no name may begin with a digit."""
    return f"q{number}" if number.isdecimal() else number


def kind_of(asked: Item) -> str | None:
    """The type of a question; None for one of a kind that we do not know, or a page."""
    return KINDS.get(str(asked.get("question_type") or asked.get("type")))


def rows_and_options(key: str, every: Iterable[Item]) -> tuple[list[Pair], list[Pair]]:
    """Those of one question, in their order: rows name it as their matrix."""
    rows: list[Pair] = []
    options: list[Pair] = []
    for one in sorted(every, key=_place):
        pair = (as_text(one.get("id")) or "", plain(one.get("value")))
        if _is(one.get("matrix_question_id"), key) or _is(one.get("question_id_2"), key):
            rows.append(pair)
        elif _is(one.get("question_id"), key):
            options.append(pair)
    return rows, options


def _is(link: JSON, key: str) -> bool:
    found = linked(link)
    return found is not None and found[0] == key


def _place(one: Item) -> int:
    place = one.get("sequence")
    return place if isinstance(place, int) else 0


def page(body: JSON, path: str) -> Page:  # noqa: ARG001 - all come at once
    """The surveys. A question changes without its survey: each is read again each night."""
    found = (as_text(one.get("id")) for one in objects(body))
    return Page({key: "" for key in found if key})


def asks(survey_id: str) -> tuple[Ask, ...]:
    """One survey with all that belongs to it."""
    return (Ask("survey", quote(survey_id, safe="")),)


def read(found: Mapping[str, JSON], wishes: Wishes) -> Survey:
    """The survey, its questions in their order."""
    told = mapping(found["survey"])
    head = object_at(told, "survey")
    return survey(
        plain(head.get("title")), _questions(objects(told.get("questions")), told), wishes
    )


def _questions(asked: Sequence[Item], told: Item) -> Iterator[Survey]:
    options = objects(told.get("options"))
    for one in sorted(asked, key=_place):
        key, kind = as_text(one.get("id")) or "", kind_of(one)
        if kind is None or one.get("is_page") is True:
            continue
        rows, listed = rows_and_options(key, options)
        title = plain(one.get("title")) or plain(one.get("question"))
        yield question(key_of(key), kind, title, options=listed, rows=rows)


DEFINITIONS = Definitions(FIRST, page, asks, read)
