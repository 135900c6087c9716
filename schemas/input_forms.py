"""Input forms: which fields of the CRM's contact are filled in here, and what was filled in.
marshmallow only.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from schemas.extras import (
    MOST_FIELDS,
    FieldEditSchema,
    HeldFieldSchema,
    PartSchema,
    Strict,
    WrittenFieldSchema,
    field_value,
)
from schemas.paging import TEXT

_NAME = validate.And(validate.Length(min=1, max=255), TEXT)
_WORDS = validate.And(validate.Length(max=120), TEXT)
# A YAML file says yes and no in its own words; nothing else is a truth value.
_YES_NO: dict[str, Any] = {"truthy": {True}, "falsy": {False}}


class FormFieldSchema(Strict):
    """One field of a form. `default` is written where nothing is filled in and the CRM holds
    nothing.
    """

    field = fields.String(required=True, validate=_NAME)
    label = fields.String(load_default=None, allow_none=True, validate=_WORDS)
    help = fields.String(load_default=None, allow_none=True, validate=TEXT)
    required = fields.Boolean(load_default=False, **_YES_NO)
    default = fields.Raw(load_default=None, allow_none=True, validate=field_value)


class InputFormSchema(Strict):
    """A form as saved. `connection` is the connection's name in the workspace; `create`: whether it
    may make a contact in the CRM, or only complete one.
    """

    name = fields.String(required=True, validate=_NAME)
    connection = fields.String(required=True, validate=_NAME)
    create = fields.Boolean(load_default=True, **_YES_NO)
    fields_ = fields.List(
        fields.Nested(FormFieldSchema),
        required=True,
        validate=validate.Length(min=1, max=MOST_FIELDS),
        data_key="fields",
        attribute="fields",
    )


class FormFieldShownSchema(FormFieldSchema):
    """One field as the newest definitions have it. `why_not`: why it cannot be filled in."""

    label = fields.String(required=True)
    type = fields.String(required=True, allow_none=True)
    why_not = fields.String(required=True, allow_none=True)


class InputFormShownSchema(Schema):
    """A form as it stands."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    connection_id = fields.Integer(required=True)
    connection = fields.String(required=True)
    entity = fields.String(required=True)
    create = fields.Boolean(required=True)
    fields_ = fields.List(
        fields.Nested(FormFieldShownSchema), required=True, data_key="fields", attribute="fields"
    )
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class InputFormListSchema(Schema):
    """Every form by name."""

    forms = fields.List(fields.Nested(InputFormShownSchema), required=True)


class FormToFillFieldSchema(HeldFieldSchema):
    """One field of a form with what the CRM holds in it now."""

    help = fields.String(required=True, allow_none=True)
    required = fields.Boolean(required=True)
    default = fields.Raw(required=True, allow_none=True)


class FormToFillSchema(PartSchema):
    """A form for one contact. `state` not_linked: the contact has no record there that we know of;
    filling the form in finds it or, where `create` is true, makes it.
    """

    form_id = fields.Integer(required=True)
    form = fields.String(required=True)
    create = fields.Boolean(required=True)
    fields_ = fields.List(
        fields.Nested(FormToFillFieldSchema), required=True, data_key="fields", attribute="fields"
    )


class FillSchema(Strict):
    """What was filled in: all of it is written, or nothing. Without `was` (and If-Match) a field
    was empty when it was seen.
    """

    changes = fields.List(
        fields.Nested(FieldEditSchema), required=True, validate=validate.Length(max=MOST_FIELDS)
    )


class FilledSchema(Schema):
    """What became of it; `unchanged`: the CRM held all of it already."""

    edit_id = fields.Integer(required=True)
    form_id = fields.Integer(required=True)
    connection_id = fields.Integer(required=True)
    remote_id = fields.String(required=True)
    outcome = fields.String(
        required=True, validate=validate.OneOf(("created", "written", "unchanged"))
    )
    fields_ = fields.List(
        fields.Nested(WrittenFieldSchema), required=True, data_key="fields", attribute="fields"
    )


class FillingSchema(Schema):
    """One time that a form was filled in. `fields` were written; their values are in the ledger."""

    edit_id = fields.Integer(required=True)
    contact_id = fields.Integer(required=True)
    remote_id = fields.String(required=True, allow_none=True)
    actor = fields.String(required=True)
    outcome = fields.String(required=True)
    error_code = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)
    fields_ = fields.List(fields.String(), required=True, data_key="fields", attribute="fields")


class FillingsSchema(Schema):
    """A page of a form's fillings, newest first."""

    fillings = fields.List(fields.Nested(FillingSchema), required=True)
    next = fields.String(required=True, allow_none=True)
