"""Extra fields of contacts: which are chosen, what they hold, and how they are edited. marshmallow
only.
"""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from schemas.connection import FieldOptionSchema
from schemas.paging import ID, TEXT
from schemas.phrases import phrase

MOST_FIELDS, LONGEST_TEXT, MOST_OPTIONS = 50, 200_000, 1_000
_NAME = validate.And(validate.Length(max=255), TEXT)
_VALUE = {"description": "A value as the field definitions type it; null is an empty field."}


class Strict(Schema):
    """Unknown keys are refused."""

    class Meta:
        unknown = RAISE


def field_value(value: Any) -> None:  # noqa: ANN401 - JSON
    """Refuse what no field of a CRM can hold."""
    if value is None or isinstance(value, bool | int):
        return
    if isinstance(value, str) and len(value) <= LONGEST_TEXT:
        return
    is_list = isinstance(value, list) and len(value) <= MOST_OPTIONS
    if is_list and all(isinstance(one, str) and len(one) <= LONGEST_TEXT for one in value):
        return
    message = phrase("must be text, a whole number, true, false, a list of texts or null")
    raise ValidationError(message)


class ExtraFieldSchema(Strict):
    """One field of the CRM's contact that is shown beside our contact."""

    field = fields.String(required=True, validate=_NAME)
    label = fields.String(
        load_default=None, allow_none=True, validate=validate.And(validate.Length(max=120), TEXT)
    )
    editable = fields.Boolean(
        load_default=None,
        allow_none=True,
        truthy={True},
        falsy={False},
        metadata={"description": "null: as far as the CRM lets the field be written."},
    )


class ExtraFieldsSchema(Strict):
    """Which fields are shown, in their order."""

    fields_ = fields.List(
        fields.Nested(ExtraFieldSchema),
        required=True,
        validate=validate.Length(max=MOST_FIELDS),
        data_key="fields",
        attribute="fields",
    )


class ChosenFieldSchema(Schema):
    """One chosen field as the newest definitions have it. `why_not`: why it cannot be edited."""

    field = fields.String(required=True)
    label = fields.String(required=True)
    type = fields.String(required=True, allow_none=True)
    editable = fields.Boolean(required=True)
    why_not = fields.String(required=True, allow_none=True)


class ChosenFieldsSchema(Schema):
    """What is chosen at a connection."""

    entity = fields.String(required=True)
    fields_ = fields.List(
        fields.Nested(ChosenFieldSchema), required=True, data_key="fields", attribute="fields"
    )


class HeldFieldSchema(ChosenFieldSchema):
    """One field with what the CRM holds in it now."""

    value = fields.Raw(required=True, allow_none=True)
    max_length = fields.Integer(required=True, allow_none=True)
    closed = fields.Boolean(required=True)
    options = fields.List(fields.Nested(FieldOptionSchema), required=True)


class PartErrorSchema(Schema):
    """Why a CRM could not be read; as a problem document says it."""

    code = fields.String(required=True)
    title = fields.String(required=True)
    detail = fields.String(required=True)
    mend = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    retry_after_s = fields.Integer(required=True, allow_none=True)


class PartSchema(Schema):
    """What one CRM shows of the contact. `read_at` is when it was asked, `updated_at` the CRM's own
    time of last change where it tells one; `etag` is what If-Match takes.
    """

    connection_id = fields.Integer(required=True)
    connection = fields.String(required=True)
    app = fields.String(required=True)
    entity = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("read", "not_linked", "failed")))
    remote_id = fields.String(required=True, allow_none=True)
    read_at = fields.AwareDateTime(required=True, allow_none=True)
    updated_at = fields.AwareDateTime(required=True, allow_none=True)
    etag = fields.String(required=True, allow_none=True)
    error = fields.Nested(PartErrorSchema, required=True, allow_none=True)
    fields_ = fields.List(
        fields.Nested(HeldFieldSchema), required=True, data_key="fields", attribute="fields"
    )


class PartsSchema(Schema):
    """A contact's extra fields, CRM by CRM."""

    contact_id = fields.Integer(required=True)
    crms = fields.List(fields.Nested(PartSchema), required=True)


class PartQuerySchema(Schema):
    """Which connection's fields are wanted; without it those of all."""

    connection_id = fields.Integer(load_default=None, validate=ID)


class FieldEditSchema(Strict):
    """One field to change, and the value that was seen in it."""

    field = fields.String(required=True, validate=_NAME)
    was = fields.Raw(allow_none=True, validate=field_value, metadata=_VALUE)
    value = fields.Raw(required=True, allow_none=True, validate=field_value, metadata=_VALUE)


class EditSchema(Strict):
    """Changes of one contact's record at one connection: all of them are written, or none."""

    connection_id = fields.Integer(required=True, strict=True, validate=ID)
    changes = fields.List(
        fields.Nested(FieldEditSchema),
        required=True,
        validate=validate.Length(min=1, max=MOST_FIELDS),
    )


class WrittenFieldSchema(Schema):
    """One field that was written."""

    field = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)


class EditedSchema(Schema):
    """What became of an edit; `unchanged`: the CRM held all of it already."""

    edit_id = fields.Integer(required=True)
    connection_id = fields.Integer(required=True)
    remote_id = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(("written", "unchanged")))
    fields_ = fields.List(
        fields.Nested(WrittenFieldSchema), required=True, data_key="fields", attribute="fields"
    )
