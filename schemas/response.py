"""One survey response as a platform pushes it, and the normal form we store. marshmallow only.

The body is the normalised model: `response_id`, `answers` and `submitted_at` are required, the
rest is optional, unknown keys are refused, `source` is set by us and refused in a push.
`submitted_at` is what the rest of the code calls `answered_at`. Numbers are ints or decimal
strings; a float is refused because it cannot be stored exact.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from marshmallow import (
    RAISE,
    Schema,
    ValidationError,
    fields,
    post_load,
    validate,
    validates_schema,
)

KEY = validate.Length(min=1, max=255)
SHORT = validate.Length(max=1_000)
LONG = validate.Length(max=100_000)
URL = validate.And(
    validate.Length(max=4_000), validate.Regexp(r"https?://", error="must be http(s)")
)

EVENTS = ("completed", "partial", "updated", "deleted", "disqualified")
ANSWER_TYPES = (
    "nps",
    "rating",
    "number",
    "single_choice",
    "multi_choice",
    "text",
    "long_text",
    "date",
    "datetime",
    "duration",
    "boolean",
    "file",
    "signature",
    "matrix",
    "ranking",
)
MAX_ANSWERS = 500


class Strict(Schema):
    """Unknown keys are refused."""

    class Meta:
        unknown = RAISE


class ExactNumber(fields.Field[Any]):
    """An int or a decimal string of at most 40 signs; stored as a decimal string when it has a
    fraction.
    """

    def _deserialize(self, value: object, *_: object, **__: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | str):
            message = "must be an integer or a decimal string"
            raise ValidationError(message)
        if isinstance(value, int):
            if abs(value) >= 10**38:
                message = "has too many digits"
                raise ValidationError(message)
            return value
        return _decimal_text(value)


def _decimal_text(text: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,38}(\.[0-9]{1,20})?", text):
        message = "must be an integer or a decimal string like 12.50"
        raise ValidationError(message)
    try:
        Decimal(text)
    except InvalidOperation as exc:  # pragma: no cover - the pattern above admits decimals only
        message = "must be a decimal"
        raise ValidationError(message) from exc
    return text


class Moment(fields.Field[str]):
    """An aware ISO 8601 time, normalised to UTC with seconds: 2026-11-22T01:02:00Z."""

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        try:
            moment = datetime.fromisoformat(cast(str, value))
        except (TypeError, ValueError) as exc:
            message = "must be an ISO 8601 time with a zone, like 2026-11-22T01:02:00Z"
            raise ValidationError(message) from exc
        if moment.tzinfo is None or not 1900 <= moment.year <= 2200:
            message = "must be an ISO 8601 time with a zone, between 1900 and 2200"
            raise ValidationError(message)
        utc = moment.astimezone(UTC)
        text = utc.isoformat(timespec="microseconds" if utc.microsecond else "seconds")
        return text.replace("+00:00", "Z")


class LinkSchema(Strict):
    """A file by its address; a signature is one of these."""

    url = fields.String(required=True, validate=URL)
    name = fields.String(validate=SHORT, allow_none=True)
    mime = fields.String(validate=SHORT, allow_none=True)
    size = fields.Integer(strict=True, validate=validate.Range(min=0), allow_none=True)
    expires_at = Moment(allow_none=True)


class ScaleSchema(Strict):
    """The ends of a numeric scale."""

    min = fields.Integer(required=True, strict=True)
    max = fields.Integer(required=True, strict=True)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 100_000:
        message = "must be text of at most 100000 signs"
        raise ValidationError(message)
    return value


def _choice(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 1_000:
        message = "must be an option's value (text)"
        raise ValidationError(message)
    return value


def _choices(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > 500:
        message = "must be a list of at most 500 option values"
        raise ValidationError(message)
    return [_choice(one) for one in value]


def _number(value: object) -> object:
    return ExactNumber().deserialize(value)


def _nps(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10:
        message = "must be an integer from 0 to 10"
        raise ValidationError(message)
    return value


def _day(value: object) -> str:
    try:
        return date.fromisoformat(cast(str, value)).isoformat()
    except (TypeError, ValueError) as exc:
        message = "must be a date like 2026-11-20"
        raise ValidationError(message) from exc


def _seconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**10:
        message = "must be a whole number of seconds"
        raise ValidationError(message)
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        message = "must be true or false"
        raise ValidationError(message)
    return value


def _link(value: object) -> object:
    return LinkSchema().load(cast(Any, value))


def _links(value: object) -> object:
    if not isinstance(value, list) or len(value) > 50:
        message = "must be a list of at most 50 files"
        raise ValidationError(message)
    return [LinkSchema().load(one) for one in value]


def _matrix(value: object) -> dict[str, list[str]]:
    if not isinstance(value, dict) or len(value) > 200:
        message = "must be an object of at most 200 rows, each a list of column values"
        raise ValidationError(message)
    return {_choice(row): _choices(columns) for row, columns in value.items()}


VALUE_OF = {
    "nps": _nps,
    "rating": _number,
    "number": _number,
    "single_choice": _choice,
    "multi_choice": _choices,
    "text": _text,
    "long_text": _text,
    "date": _day,
    "datetime": lambda value: Moment().deserialize(value),
    "duration": _seconds,
    "boolean": _truth,
    "file": _links,
    "signature": _link,
    "matrix": _matrix,
    "ranking": _choices,
}


class AnswerSchema(Strict):
    """One answer. `label(s)` are what the respondent read for the chosen option(s), `title` the
    question.
    """

    type = fields.String(required=True, validate=validate.OneOf(ANSWER_TYPES))
    value = fields.Raw(required=True, allow_none=False)
    title = fields.String(validate=LONG, allow_none=True)
    label = fields.String(validate=SHORT, allow_none=True)
    labels = fields.Raw(allow_none=True)
    other = fields.String(validate=LONG, allow_none=True)
    scale = fields.Nested(ScaleSchema, allow_none=True)
    tags = fields.List(fields.String(validate=KEY), validate=validate.Length(max=50))

    @post_load
    def typed(self, answer: dict[str, Any], **_: object) -> dict[str, Any]:
        """The value checked and normalised by the answer's type; labels by their shape."""
        try:
            answer["value"] = VALUE_OF[answer["type"]](answer["value"])
        except ValidationError as exc:
            raise ValidationError(exc.messages, "value") from exc
        if answer.get("labels") is not None:
            answer["labels"] = _labels(answer["type"], answer["labels"])
        return answer


def _labels(kind: str, labels: object) -> object:
    texts = _matrix_texts(labels) if kind == "matrix" else labels
    if not isinstance(texts, list) or not all(
        isinstance(one, str) and len(one) <= 1_000 for one in texts
    ):
        message = "must be a list of texts (matrix: rows and cols, each an object of texts)"
        raise ValidationError(message, "labels")
    return labels


def _matrix_texts(labels: object) -> object:
    """Every text of {"rows": {...}, "cols": {...}}, None for another shape."""
    if not isinstance(labels, dict) or not set(labels) <= {"rows", "cols"}:
        return None
    parts = list(labels.values())
    if not all(isinstance(part, dict) for part in parts):
        return None
    return [text for part in parts for text in part.values()]


class RespondentSchema(Strict):
    """Who answered. An anonymous respondent is never matched, tagged or noted."""

    email = fields.String(validate=validate.Length(max=320), allow_none=True)
    phone = fields.String(validate=validate.Length(max=50), allow_none=True)
    external_id = fields.String(validate=KEY, allow_none=True)
    crm_ids = fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.String(validate=KEY),
        validate=validate.Length(max=20),
    )
    name = fields.String(validate=SHORT, allow_none=True)
    anonymous = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @validates_schema
    def email_has_an_at_sign(self, respondent: dict[str, Any], **_: object) -> None:
        """Only what can never be an address is refused; a mailbox is not asked."""
        email = respondent.get("email")
        if email and not re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,255}", email):
            message = "is not an e-mail address"
            raise ValidationError(message, "email")


class NamedSchema(Strict):
    """A survey or campaign by the platform's id; the name is learnt."""

    id = fields.String(required=True, validate=KEY)
    name = fields.String(validate=validate.Length(max=255), allow_none=True)
    version = fields.String(validate=KEY, allow_none=True)


def _texts_by_key() -> fields.Dict:
    return fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.String(validate=LONG, allow_none=True),
        validate=validate.Length(max=200),
    )


class ResponseSchema(Strict):
    """One response as pushed. `load` gives the normal form, JSON-native, that is stored and
    digested.
    """

    schema = fields.Integer(strict=True, load_default=1, validate=validate.OneOf((1,)))
    event = fields.String(load_default="completed", validate=validate.OneOf(EVENTS))
    response_id = fields.String(required=True, validate=KEY)
    revision = fields.Integer(
        strict=True, load_default=1, validate=validate.Range(min=1, max=2**31 - 1)
    )
    survey = fields.Nested(NamedSchema, allow_none=True)
    campaign = fields.Nested(NamedSchema, allow_none=True)
    respondent = fields.Nested(RespondentSchema, load_default=lambda: {"anonymous": True})
    answers = fields.Dict(
        required=True,
        keys=fields.String(validate=KEY),
        values=fields.Nested(AnswerSchema),
        validate=validate.Length(max=MAX_ANSWERS),
    )
    hidden = _texts_by_key()
    attributes = _texts_by_key()
    variables = fields.Dict(
        keys=fields.String(validate=KEY), values=fields.Raw(), validate=validate.Length(max=200)
    )
    properties = _texts_by_key()
    tags = fields.List(fields.String(validate=KEY), validate=validate.Length(max=100))
    flags = fields.List(fields.String(validate=KEY), validate=validate.Length(max=100))
    weights = fields.Dict(
        keys=fields.String(validate=KEY), values=ExactNumber(), validate=validate.Length(max=500)
    )
    categories = _texts_by_key()
    started_at = Moment(allow_none=True)
    submitted_at = Moment(required=True)
    duration_s = fields.Integer(
        strict=True, validate=validate.Range(min=0, max=10**9), allow_none=True
    )
    locale = fields.String(validate=validate.Length(max=35), allow_none=True)
    channel = fields.String(validate=validate.Length(max=50), allow_none=True)
    meta = _texts_by_key()
    consent = fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.Boolean(allow_none=True, truthy={True}, falsy={False}),
        validate=validate.Length(max=20),
    )

    @validates_schema
    def variables_are_plain(self, response: dict[str, Any], **_: object) -> None:
        """A variable is a text, an exact number or a truth value."""
        for name, value in (response.get("variables") or {}).items():
            if isinstance(value, float) or not isinstance(value, str | int | None):
                message = {name: ["must be text, an integer, a decimal string, true or false"]}
                raise ValidationError(message, "variables")


def normalised(item: object, *, schema: ResponseSchema) -> dict[str, Any]:
    """The normal form of a pushed response. Raises marshmallow's ValidationError with the places
    by name.
    """
    loaded: dict[str, Any] = schema.load(cast(Any, item))
    return loaded


def digest_of(response: dict[str, Any]) -> bytes:
    """SHA-256 of the normal form as canonical JSON: the same answers give the same 32 bytes."""
    text = json.dumps(response, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()
