"""A recipe: how a platform that we do not know pushes, written down as data. marshmallow only.

Every `pick` is a JMESPath expression over the message, or over one item of it where `each` names a
list. What they mean is decided in connector/responses/recipes.py.
"""

from __future__ import annotations

from pathlib import Path

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from schemas.answer import ANSWER_TYPES, EVENTS, KEY
from schemas.sources.base import Body, Edits, Platform, Told

# Those that ship: one platform a file.
RECIPES = Path(__file__).resolve().parent / "recipes"
EXPRESSION = validate.Length(min=1, max=1_000)
HEADER = validate.Regexp(r"[A-Za-z0-9-]{1,100}\Z", error="must be the name of a header")
KNOWN_SCHEMES = ("standard", "typeform", "tally", "delighted")
_PLACEHOLDERS = validate.Regexp(
    r"(?:[^{}]|\{id\}|\{timestamp\}){0,100}\Z", error="may name {id} and {timestamp} alone"
)


class RecipeStrict(Schema):
    """Unknown keys are refused."""

    class Meta:
        unknown = RAISE


def _pick(*, required: bool = False) -> fields.String:
    return fields.String(required=required, validate=EXPRESSION)


class SignatureSchema(RecipeStrict):
    """How the platform signs: as one that is known (`like`), or header by header.

    `algorithm: static` is no signature: the header holds the secret itself.
    """

    like = fields.String(validate=validate.OneOf(KNOWN_SCHEMES))
    header = fields.String(validate=HEADER)
    prefix = fields.String(validate=validate.Length(max=50))
    encoding = fields.String(validate=validate.OneOf(("base64", "hex")))
    algorithm = fields.String(validate=validate.OneOf(("sha256", "sha1", "sha512", "static")))
    key = fields.String(validate=validate.OneOf(("text", "whsec")))
    signed = fields.String(validate=_PLACEHOLDERS)
    id_header = fields.String(validate=HEADER)
    timestamp_header = fields.String(validate=HEADER)
    tolerance_s = fields.Integer(strict=True, validate=validate.Range(min=1, max=86_400))

    @validates_schema
    def one_of_both(self, said: dict[str, object], **_: object) -> None:
        """A known one is taken whole."""
        if ("like" in said) == ("header" in said) or ("like" in said and len(said) > 1):
            message = "needs either like, or header and what goes with it"
            raise ValidationError(message, "header")


class NamedPickSchema(RecipeStrict):
    """A survey or campaign."""

    id = _pick(required=True)
    name = _pick()


class EventPickSchema(RecipeStrict):
    """Which word of the platform is which of our events; another word is refused."""

    pick = _pick(required=True)
    words = fields.Dict(
        required=True,
        keys=fields.String(validate=KEY),
        values=fields.String(validate=validate.OneOf(EVENTS)),
        validate=validate.Length(min=1, max=50),
    )


class RespondentPickSchema(RecipeStrict):
    """Who answered."""

    email = _pick()
    phone = _pick()
    external_id = _pick()
    name = _pick()


class AnswerPickSchema(RecipeStrict):
    """One answer. `type` may be left out where the value's shape says it."""

    key = fields.String(required=True, validate=KEY)
    pick = _pick(required=True)
    type = fields.String(validate=validate.OneOf(ANSWER_TYPES))
    title = fields.String(validate=validate.Length(max=1_000))
    label = _pick()
    other = _pick()


class AnswersFromSchema(RecipeStrict):
    """Answers that stand in a list; `key`, `value` and `title` are picked from each."""

    list = _pick(required=True)
    key = _pick(required=True)
    value = _pick(required=True)
    title = _pick()


class RecipeSchema(RecipeStrict):
    """How to read one platform's messages."""

    label = fields.String(required=True, validate=validate.Length(min=1, max=120))
    signature = fields.Nested(SignatureSchema)
    body = fields.String(validate=validate.OneOf(tuple(Body)))
    part = fields.String(validate=KEY)
    edits = fields.String(validate=validate.OneOf(tuple(Edits)))
    only_if = _pick()
    each = _pick()
    event = fields.Nested(EventPickSchema)
    message_id = _pick()
    response_id = _pick(required=True)
    submitted_at = _pick()
    started_at = _pick()
    locale = _pick()
    survey = fields.Nested(NamedPickSchema, required=True)
    campaign = fields.Nested(NamedPickSchema)
    respondent = fields.Nested(RespondentPickSchema)
    answers = fields.List(fields.Nested(AnswerPickSchema), validate=validate.Length(max=200))
    answers_from = fields.Nested(AnswersFromSchema)
    hidden = _pick()
    attributes = _pick()
    variables = _pick()
    example = fields.Raw(required=True)


PLATFORM = Platform(
    "recipe", "A recipe of your own", lambda *_: {}, lambda *_: Told(), by_recipe=True
)
