"""The bodies about an account's calls. marshmallow only."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.priority import Priority


class LimitSchema(Schema):
    """One limit of the account as the CRM told it last. `reserved` calls are not used."""

    kind = fields.String(required=True, validate=validate.OneOf(("window", "daily")))
    calls = fields.String(required=True, allow_none=True)
    limit = fields.Integer(required=True)
    used = fields.Integer(required=True)
    remaining = fields.Integer(required=True)
    reserved = fields.Integer(required=True)
    window_s = fields.Integer(required=True)
    resets_at = fields.AwareDateTime(required=True, allow_none=True)
    source = fields.String(required=True, validate=validate.OneOf(("header", "endpoint")))
    seen_at = fields.AwareDateTime(required=True)


class RateSchema(Schema):
    """At most `calls` in `per_s` seconds, for one kind of call or all (null)."""

    calls = fields.Integer(required=True)
    per_s = fields.Integer(required=True)
    kind = fields.String(required=True, allow_none=True)


class ForecastSchema(Schema):
    """What the backlog will take; null where nobody can tell yet."""

    calls = fields.Integer(required=True, allow_none=True)
    done_at = fields.AwareDateTime(required=True, allow_none=True)


class QuotaSchema(Schema):
    """What the account has left, what waits in each lane, and when it will be done."""

    account = fields.String(required=True)
    light = fields.String(
        required=True, validate=validate.OneOf(("unknown", "green", "yellow", "red"))
    )
    reserve_percent = fields.Integer(required=True)
    rate_reserve_percent = fields.Integer(required=True)
    limits = fields.List(fields.Nested(LimitSchema), required=True)
    again_at = fields.AwareDateTime(required=True, allow_none=True)
    rates = fields.List(fields.Nested(RateSchema), required=True)
    waiting = fields.Dict(
        keys=fields.String(validate=validate.OneOf([one.word for one in Priority])),
        values=fields.Integer(),
        required=True,
    )
    calls_per_row = fields.Float(required=True, allow_none=True)
    rows_per_s = fields.Float(required=True, allow_none=True)
    forecast = fields.Nested(ForecastSchema, required=True)
    words = fields.String(required=True)
