"""Qualtrics' surveys: `GET /API/v3/surveys` and `GET /API/v3/survey-definitions/{id}` (its API's
documentation, 2026-11). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

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
    object_at,
    objects,
)
from schemas.sources.definitions import Pair, plain, question, survey

Item = Mapping[str, Any]
# Selectors of multiple choice that let more than one be chosen.
_SEVERAL = frozenset({"MAVR", "MAHR", "MACOL", "MSB"})
# What comes as rows, each with a code or a number.
_ROWS = frozenset({"Matrix", "RO", "Slider", "CS"})


def page(body: JSON, path: str) -> Page:  # noqa: ARG001 - a page says what follows it
    """One page."""
    result = object_at(body, "result")
    if not isinstance(result.get("elements"), list):
        raise Unreadable(at="/result/elements", why="must be a list")
    found = {
        str(one["id"]): as_text(one.get("lastModified")) or ""
        for one in objects(result["elements"])
        if as_text(one.get("id"))
    }
    following = urlsplit(as_text(result.get("nextPage")) or "")
    return Page(found, f"{following.path}?{following.query}" if following.path else None)


def asks(survey_id: str) -> tuple[Ask, ...]:
    """One call."""
    return (Ask("survey", f"/API/v3/survey-definitions/{quote(survey_id, safe='')}"),)


def read(found: Mapping[str, JSON], wishes: Wishes) -> Survey:
    """The survey with its questions, as its blocks order them is not told here."""
    told = object_at(found["survey"], "result")
    every = mapping(told.get("Questions")).items()
    made = (one for key, asked in every for one in _questions(str(key), mapping(asked)))
    return survey(plain(told.get("SurveyName")), made, wishes)


def _questions(key: str, asked: Item) -> Iterator[Survey]:
    kind, selector = str(asked.get("QuestionType")), str(asked.get("Selector"))
    title, choices = plain(asked.get("QuestionText")), mapping(asked.get("Choices"))
    codes = mapping(asked.get("RecodeValues"))
    if kind == "MC" and selector == "NPS":
        yield question(key, "nps", title)
    elif kind == "MC":
        what = "multi_choice" if selector in _SEVERAL else "single_choice"
        yield question(key, what, title, options=_pairs(choices, codes))
    elif kind in _ROWS:
        columns = _pairs(mapping(asked.get("Answers")), codes)
        yield question(key, "matrix", title, options=columns, rows=_pairs(choices, {}))
    elif kind == "TE" and selector == "FORM":
        for number, label in _pairs(choices, {}):
            yield question(f"{key}_{number}", "text", label or title)
    elif kind == "TE":
        yield question(key, "text", title)


def _pairs(every: Item, codes: Item) -> list[Pair]:
    """(the code that responses have, what is shown)."""
    return [
        (as_text(codes.get(number)) or str(number), plain(mapping(one).get("Display")))
        for number, one in every.items()
    ]


DEFINITIONS = Definitions("/API/v3/surveys", page, asks, read)
