"""Tally's forms as surveys: `GET /forms`, then of each its questions and its blocks (developer
documentation, API of 2025-02-01, read 2026-11). Pure.

A question's id is what stands behind `question_` in a message. Options, rows and columns are blocks
of the form, in the question's own group.
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
Block = Mapping[str, Any]
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("INPUT_TEXT", "INPUT_EMAIL", "INPUT_PHONE_NUMBER", "INPUT_LINK"), "text"),
    **dict.fromkeys(("INPUT_TIME",), "text"),
    "TEXTAREA": "long_text",
    **dict.fromkeys(("INPUT_NUMBER", "PAYMENT"), "number"),
    "INPUT_DATE": "date",
    **dict.fromkeys(("LINEAR_SCALE", "RATING"), "rating"),
    **dict.fromkeys(("MULTIPLE_CHOICE", "DROPDOWN"), "single_choice"),
    **dict.fromkeys(("CHECKBOXES", "MULTI_SELECT"), "multi_choice"),
    "RANKING": "ranking",
    "MATRIX": "matrix",
    "FILE_UPLOAD": "file",
    "SIGNATURE": "signature",
}
_OPTIONS = frozenset(
    {
        "MULTIPLE_CHOICE_OPTION", "DROPDOWN_OPTION", "MULTI_SELECT_OPTION", "RANKING_OPTION",
        "CHECKBOX", "MATRIX_COLUMN",
    }
)  # fmt: skip
_ROWS = frozenset({"MATRIX_ROW"})


def page(body: JSON, path: str) -> Page:
    """One page; pages are counted from 1."""
    if not isinstance(mapping(body).get("items"), list):
        raise Unreadable(at="/items", why="must be a list")
    found = {
        str(one["id"]): as_text(one.get("updatedAt")) or ""
        for one in objects(body["items"])
        if as_text(one.get("id")) and one.get("status") != "DELETED"
    }
    number = int(path.rpartition("page=")[2])
    return Page(found, _path(number + 1) if body.get("hasMore") is True else None)


def _path(number: int) -> str:
    return f"/forms?limit={_PAGE}&page={number}"


def asks(survey_id: str) -> tuple[Ask, ...]:
    """Two calls: the questions have the ids, the form has the options."""
    path = f"/forms/{quote(survey_id, safe='')}"
    return Ask("form", path), Ask("questions", f"{path}/questions")


def read(found: Mapping[str, JSON], wishes: Wishes) -> Survey:
    """The form with the questions that can be answered."""
    form, told = mapping(found["form"]), mapping(found["questions"])
    text_at(form, "id")
    if not isinstance(told.get("questions"), list):
        raise Unreadable(at="/questions", why="must be a list")
    groups: dict[str, list[Block]] = {}
    for block in objects(form.get("blocks")):
        groups.setdefault(str(block.get("groupUuid")), []).append(block)
    return survey(plain(form.get("name")), _questions(objects(told["questions"]), groups), wishes)


def _questions(
    asked: list[Mapping[str, Any]], groups: Mapping[str, list[Block]]
) -> Iterator[Survey]:
    for one in asked:
        kind, key = _KINDS.get(str(one.get("type"))), as_text(one.get("id"))
        if kind is None or key is None or one.get("isDeleted") is True:
            continue
        own = {str(field.get("blockGroupUuid")) for field in objects(one.get("fields"))}
        blocks = [block for group in sorted(own) for block in groups.get(group, ())]
        several = any(_payload(block).get("allowMultiple") is True for block in blocks)
        yield question(
            f"question_{key}",
            "multi_choice" if kind == "single_choice" and several else kind,
            plain(one.get("title")),
            options=_pairs(blocks, _OPTIONS),
            rows=_pairs(blocks, _ROWS),
        )


def _pairs(blocks: list[Block], kinds: frozenset[str]) -> list[Pair]:
    """Those blocks by id and text, but what a respondent writes in an option of their own."""
    return [
        (as_text(one.get("uuid")) or "", _label(_payload(one)))
        for one in blocks
        if str(one.get("type")) in kinds and _payload(one).get("isOtherOption") is not True
    ]


def _label(payload: Mapping[str, Any]) -> str | None:
    return plain(payload.get("text")) or plain(payload.get("html"))


def _payload(block: Block) -> Mapping[str, Any]:
    return mapping(block.get("payload"))


DEFINITIONS = Definitions(_path(1), page, asks, read)
