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
