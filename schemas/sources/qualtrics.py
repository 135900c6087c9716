"""Qualtrics: an event as a form, without answers; the response is fetched by its id. Pure.

How Qualtrics signs is not verified, so an event is taken as a hint alone: what counts is what its
API answers. The response names its questions QID1, QID1_2 and so on; labels stand beside the codes.
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
    number,
    respondent,
    text,
)
from schemas.sources.base import (
    API,
    JSON,
    Ask,
    Body,
    Edits,
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
    response,
    text_at,
    texts,
    words,
)
from schemas.sources.qualtrics_surveys import DEFINITIONS

_QUESTION = re.compile(r"(QID\d+)(?:_(\d+))?(_TEXT)?")
# What a response tells about itself, beside questions and embedded data.
_OWN = re.compile(
    r"(start|end|recorded)Date|status|ipAddress|progress|duration|finished|_recordId"
    r"|location(Latitude|Longitude)|distributionChannel|userLanguage"
    r"|recipient(Email|FirstName|LastName)|externalDataReference"
)


def parse(body: JSON, wishes: Wishes, envelope: Envelope) -> Told:  # noqa: ARG001 - a Parse
    """The response that an event speaks of; nothing for the events of other kinds."""
    topic = text_at(body, "Topic")
    if ".completedResponse." not in f"{topic}.":
        return Told()
    survey, own = text_at(body, "SurveyID"), text_at(body, "ResponseID")
    return Told(notices=(Notice(own, {"survey": survey, "response": own}),))


def asks(notice: Notice) -> tuple[Ask, ...]:
    """One call."""
    survey, own = (quote(notice.what[name], safe="") for name in ("survey", "response"))
    return (Ask("response", f"/API/v3/surveys/{survey}/responses/{own}"),)


def read(notice: Notice, found: Mapping[str, JSON], wishes: Wishes, envelope: Envelope) -> Response:
    """The response as Qualtrics answered it."""
    result = object_at(found["response"], "result")
    values, labels = object_at(result, "values", "/result"), mapping(result.get("labels"))
    sheet = _sheet(values, labels, wishes)
    extra = {
        name: one
        for name, one in texts(values).items()
        if not _OWN.fullmatch(name) and not name.startswith("QID")
    }
    person = {
        "email": values.get("recipientEmail"),
        "external_id": values.get("externalDataReference"),
        "name": " ".join(
            words([values.get("recipientFirstName"), values.get("recipientLastName")])
        ),
    }
    survey = {"id": notice.what["survey"]}
    ended = moment(values.get("recordedDate")) or moment(values.get("endDate"))
    duration = as_number(values.get("duration"))
    return response(
        event="completed" if values.get("finished") in (1, True, "1") else "partial",
        response_id=f"qualtrics:{survey['id']}:{notice.what['response']}",
        survey=survey,
        campaign=campaign(wishes, survey),
        respondent=respondent(wishes, person, extra, answers=sheet.answers),
        answers=sheet.answers,
        hidden=extra,
        started_at=moment(values.get("startDate")),
        submitted_at=ended or envelope.received_at.isoformat(),
        duration_s=duration if isinstance(duration, int) and duration >= 0 else None,
        locale=as_text(values.get("userLanguage")),
        channel=as_text(values.get("distributionChannel")),
        meta=sheet.meta(),
    )


def _sheet(values: Mapping[str, Any], labels: Mapping[str, Any], wishes: Wishes) -> Sheet:
    sheet, rows = Sheet(wishes, coded=True), dict[str, dict[str, str]]()
    for name, value in values.items():
        found = _QUESTION.fullmatch(name)
        if found is None:
            if name.startswith("QID") and not name.endswith("_NPS_GROUP"):
                sheet.miss(name)
        elif found[3]:
            _write(sheet, found, value, values)
        elif found[2]:
            rows.setdefault(found[1], {})[found[2]] = name
        else:
            is_nps = f"{name}_NPS_GROUP" in values
            other = _written(name, value, values)
            sheet.put(name, _answer(value, labels.get(name), other=other, is_nps=is_nps))
    for question, names in rows.items():
        sheet.put(question, _rows(names, values, labels))
    return sheet


def _written(name: str, value: JSON, values: Mapping[str, Any]) -> JSON:
    """What was written beside the question, or beside an option that was chosen."""
    own = f"{name}_TEXT"
    beside = (f"{name}_{code}_TEXT" for code in _codes(value))
    return next((values[one] for one in (own, *beside) if as_text(values.get(one))), None)


def _codes(value: JSON) -> list[str]:
    return words(value if isinstance(value, list) else [value])


def _write(sheet: Sheet, found: re.Match[str], value: JSON, values: Mapping[str, Any]) -> None:
    """A text that stands alone; what stands beside a chosen option is part of that answer."""
    question, row = found[1], found[2]
    if question in values and (row is None or row in _codes(values[question])):
        return
    key = question if row is None else f"{question}_{row}"
    sheet.put(key, text(value))


def _answer(value: JSON, label: JSON, *, other: JSON, is_nps: bool) -> Answer | None:
    """A code with its label is an option; a number without one is a number."""
    if is_nps:
        return number(value, "nps", scale=(0, 10))
    if isinstance(value, list):
        return choices(words(value), words(label), other=other)
    if as_text(label) is not None:
        return choice(value, label, other=other)
    if isinstance(value, str):
        return text(value)
    return number(value)


def _rows(
    names: Mapping[str, str], values: Mapping[str, Any], labels: Mapping[str, Any]
) -> Answer | None:
    """The rows of one matrix, by their numbers; a form's fields as a matrix of texts."""
    chosen: dict[str, list[str]] = {}
    columns: dict[str, str] = {}
    for row, name in names.items():
        value = values[name]
        codes = _codes(value)
        shown = labels.get(name)
        columns |= dict(zip(codes, words(shown) or words([shown]), strict=False))
        if codes:
            chosen[row] = codes
    if not chosen:
        return None
    answer: Answer = {"type": "matrix", "value": chosen}
    return answer | ({"labels": {"rows": {}, "cols": columns}} if columns else {})


def sample(number_: str, email: str, score: int, at: str) -> JSON:
    """A response as the API answers it: the event has no answers to show."""
    values = {
        "startDate": at,
        "endDate": at,
        "recordedDate": at,
        "finished": 1,
        "recipientEmail": email,
        "QID1": score,
        "QID1_NPS_GROUP": 1,
        "QID2_TEXT": "A test response",
        "testNumber": number_,
    }
    return {"response": {"result": {"values": values, "labels": {}}}}


PLATFORM = Platform(
    "qualtrics",
    "Qualtrics",
    sample,
    parse,
    body=Body.FORM,
    edits=Edits.BY_ARRIVAL,
    api=API("X-API-TOKEN"),
    fetch=Fetch(asks, read),
    definitions=DEFINITIONS,
)
