"""The bodies about what has changed in a CRM's definitions. marshmallow only."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.connection import Strict
from schemas.paging import ID


class ChangeSchema(Schema):
    """One change of one field; an empty field means the whole entity."""

    kind = fields.String(required=True)
    field = fields.String(required=True)
    label = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)
    breaks = fields.Boolean(required=True)


class MappingHitSchema(Schema):
    """A published mapping that writes what has changed."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    fields_ = fields.List(fields.String(), required=True, data_key="fields", attribute="fields")


class FormHitSchema(MappingHitSchema):
    """An input form with a field that has changed."""


class FindingSchema(Schema):
    """What one download found changed in one entity. `would_fail` of `looked_at` answers of the
    last month could be written before and cannot be now. `mended_at` null: it still stands; else
    `closed_as` says whether it was mended, or nothing published uses it any more (unused).
    """

    id = fields.Integer(required=True)
    entity = fields.String(required=True)
    cause = fields.String(required=True)
    breaks = fields.Boolean(required=True)
    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    mappings = fields.List(fields.Nested(MappingHitSchema), required=True)
    # Of those shown beside a contact, and of those that a response's record is made of.
    extra_fields = fields.List(fields.String(), required=True)
    record_fields = fields.List(fields.String(), required=True)
    input_forms = fields.List(fields.Nested(FormHitSchema), required=True)
    looked_at = fields.Integer(required=True)
    would_fail = fields.Integer(required=True)
    found_at = fields.AwareDateTime(required=True)
    mended_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_as = fields.String(required=True, allow_none=True)


class SnapshotSchema(Schema):
    """One version of an entity's definition; `fields` counts them."""

    id = fields.Integer(required=True)
    entity = fields.String(required=True)
    fields_ = fields.Integer(required=True, data_key="fields", attribute="fields")
    taken_at = fields.AwareDateTime(required=True)
    seen_at = fields.AwareDateTime(required=True)


class DriftSchema(Schema):
    """What has drifted. `check_failed` is why the last check could not be made."""

    drift = fields.List(fields.Nested(FindingSchema), required=True)
    checked_at = fields.AwareDateTime(required=True, allow_none=True)
    check_failed = fields.String(required=True, allow_none=True)
    snapshots = fields.List(fields.Nested(SnapshotSchema), required=True)


class ComparedQuerySchema(Strict):
    """Two snapshots by their ids; without them the contact's newest and the one before it."""

    before = fields.Integer(load_default=None, validate=ID)
    after = fields.Integer(load_default=None, validate=ID)


class ComparedSchema(Schema):
    """What changed between them, and the published mappings that what breaks hits."""

    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    mappings = fields.List(fields.Nested(MappingHitSchema), required=True)
