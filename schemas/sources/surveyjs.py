"""SurveyJS: the page's host posts the library's `survey.data`, signed by Standard Webhooks. Pure.

The library itself pushes nothing and knows neither an id nor a time, so the host sends them beside
the data: {"id": ..., "completed_at": ..., "survey": {"id": ..., "name": ...}, "data": survey.data}.
Values say no types: they come from their shape, or from the source's `types`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.sources.answers import OTHER, Answer, Sheet, campaign, named, respondent, shaped
from schemas.sources.base import (
    JSON,
    Envelope,
    Platform,
    Told,
    Wishes,
    as_text,
    mapping,
    moment,
    object_at,
    response,
    text_at,
    texts,
)

COMMENT = "-Comment"


def parse(body: JSON, wishes: Wishes, envelope: Envelope) -> Told:
    """The response of a message."""
    data = object_at(body, "data")
    survey = mapping(body.get("survey"))
    survey_id = text_at(survey, "id", "/survey")
    sheet, hidden = Sheet(wishes), texts(body.get("hidden"))
    for key, value in data.items():
        if not str(key).endswith(COMMENT):
            _put(sheet, str(key), value, comment=as_text(data.get(f"{key}{COMMENT}")))
    known = named(survey_id, survey.get("name"))
    made = response(
        event="completed" if body.get("completed", True) else "partial",
        response_id=f"surveyjs:{survey_id}:{text_at(body, 'id')}",
        survey=known,
        campaign=campaign(wishes, known),
        respondent=respondent(wishes, hidden, answers=sheet.answers),
        answers=sheet.answers,
        hidden=hidden,
        submitted_at=moment(body.get("completed_at")) or envelope.received_at.isoformat(),
        locale=as_text(body.get("locale")),
        meta=sheet.meta(),
    )
    return Told((made,), message_id=envelope.message_id)


def _put(sheet: Sheet, key: str, value: JSON, *, comment: str | None) -> None:
    """One question; the rows of a dynamic matrix become answers of their own."""
    if isinstance(value, Mapping) and any(isinstance(row, Mapping) for row in value.values()):
        for row, cells in value.items():
            for column, cell in mapping(cells).items():
                sheet.put_shaped(f"{key}.{row}.{column}", cell)
        return
    try:
        sheet.put(key, _with_comment(value, comment))
    except LookupError:
        sheet.miss(key)


def _with_comment(value: JSON, comment: str | None) -> Answer | None:
    """The answer with what was written beside `other`, which then is no option."""
    if comment is None:
        return shaped(value)
    if isinstance(value, list):
        rest = [one for one in value if one != OTHER]
        answer: Answer = shaped(rest) or {"type": "multi_choice", "value": []}
    else:
        answer = {"type": "single_choice", "value": as_text(value) or OTHER}
    return {**answer, "other": comment}


def sample(number: str, email: str, score: int, at: str) -> JSON:
    """A message as a host sends it."""
    data: dict[str, Any] = {"nps": score, "why": "A test response", "email": email}
    return {
        "id": f"test-{number}",
        "completed_at": at,
        "survey": {"id": "test", "name": "Test survey"},
        "data": data,
    }


PLATFORM = Platform("surveyjs", "SurveyJS", sample, parse, scheme="standard")
