"""The bodies about cards inside CRMs: what an admin sets, what a card asks and is answered.
marshmallow only.
"""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

from schemas.connection import SECRET, SHORT, Strict


class WantedCardSchema(Strict):
    """What a card is to be. `secret`: the client secret of the app that has the card, where the
    CRM makes it; empty keeps the one there is. `renew`: another secret, where we make it. `link`:
    where its button leads, over `{contact}`, our id; null: to the response's own page.
    """

    secret = fields.String(load_default="", load_only=True, validate=SECRET)
    renew = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    comments = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    link = fields.String(
        load_default=None,
        allow_none=True,
        validate=[
            SHORT,
            validate.Regexp(r"https://[^\s<>\"']+\Z", error="must begin with https://"),
        ],
    )


class CardSchema(Schema):
    """A card as an admin sees it. `secret` is shown once, where it has just been made here."""

    app = fields.String(required=True)
    url = fields.String(required=True)
    comments = fields.Boolean(required=True)
    link = fields.String(required=True, allow_none=True)
    updated_at = fields.AwareDateTime(required=True)
    secret_set = fields.Boolean(required=True)
    secret = fields.String(required=True, allow_none=True)


class CardQuestionSchema(Schema):
    """What a card asks: the id of the record it stands beside. The rest is the CRM's own."""

    class Meta:
        unknown = EXCLUDE

    contact = fields.String(required=True, validate=validate.Length(min=1, max=100))


class ScoredSchema(Schema):
    """One score."""

    score = fields.Raw(required=True)
    answered_at = fields.AwareDateTime(required=True)
    campaign = fields.String(required=True, allow_none=True)


class CommentSchema(Schema):
    """A comment."""

    text = fields.String(required=True)
    answered_at = fields.AwareDateTime(required=True)


class ShownCardSchema(Schema):
    """What a card shows. All empty where nothing is known of the record."""

    contact = fields.Integer(required=True, allow_none=True)
    score = fields.Raw(required=True, allow_none=True)
    score_class = fields.String(required=True, allow_none=True)
    direction = fields.String(required=True, allow_none=True)
    trend = fields.List(fields.Nested(ScoredSchema), required=True)
    comment = fields.Nested(CommentSchema, required=True, allow_none=True)
    link = fields.String(required=True, allow_none=True)
