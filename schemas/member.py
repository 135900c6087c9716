"""The members of a workspace. marshmallow only."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

LANGUAGES = ("en", "da", "de", "fr", "it")
ROLES = ("owner", "admin", "editor", "viewer")


class MemberChangeSchema(Schema):
    """What a member is to be. `account_settings`: the right, given to an editor or taken from an
    admin; null or absent: as the role has it.
    """

    class Meta:
        unknown = RAISE

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    account_settings = fields.Boolean(
        load_default=None, allow_none=True, truthy={True}, falsy={False}
    )


class InvitationRequestSchema(MemberChangeSchema):
    """Who is to be let in, and as what. `language`: of the letter."""

    email = fields.String(required=True, validate=validate.Length(min=3, max=320))
    role = fields.String(load_default="viewer", validate=validate.OneOf(ROLES))
    language = fields.String(load_default="en", validate=validate.OneOf(LANGUAGES))


class InvitationSchema(Schema):
    """An open or expired invitation. `letter`: none, waiting, sent or failed; `error`: why."""

    id = fields.Integer(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True)
    account_settings = fields.Boolean(required=True, allow_none=True)
    invited_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    is_expired = fields.Boolean(required=True)
    letter = fields.String(required=True)
    error = fields.String(required=True, allow_none=True)


class InvitationListSchema(Schema):
    """Every invitation that nobody has accepted or withdrawn."""

    invitations = fields.List(fields.Nested(InvitationSchema), required=True)


class MadeInvitationSchema(Schema):
    """An invitation that was just made. `link` is shown this once; null where it goes by mail."""

    id = fields.Integer(required=True)
    email = fields.String(required=True)
    link = fields.String(required=True, allow_none=True)


class MemberSchema(Schema):
    """A member as whoever looks after people sees them. `is_adjusted`: account settings were given
    or taken beside the role.
    """

    id = fields.Integer(required=True)
    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    account_settings = fields.Boolean(required=True)
    is_adjusted = fields.Boolean(required=True)
    has_codes = fields.Boolean(required=True)
    created_at = fields.AwareDateTime(required=True)
    signed_in_at = fields.AwareDateTime(required=True, allow_none=True)


class MemberListSchema(Schema):
    """Every member of the workspace."""

    members = fields.List(fields.Nested(MemberSchema), required=True)


class EndedSessionsSchema(Schema):
    """How many sessions have ended."""

    ended = fields.Integer(required=True)
