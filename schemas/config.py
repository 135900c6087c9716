"""The bodies of a mapping and an automation as an admin saves them (JSON or YAML). marshmallow
only.

A mapping feeds one entity of one connection:

    {"name": "After the meeting", "connection": "hubspot-main", "entity": "contacts", "operation":
    "upsert",
     "identify": {"variable": "contact.email", "field": "email", "transforms": []},
     "rows": [{"variable": "answers.nps", "field": "nps_score", "transforms": [{"name": "round"}],
               "when_missing": "skip"}],
     "note": "unmapped", "ambiguous": "refuse"}

An automation says what follows a response (WHEN / IF / THEN):

    {"name": "Feed the CRM", "campaign": "5000", "when": "response.completed", "if": "answers.nps
    >= 0",
     "then": [{"do": "feed", "mapping": "After the meeting"}, {"do": "note", "connection":
     "hubspot-main"}]}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from schemas.phrases import phrase

NAME = validate.Length(min=1, max=120)
API_NAME = validate.Length(min=1, max=255)
VARIABLE = validate.Length(min=1, max=255)
CEL = validate.Length(min=1, max=10_000)

OPERATIONS = ("create", "update", "upsert")
EVENTS = (
    "response.completed",
    "response.partial",
    "response.updated",
    "response.disqualified",
)
ACTIONS = ("feed", "tag", "note", "subscribe", "unsubscribe", "notify", "redirect", "task")
SUBSCRIPTIONS = frozenset({"subscribe", "unsubscribe"})
# What only some actions say: member -> the actions that may say it.
SAID_BY: Mapping[str, frozenset[str]] = {
    "to": frozenset({"notify"}),
    "subject": frozenset({"notify", "task"}),
    "text": frozenset({"notify", "task"}),
    "owner": frozenset({"task"}),
    "due_in_days": frozenset({"task"}),
    "url": frozenset({"redirect"}),
}
# Which connection is meant cannot be guessed for these.
NAMES_A_CONNECTION = frozenset({*SUBSCRIPTIONS, "notify"})
MOST_PEOPLE = 20


class Strict(Schema):
    """Unknown keys are refused, so that a typo is an error and not a silence."""

    class Meta:
        unknown = RAISE


class TransformSchema(Strict):
    """One named transformation with its parameters: {"name": "cut", "length": 80}.

    Which parameters a transformation takes is the transformation's own matter
    (connector/responses/transforms.py).
    """

    class Meta:
        unknown = "include"

    name = fields.String(required=True, validate=API_NAME)


TRANSFORMS = validate.Length(max=20)


class IdentifySchema(Strict):
    """How the CRM record is found: the variable's value is looked up in the field."""

    variable = fields.String(required=True, validate=VARIABLE)
    field = fields.String(required=True, validate=API_NAME)
    transforms = fields.List(fields.Nested(TransformSchema), load_default=list, validate=TRANSFORMS)


class RowSchema(Strict):
    """One internal variable feeding one remote field.

    `when_missing`: `skip` leaves the field alone, `clear` empties it, `default` writes `default`.
    `when_present` guards what stands in the CRM: `overwrite`, or `keep` to fill only an empty
    field.
    """

    variable = fields.String(required=True, validate=VARIABLE)
    field = fields.String(required=True, validate=API_NAME)
    transforms = fields.List(fields.Nested(TransformSchema), load_default=list, validate=TRANSFORMS)
    when_missing = fields.String(
        load_default="skip", validate=validate.OneOf(("skip", "clear", "default"))
    )
    when_present = fields.String(
        load_default="overwrite", validate=validate.OneOf(("overwrite", "keep"))
    )
    default = fields.Raw(load_default=None, allow_none=True)

    @validates_schema(skip_on_field_errors=False)
    def default_only_where_used(self, row: dict[str, Any], **_: object) -> None:
        """A default that can never be written is a mistake worth naming."""
        if row.get("default") is not None and row.get("when_missing", "default") != "default":
            message = phrase("a default is only written with when_missing: default")
            raise ValidationError(message, "default")


class LinksSchema(Strict):
    """The fields of the mapping's entity that refer to the response's contact, and its company."""

    contact = fields.String(validate=API_NAME)
    company = fields.String(validate=API_NAME)


class MappingSchema(Strict):
    """A mapping as saved. `connection` is the connection's name in the workspace. `links`: what
    its records are linked to, where they are not the contact's own. `files`: `record` hangs the
    files of the answers on them, too.
    """

    name = fields.String(required=True, validate=NAME)
    connection = fields.String(required=True, validate=NAME)
    entity = fields.String(required=True, validate=API_NAME)
    operation = fields.String(required=True, validate=validate.OneOf(OPERATIONS))
    identify = fields.Nested(IdentifySchema, required=True)
    rows = fields.List(
        fields.Nested(RowSchema), required=True, validate=validate.Length(min=1, max=500)
    )
    note = fields.String(
        load_default="unmapped", validate=validate.OneOf(("all", "unmapped", "none"))
    )
    ambiguous = fields.String(
        load_default="refuse", validate=validate.OneOf(("refuse", "newest", "oldest"))
    )
    campaign = fields.String(load_default=None, allow_none=True, validate=API_NAME)
    # Left out where they say nothing: mappings of before have none.
    links = fields.Nested(LinksSchema)
    files = fields.String(validate=validate.OneOf(("none", "record")))

    @validates_schema
    def links_have_fields_of_their_own(self, mapping: dict[str, Any], **_: object) -> None:
        """One field written twice would make the result depend on the order."""
        taken = [row["field"] for row in mapping.get("rows") or ()]
        doubled: dict[str, list[str]] = {}
        for to, field in (mapping.get("links") or {}).items():
            if field in taken:
                doubled[to] = [f"the field {field!r} is written already"]
            taken.append(field)
        if doubled:
            raise ValidationError({"links": doubled})

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def one_row_per_field(self, _: object, sent: object, **__: object) -> None:
        """Two rows writing one field would make the result depend on their order."""
        rows = sent.get("rows") if isinstance(sent, Mapping) else None
        first: dict[str, int] = {}
        doubled: dict[int, dict[str, list[str]]] = {}
        for place, row in enumerate(rows if isinstance(rows, list) else ()):
            field = row.get("field") if isinstance(row, Mapping) else None
            if isinstance(field, str) and first.setdefault(field, place) != place:
                doubled[place] = {"field": [f"another row writes the field {field!r} already"]}
        if doubled:
            raise ValidationError({"rows": doubled})


class ActionSchema(Strict):
    """One THEN action: `feed` names a mapping, `tag` and `note` a connection (None: the contact's
    own), `subscribe` and `unsubscribe` a connection and one of its lists.

    `notify` names a connection that messages go through, and where that is a mail server whom they
    are `to`. `redirect` leads the respondent's browser to a `url` or to what a connection makes.
    `task` opens one for a person, `owner` or whoever looks after the contact.
    `subject` and `text` may hold variables in braces (connector/responses/wording.py).
    """

    do = fields.String(required=True, validate=validate.OneOf(ACTIONS))
    mapping = fields.String(load_default=None, allow_none=True, validate=NAME)
    connection = fields.String(load_default=None, allow_none=True, validate=NAME)
    answers = fields.String(
        load_default="all", validate=validate.OneOf(("all", "unmapped", "none"))
    )
    # Left out where it says nothing: automations of before have none.
    list_ = fields.String(data_key="list", attribute="list", validate=API_NAME)
    to = fields.List(fields.Email(), validate=validate.Length(min=1, max=MOST_PEOPLE))
    subject = fields.String(validate=validate.Length(min=1, max=200))
    text = fields.String(validate=validate.Length(min=1, max=4_000))
    owner = fields.String(validate=validate.Regexp(r"[A-Za-z0-9_-]{1,64}\Z"))
    due_in_days = fields.Integer(strict=True, validate=validate.Range(min=0, max=365))
    url = fields.Url(schemes={"https"}, validate=validate.Length(max=2_000))

    @validates_schema
    def subscriptions_name_a_list(self, action: dict[str, Any], **_: object) -> None:
        """Which list of which connection: neither can be guessed."""
        subscribes = action.get("do") in SUBSCRIPTIONS
        if subscribes != ("list" in action):
            message = phrase("subscribe and unsubscribe name a list, and only they do")
            raise ValidationError(message, "list")

    @validates_schema
    def says_what_it_can_do(self, action: dict[str, Any], **_: object) -> None:
        """What an action cannot use is refused: it would be left out in silence."""
        do = action.get("do", "")
        if do in NAMES_A_CONNECTION and action.get("connection") is None:
            message = phrase("%(do)s names a connection: its own cannot be guessed", do=do)
            raise ValidationError(message, "connection")
        for name, actions in SAID_BY.items():
            if name in action and do not in actions:
                message = phrase("%(do)s says no %(name)s", do=do, name=name)
                raise ValidationError(message, name)
        answers = ("all", "none") if do == "notify" else ("all", "unmapped")
        if action.get("answers", "all") not in answers:
            message = phrase("%(do)s takes %(names)s", do=do, names=" or ".join(answers))
            raise ValidationError(message, "answers")

    @validates_schema
    def redirects_lead_to_one_place(self, action: dict[str, Any], **_: object) -> None:
        """To an address, or to a connection that makes one."""
        if action.get("do") == "redirect" and ("url" in action) == bool(action.get("connection")):
            message = phrase("redirect names a url, or a connection that makes one")
            raise ValidationError(message, "url")

    @validates_schema
    def feed_names_a_mapping(self, action: dict[str, Any], **_: object) -> None:
        """Feeding needs to know through which mapping; the others must not name one."""
        if (action.get("do") == "feed") != (action.get("mapping") is not None):
            message = phrase("a feed action names a mapping, and only a feed action does")
            raise ValidationError(message, "mapping")


class AutomationSchema(Strict):
    """An automation as saved. `campaign` is the platform's campaign id; None means every
    campaign.
    """

    name = fields.String(required=True, validate=NAME)
    campaign = fields.String(load_default=None, allow_none=True, validate=API_NAME)
    when = fields.String(load_default="response.completed", validate=validate.OneOf(EVENTS))
    if_ = fields.String(
        data_key="if", attribute="if", load_default=None, allow_none=True, validate=CEL
    )
    then = fields.List(
        fields.Nested(ActionSchema), required=True, validate=validate.Length(min=1, max=20)
    )
    enabled = fields.Boolean(load_default=True)


class StandardIntegrationSchema(Strict):
    """The standard integration of a connection (SN1): one switch and its few choices.

    `record`: a record of its own for each response, where the CRM has the entity.
    `record_inherits`: company and owner that it does not name are those of its deal or contact.
    `record_files`: the files of answers hang on that record, too.
    `campaigns`: ids it serves, empty = all. `create`: make contacts that the CRM does not have.
    `files`: the files of answers go to this connection, however its contacts are fed.
    `overwrite`: also fields that are not empty there. `company`: by what a company is matched or
    created (None: left alone).
    `default`: this connection serves contacts that came from no connection.
    """

    enabled = fields.Boolean(load_default=False)
    campaigns = fields.List(fields.String(validate=API_NAME), load_default=list)
    fields_ = fields.Boolean(data_key="fields", attribute="fields", load_default=True)
    note = fields.Boolean(load_default=True)
    tag = fields.Boolean(load_default=True)
    record = fields.Boolean(load_default=False)
    record_inherits = fields.Boolean(load_default=False)
    record_files = fields.Boolean(load_default=False)
    files = fields.Boolean(load_default=True)
    create = fields.Boolean(load_default=False)
    overwrite = fields.Boolean(load_default=False)
    company = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(("name", "domain", "external_id")),
    )
    default = fields.Boolean(load_default=False)
