"""Trials of a mapping: what is asked for, and what they tell. marshmallow only."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.config import Strict
from schemas.paging import TEXT

LONGEST = 255
# What a field is before and after: schemas/fields.py.
_VALUE = {"description": "A value as the field definitions type it; null is an empty field."}
_WORD = validate.And(validate.Length(max=LONGEST), TEXT)
LOOKED = ("changed", "unchanged", "kept", "newer")
MADE = ("as_sent", "rounded", "cut", "reset", "recased", "not_taken", "other", "unread")


class TrialSchema(Strict):
    """What a mapping is tried on. `response`: a stored one by its platform's id, null a made-up
    one. `record`: the CRM's record by its id or e-mail, null the one that the mapping finds.
    """

    response = fields.String(load_default=None, allow_none=True, validate=_WORD)
    record = fields.String(load_default=None, allow_none=True, validate=_WORD)


class TrialSendSchema(TrialSchema):
    """The same for a test that writes: the record has to be named."""

    record = fields.String(
        required=True, validate=validate.And(validate.Length(min=1, max=LONGEST), TEXT)
    )


class TrialCallSchema(Schema):
    """One call as the adapter built it, without headers. `sent` false: it was kept back. Secrets
    are masked, and every value that the key may not see.
    """

    method = fields.String(required=True)
    path = fields.String(required=True)
    body = fields.Raw(required=True, allow_none=True)
    sent = fields.Boolean(required=True)


class TrialWhySchema(Schema):
    """Why nothing would be written."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    field = fields.String(required=True, allow_none=True)


class TrialFieldSchema(Schema):
    """One field of the mapping against the record. `kept`: it holds something, and only an empty
    one is written; `newer`: a newer answer stands there, which is left alone.
    """

    field = fields.String(required=True)
    label = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True, metadata=_VALUE)
    after = fields.Raw(required=True, allow_none=True, metadata=_VALUE)
    state = fields.String(required=True, validate=validate.OneOf(LOOKED))


class _OfRecord(Schema):
    mapping_id = fields.Integer(required=True)
    connection = fields.String(required=True)
    entity = fields.String(required=True)
    page = fields.String(required=True, allow_none=True)
    calls = fields.List(fields.Nested(TrialCallSchema), required=True)


class TrialShownSchema(_OfRecord):
    """What a mapping would do with a record; nothing was written. `creates`: it would be made."""

    remote_id = fields.String(required=True, allow_none=True)
    creates = fields.Boolean(required=True)
    would_write = fields.Boolean(required=True)
    why = fields.Nested(TrialWhySchema, required=True, allow_none=True)
    fields_ = fields.List(
        fields.Nested(TrialFieldSchema), required=True, data_key="fields", attribute="fields"
    )


class TrialFieldSentSchema(Schema):
    """One field after the test: what it held, what was sent, what it holds now. `state` is what the
    CRM made of it, or why nothing was sent.
    """

    field = fields.String(required=True)
    label = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True, metadata=_VALUE)
    sent = fields.Raw(required=True, allow_none=True, metadata=_VALUE)
    found = fields.Raw(required=True, allow_none=True, metadata=_VALUE)
    state = fields.String(required=True, validate=validate.OneOf((*LOOKED[1:], *MADE)))


class TrialSentSchema(_OfRecord):
    """What became of a test that wrote. `edit_id`: its lines in the ledger, null where the record
    stands for no contact of ours. `unread`: why it could not be read back.
    """

    remote_id = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(("written", "unchanged")))
    edit_id = fields.Integer(required=True, allow_none=True)
    unread = fields.String(required=True, allow_none=True)
    fields_ = fields.List(
        fields.Nested(TrialFieldSentSchema), required=True, data_key="fields", attribute="fields"
    )
