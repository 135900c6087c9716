"""Formbricks: `responseCreated`, `responseUpdated` and `responseFinished`, signed by Standard
Webhooks with a secret of its own. Pure.

The message holds values by question id and says no types: they come from the source's `types`, from
the survey where it was fetched, else from the values' shape. Its documentation wraps the event in a
list, its code sends one: both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.sources.answers import Sheet, campaign, named, respondent
from schemas.sources.base import (
    API,
    JSON,
    Envelope,
    Platform,
    Response,
    Told,
    Unreadable,
    Wishes,
    as_number,
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
from schemas.sources.formbricks_surveys import DEFINITIONS

EVENTS = frozenset({"responseCreated", "responseUpdated", "responseFinished"})


def parse(body: JSON, wishes: Wishes, envelope: Envelope) -> Told:
    """The responses of a message; none where Formbricks only tries the address."""
    events = objects(body) if isinstance(body, list) else [mapping(body)]
    told = [one for one in events if one.get("event") != "testEndpoint"]
    if not events or any(str(one.get("event")) not in EVENTS for one in told):
        raise Unreadable(at="/event", why="is no event that brings a response")
    return Told(tuple(_response(one, wishes, envelope) for one in told))


def _response(event: Mapping[str, Any], wishes: Wishes, envelope: Envelope) -> Response:
    told = object_at(event, "data")
    survey_id, response_id = text_at(told, "surveyId", "/data"), text_at(told, "id", "/data")
    sheet = Sheet(wishes)
    for key, value in mapping(told.get("data")).items():
        sheet.put_shaped(str(key), value)
    attributes = texts(told.get("contactAttributes"))
    contact = {"external_id": mapping(told.get("contact")).get("userId")}
    survey = named(survey_id, mapping(told.get("survey")).get("title"))
    ended = moment(told.get("updatedAt")) or moment(told.get("createdAt"))
    locale = as_text(told.get("language"))
    return response(
        event="completed" if told.get("finished") is True else "partial",
        response_id=f"formbricks:{survey_id}:{response_id}",
        survey=survey,
        campaign=campaign(wishes, survey),
        respondent=respondent(wishes, attributes, contact, answers=sheet.answers),
        answers=sheet.answers,
        attributes=attributes,
        variables=_variables(told),
        tags=[str(one["name"]) for one in objects(told.get("tags")) if one.get("name")]
        or words(told.get("tags")),
        started_at=moment(told.get("createdAt")),
        submitted_at=ended or envelope.received_at.isoformat(),
        duration_s=_duration(told),
        locale=None if locale == "default" else locale,
        meta=sheet.meta(**_meta(told)),
    )


def _variables(told: Mapping[str, Any]) -> dict[str, Any]:
    said = mapping(told.get("variables"))
    return {
        str(name): plain
        for name, one in said.items()
        if (plain := as_text(one) if isinstance(one, str) else as_number(one)) is not None
    }


def _duration(told: Mapping[str, Any]) -> int | None:
    total_ms = mapping(told.get("ttc")).get("_total")
    return int(total_ms / 1000) if isinstance(total_ms, int | float) and total_ms >= 0 else None


def _meta(told: Mapping[str, Any]) -> dict[str, JSON]:
    meta = mapping(told.get("meta"))
    agent = mapping(meta.get("userAgent"))
    return {
        "url": meta.get("url"),
        "source": meta.get("source"),
        "country": meta.get("country"),
        "user_agent": " ".join(words([agent.get("browser"), agent.get("os"), agent.get("device")])),
    }


def sample(number: str, email: str, score: int, at: str) -> JSON:
    """A message as Formbricks sends it."""
    return {
        "webhookId": "test",
        "event": "responseFinished",
        "data": {
            "id": f"test-{number}",
            "surveyId": "test",
            "survey": {"title": "Test survey"},
            "finished": True,
            "data": {"nps": score, "why": "A test response"},
            "contactAttributes": {"email": email},
            "createdAt": at,
            "updatedAt": at,
        },
    }


PLATFORM = Platform(
    "formbricks",
    "Formbricks",
    sample,
    parse,
    scheme="standard",
    own_secret=True,
    api=API("x-api-key", base_url="https://app.formbricks.com"),
    definitions=DEFINITIONS,
    untyped=True,
)
