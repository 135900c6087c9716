"""How saved mappings, automations and the standard integration are shown. marshmallow only."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields

from schemas.config import API_NAME, StandardIntegrationSchema
from schemas.problem import PlaceSchema


class MappingShownSchema(Schema):
    """A mapping with its newest version. `advice` says what is still missing, if anything."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    connection = fields.String(required=True)
    published = fields.Integer(required=True, allow_none=True)
    latest = fields.Integer(required=True)
    draft = fields.Boolean(required=True)
    paused_at = fields.AwareDateTime(required=True, allow_none=True)
    paused_reason = fields.String(required=True, allow_none=True)
    body = fields.Dict(required=True)
    triggered_by = fields.List(fields.String(), required=True)
    advice = fields.String(required=True, allow_none=True)


class MappingFiledSchema(MappingShownSchema):
    """A mapping that came as a file. `warnings` do not keep it from being published."""

    warnings = fields.List(fields.Nested(PlaceSchema), required=True)


class TemplateQuerySchema(Schema):
    """What a mapping's spreadsheet is for. Without an entity: the CRM's contacts."""

    entity = fields.String(load_default=None, validate=API_NAME)
    campaign = fields.String(load_default=None, validate=API_NAME)
    survey = fields.String(load_default=None, validate=API_NAME)


class MappingListSchema(Schema):
    """Every mapping by name."""

    mappings = fields.List(fields.Nested(MappingShownSchema), required=True)


class VersionShownSchema(Schema):
    """One version of a mapping."""

    version = fields.Integer(required=True)
    state = fields.String(required=True)
    body = fields.Dict(required=True)
    created_by = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    published_at = fields.AwareDateTime(required=True, allow_none=True)


class VersionListSchema(Schema):
    """Every version of a mapping, newest first."""

    versions = fields.List(fields.Nested(VersionShownSchema), required=True)


class ProblemShownSchema(Schema):
    """What is wrong with one row of a mapping; a warning does not keep it from being published."""

    pointer = fields.String(required=True)
    code = fields.String(required=True)
    text = fields.String(required=True)
    warning = fields.Boolean(required=True)


class PublishedMappingSchema(MappingShownSchema):
    """A mapping that was published, and what its rows are warned of."""

    warnings = fields.List(fields.Nested(ProblemShownSchema), required=True)


class CheckedSchema(Schema):
    """Whether a mapping could be published, and what stands against it."""

    publishable = fields.Boolean(required=True)
    connected = fields.Boolean(required=True)
    problems = fields.List(fields.Nested(ProblemShownSchema), required=True)


class PublishSchema(Schema):
    """How to publish: `switch_on` also makes the automation that feeds every response."""

    class Meta:
        unknown = RAISE

    switch_on = fields.Boolean(load_default=True)


class AutomationShownSchema(Schema):
    """An automation with its newest version. `parked_reason`: its condition broke; mend it.
    `warnings` keep nothing from being published.
    """

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    published = fields.Integer(required=True, allow_none=True)
    latest = fields.Integer(required=True)
    draft = fields.Boolean(required=True)
    enabled = fields.Boolean(required=True)
    parked_reason = fields.String(required=True, allow_none=True)
    body = fields.Dict(required=True)
    warnings = fields.List(fields.Nested(PlaceSchema), required=True)


class AutomationListSchema(Schema):
    """Every automation by name."""

    automations = fields.List(fields.Nested(AutomationShownSchema), required=True)


class OpenFieldSchema(Schema):
    """A standard field that the CRM does not have as it was, and those that come nearest."""

    variable = fields.String(required=True)
    field = fields.String(required=True)
    nearest = fields.List(fields.String(), required=True)


class PrefilledSchema(Schema):
    """The standard integration as a mapping, and what that leaves open."""

    mapping = fields.Dict(required=True)
    open = fields.List(fields.Nested(OpenFieldSchema), required=True)


class StandardShownSchema(StandardIntegrationSchema):
    """The standard integration, and the standard fields that this CRM does not have."""

    missing_fields = fields.List(fields.String(), required=True)
