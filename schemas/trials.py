"""Trials of a mapping: what is asked for, and what they tell. marshmallow only."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from schemas.config import Strict
from schemas.paging import TEXT

LONGEST = 255
# What a field is before and after: schemas/fields.py.
_VALUE = {"description": "A value as the field definitions type it; null is an empty field."}
_WORD = validate.And(validate.Length(max=LONGEST), TEXT)
LOOKED = ("changed", "unchanged", "kept", "newer", "made_first", "not_linked")
MARKED = ("changed", "unchanged", "waits", "later", "refused")
PUT = (
    *("as_sent", "unchanged", "newer", "waits", "refused", "not_taken", "other", "unread"),
    *("elsewhere", "not_made"),
)
MADE = ("as_sent", "rounded", "cut", "reset", "recased", "not_taken", "other", "unread")


class TrialSchema(Strict):
    """What a mapping is tried on. `response`: a stored one by its platform's id, null a made-up
    one. `record`: the CRM's record by its id or e-mail, null the one that the mapping finds.
    """

    response = fields.String(load_default=None, allow_none=True, validate=_WORD)
    record = fields.String(load_default=None, allow_none=True, validate=_WORD)


class TrialSendSchema(TrialSchema):
    """The same for a test that writes: the record has to be named. `tag`, `note`: the response's
    score tag and note are written, too.
    """

    record = fields.String(
        required=True, validate=validate.And(validate.Length(min=1, max=LONGEST), TEXT)
    )
    tag = fields.Boolean(load_default=False)
    note = fields.Boolean(load_default=False)


class TrialCallSchema(Schema):
    """One call as the adapter built it, without headers. `sent` false: it was kept back. Secrets
    are masked, and every value that the key may not see. `about`: what it is made for.
    `builds_on`: null, or what is not known yet: `taken`, that the one before is taken as it was
    sent, `made`, the id of the record that is made first, which stands as `<new id>`.
    """

    method = fields.String(required=True)
    path = fields.String(required=True)
    body = fields.Raw(required=True, allow_none=True)
    sent = fields.Boolean(required=True)
    about = fields.String(required=True, validate=validate.OneOf(("fields", "tag", "note")))
    builds_on = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(("taken", "made"))
    )


class TrialWhySchema(Schema):
    """Why nothing would be written."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    field = fields.String(required=True, allow_none=True)


class TrialFieldSchema(Schema):
    """One field of the mapping against the record. `kept`: it holds something, and only an empty
    one is written; `newer`: a newer answer stands there, which is left alone. Fields that link to
    other records stand here, too; `made_first`: the other is yet to be made, `not_linked`: there is
    none.
    """

    field = fields.String(required=True)
    label = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True, metadata=_VALUE)
    after = fields.Raw(required=True, allow_none=True, metadata=_VALUE)
    state = fields.String(required=True, validate=validate.OneOf(LOOKED))


class _Mark(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(("tag", "note")))
    entity = fields.String(required=True)
    remote_id = fields.String(required=True, allow_none=True)
    comes = fields.List(fields.String(), required=True)
    goes = fields.List(fields.String(), required=True)
    title = fields.String(required=True, allow_none=True)
    text = fields.String(required=True, allow_none=True)
    why = fields.Nested(TrialWhySchema, required=True, allow_none=True)


class TrialMarkSchema(_Mark):
    """The score tag or the note that comes with the response: which tags would come and go, what
    the note says. `later`: the record is made first; `waits`: the CRM lacks the campaign's options.
    """

    state = fields.String(required=True, validate=validate.OneOf(MARKED))


class TrialMarkSentSchema(_Mark):
    """What became of the tag or note. `found`: the campaign's tags that stand there, or the note's
    id. `elsewhere`: it belongs on another record; `not_made`: the response makes none.
    """

    state = fields.String(required=True, validate=validate.OneOf(PUT))
    found = fields.List(fields.String(), required=True)


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
    marks = fields.List(fields.Nested(TrialMarkSchema), required=True)
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
    marks = fields.List(fields.Nested(TrialMarkSentSchema), required=True)
    fields_ = fields.List(
        fields.Nested(TrialFieldSentSchema), required=True, data_key="fields", attribute="fields"
    )
