"""SurveyJS: the page's host posts the library's `survey.data`, signed by Standard Webhooks. Pure.

The library itself pushes nothing and knows neither an id nor a time, so the host sends them beside
the data: {"id": ..., "completed_at": ..., "survey": {"id": ..., "name": ...}, "data": survey.data}.
Values say no types: they come from their shape, or from the source's `types`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.sources.answers import (
    OTHER,
    Answer,
    Sheet,
    campaign,
    choice,
    choices,
    named,
    respondent,
    shaped,
    text,
)
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
    objects,
    response,
    text_at,
    texts,
    words,
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
        elif not _goes_with(data.get(str(key).removesuffix(COMMENT))):
            sheet.put(str(key), text(value))
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


def _goes_with(value: JSON) -> bool:
    """Whether a comment is part of this answer: options have one. Beside a score, a yes, a grid or
    nothing it is an answer of its own.
    """
    if isinstance(value, list):
        return not objects(value)
    return isinstance(value, str) and value != "" and not value.startswith("data:")


def _with_comment(value: JSON, comment: str | None) -> Answer | None:
    """The answer with what was written beside `other`, which then is no option."""
    if comment is None or not _goes_with(value):
        return shaped(value)
    if isinstance(value, str):
        return choice(value, other=comment)
    return choices(words([one for one in value if one != OTHER]), other=comment)


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
