"""SurveyMonkey: an event without answers, signed; the response and the words of its survey are
fetched. Pure.

The response holds ids alone: what they mean stands in the survey's details.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from schemas.sources.answers import (
    Answer,
    Sheet,
    campaign,
    choice,
    choices,
    day,
    files,
    link,
    matrix,
    named,
    number,
    ranking,
    respondent,
    text,
)
from schemas.sources.base import (
    API,
    JSON,
    Ask,
    Envelope,
    Fetch,
    Notice,
    Platform,
    Response,
    Told,
    Wishes,
    as_number,
    as_text,
    mapping,
    moment,
    object_at,
    objects,
    response,
    seconds_between,
    text_at,
    texts,
    words,
)
from schemas.sources.surveymonkey_surveys import DEFINITIONS

EVENTS = frozenset(
    {"response_completed", "response_updated", "response_created", "response_disqualified"}
)
_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_STATES = {"completed": "completed", "disqualified": "disqualified"}
Item = Mapping[str, Any]


def parse(body: JSON, wishes: Wishes, envelope: Envelope) -> Told:
    """The response that an event speaks of; one that was deleted is told at once."""
    event, own = text_at(body, "event_type"), text_at(body, "object_id")
    survey = text_at(object_at(body, "resources"), "survey_id", "/resources")
    message_id = as_text(body.get("event_id"))
    if event == "response_deleted":
        gone = response(
            event="deleted",
            response_id=_key(survey, own),
            survey={"id": survey},
            campaign=campaign(wishes, {"id": survey}),
            answers={},
            submitted_at=moment(body.get("event_datetime")) or envelope.received_at.isoformat(),
        )
        return Told((gone,), message_id=message_id)
    if event not in EVENTS:
        return Told(message_id=message_id)
    notice = Notice(own, {"survey": survey, "response": own})
    return Told(notices=(notice,), message_id=message_id)


def _key(survey: str, own: str) -> str:
    return f"surveymonkey:{survey}:{own}"


def asks(notice: Notice) -> tuple[Ask, ...]:
    """The response, and the survey, whose words hold for a while."""
    survey, own = (quote(notice.what[name], safe="") for name in ("survey", "response"))
    return (
        Ask("response", f"/v3/surveys/{survey}/responses/{own}/details"),
        Ask("survey", f"/v3/surveys/{survey}/details", keeps=True),
    )


def read(notice: Notice, found: Mapping[str, JSON], wishes: Wishes, envelope: Envelope) -> Response:
    """The response, in the words of its survey."""
    told, survey = mapping(found["response"]), mapping(found["survey"])
    questions = {
        str(one.get("id")): one
        for page in objects(survey.get("pages"))
        for one in objects(page.get("questions"))
    }
    sheet = Sheet(wishes)
    for page in objects(told.get("pages")):
        for one in objects(page.get("questions")):
            _put(sheet, str(one.get("id")), objects(one.get("answers")), questions)
    known = named(notice.what["survey"], survey.get("title"))
    hidden = texts(told.get("custom_variables"))
    person = {
        "email": told.get("email_address"),
        "name": " ".join(words([told.get("first_name"), told.get("last_name")])),
    }
    started, ended = moment(told.get("date_created")), moment(told.get("date_modified"))
    took = told.get("total_time")
    return response(
        event=_STATES.get(str(told.get("response_status")), "partial"),
        response_id=_key(notice.what["survey"], notice.what["response"]),
        survey=known,
        campaign=campaign(wishes, known),
        respondent=respondent(wishes, hidden, person, answers=sheet.answers),
        answers=sheet.answers,
        hidden=hidden,
        started_at=started,
        submitted_at=ended or envelope.received_at.isoformat(),
        duration_s=took if isinstance(took, int) else seconds_between(started, ended),
        meta=sheet.meta(collector=told.get("collector_id"), mode=told.get("collection_mode")),
    )


def _put(sheet: Sheet, key: str, given: list[Item], questions: Mapping[str, Item]) -> None:
    """One question, by what its answers hold and what the survey says of it."""
    asked = questions.get(key, {})
    title = next((as_text(one.get("heading")) for one in objects(asked.get("headings"))), None)
    family, subtype = str(asked.get("family")), str(asked.get("subtype"))
    parts = mapping(asked.get("answers"))
    other = next((one.get("text") for one in given if "other_id" in one), None)
    picked = [one for one in given if as_text(one.get("choice_id")) is not None]
    written = [one for one in given if "other_id" not in one and "choice_id" not in one]
    if any("download_url" in one for one in given):
        sheet.put(key, files([link(one.get("download_url")) for one in given]), title=title)
    elif any("row_id" in one for one in picked):
        sheet.put(key, _grid(picked, parts, subtype), title=title)
    elif picked or other is not None:
        sheet.put(
            key, _chosen(picked, parts, other=other, single=family == "single_choice"), title=title
        )
    else:
        _write(sheet, key, written, asked=asked, title=title)


def _names(parts: Item, name: str) -> dict[str, str]:
    return {
        str(one.get("id")): as_text(one.get("text")) or str(one.get("id"))
        for one in objects(parts.get(name))
    }


def _chosen(picked: list[Item], parts: Item, *, other: JSON, single: bool) -> Answer | None:
    ids, labels = words([one["choice_id"] for one in picked]), _names(parts, "choices")
    if single and len(ids) < 2:
        return choice(ids[0] if ids else None, labels.get(ids[0]) if ids else None, other=other)
    return choices(ids, [labels.get(one, one) for one in ids], other=other)


def _grid(picked: list[Item], parts: Item, subtype: str) -> Answer | None:
    """A matrix; a scale of one row is a rating, a ranking the rows in their order."""
    labels, rows = _names(parts, "choices"), _names(parts, "rows")
    if subtype == "ranking":
        placed = [one for one in picked if not _is_none(str(one["choice_id"]), parts)]
        ranked = sorted(placed, key=lambda one: _position(labels.get(str(one["choice_id"]))))
        ids = [str(one.get("row_id")) for one in ranked]
        return ranking(ids, [rows.get(one, one) for one in ids])
    if subtype == "rating" and len(rows) == 1 and len(picked) == 1:
        return _rated(str(picked[0]["choice_id"]), parts)
    chosen: dict[str, list[str]] = {}
    for one in picked:
        row = ".".join(words([one.get("row_id"), one.get("col_id")]))
        chosen.setdefault(row, []).append(str(one["choice_id"]))
    return matrix(chosen, row_labels=rows, column_labels=labels)


def _is_none(choice_id: str, parts: Item) -> bool:
    """Whether the option says "does not apply": it has a weight of 0, and is no score."""
    every = objects(parts.get("choices"))
    return any(one.get("is_na") is True for one in every if str(one.get("id")) == choice_id)


def _position(label: str | None) -> int:
    place = as_number(label)
    return place if isinstance(place, int) else 10**6


def _rated(choice_id: str, parts: Item) -> Answer | None:
    """The number that the chosen point of a scale shows, else its weight, else the option."""
    if _is_none(choice_id, parts):
        return None
    point = next((o for o in objects(parts.get("choices")) if str(o.get("id")) == choice_id), {})
    shown = as_number(point.get("text"))
    value = shown if shown is not None else as_number(point.get("weight"))
    if value is None:
        return choice(choice_id, point.get("text"))
    return number(value, "rating")


def _write(sheet: Sheet, key: str, given: list[Item], *, asked: Item, title: str | None) -> None:
    """Texts: of one field, or of several, each an answer of its own."""
    rows = _names(mapping(asked.get("answers")), "rows")
    for one in given:
        row = as_text(one.get("row_id"))
        own = key if row is None or len(rows) < 2 else f"{key}.{row}"
        sheet.put(own, _text(one.get("text"), asked), title=rows.get(row or "", title))


def _text(value: JSON, asked: Item) -> Answer | None:
    if asked.get("family") == "datetime":
        return _date(value, mapping(asked.get("validation")))
    if asked.get("subtype") == "numerical" and as_number(value) is not None:
        return number(value)
    return text(value)


def _date(value: JSON, validation: Item) -> Answer | None:
    """A day as the question asks for it: month first, or day first where it says so."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return text(value)
    first, second, year = (int(one) for one in found.groups())
    month, of_month = (second, first) if validation.get("type") == "date_intl" else (first, second)
    if not (1 <= month <= 12 and 1 <= of_month <= 31):
        return text(value)
    return day(f"{year:04}-{month:02}-{of_month:02}")


def sample(number_: str, email: str, score: int, at: str) -> JSON:
    """A response and its survey as the API answers them: the event has no answers to show."""
    scale = {
        "id": "nps",
        "family": "matrix",
        "subtype": "rating",
        "headings": [{"heading": "How likely are you to recommend us?"}],
        "answers": {
            "rows": [{"id": "r1", "text": ""}],
            "choices": [{"id": f"c{n}", "text": str(n)} for n in range(11)],
        },
    }
    why = {
        "id": "why",
        "family": "open_ended",
        "subtype": "essay",
        "headings": [{"heading": "Why?"}],
    }
    answers = [
        {"id": "nps", "answers": [{"row_id": "r1", "choice_id": f"c{score}"}]},
        {"id": "why", "answers": [{"text": "A test response"}]},
    ]
    return {
        "response": {
            "id": f"test-{number_}",
            "response_status": "completed",
            "date_created": at,
            "date_modified": at,
            "email_address": email,
            "pages": [{"id": "p1", "questions": answers}],
        },
        "survey": {"title": "Test survey", "pages": [{"id": "p1", "questions": [scale, why]}]},
    }


PLATFORM = Platform(
    "surveymonkey",
    "SurveyMonkey",
    sample,
    parse,
    scheme="surveymonkey",
    own_secret=True,
    api=API("Authorization", "Bearer ", "https://api.surveymonkey.com"),
    fetch=Fetch(asks, read),
    definitions=DEFINITIONS,
)
