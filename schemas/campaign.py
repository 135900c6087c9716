"""Surveys, segments, campaigns and distributions as they are pushed and shown. marshmallow only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from schemas.answer import ANSWER_TYPES, ExactNumber
from schemas.phrases import phrase

KEY = validate.Length(min=1, max=255)
SHORT = validate.Length(min=1, max=1_000)
TITLE = validate.Length(max=10_000)
ONCE, SEVERAL = ANSWERING = ("once", "several")
LABEL_RULES = ("first", "last", "join", "mean")
MOST_OPTIONS, MOST_ROWS = 500, 200
_ORIGIN = {"description": "What made it known: `api`, or a `response`; null where nobody noted it."}


class Strict(Schema):
    """Unknown keys are refused."""

    class Meta:
        unknown = RAISE


def _keys(most: int) -> fields.List[str]:
    return fields.List(fields.String(validate=KEY), validate=validate.Length(max=most))


def _texts() -> fields.Dict:
    return fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.String(validate=TITLE, allow_none=True),
        validate=validate.Length(max=200),
    )


class OptionSchema(Strict):
    """One option of a choice question."""

    value = fields.String(required=True, validate=SHORT)
    label = fields.String(validate=SHORT, allow_none=True)
    weight = ExactNumber(allow_none=True)
    flags = _keys(50)


class MatrixRowSchema(Strict):
    """One row of a matrix question; its columns are the question's options."""

    value = fields.String(required=True, validate=SHORT)
    label = fields.String(validate=SHORT, allow_none=True)


class QuestionSchema(Strict):
    """One question. `label` joins questions of several surveys into one variable; `label_rule` says
    what it holds where several of them are answered.
    """

    key = fields.String(required=True, validate=KEY)
    type = fields.String(required=True, validate=validate.OneOf(ANSWER_TYPES))
    title = fields.String(validate=TITLE, allow_none=True)
    label = fields.String(validate=KEY, allow_none=True)
    label_rule = fields.String(validate=validate.OneOf(LABEL_RULES), allow_none=True)
    category = fields.String(validate=KEY, allow_none=True)
    flags = _keys(50)
    weight = ExactNumber(allow_none=True)
    options = fields.List(fields.Nested(OptionSchema), validate=validate.Length(max=MOST_OPTIONS))
    rows = fields.List(fields.Nested(MatrixRowSchema), validate=validate.Length(max=MOST_ROWS))

    @validates_schema
    def each_value_once(self, question: Mapping[str, Any], **_: object) -> None:
        """Two options or rows of one value could not be told apart in an answer."""
        for part in ("options", "rows"):
            values = [one["value"] for one in question.get(part, ())]
            if len(values) != len(set(values)):
                message = phrase("two %(part)s have the same value", part=part)
                raise ValidationError(message, part)

    @validates_schema
    def only_a_matrix_has_rows(self, question: Mapping[str, Any], **_: object) -> None:
        """Rows of another type would be ignored, which is a mistake worth naming."""
        if question.get("rows") and question.get("type") != "matrix":
            message = phrase("only a matrix has rows")
            raise ValidationError(message, "rows")


class SurveySchema(Strict):
    """A survey with all its questions: what is not named any more is gone from the new version."""

    name = fields.String(validate=validate.Length(min=1, max=255), allow_none=True)
    questions = fields.List(
        fields.Nested(QuestionSchema), required=True, validate=validate.Length(max=500)
    )

    @validates_schema
    def each_key_once(self, survey: Mapping[str, Any], **_: object) -> None:
        """Two questions of one key would be one answer."""
        keys = [question["key"] for question in survey.get("questions", ())]
        if len(keys) != len(set(keys)):
            message = phrase("two questions have the same key")
            raise ValidationError(message, "questions")


class ShownSurveySchema(Schema):
    """A survey in its newest version."""

    id = fields.Integer(required=True)
    platform_id = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)
    questions = fields.List(fields.Dict(), required=True)
    updated_at = fields.AwareDateTime(required=True)


class SurveyListItemSchema(Schema):
    """A survey in a list."""

    id = fields.Integer(required=True)
    platform_id = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True)
    updated_at = fields.AwareDateTime(required=True)


class SurveyListSchema(Schema):
    """One page of surveys."""

    surveys = fields.List(fields.Nested(SurveyListItemSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class SurveyVersionSchema(Schema):
    """One version of a survey, kept for ever."""

    version = fields.Integer(required=True)
    learnt_from = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    body = fields.Dict(required=True)


class SurveyVersionsSchema(Schema):
    """The newest hundred versions of a survey, newest first."""

    versions = fields.List(fields.Nested(SurveyVersionSchema), required=True)


class SegmentSchema(Strict):
    """A segment: the contact attributes that a campaign's audience must have."""

    attributes = fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.Raw(allow_none=True),
        required=True,
        validate=validate.Length(max=200),
    )


class ShownSegmentSchema(Schema):
    """A segment as it is stored."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    attributes = fields.Dict(required=True)


class SegmentListSchema(Schema):
    """Every segment of the workspace."""

    segments = fields.List(fields.Nested(ShownSegmentSchema), required=True)


class ParticipationSchema(Strict):
    """How often the platform lets one person answer: once, or several times; once in so many
    `days`, where it asks again afterwards.
    """

    answers = fields.String(required=True, validate=validate.OneOf(ANSWERING))
    days = fields.Integer(
        load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 3_650)
    )

    @validates_schema
    def only_once_has_days(self, said: Mapping[str, Any], **_: object) -> None:
        """Several answers have no period in which there is one."""
        if said.get("days") and said.get("answers") != ONCE:
            message = phrase("only once has a number of days")
            raise ValidationError(message, "days")


class CampaignSchema(Strict):
    """A campaign by the platform's id. `survey` is the survey's platform id, `segment` a name.
    `participation`: null where it is not known.
    """

    name = fields.String(required=True, validate=validate.Length(min=1, max=255))
    survey = fields.String(validate=KEY, allow_none=True)
    segment = fields.String(validate=KEY, allow_none=True)
    properties = _texts()
    flags = _keys(100)
    participation = fields.Nested(ParticipationSchema, allow_none=True)


class DistributionSchema(Strict):
    """One sending of a campaign; its properties win over the campaign's."""

    name = fields.String(validate=validate.Length(min=1, max=255), allow_none=True)
    properties = _texts()


class ShownDistributionSchema(Schema):
    """A distribution as it is stored."""

    id = fields.Integer(required=True)
    platform_id = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    properties = fields.Dict(required=True)
    learnt_from = fields.String(required=True, allow_none=True, metadata=_ORIGIN)


class ShownCampaignSchema(Schema):
    """A campaign as it is stored. `tag_name` was frozen when it was registered, or when its tags
    were renamed last.
    """

    id = fields.Integer(required=True)
    platform_id = fields.String(required=True)
    name = fields.String(required=True, allow_none=True)
    tag_name = fields.String(required=True)
    former_tag_names = fields.List(fields.String(), required=True)
    survey = fields.String(required=True, allow_none=True)
    segment = fields.String(required=True, allow_none=True)
    properties = fields.Dict(required=True)
    flags = fields.List(fields.String(), required=True)
    participation = fields.Nested(ParticipationSchema, required=True, allow_none=True)
    learnt_from = fields.String(required=True, allow_none=True, metadata=_ORIGIN)
    distributions = fields.List(fields.Nested(ShownDistributionSchema))


class RetagSchema(Schema):
    """Another name for a campaign's tags; null or nothing: the campaign's own name."""

    class Meta:
        unknown = RAISE

    name = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(min=1, max=255)
    )


class RetaggedSchema(Schema):
    """The name that counts, those of before, and how many tags are written anew."""

    tag_name = fields.String(required=True)
    former = fields.List(fields.String(), required=True)
    tags = fields.Integer(required=True)


class CampaignListSchema(Schema):
    """One page of campaigns."""

    campaigns = fields.List(fields.Nested(ShownCampaignSchema), required=True)
    next = fields.String(required=True, allow_none=True)
