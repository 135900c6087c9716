"""The audit log as it is shown. marshmallow only."""

from __future__ import annotations

from marshmallow import Schema, fields


class EntrySchema(Schema):
    """One entry. `hash` covers everything in it and `previous`, the hash of the entry before."""

    seq = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    actor = fields.String(required=True)
    address = fields.String(required=True, allow_none=True)
    action = fields.String(required=True)
    object = fields.String(required=True, allow_none=True)
    detail = fields.Dict(required=True)
    previous = fields.String(required=True)
    hash = fields.String(required=True)


class AuditSchema(Schema):
    """One page of the audit log, oldest first."""

    entries = fields.List(fields.Nested(EntrySchema), required=True)
    next = fields.String(required=True, allow_none=True)
