"""Contacts as they are pushed and shown. marshmallow only.

A pushed contact is found by its e-mail address, whatever its case, else by its external id. What is
not given stays as it is; null empties it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from schemas.phrases import phrase

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_SHORT = validate.Length(min=1, max=255)


class Strict(Schema):
    """Unknown keys are refused."""

    class Meta:
        unknown = RAISE


def email_address(value: str) -> None:
    """Refuse what can never be an address; a mailbox is not asked."""
    if not _EMAIL.fullmatch(value):
        message = phrase("is not an e-mail address")
        raise ValidationError(message)


class ContactSchema(Strict):
    """One contact of an import."""

    email = fields.String(validate=[validate.Length(max=320), email_address], allow_none=True)
    external_id = fields.String(validate=_SHORT, allow_none=True)
    phone = fields.String(validate=validate.Length(min=1, max=50), allow_none=True)
    name = fields.String(validate=_SHORT, allow_none=True)
    first_name = fields.String(validate=_SHORT, allow_none=True)
    last_name = fields.String(validate=_SHORT, allow_none=True)
    company = fields.String(validate=_SHORT, allow_none=True)
    country = fields.String(
        validate=validate.Regexp(r"[A-Z]{2}\Z", error="must be two capital letters like DK"),
        allow_none=True,
    )
    language = fields.String(validate=validate.Length(min=2, max=35), allow_none=True)
    attributes = fields.Dict(
        keys=fields.String(validate=_SHORT),
        values=fields.String(validate=validate.Length(max=10_000), allow_none=True),
        validate=validate.Length(max=200),
    )
    origin = fields.String(
        validate=validate.Length(min=1, max=120),
        allow_none=True,
        metadata={"description": "The name of the connection that the contact came from."},
    )

    @validates_schema
    def can_be_found_again(self, contact: Mapping[str, Any], **_: object) -> None:
        """Without one of the two a second import would make a second contact."""
        if not contact.get("email") and not contact.get("external_id"):
            message = phrase("needs an email or an external_id")
            raise ValidationError(message)


class ImportedSchema(Schema):
    """What became of one pushed contact, by its place in the request."""

    place = fields.Integer(required=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf(("created", "updated", "unchanged", "conflict", "invalid")),
    )
    id = fields.Integer(allow_none=True)
    errors = fields.List(fields.Dict())


class ImportSchema(Schema):
    """What became of an import: counts, and every item that has something to say."""

    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    items = fields.List(fields.Nested(ImportedSchema), required=True)


class ShownContactSchema(Schema):
    """A contact as it is stored."""

    id = fields.Integer(required=True)
    email = fields.String(required=True, allow_none=True)
    external_id = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    name = fields.String(required=True, allow_none=True)
    first_name = fields.String(required=True, allow_none=True)
    last_name = fields.String(required=True, allow_none=True)
    company = fields.String(required=True, allow_none=True)
    country = fields.String(required=True, allow_none=True)
    language = fields.String(required=True, allow_none=True)
    attributes = fields.Dict(required=True)
    state = fields.String(required=True)
    origin_connection_id = fields.Integer(required=True, allow_none=True)
    opted_out_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Since when the contact wants no more surveys."},
    )
    opted_out_by = fields.String(required=True, allow_none=True)
    links = fields.List(fields.Dict())
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class ContactListSchema(Schema):
    """One page of contacts."""

    contacts = fields.List(fields.Nested(ShownContactSchema), required=True)
    next = fields.String(required=True, allow_none=True)


OPT_OUT_STATES = ("opted_out", "opted_in", "unchanged", "not_found", "invalid")


class OptOutSchema(Strict):
    """Who wants no more surveys, by one of three; `opted_out` false: who may be asked again."""

    email = fields.String(validate=[validate.Length(max=320), email_address])
    external_id = fields.String(validate=_SHORT)
    id = fields.Integer(strict=True, validate=validate.Range(min=1, max=2**63 - 1))
    opted_out = fields.Boolean(load_default=True, truthy={True}, falsy={False})

    @validates_schema
    def names_one(self, asked: Mapping[str, Any], **_: object) -> None:
        """Two names could be two people's."""
        if sum(name in asked for name in ("email", "external_id", "id")) != 1:
            message = "needs one of email, external_id and id, and no other of them"
            raise ValidationError(message)


class OptedSchema(Schema):
    """What became of one item, by its place in the request."""

    place = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(OPT_OUT_STATES))
    id = fields.Integer(required=True, allow_none=True)
    errors = fields.List(fields.Dict())


class OptOutsSchema(Schema):
    """What became of a list: counts, and every item."""

    opted_out = fields.Integer(required=True)
    opted_in = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    items = fields.List(fields.Nested(OptedSchema), required=True)


class EventSchema(Schema):
    """One thing that happened to a contact. `detail` depends on the kind."""

    at = fields.AwareDateTime(required=True)
    kind = fields.String(required=True)
    id = fields.Integer(required=True)
    detail = fields.Dict(required=True)


class TimelineSchema(Schema):
    """What happened to a contact, newest first."""

    events = fields.List(fields.Nested(EventSchema), required=True)
    next = fields.String(required=True, allow_none=True)
