"""Hook sources: the addresses at which survey platforms push. marshmallow only."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from schemas.answer import ANSWER_TYPES, KEY
from schemas.sources import PLATFORMS
from schemas.sources.answers import NAMES
from schemas.sources.recipe import RecipeSchema

PLATFORM_NAMES = tuple(PLATFORMS)
SECRET = validate.Length(min=8, max=500)
_FEW = validate.Length(min=1, max=20)


class SourceCampaignSchema(Schema):
    """The campaign that all responses of a source belong to."""

    class Meta:
        unknown = RAISE

    id = fields.String(required=True, validate=KEY)
    name = fields.String(validate=validate.Length(min=1, max=255))


class SourceSettingsSchema(Schema):
    """What an admin says about a source's responses (docs/sources.md)."""

    class Meta:
        unknown = RAISE

    types = fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.String(validate=validate.OneOf(ANSWER_TYPES)),
        validate=validate.Length(max=500),
    )
    respondent = fields.Dict(
        keys=fields.String(validate=validate.OneOf(tuple(NAMES))),
        values=fields.List(fields.String(validate=KEY), validate=_FEW),
    )
    campaign = fields.Nested(SourceCampaignSchema)
    names = fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.List(fields.String(validate=KEY), validate=_FEW),
        validate=validate.Length(max=50),
    )
    base_url = fields.String(validate=validate.Length(max=500))
    connection = fields.Integer(strict=True, validate=validate.Range(min=1, max=2**63 - 1))
    recipe = fields.Nested(RecipeSchema)


class NewSourceSchema(Schema):
    """A source to be made. Its address and secret are shown once, in the answer."""

    class Meta:
        unknown = RAISE

    name = fields.String(required=True, validate=validate.Length(min=1, max=120))
    platform = fields.String(load_default="standard", validate=validate.OneOf(PLATFORM_NAMES))
    max_bytes = fields.Integer(
        load_default=1024 * 1024, validate=validate.Range(min=1024, max=8 * 1024 * 1024)
    )
    secret = fields.String(load_default=None, validate=SECRET, allow_none=True, load_only=True)
    token = fields.String(load_default=None, validate=SECRET, allow_none=True, load_only=True)
    settings = fields.Nested(SourceSettingsSchema, load_default=dict)


class ChangeSourceSchema(Schema):
    """What to change; what is not named stays. `secret` is the one that the platform has made,
    `token` opens its API.
    """

    class Meta:
        unknown = RAISE

    secret = fields.String(validate=SECRET, load_only=True)
    token = fields.String(validate=SECRET, load_only=True)
    settings = fields.Nested(SourceSettingsSchema)


class TrySourceSchema(Schema):
    """A test response: whose it is, and the score it gives."""

    class Meta:
        unknown = RAISE

    email = fields.String(required=True, validate=validate.Length(min=3, max=320))
    score = fields.Integer(load_default=9, strict=True, validate=validate.Range(min=0, max=10))


class TriedSourceSchema(Schema):
    """What became of a test response; `GET /responses/<response_id>` follows it to the CRM."""

    response_id = fields.String(required=True)
    status = fields.String(required=True)
    id = fields.Integer(allow_none=True)


class NoticeSchema(Schema):
    """A response that the platform has told of, and what became of fetching it."""

    id = fields.Integer(required=True)
    key = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(allow_none=True)
    error = fields.String(allow_none=True)
    attempts = fields.Integer(required=True)
    due_at = fields.AwareDateTime(required=True)
    created_at = fields.AwareDateTime(required=True)
    settled_at = fields.AwareDateTime(allow_none=True)
    response = fields.Integer(allow_none=True)


class NoticeListSchema(Schema):
    """The newest notices of a source."""

    notices = fields.List(fields.Nested(NoticeSchema), required=True)


class RetriedNoticesSchema(Schema):
    """How many notices are due again."""

    retried = fields.Integer(required=True)


class AskedSurveysSchema(Schema):
    """The surveys will be fetched; the source's notices tell how that goes."""

    asked = fields.Boolean(required=True)


class RotateSchema(Schema):
    """What to make anew."""

    class Meta:
        unknown = RAISE

    what = fields.String(load_default="secret", validate=validate.OneOf(("secret", "address")))


class EmptiedSchema(Schema):
    """So many responses `gone` at once, of those that were `asked` for: held until confirmed."""

    gone = fields.Integer(required=True)
    asked = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)


class ConfirmEmptiedSchema(Schema):
    """That the responses which are gone were deleted: as many as the source says."""

    class Meta:
        unknown = RAISE

    gone = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=1_000_000))


class SourceSchema(Schema):
    """A source as it can be listed: neither its token nor its secret."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    platform = fields.String(required=True)
    max_bytes = fields.Integer(required=True)
    settings = fields.Nested(SourceSettingsSchema, required=True)
    created_at = fields.AwareDateTime(required=True)
    paused_at = fields.AwareDateTime(required=True, allow_none=True)
    emptied = fields.Nested(EmptiedSchema, required=True, allow_none=True)


class HeldSchema(Schema):
    """Whether a source is paused, and how many responses wait, or have waited until now."""

    paused = fields.Boolean(required=True)
    responses = fields.Integer(required=True)


class SourceListSchema(Schema):
    """Every source of the workspace."""

    sources = fields.List(fields.Nested(SourceSchema), required=True)


class ShownSourceSchema(Schema):
    """A source with its fresh address or signing secret, shown this once; null: unchanged, or
    there is none.
    """

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True, allow_none=True)
    secret = fields.String(required=True, allow_none=True)
