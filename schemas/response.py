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
from typing import Any, cast

from marshmallow import (
    ValidationError,
    fields,
    validate,
    validates_schema,
)

from schemas.answer import (
    EVENTS,
    KEY,
    LONG,
    MAX_ANSWERS,
    SHORT,
    AnswerSchema,
    ExactNumber,
    Moment,
    Strict,
)


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
