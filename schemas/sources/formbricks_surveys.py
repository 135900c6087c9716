"""Formbricks' surveys: `GET /api/v1/management/surveys` (its API's documentation, 2026-11). Pure.

Responses name options, rows and columns by what is shown in the survey's default language, so that
is their value here. Newer surveys hold their questions in blocks.
"""

from __future__ import annotations

import re
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
    object_at,
    objects,
)
from schemas.sources.definitions import Pair, plain, question, survey

_MOST = 100
Item = Mapping[str, Any]
_KINDS: Mapping[str, str] = {
    "nps": "nps",
    "rating": "rating",
    "openText": "text",
    "multipleChoiceSingle": "single_choice",
    "multipleChoiceMulti": "multi_choice",
    "date": "date",
    "fileUpload": "file",
    "matrix": "matrix",
    "ranking": "ranking",
    **dict.fromkeys(("consent", "cta", "cal"), "text"),
}


def page(body: JSON, path: str) -> Page:
    """One page of a hundred; a full one has another behind it."""
    if not isinstance(mapping(body).get("data"), list):
        raise Unreadable(at="/data", why="must be a list")
    every = objects(body["data"])
    found = {str(one["id"]): as_text(one.get("updatedAt")) or "" for one in every if one.get("id")}
    offset = int(re.sub(r".*offset=", "", path))
    return Page(found, _path(offset + _MOST) if len(every) >= _MOST else None)


def _path(offset: int) -> str:
    return f"/api/v1/management/surveys?limit={_MOST}&offset={offset}"


def asks(survey_id: str) -> tuple[Ask, ...]:
    """One call."""
    return (Ask("survey", f"/api/v1/management/surveys/{quote(survey_id, safe='')}"),)


def read(found: Mapping[str, JSON], wishes: Wishes) -> Survey:
    """The survey."""
    told = object_at(found["survey"], "data")
    inner = [one for block in objects(told.get("blocks")) for one in objects(block.get("elements"))]
    asked = objects(told.get("questions")) or inner
    return survey(plain(told.get("name")), _questions(asked), wishes)


def _questions(asked: list[Item]) -> Iterator[Survey]:
    for one in asked:
        kind, key = _KINDS.get(str(one.get("type"))), as_text(one.get("id"))
        if kind is None or key is None:
            continue
        options = _shown(one.get("columns") if kind == "matrix" else one.get("choices"))
        rows = _shown(one.get("rows")) if kind == "matrix" else []
        yield question(key, kind, _in_default(one.get("headline")), options=options, rows=rows)


def _shown(every: JSON) -> list[Pair]:
    """Options by what is shown: the text itself, or under `label`."""
    texts = [_in_default(one.get("label") or one) for one in objects(every)]
    return [(text, text) for text in texts if text]


def _in_default(value: JSON) -> str | None:
    """A text in the survey's default language."""
    return plain(mapping(value).get("default")) if isinstance(value, Mapping) else plain(value)


DEFINITIONS = Definitions(_path(0), page, asks, read)
