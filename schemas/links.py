"""The addresses that lead respondents on, as they are shown. marshmallow only."""

from __future__ import annotations

from marshmallow import Schema, fields


class SourceLinkSchema(Schema):
    """A source's address with `{response_id}` where the platform's word for it goes."""

    source = fields.String(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True)


class SourceLinkListSchema(Schema):
    """Every source, pushes by the API first."""

    links = fields.List(fields.Nested(SourceLinkSchema), required=True)


class ResponseLinkSchema(Schema):
    """A response's own address. `leads_to`: `connection:<id>` or `url:<address>`; null: to a page
    that says thank you, or not `planned` yet.
    """

    source = fields.String(required=True)
    url = fields.String(required=True)
    planned = fields.Boolean(required=True)
    leads_to = fields.String(required=True, allow_none=True)


class ResponseLinkListSchema(Schema):
    """One for each source that has told of it."""

    response_id = fields.String(required=True)
    links = fields.List(fields.Nested(ResponseLinkSchema), required=True)
