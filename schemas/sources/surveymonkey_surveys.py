"""SurveyMonkey's surveys: `GET /v3/surveys` and `GET /v3/surveys/{id}/details` (its API's
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
    objects,
    text_at,
)
from schemas.sources.definitions import Pair, plain, question, survey

_FIRST = "/v3/surveys?per_page=1000&include=date_modified"
Item = Mapping[str, Any]


def page(body: JSON, path: str) -> Page:  # noqa: ARG001 - a page says what follows it
    """One page."""
    if not isinstance(mapping(body).get("data"), list):
        raise Unreadable(at="/data", why="must be a list")
    found = {
        str(one["id"]): as_text(one.get("date_modified")) or ""
        for one in objects(body["data"])
        if as_text(one.get("id"))
    }
    following = urlsplit(as_text(mapping(body.get("links")).get("next")) or "")
    return Page(found, f"{following.path}?{following.query}" if following.path else None)


def asks(survey_id: str) -> tuple[Ask, ...]:
    """One call."""
    return (Ask("survey", f"/v3/surveys/{quote(survey_id, safe='')}/details"),)


def read(found: Mapping[str, JSON], wishes: Wishes) -> Survey:
    """The survey, page by page."""
    told = mapping(found["survey"])
    text_at(told, "id")
    asked = [one for page in objects(told.get("pages")) for one in objects(page.get("questions"))]
    every = (made for one in asked for made in _questions(one))
    return survey(plain(told.get("title")), every, wishes)


def _questions(asked: Item) -> Iterator[Survey]:
    """The question; of several fields one for each, as their answers are kept."""
    key, parts = str(asked.get("id")), mapping(asked.get("answers"))
    title = next((plain(one.get("heading")) for one in objects(asked.get("headings"))), None)
    family, subtype = str(asked.get("family")), str(asked.get("subtype"))
    choices, rows = _pairs(parts, "choices"), _pairs(parts, "rows")
    if family in {"single_choice", "multiple_choice"}:
        kind = "single_choice" if family == "single_choice" else "multi_choice"
        yield question(key, kind, title, options=choices)
    elif family == "matrix":
        yield _grid(key, title, subtype, parts)
    elif family == "file_upload":
        yield question(key, "file", title)
    elif family in {"open_ended", "demographic", "datetime"}:
        kind = "date" if family == "datetime" else "number" if subtype == "numerical" else "text"
        if len(rows) < 2:
            yield question(key, kind, title)
        for row, label in rows if len(rows) > 1 else []:
            yield question(f"{key}.{row}", kind, label or title)


def _grid(key: str, title: str | None, subtype: str, parts: Item) -> Survey:
    choices, rows = _pairs(parts, "choices"), _pairs(parts, "rows")
    if subtype == "ranking":
        return question(key, "ranking", title, options=rows)
    if subtype == "rating" and len(rows) == 1:
        return question(key, "rating", title)
    columns = objects(parts.get("cols"))
    if columns:
        rows = [(f"{row}.{_id(one)}", _both(label, one)) for row, label in rows for one in columns]
        choices = [pair for one in columns for pair in _pairs(one, "choices")]
    return question(key, "matrix", title, options=choices, rows=rows)


def _both(label: str | None, column: Item) -> str:
    return " · ".join(one for one in (label, plain(column.get("text"))) if one)


def _pairs(parts: Item, name: str) -> list[Pair]:
    return [(_id(one), plain(one.get("text"))) for one in objects(parts.get(name))]


def _id(one: Item) -> str:
    return as_text(one.get("id")) or ""


DEFINITIONS = Definitions(_FIRST, page, asks, read)
