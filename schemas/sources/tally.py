"""Tally: `FORM_RESPONSE`, signed with the webhook's signing secret. Pure.

An answer's key is its field's key. Options come as ids, which the field's own options name. A
checkbox question comes once as a list and once more per option: the latter are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
    signature,
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
    text_at,
    words,
)
from schemas.sources.tally_surveys import DEFINITIONS

Field = Mapping[str, Any]


def parse(body: JSON, wishes: Wishes, envelope: Envelope) -> Told:
    """The response of a message. An edited one counts as answered when its event was made."""
    if text_at(body, "eventType") != "FORM_RESPONSE":
        raise Unreadable(at="/eventType", why="is no event that brings a response")
    told = object_at(body, "data")
    form_id = text_at(told, "formId", "/data")
    response_id = text_at(told, "responseId", "/data")
    sheet, beside = _sheet(objects(told.get("fields")), wishes)
    survey = named(form_id, told.get("formName"))
    times = [moment(body.get("createdAt")), moment(told.get("createdAt"))]
    made = response(
        response_id=f"tally:{form_id}:{response_id}",
        survey=survey,
        campaign=campaign(wishes, survey),
        respondent=respondent(wishes, beside["hidden"], beside["contact"], answers=sheet.answers),
        answers=sheet.answers,
        hidden=beside["hidden"],
        variables=beside["variables"],
        submitted_at=max([one for one in times if one] or [envelope.received_at.isoformat()]),
        meta=sheet.meta(),
    )
    return Told((made,), message_id=as_text(body.get("eventId")))


def _sheet(fields: list[Field], wishes: Wishes) -> tuple[Sheet, dict[str, dict[str, Any]]]:
    sheet = Sheet(wishes)
    beside: dict[str, dict[str, Any]] = {"hidden": {}, "variables": {}, "contact": {}}
    for one in fields:
        key, kind, value = str(one.get("key") or ""), str(one.get("type")), one.get("value")
        label = as_text(one.get("label")) or key
        if kind == "HIDDEN_FIELDS":
            beside["hidden"] |= {label: said} if (said := as_text(value)) else {}
        elif kind == "CALCULATED_FIELDS":
            said_exact = as_number(value) if not isinstance(value, str) else as_text(value)
            beside["variables"] |= {} if said_exact is None else {label: said_exact}
        elif key:
            beside["contact"] |= {_CONTACT[kind]: value} if kind in _CONTACT else {}
            _put(sheet, key, kind, one)
    return sheet, beside


_CONTACT = {"INPUT_EMAIL": "email", "INPUT_PHONE_NUMBER": "phone"}


def _put(sheet: Sheet, key: str, kind: str, one: Field) -> None:
    maker = _MAKERS.get(kind)
    if maker is not None:
        sheet.put(key, maker(one), title=one.get("label"))
    elif one.get("value") not in (None, "", []):
        sheet.miss(key)


def _named(one: Field, part: str = "options") -> dict[str, str]:
    return {
        str(option.get("id")): as_text(option.get("text")) or str(option.get("id"))
        for option in objects(one.get(part))
    }


def _written(one: Field, ids: list[str]) -> str | None:
    """What stands in the option of the respondent's own, where it was chosen."""
    own = [o for o in objects(one.get("options")) if o.get("isOtherOption") and o.get("id") in ids]
    return as_text(own[0].get("text")) if own else None


def _single(one: Field) -> Answer | None:
    value = one.get("value")
    if isinstance(value, bool):
        # A line per option, which says again what the question's own line says.
        return None
    ids = words(value) or words([value])
    if len(ids) > 1:
        return _several(one)
    if not ids:
        return None
    written = _written(one, ids)
    if written:
        return choice(None, other=written)
    return choice(ids[0], _named(one).get(ids[0]))


def _several(one: Field) -> Answer | None:
    ids, named = words(one.get("value")), _named(one)
    written = _written(one, ids)
    own = {str(o.get("id")) for o in objects(one.get("options")) if o.get("isOtherOption")}
    kept = [one_id for one_id in ids if one_id not in own]
    return choices(kept, [named.get(one_id, one_id) for one_id in kept], other=written)


def _ranked(one: Field) -> Answer | None:
    ids, named = words(one.get("value")), _named(one)
    return ranking(ids, [named.get(one_id, one_id) for one_id in ids])


def _grid(one: Field) -> Answer | None:
    rows = {str(row): words(columns) for row, columns in mapping(one.get("value")).items()}
    return matrix(rows, row_labels=_named(one, "rows"), column_labels=_named(one, "columns"))


def _link(one: Field) -> dict[str, Any] | None:
    return link(
        one.get("url"), name=one.get("name"), mime=one.get("mimeType"), size=one.get("size")
    )


def _signed(one: Field) -> Answer | None:
    links = [_link(file) for file in objects(one.get("value"))]
    return signature(links[0]) if links else None


def _paid(one: Field) -> Answer | None:
    value = one.get("value")
    return number(value) if as_number(value) is not None else text(value)


_MAKERS: Mapping[str, Callable[[Field], Answer | None]] = {
    **dict.fromkeys(
        ("INPUT_TEXT", "INPUT_EMAIL", "INPUT_PHONE_NUMBER", "INPUT_LINK", "INPUT_TIME"),
        lambda one: text(one.get("value")),
    ),
    "TEXTAREA": lambda one: text(one.get("value"), "long_text"),
    "INPUT_NUMBER": lambda one: number(one.get("value")),
    "INPUT_DATE": lambda one: day(one.get("value")),
    "LINEAR_SCALE": lambda one: number(one.get("value"), "rating"),
    "RATING": lambda one: number(one.get("value"), "rating"),
    "MULTIPLE_CHOICE": _single,
    "DROPDOWN": _single,
    "CHECKBOXES": _several,
    "MULTI_SELECT": _several,
    "RANKING": _ranked,
    "MATRIX": _grid,
    "FILE_UPLOAD": lambda one: files([_link(file) for file in objects(one.get("value"))]),
    "SIGNATURE": _signed,
    "PAYMENT": _paid,
}


def sample(number_: str, email: str, score: int, at: str) -> JSON:
    """A message as Tally sends it."""
    return {
        "eventId": f"test-{number_}",
        "eventType": "FORM_RESPONSE",
        "createdAt": at,
        "data": {
            "responseId": f"test-{number_}",
            "formId": "test",
            "formName": "Test survey",
            "createdAt": at,
            "fields": [
                {"key": "nps", "label": "How likely?", "type": "LINEAR_SCALE", "value": score},
                {"key": "why", "label": "Why?", "type": "TEXTAREA", "value": "A test response"},
                {"key": "email", "label": "email", "type": "HIDDEN_FIELDS", "value": email},
            ],
        },
    }


PLATFORM = Platform(
    "tally",
    "Tally",
    sample,
    parse,
    scheme="tally",
    api=API("Authorization", "Bearer ", "https://api.tally.so"),
    definitions=DEFINITIONS,
)
