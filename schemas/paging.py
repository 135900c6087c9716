"""How a page of a list is asked for. marshmallow only."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

ID = validate.Range(min=1, max=10**18 - 1)
TEXT = validate.And(
    validate.Length(min=1, max=320),
    # PostgreSQL's text cannot hold NUL, and UTF-8 no half of a surrogate pair.
    validate.Regexp(r"[^\x00\ud800-\udfff]*\Z", error="holds a sign that cannot be stored"),
)


class PageSchema(Schema):
    """The parameters of every list."""

    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=500))
    cursor = fields.String(load_default=None, validate=validate.Length(min=1, max=300))


class ContactQuerySchema(PageSchema):
    """Contacts: all, the one of an address or an external id, or what a search finds."""

    email = fields.String(load_default=None, validate=TEXT)
    external_id = fields.String(load_default=None, validate=TEXT)
    search = fields.String(
        load_default=None,
        validate=TEXT,
        metadata={
            "description": "Each word begins a word of the name, company, address, external id"
            " or phone; capitals and accents do not matter."
        },
    )


class TimelineQuerySchema(PageSchema):
    """A contact's timeline, or the writes of one field of a CRM."""

    field = fields.String(load_default=None, validate=TEXT)
