"""How saved mappings, automations and the standard integration are shown. marshmallow only."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from schemas.config import API_NAME, CEL, EVENTS, StandardIntegrationSchema, Strict
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
    """One version of a mapping or an automation."""

    version = fields.Integer(required=True)
    state = fields.String(required=True)
    body = fields.Dict(required=True)
    created_by = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    published_at = fields.AwareDateTime(required=True, allow_none=True)


class VersionListSchema(Schema):
    """Every version, newest first."""

    versions = fields.List(fields.Nested(VersionShownSchema), required=True)


class ReadinessFindingSchema(Schema):
    """One thing that stands against publishing a mapping. A `warning` has to be accepted, anything
    else keeps it from being published. `code` is the rule; `who` mends it (`admin` here,
    `crm_admin`, `survey_owner`) on `page`, an address below the workspace's pages. `fix`: whether
    `POST .../mend` can do it.
    """

    pointer = fields.String(required=True)
    field = fields.String(required=True)
    code = fields.String(required=True)
    text = fields.String(required=True)
    warning = fields.Boolean(required=True)
    who = fields.String(required=True)
    where = fields.String(required=True)
    page = fields.String(required=True)
    fix = fields.Boolean(required=True)


class PublishedMappingSchema(MappingShownSchema):
    """A mapping that was published, and the warnings that were accepted."""

    warnings = fields.List(fields.Nested(ReadinessFindingSchema), required=True)


class ReadinessSchema(Schema):
    """Whether a mapping could be published, and what stands against it, errors first."""

    publishable = fields.Boolean(required=True)
    connected = fields.Boolean(required=True)
    problems = fields.List(fields.Nested(ReadinessFindingSchema), required=True)


class PublishSchema(Schema):
    """How to publish: `switch_on` also makes the automation that feeds every response.
    `accept_warnings`: what it is warned of may stay so.
    """

    class Meta:
        unknown = RAISE

    switch_on = fields.Boolean(load_default=True)
    accept_warnings = fields.Boolean(load_default=False)


class MendSchema(Strict):
    """Which finding of a mapping's readiness is to be mended."""

    pointer = fields.String(required=True, validate=validate.Length(max=200))
    code = fields.String(required=True, validate=API_NAME)


class BackfillSchema(Strict):
    """Which stored responses a mapping is applied to: answered from the day `since` to the day
    `until` in the workspace's zone, both included; `campaigns` by the platform's ids. What is left
    out is not limited. `notes`: with the notes and files of these responses.
    """

    since = fields.Date(load_default=None, allow_none=True)
    until = fields.Date(load_default=None, allow_none=True)
    campaigns = fields.List(
        fields.String(validate=API_NAME), load_default=list, validate=validate.Length(max=200)
    )
    notes = fields.Boolean(load_default=False)


class BackfillCountsSchema(Schema):
    """What the responses of the span are for the mapping; each is one of these.

    `to_write`: gets its steps; `refused`: the mapping refuses a value; `already`: this version of
    the mapping has its step; `under_way`: an older version's is not settled; `not_fed`: no
    automation feeds the mapping with it; `nobody`: anonymous, or of nobody known;
    `removed`: its answers were deleted by retention; `replaced`: a
    newer version is known, or it was deleted or only a test; `waiting`: not planned yet, the
    mapping gets it as any other; `broken`: planning it breaks.
    """

    to_write = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    already = fields.Integer(required=True)
    under_way = fields.Integer(required=True)
    not_fed = fields.Integer(required=True)
    nobody = fields.Integer(required=True)
    removed = fields.Integer(required=True)
    replaced = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
    broken = fields.Integer(required=True)


class BackfillPreviewSchema(Schema):
    """What a backfill would do just now. Of more than 1,000 responses only `looked_at` are looked
    at, and the numbers are made large. `calls`, `calls_left` (what the account's day has for
    backfills), `reaches` and `done_at` are null where nobody can tell yet.
    """

    mapping_version = fields.Integer(required=True)
    responses = fields.Integer(required=True)
    looked_at = fields.Integer(required=True)
    counts = fields.Nested(BackfillCountsSchema, required=True)
    contacts = fields.Integer(required=True)
    steps = fields.Integer(required=True)
    calls = fields.Integer(required=True, allow_none=True)
    calls_left = fields.Integer(required=True, allow_none=True)
    reaches = fields.Boolean(required=True, allow_none=True)
    done_at = fields.AwareDateTime(required=True, allow_none=True)


class BackfillShownSchema(Schema):
    """How a backfill stands: `looked_at` of `total` responses. `reason` of one that stopped by
    itself: `mapping_changed`.
    """

    id = fields.Integer(required=True)
    mapping_version = fields.Integer(required=True)
    since = fields.Date(required=True, allow_none=True)
    until = fields.Date(required=True, allow_none=True)
    campaigns = fields.List(fields.String(), required=True)
    notes = fields.Boolean(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("running", "done", "stopped")))
    reason = fields.String(required=True, allow_none=True)
    total = fields.Integer(required=True)
    looked_at = fields.Integer(required=True)
    counts = fields.Nested(BackfillCountsSchema, required=True)
    started_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)


class BackfillListSchema(Schema):
    """A mapping's last backfills, newest first."""

    backfills = fields.List(fields.Nested(BackfillShownSchema), required=True)


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
    """Every automation in the order in which they run."""

    automations = fields.List(fields.Nested(AutomationShownSchema), required=True)


class AutomationOrderSchema(Strict):
    """The automations that are to run first, by id, in this order."""

    automations = fields.List(
        fields.Integer(strict=True, validate=validate.Range(min=1, max=2**63 - 1)),
        required=True,
        validate=validate.Length(min=1, max=1_000),
    )


class MatchSchema(Strict):
    """WHEN and IF of an automation that is to be tried on the last responses."""

    campaign = fields.String(load_default=None, allow_none=True, validate=API_NAME)
    when = fields.String(load_default="response.completed", validate=validate.OneOf(EVENTS))
    if_ = fields.String(
        data_key="if", attribute="if_", load_default=None, allow_none=True, validate=CEL
    )


class MatchedSchema(Schema):
    """Of the last `looked_at` responses (1,000 at most) `matched` fulfil it; `missing` lack an
    answer that it names; `broken` would have stopped the automation.
    """

    matched = fields.Integer(required=True)
    looked_at = fields.Integer(required=True)
    missing = fields.Integer(required=True)
    broken = fields.Integer(required=True)


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
