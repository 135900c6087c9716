"""Webhooks to the customer's own systems: bodies of the API. marshmallow only."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from schemas.paging import TEXT, PageSchema

EVENTS = ("response.delivered", "response.failed", "contact.opted_out")
MESSAGE_STATES = ("pending", "delivered", "failed")
NAME = validate.And(TEXT, validate.Length(min=1, max=120))
URL = validate.And(TEXT, validate.Length(min=1, max=2_000))
_EVENTS = validate.Length(min=1, max=len(EVENTS))
DEFAULT_OVERLAP_HOURS, MOST_OVERLAP_HOURS = 24, 168


def _events(*, required: bool) -> fields.List[str]:
    one = fields.String(validate=validate.OneOf(EVENTS))
    return fields.List(one, required=required, validate=_EVENTS)


class NewWebhookSchema(Schema):
    """A webhook to be made. Its secret is shown once, in the answer."""

    class Meta:
        unknown = RAISE

    name = fields.String(required=True, validate=NAME)
    url = fields.String(required=True, validate=URL, load_only=True)
    events = _events(required=True)


class ChangeWebhookSchema(Schema):
    """What to change; what is not named stays."""

    class Meta:
        unknown = RAISE

    name = fields.String(validate=NAME)
    url = fields.String(validate=URL, load_only=True)
    events = _events(required=False)


class RotateWebhookSchema(Schema):
    """How long the secret before signs beside the new one."""

    class Meta:
        unknown = RAISE

    overlap_hours = fields.Integer(
        load_default=DEFAULT_OVERLAP_HOURS,
        strict=True,
        validate=validate.Range(min=0, max=MOST_OVERLAP_HOURS),
    )


class WebhookSchema(Schema):
    """A webhook without its address and secret: of the address only the host is shown."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    events = fields.List(fields.String(), required=True)
    host = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    failures = fields.Integer(required=True)
    failing_since = fields.AwareDateTime(required=True, allow_none=True)
    rests_until = fields.AwareDateTime(required=True, allow_none=True)
    delivered_at = fields.AwareDateTime(required=True, allow_none=True)
    former_until = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class WebhookListSchema(Schema):
    """Every webhook of the workspace, by name."""

    webhooks = fields.List(fields.Nested(WebhookSchema), required=True)


class ShownWebhookSchema(Schema):
    """A fresh secret, shown this once."""

    id = fields.Integer(required=True)
    secret = fields.String(required=True)


class TriedWebhookSchema(Schema):
    """What a test message came to; `status` null: no answer."""

    delivered = fields.Boolean(required=True)
    status = fields.Integer(required=True, allow_none=True)
    ms = fields.Integer(required=True)
    code = fields.String(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)


class MessageQuerySchema(PageSchema):
    """Messages of a webhook, all or those in one state."""

    state = fields.String(load_default=None, validate=validate.OneOf(MESSAGE_STATES))


class MessageSchema(Schema):
    """A message on its way, or what became of it. `message_id` is the receiver's `webhook-id`."""

    id = fields.Integer(required=True)
    webhook_id = fields.Integer(required=True)
    message_id = fields.String(required=True)
    event = fields.String(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)
    due_at = fields.AwareDateTime(required=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)


class MessageListSchema(Schema):
    """A page of messages, newest first."""

    messages = fields.List(fields.Nested(MessageSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class MessageTrySchema(Schema):
    """One try: what the receiver answered, after how many milliseconds."""

    status = fields.Integer(required=True, allow_none=True)
    ms = fields.Integer(required=True)
    code = fields.String(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True)


class WholeMessageSchema(MessageSchema):
    """A message with what it tells and every try, oldest first."""

    data = fields.Dict(required=True)
    tries = fields.List(fields.Nested(MessageTrySchema), required=True)
