"""Whom alerts are told to. marshmallow only."""

from __future__ import annotations

from marshmallow import fields, validate

from schemas.workspace import Strict

MOST_RECIPIENTS = 20


class AlertChannelSchema(Strict):
    """A connection that takes messages; `recipients` where it is a mail server."""

    connection_id = fields.Integer(required=True, validate=validate.Range(min=1))
    recipients = fields.List(
        fields.Email(validate=validate.Length(max=320)),
        load_default=list,
        validate=validate.Length(max=MOST_RECIPIENTS),
    )
