"""Odoo's Surveys: nothing is pushed; finished responses are asked for at a connection. Pure.

What is read are Odoo's own records, as adapters/odoo/surveys.py brings them. Both spellings are
known: that of 13 and later first, that of 11 and 12 behind it (from memory, unverified).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.sources.answers import (
    Answer,
    Sheet,
    campaign,
    choice,
    choices,
    day,
    matrix,
    named,
    number,
    respondent,
    text,
)
from schemas.sources.base import (
    JSON,
    Envelope,
    Notice,
    Platform,
    Polls,
    Response,
    Unreadable,
    Wishes,
    as_number,
    as_text,
    mapping,
    moment,
    object_at,
    objects,
    response,
    seconds_between,
)
from schemas.sources.odoo_surveys import DEFINITIONS, key_of, kind_of, linked, rows_and_options

Item = Mapping[str, Any]
# Where a line keeps its value, by its `answer_type`; the later spelling, then the earlier.
VALUES: Mapping[str, tuple[str, ...]] = {
    "numerical_box": ("value_numerical_box",), "number": ("value_number",),
    "scale": ("value_scale",),
    "text_box": ("value_text_box",), "free_text": ("value_free_text",),
    "char_box": ("value_char_box",), "text": ("value_text",),
    "date": ("value_date",), "datetime": ("value_datetime", "value_date"),
    "suggestion": ("suggested_answer_id", "value_suggested"),
}  # fmt: skip
WRITTEN = frozenset({"char_box", "text_box", "text", "free_text"})


def read(
    _notice: Notice, found: Mapping[str, JSON], wishes: Wishes, envelope: Envelope
) -> Response:
    """One finished response with its lines."""
    told, lines = object_at(found, "input"), objects(found.get("lines"))
    own, survey = told.get("id"), linked(told.get("survey_id"))
    if isinstance(own, bool) or not isinstance(own, int) or survey is None:
        raise Unreadable(at="/input", why="must have an id and a survey")
    questions = {str(one.get("id")): one for one in objects(found.get("questions"))}
    sheet = Sheet(wishes)
    for number_, given in _by_question(lines).items():
        asked, options = questions.get(number_, {}), _about(number_, found.get("options"))
        _put(sheet, key_of(number_), given, asked=asked, options=options)
    known = named(survey[0], survey[1])
    started = _first(told, "start_datetime", "date_create", "create_date")
    ended = _answered_at(told, lines)
    person = mapping(found.get("person"))
    asked_for = {"email": told.get("email") or person.get("email")}
    asked_for |= {"name": told.get("nickname") or person.get("name"), "phone": person.get("phone")}
    return response(
        event="completed",
        response_id=f"odoo:{survey[0]}:{own}",
        survey=known,
        campaign=campaign(wishes, known),
        respondent=_respondent(wishes, asked_for, told, sheet.answers),
        answers=sheet.answers,
        variables=_scores(told),
        started_at=started,
        submitted_at=ended or envelope.received_at.isoformat(),
        duration_s=seconds_between(started, _first(told, "end_datetime")),
        meta=sheet.meta(),
    )


def _first(told: Item, *names: str) -> str | None:
    return next((at for one in names if (at := moment(told.get(one)))), None)


def _answered_at(told: Item, lines: Iterable[Item]) -> str | None:
    """When it was finished, or an answer changed behind that: so an edit is newer. The record's own
    `write_date` also moves when nobody has answered anything.
    """
    times = [_first(told, "end_datetime"), *(moment(one.get("write_date")) for one in lines)]
    return max((one for one in times if one), default=None)


def _respondent(
    wishes: Wishes, asked_for: Item, told: Item, answers: Mapping[str, Answer]
) -> dict[str, Any]:
    """Who answered; a contact of this Odoo by its id, too."""
    found = respondent(wishes, asked_for, answers=answers)
    partner = linked(told.get("partner_id"))
    if partner is None:
        return found
    return {name: one for name, one in found.items() if name != "anonymous"} | {
        "crm_ids": {"odoo": partner[0]}
    }


def _scores(told: Item) -> dict[str, int | str]:
    """What Odoo has counted, where the survey scores."""
    names = {"score": ("scoring_total", "quizz_score"), "score_percentage": ("scoring_percentage",)}
    every = {
        ours: next((n for one in theirs if (n := as_number(told.get(one))) is not None), None)
        for ours, theirs in names.items()
    }
    return {name: one for name, one in every.items() if one is not None}


def _by_question(lines: Iterable[Item]) -> dict[str, list[Item]]:
    """The lines that answer something, by their question."""
    found: dict[str, list[Item]] = {}
    for one in lines:
        asked = linked(one.get("question_id"))
        if asked is not None and one.get("skipped") is not True:
            found.setdefault(asked[0], []).append(one)
    return found


def _about(key: str, options: JSON) -> tuple[dict[str, str], dict[str, str]]:
    """Rows and options of a question by their ids."""
    rows, listed = rows_and_options(key, objects(options))
    return {id_: label or id_ for id_, label in rows}, {id_: label or id_ for id_, label in listed}


def _put(
    sheet: Sheet,
    key: str,
    given: Sequence[Item],
    *,
    asked: Item,
    options: tuple[dict[str, str], dict[str, str]],
) -> None:
    title, kind = as_text(asked.get("title")) or as_text(asked.get("question")), kind_of(asked)
    picked = [one for one in given if one.get("answer_type") == "suggestion"]
    written = [one for one in given if str(one.get("answer_type")) in WRITTEN]
    other = next((said for one in written if (said := as_text(_value(one)))), None)
    if any(str(one.get("answer_type")) not in VALUES for one in given):
        sheet.miss(key)
    if any(_row(one) for one in picked):
        sheet.put(key, _grid(picked, *options), title=title)
        # A matrix has no answer of one's own: what was written beside it is a text.
        sheet.put(f"{key}.comment", text(other), title=title)
    elif picked or kind in {"single_choice", "multi_choice"}:
        sheet.put(key, _chosen(picked, options[1], other=other, kind=kind), title=title)
    else:
        for one in given:
            sheet.put(key, _plain(one, asked), title=title)


def _value(line: Item) -> JSON:
    names = VALUES.get(str(line.get("answer_type")), ())
    return next((line[one] for one in names if line.get(one) is not None), None)


def _row(line: Item) -> str | None:
    row = linked(line.get("matrix_row_id")) or linked(line.get("value_suggested_row"))
    return row and row[0]


def _picked(line: Item) -> str | None:
    option = linked(_value(line))
    return option and option[0]


def _grid(picked: Iterable[Item], rows: dict[str, str], options: dict[str, str]) -> Answer | None:
    chosen: dict[str, list[str]] = {}
    for one in picked:
        row, option = _row(one), _picked(one)
        if row is not None and option is not None:
            chosen.setdefault(row, []).append(option)
    return matrix(chosen, row_labels=rows, column_labels=options)


def _chosen(
    picked: Iterable[Item], options: Mapping[str, str], *, other: JSON, kind: str | None
) -> Answer | None:
    ids = [option for one in picked if (option := _picked(one)) is not None]
    if kind == "single_choice" and len(ids) < 2:
        return choice(ids[0] if ids else None, options.get(ids[0]) if ids else None, other=other)
    return choices(ids, [options.get(one, one) for one in ids], other=other)


def _plain(line: Item, asked: Item) -> Answer | None:
    kind, value = str(line.get("answer_type")), _value(line)
    if kind in {"numerical_box", "number"}:
        return number(value)
    if kind == "scale":
        low, high = as_number(asked.get("scale_min")), as_number(asked.get("scale_max"))
        ends = (low, high) if isinstance(low, int) and isinstance(high, int) else None
        return number(value, "rating", scale=ends)
    return day(value) if kind == "date" else text(value)


_ID = re.compile(r"odoo:\d+:(\d{1,18})", re.ASCII)


def own_id(response_id: str) -> int | None:
    """The participation that the response is; None for a test response."""
    found = _ID.fullmatch(response_id)
    return int(found[1]) if found else None


def sample(number_: str, email: str, score: int, at: str) -> JSON:
    """A response as Odoo keeps it."""
    return {
        "input": {"id": 0, "survey_id": [0, f"Test {number_}"], "email": email, "end_datetime": at},
        "person": None,
        "lines": [
            {
                "question_id": ["nps", ""],
                "answer_type": "numerical_box",
                "value_numerical_box": score,
            },
            {
                "question_id": ["why", ""],
                "answer_type": "text_box",
                "value_text_box": "A test response",
            },
        ],
        "questions": [{"id": "nps", "title": "How likely?"}, {"id": "why", "title": "Why?"}],
        "options": [],
    }


PLATFORM = Platform(
    "odoo", "Odoo Surveys", sample, polls=Polls("odoo", read, own_id), definitions=DEFINITIONS
)
