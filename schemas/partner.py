"""Partners' keys: bodies of the API. marshmallow only."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.paging import TEXT
from schemas.workspace import NAME, ROLES, Strict


class NewGrantSchema(Strict):
    """A key of another workspace to be let in. `key`: the eight signs after `ab_live_`, which its
    holder tells you; never the key itself.
    """

    key = fields.String(required=True, validate=validate.Regexp(r"[0-9A-Za-z]{8}\Z"))
    name = fields.String(required=True, validate=validate.And(TEXT, NAME))
    role = fields.String(load_default="editor", validate=validate.OneOf(ROLES))
    scopes = fields.List(
        fields.String(validate=validate.Length(max=64)),
        required=True,
        validate=validate.Length(min=1, max=64),
    )


class MadeGrantSchema(Schema):
    """The grant that was made."""

    id = fields.Integer(required=True)


class GrantSchema(Schema):
    """A key of another workspace that is, or was, let in."""

    id = fields.Integer(required=True)
    public_id = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    granted_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    last_used_at = fields.AwareDateTime(required=True, allow_none=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)


class GrantListSchema(Schema):
    """Every grant of the workspace, newest first."""

    grants = fields.List(fields.Nested(GrantSchema), required=True)


class GrantedSchema(Schema):
    """A workspace that has let the asking key in; `slug` is what the header names."""

    slug = fields.String(required=True)
    name = fields.String(required=True)
    stage = fields.String(required=True)
    role = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    granted_at = fields.AwareDateTime(required=True)


class GrantedListSchema(Schema):
    """The workspaces that have let the asking key in, by slug."""

    workspaces = fields.List(fields.Nested(GrantedSchema), required=True)
