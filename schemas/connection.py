"""The bodies about apps, connections, OAuth clients and field definitions. marshmallow only.

A secret goes in and never comes out: what is shown says only that it is set, and since when.
"""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from schemas.paging import ID

NAME = validate.Length(min=1, max=120)
SHORT = validate.Length(max=500)
SECRET = validate.Length(max=4_096)


class Strict(Schema):
    """Unknown keys are refused."""

    class Meta:
        unknown = RAISE


def _settings() -> fields.Dict:
    """What a connection's settings may be; which ones an app has is the app's own matter."""
    return fields.Dict(
        keys=fields.String(validate=validate.Length(min=1, max=120)),
        values=fields.Raw(allow_none=True),
        validate=validate.Length(max=50),
    )


class NewConnectionSchema(Strict):
    """A managed authentication to be made; with a key it is proved at once."""

    app = fields.String(required=True, validate=validate.Length(min=1, max=50))
    name = fields.String(required=True, validate=NAME)
    auth = fields.String(load_default="oauth", validate=validate.OneOf(("oauth", "key")))
    base_url = fields.String(load_default=None, allow_none=True, validate=SHORT)
    settings = _settings()
    key = fields.String(load_default="", load_only=True, validate=SECRET)


class ConnectionChangeSchema(Strict):
    """What to change; an empty key keeps the one there is, an empty base_url drops the override."""

    name = fields.String(validate=NAME)
    base_url = fields.String(validate=SHORT)
    settings = _settings()
    key = fields.String(load_only=True, validate=SECRET)


class SecretStateSchema(Schema):
    """All that is ever told of a secret."""

    set = fields.Boolean(required=True)
    updated_at = fields.AwareDateTime(required=True, allow_none=True)


class ConnectionSchema(Schema):
    """A connection as it may be shown. `waiting` counts deliveries that are not settled."""

    id = fields.Integer(required=True)
    app = fields.String(required=True)
    name = fields.String(required=True)
    auth = fields.String(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(("new", "connected", "needs_attention", "paused", "disconnected")),
    )
    reason_code = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    base_url = fields.String(required=True, allow_none=True)
    settings = fields.Dict(required=True)
    secrets = fields.Dict(
        keys=fields.String(), values=fields.Nested(SecretStateSchema), required=True
    )
    remote_account_id = fields.String(required=True, allow_none=True)
    remote_account_name = fields.String(required=True, allow_none=True)
    learnt = fields.Dict(required=True)
    paused_at = fields.AwareDateTime(required=True, allow_none=True)
    waiting = fields.Integer(required=True)
    updated_at = fields.AwareDateTime(required=True)


class ConnectionListSchema(Schema):
    """Every connection of the workspace, by name."""

    connections = fields.List(fields.Nested(ConnectionSchema), required=True)


class ConsentSchema(Schema):
    """The page at which a person allows the connection, and until when that works."""

    url = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


class ProbedSchema(Schema):
    """What one call proved: which account answers, and how many deliveries go on."""

    account_id = fields.String(required=True)
    account_name = fields.String(required=True)
    notes = fields.List(fields.String(), required=True)
    resumed = fields.Integer(required=True)


class EndedSchema(Schema):
    """What a disconnect left behind. `revoked` false: end the grant in the CRM by hand."""

    waiting = fields.Integer(required=True)
    revoked = fields.Boolean(required=True)


class NewClientSchema(Strict):
    """Your own OAuth client of an app. An empty secret keeps the one there is."""

    client_id = fields.String(required=True, validate=validate.Length(min=1, max=500))
    client_secret = fields.String(load_default="", load_only=True, validate=SECRET)


class ClientSchema(Schema):
    """An OAuth client as it may be shown."""

    app = fields.String(required=True)
    client_id = fields.String(required=True)
    secret_set = fields.Boolean(required=True)
    updated_at = fields.AwareDateTime(required=True)


class ClientListSchema(Schema):
    """Your own OAuth clients; apps without one use the operator's."""

    clients = fields.List(fields.Nested(ClientSchema), required=True)


class AppSettingSchema(Schema):
    """One setting that an app asks for."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    required = fields.Boolean(required=True)
    secret = fields.Boolean(required=True)
    help = fields.String(required=True)


class AppSchema(Schema):
    """What an app can do."""

    app = fields.String(required=True)
    label = fields.String(required=True)
    auth = fields.List(fields.String(), required=True)
    key_label = fields.String(required=True, allow_none=True)
    settings = fields.List(fields.Nested(AppSettingSchema), required=True)
    entities = fields.List(fields.String(), required=True)
    contact_entity = fields.String(required=True)
    operations = fields.List(fields.String(), required=True)
    tags = fields.String(required=True)
    notes = fields.Boolean(required=True)
    match_fields = fields.List(fields.String(), required=True)
    standard_fields = fields.Dict(required=True)
    creates = fields.String(required=True)


class AppListSchema(Schema):
    """The catalogue of apps."""

    apps = fields.List(fields.Nested(AppSchema), required=True)


class AppQuerySchema(Schema):
    """A search in the catalogue."""

    search = fields.String(load_default="", validate=validate.Length(max=100))


class FieldOptionSchema(Schema):
    """One allowed value of a choice field."""

    value = fields.String(required=True)
    label = fields.String(required=True)
    active = fields.Boolean(required=True)


class FieldSchema(Schema):
    """One field of a CRM entity."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    type = fields.String(required=True)
    native_type = fields.String(required=True)
    max_length = fields.Integer(required=True, allow_none=True)
    max_digits = fields.Integer(required=True, allow_none=True)
    max_scale = fields.Integer(required=True, allow_none=True)
    options = fields.List(fields.Nested(FieldOptionSchema), required=True)
    closed = fields.Boolean(required=True)
    required = fields.Boolean(required=True)
    creatable = fields.Boolean(required=True)
    updatable = fields.Boolean(required=True)
    unique = fields.Boolean(required=True)
    identifies = fields.Boolean(required=True)
    offered_by = fields.Dict(
        keys=fields.String(), values=fields.List(fields.String()), required=True
    )


class RecordTypeSchema(Schema):
    """One kind of an entity's records; each may offer fewer options (a field's `offered_by`)."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    label = fields.String(required=True)
    default = fields.Boolean(required=True)


class EntitySchema(Schema):
    """One kind of record in a CRM with its fields, as downloaded."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    custom = fields.Boolean(required=True)
    record_types = fields.List(fields.Nested(RecordTypeSchema), required=True)
    digest = fields.String(required=True)
    schema_digest = fields.String(required=True)
    taken_at = fields.AwareDateTime(required=True)
    seen_at = fields.AwareDateTime(required=True)
    fields_ = fields.List(
        fields.Nested(FieldSchema), required=True, data_key="fields", attribute="fields"
    )


class EntityListSchema(Schema):
    """The field definitions of a connection."""

    entities = fields.List(fields.Nested(EntitySchema), required=True)


class ChoosableSchema(Schema):
    """An entity of the CRM; one that is not downloaded can be named in the setting `entities`."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    custom = fields.Boolean(required=True)
    downloaded = fields.Boolean(required=True)


class ChoiceSchema(Schema):
    """What the connected user may write. `addable`: the connection can be given further ones."""

    addable = fields.Boolean(required=True)
    entities = fields.List(fields.Nested(ChoosableSchema), required=True)


class DownloadedSchema(Schema):
    """What a download found: names of the entities, by what became of them."""

    added = fields.List(fields.String(), required=True)
    changed = fields.List(fields.String(), required=True)
    unchanged = fields.List(fields.String(), required=True)
    gone = fields.List(fields.String(), required=True)


class EntityQuerySchema(Schema):
    """Which entity's fields are wanted; without it all of them."""

    entity = fields.String(load_default=None, validate=validate.Length(min=1, max=255))


class ConnectionQuerySchema(Schema):
    """Which connection is meant."""

    connection_id = fields.Integer(load_default=None, validate=ID)
