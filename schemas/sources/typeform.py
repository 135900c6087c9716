"""Typeform: `form_response` and `form_response_partial`, signed with the webhook's secret. Pure.

An answer's key is its field's `ref`. Choices keep their id and label; a matrix arrives as an answer
per row, which the form's definition puts together again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.sources.answers import (
    Answer,
    Sheet,
    boolean,
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
    Envelope,
    Platform,
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
    seconds_between,
    text_at,
    texts,
    words,
)
from schemas.sources.typeform_surveys import DEFINITIONS

EVENTS = {"form_response": "completed", "form_response_partial": "partial"}


def parse(body: JSON, wishes: Wishes, envelope: Envelope) -> Told:
    """The response of a message."""
    event = EVENTS.get(text_at(body, "event_type"))
    if event is None:
        raise Unreadable(at="/event_type", why="is no event that brings a response")
    form = object_at(body, "form_response")
    form_id, token = (
        text_at(form, "form_id", "/form_response"),
        text_at(form, "token", "/form_response"),
    )
    definition = mapping(form.get("definition"))
    sheet = _sheet(form, definition, wishes)
    hidden = texts(form.get("hidden"))
    started = moment(form.get("landed_at"))
    ended = moment(form.get("submitted_at")) or started or envelope.received_at.isoformat()
    survey = named(form_id, definition.get("title"))
    made = response(
        event=event,
        response_id=f"typeform:{form_id}:{token}",
        survey=survey,
        campaign=campaign(wishes, survey),
        respondent=respondent(wishes, hidden, _contact(form), answers=sheet.answers),
        answers=sheet.answers,
        hidden=hidden,
        variables=_variables(form),
        properties=_properties(form),
        started_at=started,
        submitted_at=ended,
        duration_s=seconds_between(started, ended),
        meta=sheet.meta(),
    )
    return Told((made,), message_id=as_text(mapping(body).get("event_id")))


def _sheet(form: Mapping[str, Any], definition: Mapping[str, Any], wishes: Wishes) -> Sheet:
    fields = {str(one.get("id")): one for one in objects(definition.get("fields"))}
    rows = {
        str(row.get("id")): (parent, row)
        for parent in fields.values()
        if parent.get("type") == "matrix"
        for row in objects(mapping(parent.get("properties")).get("fields"))
    }
    sheet, grids = Sheet(wishes), dict[str, dict[str, Answer]]()
    for one in objects(form.get("answers")):
        field = mapping(one.get("field"))
        field_id = str(field.get("id"))
        known = {**fields.get(field_id, {}), **field}
        key = str(known.get("ref") or field_id)
        try:
            answer = _answer(one, known)
        except LookupError:
            sheet.miss(key)
            continue
        if field_id in rows and answer is not None:
            grids.setdefault(str(rows[field_id][0].get("id")), {})[field_id] = answer
        else:
            sheet.put(key, answer, title=known.get("title"))
    for parent_id, answered in grids.items():
        parent = fields[parent_id]
        sheet.put(
            str(parent.get("ref") or parent_id), _grid(answered, rows), title=parent.get("title")
        )
    return sheet


def _grid(answered: Mapping[str, Answer], rows: Mapping[str, Any]) -> Answer | None:
    """The rows of one matrix, by their refs."""
    chosen: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    columns: dict[str, str] = {}
    for field_id, answer in answered.items():
        row = rows[field_id][1]
        key, value = str(row.get("ref") or field_id), answer.get("value")
        chosen[key] = value if isinstance(value, list) else words([value])
        names[key] = as_text(row.get("title")) or key
        labels = answer.get("labels") or words([answer.get("label")])
        columns |= dict(zip(chosen[key], labels, strict=False))
    return matrix(chosen, row_labels=names, column_labels=columns)


def _answer(one: Mapping[str, Any], field: Mapping[str, Any]) -> Answer | None:
    """An answer by its type. Raises LookupError for a type that is not known."""
    kind = str(one.get("type"))
    value = one.get(kind)
    if kind == "number":
        return _number(value, field)
    if kind == "choice":
        picked = mapping(value)
        return choice(
            picked.get("id") or picked.get("label"), picked.get("label"), other=picked.get("other")
        )
    if kind == "choices":
        return _choices(mapping(value), field)
    if kind == "file_url":
        return files([link(value, name=str(value).partition("?")[0].rpartition("/")[2])])
    if kind == "payment":
        amount = mapping(value).get("amount")
        return number(amount) if as_number(amount) is not None else text(amount)
    return _MAKERS[kind](value)


_MAKERS = {
    **dict.fromkeys(("text", "email", "phone_number", "url"), text),
    "date": lambda value: day(str(value)[:10] if value else None),
    "boolean": boolean,
}


def _number(value: JSON, field: Mapping[str, Any]) -> Answer | None:
    kind = str(field.get("type"))
    if kind == "nps":
        return number(value, "nps", scale=(0, 10))
    if kind not in {"rating", "opinion_scale"}:
        return number(value)
    shape = mapping(field.get("properties"))
    steps, first = shape.get("steps"), 1 if shape.get("start_at_one") or kind == "rating" else 0
    if not isinstance(steps, int):
        return number(value, "rating")
    return number(value, "rating", scale=(first, first + steps - 1))


def _choices(picked: Mapping[str, Any], field: Mapping[str, Any]) -> Answer | None:
    labels = words(picked.get("labels"))
    ids = words(picked.get("ids"))
    values = ids if len(ids) == len(labels) or not labels else labels
    if field.get("type") == "ranking":
        return ranking(values, labels)
    return choices(values, labels, other=picked.get("other"))


def _contact(form: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed into the questions for an address and a telephone number."""
    kinds = {"email": "email", "phone_number": "phone"}
    return {
        name: one.get(kind)
        for one in objects(form.get("answers"))
        if (kind := str(one.get("type"))) in kinds and (name := kinds[kind])
    }


def _variables(form: Mapping[str, Any]) -> dict[str, Any]:
    score = as_number(mapping(form.get("calculated")).get("score"))
    found: dict[str, Any] = {} if score is None else {"score": score}
    for one in objects(form.get("variables")):
        key, value = as_text(one.get("key")), one.get(str(one.get("type")))
        said = as_number(value) if one.get("type") == "number" else as_text(value)
        if key and said is not None:
            found[key] = said
    return found


def _properties(form: Mapping[str, Any]) -> dict[str, str]:
    ending = as_text(mapping(form.get("ending")).get("ref"))
    return {} if ending is None else {"ending": ending}


def sample(number_: str, email: str, score: int, at: str) -> JSON:
    """A message as Typeform sends it."""
    fields = [
        {"id": "f1", "ref": "nps", "type": "nps", "title": "How likely are you to recommend us?"},
        {"id": "f2", "ref": "why", "type": "long_text", "title": "Why?"},
    ]
    answers = [
        {"type": "number", "number": score, "field": fields[0]},
        {"type": "text", "text": "A test response", "field": fields[1]},
    ]
    return {
        "event_id": f"test-{number_}",
        "event_type": "form_response",
        "form_response": {
            "form_id": "test",
            "token": f"test-{number_}",
            "landed_at": at,
            "submitted_at": at,
            "hidden": {"email": email},
            "definition": {"id": "test", "title": "Test survey", "fields": fields},
            "answers": answers,
        },
    }


PLATFORM = Platform(
    "typeform",
    "Typeform",
    sample,
    parse,
    scheme="typeform",
    api=API("Authorization", "Bearer ", "https://api.typeform.com"),
    definitions=DEFINITIONS,
)
