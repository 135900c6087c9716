"""Hook sources: the addresses at which survey platforms push. marshmallow only."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate


class NewSourceSchema(Schema):
    """A source to be made. Its address and secret are shown once, in the answer."""

    class Meta:
        unknown = RAISE

    name = fields.String(required=True, validate=validate.Length(min=1, max=120))
    platform = fields.String(load_default="standard", validate=validate.OneOf(("standard",)))
    max_bytes = fields.Integer(
        load_default=1024 * 1024, validate=validate.Range(min=1024, max=8 * 1024 * 1024)
    )


class RotateSchema(Schema):
    """What to make anew."""

    class Meta:
        unknown = RAISE

    what = fields.String(load_default="secret", validate=validate.OneOf(("secret", "address")))


class SourceSchema(Schema):
    """A source as it can be listed: neither its token nor its secret."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    platform = fields.String(required=True)
    max_bytes = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)


class SourceListSchema(Schema):
    """Every source of the workspace."""

    sources = fields.List(fields.Nested(SourceSchema), required=True)


class ShownSourceSchema(Schema):
    """A source with its fresh address or signing secret, shown this once; null: unchanged."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True, allow_none=True)
    secret = fields.String(required=True, allow_none=True)
