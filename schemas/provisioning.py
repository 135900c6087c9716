"""The bodies about what the hub makes at a CRM on request, and what it may do there. marshmallow
only.
"""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.connection import Strict

PARTS = ("tags", "no_send", "key", "record", "access")
STATES = ("exists", "missing", "drifted", "hidden", "impossible", "refused", "not_tried")


class ChosenPartsSchema(Strict):
    """Which parts are to be made."""

    parts = fields.List(
        fields.String(validate=validate.OneOf(PARTS)),
        required=True,
        validate=validate.Length(min=1, max=len(PARTS)),
    )


class ThingSchema(Schema):
    """One thing at the CRM: `wants` what it has to be, `text` what is wrong and what to do, `made`
    whether this request made it.
    """

    part = fields.String(required=True, validate=validate.OneOf(PARTS))
    kind = fields.String(required=True)
    name = fields.String(required=True)
    wants = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    text = fields.String(required=True)
    made = fields.Boolean(required=True)


class ProvisioningSchema(Schema):
    """What a CRM has of the parts, and what an admin has to know besides."""

    app = fields.String(required=True)
    things = fields.List(fields.Nested(ThingSchema), required=True)
    hints = fields.List(fields.String(), required=True)


class UsableSchema(Schema):
    """What the connected user may do with an entity (`field` null) or with one of its fields."""

    entity = fields.String(required=True)
    field = fields.String(required=True, allow_none=True)
    create = fields.Boolean(required=True)
    read = fields.Boolean(required=True)
    update = fields.Boolean(required=True)


class LackSchema(Schema):
    """What something published is refused, in words, and how to mend it."""

    by = fields.String(required=True)
    entity = fields.String(required=True)
    field = fields.String(required=True, allow_none=True)
    operation = fields.String(required=True, validate=validate.OneOf(("create", "read", "update")))
    text = fields.String(required=True)
    mend = fields.String(required=True)


class PreflightQuerySchema(Strict):
    """`ask` false: by what the CRM told last, without asking it."""

    ask = fields.Boolean(load_default=True, truthy={"true"}, falsy={"false"})


class RoomSchema(Schema):
    """What the account has left of something besides calls; `unit` "" where it is counted."""

    what = fields.String(required=True)
    limit = fields.Integer(required=True)
    left = fields.Integer(required=True)
    unit = fields.String(required=True)
    is_low = fields.Boolean(required=True)


class PreflightSchema(Schema):
    """Whether what is published may be written. `scopes`: those of the grant, [] where the CRM does
    not tell; `scopes_missing`: of those we ask for. `words`: all of it in whole sentences.
    """

    app = fields.String(required=True)
    ready = fields.Boolean(required=True)
    edition = fields.String(required=True)
    role = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    scopes_missing = fields.List(fields.String(), required=True)
    usable = fields.List(fields.Nested(UsableSchema), required=True)
    lacks = fields.List(fields.Nested(LackSchema), required=True)
    room = fields.List(fields.Nested(RoomSchema), required=True)
    warnings = fields.List(fields.String(), required=True)
    words = fields.List(fields.String(), required=True)
