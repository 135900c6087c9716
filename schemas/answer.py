"""One answer of a response: a value of one of the kinds an answer can have, made canonical."""

from __future__ import annotations

import base64
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
    """A file by its address, or with its content in base64; a signature is one of these.

    A `data:` address as `content` also tells the type, and becomes plain base64.
    """

    url = fields.String(validate=URL)
    content = fields.String(validate=validate.Length(max=30_000_000), load_only=True)
    name = fields.String(validate=SHORT, allow_none=True)
    mime = fields.String(validate=SHORT, allow_none=True)
    size = fields.Integer(strict=True, validate=validate.Range(min=0), allow_none=True)
    expires_at = Moment(allow_none=True)

    @post_load
    def plain(self, link: dict[str, Any], **_: object) -> dict[str, Any]:
        """Exactly one of address and content, the content checked."""
        if ("url" in link) == ("content" in link):
            message = "a file needs either url or content"
            raise ValidationError(message, "url")
        if "content" in link:
            kind, link["content"] = _base64(link["content"])
            if kind and not link.get("mime"):
                link["mime"] = kind
        return link


def _base64(text: str) -> tuple[str, str]:
    """(type, base64) of a content; the type is empty where it is no `data:` address."""
    kind, encoded = "", text
    if text.startswith("data:"):
        head, _, encoded = text.partition(",")
        kind, mark, _ = head.removeprefix("data:").partition(";base64")
        if not mark:
            message = "a data: address must be in base64"
            raise ValidationError(message, "content")
    try:
        base64.b64decode(encoded, validate=True)
    except ValueError as exc:
        message = "must be base64, or a data: address in base64"
        raise ValidationError(message, "content") from exc
    return kind.partition(";")[0], encoded


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
