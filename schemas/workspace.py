"""The bodies about workspaces and API keys. marshmallow only."""

from __future__ import annotations

import re
import zoneinfo
from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from schemas.phrases import phrase

NAME = validate.Length(min=1, max=120)
SEPARATORS = (".", "_", "-", ":", "/")
ROLES = ("owner", "admin", "editor", "viewer")


def moment_with_zone(value: str) -> None:
    """Refuse what is no moment with its offset, as the database reads it too."""
    try:
        is_one = bool(_MOMENT.fullmatch(value) and datetime.fromisoformat(value))
    except ValueError:
        is_one = False
    if not is_one:
        message = phrase("must be a moment like 2026-11-29T18:00:00+00:00")
        raise ValidationError(message)


class Strict(Schema):
    """Unknown keys are refused."""

    class Meta:
        unknown = RAISE


# Python also reads weeks and offsets of a day, which PostgreSQL refuses.
_MOMENT = re.compile(r"[0-9-]{10}T[0-9:]{8}(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])")


def zone(name: str) -> None:
    """Refuse what is no zone of the IANA database."""
    if name not in zoneinfo.available_timezones():
        message = phrase("must be a zone like Europe/Copenhagen")
        raise ValidationError(message)


class TagSettingsSchema(Strict):
    """How score tags are written; the defaults are those of NPSToday, and null goes back to one."""

    enabled = fields.Boolean(allow_none=True)
    prefix = fields.String(validate=validate.Regexp(r"[^\W_][\w-]{0,39}\Z"), allow_none=True)
    separator = fields.String(validate=validate.OneOf(SEPARATORS), allow_none=True)
    opt_out = fields.String(validate=validate.Length(min=1, max=80), allow_none=True)


LANGUAGES = ("en", "da", "de", "fr", "it")


class AlertSettingsSchema(Strict):
    """When something is an alert, and until when none is told; null goes back to the default."""

    error_percent = fields.Integer(
        strict=True, validate=validate.Range(min=1, max=100), allow_none=True
    )
    lag_minutes = fields.Integer(
        strict=True, validate=validate.Range(min=2, max=1440), allow_none=True
    )
    # Of what people are told; systems are told the same in any.
    language = fields.String(validate=validate.OneOf(LANGUAGES), allow_none=True)
    quiet_until = fields.String(
        validate=[validate.Length(max=40), moment_with_zone], allow_none=True
    )


class SettingsSchema(Strict):
    """What an owner may set; what is not named stays, and null goes back to the default."""

    tags = fields.Nested(TagSettingsSchema)
    alerts = fields.Nested(AlertSettingsSchema)
    language = fields.String(validate=validate.Length(min=2, max=35), allow_none=True)
    nps_window_days = fields.Integer(
        strict=True, validate=validate.Range(min=1, max=3650), allow_none=True
    )
    retention_days = fields.Integer(
        strict=True, validate=validate.Range(min=1, max=3650), allow_none=True
    )


class WorkspaceChangeSchema(Strict):
    """What can be changed of a workspace."""

    name = fields.String(validate=NAME)
    timezone = fields.String(validate=[validate.Length(max=64), zone])
    country = fields.String(validate=validate.Regexp(r"[A-Z]{2}\Z"), allow_none=True)
    settings = fields.Nested(SettingsSchema)


class WorkspaceSchema(Schema):
    """A workspace as its members see it."""

    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    stage = fields.String(required=True)
    timezone = fields.String(required=True)
    country = fields.String(required=True, allow_none=True)
    settings = fields.Nested(SettingsSchema, required=True)
    paused_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class NewKeySchema(Strict):
    """A key to be made. `scopes` empty or absent gives every scope; the role still bounds it.
    `test`: what it pushes is only tried out and reaches no CRM.
    """

    name = fields.String(required=True, validate=NAME)
    role = fields.String(load_default="editor", validate=validate.OneOf(ROLES))
    scopes = fields.List(
        fields.String(validate=validate.Length(max=64)), validate=validate.Length(max=64)
    )
    expires_at = fields.AwareDateTime(allow_none=True, load_default=None)
    test = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @validates_schema
    def a_test_key_pushes_nothing_else(self, key: dict[str, Any], **_: object) -> None:
        """Both in one would make no test key: what it pushes would count."""
        if key["test"] and "responses:push" in key.get("scopes", ()):
            message = phrase("a test key has responses:test instead of responses:push")
            raise ValidationError(message, "scopes")


class KeySchema(Schema):
    """A key as it can be listed: never the key itself."""

    id = fields.Integer(required=True)
    public_id = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)
    last_used_at = fields.AwareDateTime(required=True, allow_none=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)


class KeyListSchema(Schema):
    """Every key of the workspace."""

    keys = fields.List(fields.Nested(KeySchema), required=True)


class ShownKeySchema(Schema):
    """A new key, shown this once."""

    id = fields.Integer(required=True)
    public_id = fields.String(required=True)
    key = fields.String(required=True)
