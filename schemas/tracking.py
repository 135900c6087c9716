"""What the API tells of responses, deliveries and the ledger. marshmallow only."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from schemas.paging import ID, TEXT, PageSchema
from schemas.response import ResponseSchema

STATES = (
    "pending",
    "leased",
    "awaiting",
    "parked",
    "done",
    "superseded",
    "dead",
    "cancelled",
)


class AcceptedSchema(Schema):
    """What became of one pushed response."""

    place = fields.Integer(required=True)
    status = fields.String(
        required=True, validate=validate.OneOf(("accepted", "duplicate", "conflict", "invalid"))
    )
    duplicate = fields.Boolean(required=True)
    response_id = fields.String(required=True, allow_none=True)
    revision = fields.Integer(required=True, allow_none=True)
    id = fields.Integer(required=True, allow_none=True)
    digest = fields.String(required=True, allow_none=True)
    errors = fields.List(fields.Dict())


class PushSchema(Schema):
    """What became of a push of several responses, in the order of the push."""

    accepted = fields.Integer(required=True)
    duplicates = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    items = fields.List(fields.Nested(AcceptedSchema), required=True)


class PushedResponseSchema(ResponseSchema):
    """One response as it is pushed; its name in the description of the API."""


class DeliverySchema(Schema):
    """A step on its way to a CRM."""

    id = fields.Integer(required=True)
    connection_id = fields.Integer(required=True)
    response_id = fields.Integer(required=True)
    contact_id = fields.Integer(required=True)
    campaign_id = fields.Integer(required=True, allow_none=True)
    mapping_id = fields.Integer(required=True, allow_none=True)
    mapping_version = fields.Integer(required=True, allow_none=True)
    automation_id = fields.Integer(required=True, allow_none=True)
    step = fields.String(required=True)
    kind = fields.String(required=True)
    entity = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    reason = fields.String(required=True, allow_none=True)
    due_at = fields.AwareDateTime(required=True)
    attempts = fields.Integer(required=True)
    crashes = fields.Integer(required=True)
    remote_id = fields.String(required=True, allow_none=True)
    error_code = fields.String(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    error_field = fields.String(required=True, allow_none=True)
    answered_at = fields.AwareDateTime(required=True)
    created_at = fields.AwareDateTime(required=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)


class LedgerLineSchema(Schema):
    """One field of one CRM record that was written, with the value before; by a delivery, or by a
    person's edit.
    """

    id = fields.Integer(required=True)
    delivery_id = fields.Integer(required=True, allow_none=True)
    edit_id = fields.Integer(required=True, allow_none=True)
    connection_id = fields.Integer(required=True)
    contact_id = fields.Integer(required=True)
    response_id = fields.Integer(required=True, allow_none=True)
    entity = fields.String(required=True)
    remote_id = fields.String(required=True)
    field = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)
    created = fields.Boolean(required=True)
    written_at = fields.AwareDateTime(required=True)


class TrySchema(Schema):
    """One attempt of a delivery."""

    claim = fields.Integer(required=True)
    outcome = fields.String(required=True)
    code = fields.String(required=True, allow_none=True)
    message = fields.String(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True)


class WholeDeliverySchema(DeliverySchema):
    """A delivery with what it wants to write, its attempts, and what it wrote."""

    payload = fields.Dict(required=True)
    tries = fields.List(fields.Nested(TrySchema), required=True)
    written = fields.List(fields.Nested(LedgerLineSchema), required=True)


class DeliveryListSchema(Schema):
    """One page of deliveries, newest first."""

    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    next = fields.String(required=True, allow_none=True)


class LedgerSchema(Schema):
    """One page of the ledger, newest first."""

    lines = fields.List(fields.Nested(LedgerLineSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class AnswerFileSchema(Schema):
    """One file of an answer, and how far its fetching is. `reason` is a stable word, `error` the
    same in words.
    """

    id = fields.Integer(required=True)
    answer = fields.String(required=True)
    place = fields.Integer(required=True)
    name = fields.String(required=True, allow_none=True)
    state = fields.String(
        required=True, validate=validate.OneOf(("pending", "fetched", "failed", "removed"))
    )
    reason = fields.String(required=True, allow_none=True)
    error = fields.String(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    due_at = fields.AwareDateTime(required=True)
    content_type = fields.String(required=True, allow_none=True)
    size_bytes = fields.Integer(required=True, allow_none=True)
    settled_at = fields.AwareDateTime(required=True, allow_none=True)


class VersionSchema(Schema):
    """One stored version of a response and what became of it."""

    id = fields.Integer(required=True)
    source = fields.String(required=True)
    response_id = fields.String(required=True)
    revision = fields.Integer(required=True)
    event = fields.String(required=True)
    anonymous = fields.Boolean(required=True)
    contact_id = fields.Integer(required=True, allow_none=True)
    campaign_id = fields.Integer(required=True, allow_none=True)
    answered_at = fields.AwareDateTime(required=True)
    received_at = fields.AwareDateTime(required=True)
    planned_at = fields.AwareDateTime(required=True, allow_none=True)
    plan_error = fields.String(required=True, allow_none=True)
    # When its answers were deleted, for they had been kept as long as the workspace keeps them.
    removed_at = fields.AwareDateTime(required=True, allow_none=True)
    verdicts = fields.Raw(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(
            ("received", "planning_failed", "delivering", "needs_attention", "paused", "done")
        ),
    )
    steps = fields.List(fields.Nested(DeliverySchema), required=True)
    files = fields.List(fields.Nested(AnswerFileSchema), required=True)


class ProgressSchema(Schema):
    """What became of a response, by the pusher's own id. `versions` are newest first."""

    response_id = fields.String(required=True)
    state = fields.String(required=True)
    versions = fields.List(fields.Nested(VersionSchema), required=True)


class PushQuerySchema(Schema):
    """How urgent what is pushed is: live, or a backfill that lets new answers pass."""

    lane = fields.String(load_default="live", validate=validate.OneOf(("live", "backfill")))


class ResponseQuerySchema(Schema):
    """Which source's response of that id is meant; without it all of them."""

    source = fields.String(load_default=None, validate=TEXT)


class FilterSchema(Schema):
    """Which deliveries; what is not named does not matter."""

    class Meta:
        unknown = RAISE

    state = fields.String(validate=validate.OneOf(STATES))
    kind = fields.String(
        validate=validate.OneOf(("fields", "tag", "note", "file", "message", "undo"))
    )
    reason = fields.String(validate=TEXT)
    error_code = fields.String(validate=TEXT)
    connection_id = fields.Integer(validate=ID)
    mapping_id = fields.Integer(validate=ID)
    campaign_id = fields.Integer(validate=ID)
    contact_id = fields.Integer(validate=ID)
    response_id = fields.Integer(validate=ID)
    since = fields.AwareDateTime()
    until = fields.AwareDateTime()


class DeliveryQuerySchema(FilterSchema, PageSchema):
    """A page of the deliveries that the filter describes."""


class LedgerQuerySchema(PageSchema):
    """A page of the ledger, of one contact or of one response (our id of its version)."""

    contact_id = fields.Integer(load_default=None, validate=ID)
    response_id = fields.Integer(load_default=None, validate=ID)


class ReplayFilterSchema(FilterSchema):
    """Which dead or parked deliveries to try again; an empty filter means all of them. Responses
    whose planning was given up count as dead ones.
    """

    state = fields.String(validate=validate.OneOf(("dead", "parked")))


class ReplayedSchema(Schema):
    """How many deliveries are pending again, and responses planned again."""

    replayed = fields.Integer(required=True)
