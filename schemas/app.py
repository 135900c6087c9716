"""An app described as a document: any JSON API, or a webhook, without code. marshmallow only.

What stands between {{ and }}, and every expression, is JMESPath. What they mean is decided in
adapters/rest; docs/apps/rest.md tells it to whoever writes one.
"""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from schemas.fields import FieldType

# What an answer can mean; adapters/rest/judging.py does what each says.
MEANINGS = (
    "refused", "duplicate", "not_found", "field_gone", "token", "reconnect", "permission",
    "wait", "later", "unknown",
)  # fmt: skip
WIRE_FORMS = ("text", "integer", "number", "boolean")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EXPRESSION = validate.Length(min=1, max=1_000)
WORD = validate.Regexp(r"[a-z][a-z0-9_]{0,49}\Z", error="a word of small letters, digits and _")
FIELD = validate.Regexp(r"[^\s{}]{1,120}\Z", error="the name of a field, without blanks and braces")
HEADER = validate.Regexp(r"[A-Za-z0-9-]{1,100}\Z", error="must be the name of a header")
PATH = validate.Regexp(
    r"/[^?#\s\\]{0,1000}\Z", error="a path: it begins with /, its query stands apart"
)
POINTER = validate.Regexp(r"(?:/[^/]{1,200}){1,5}\Z", error="a place such as /attributes/NPS")
SHORT = validate.Length(min=1, max=300)
HOST = validate.Regexp(
    r"(?:\*|(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+)\Z",
    error="a host, *.host, or * for any public one",
)


class Strict(Schema):
    """Unknown keys are refused."""

    class Meta:
        unknown = RAISE


def _expression(*, required: bool = False) -> fields.String:
    return fields.String(required=required, validate=EXPRESSION)


class RequestSchema(Strict):
    """One call. `success` overrides the document's rule."""

    method = fields.String(load_default="GET", validate=validate.OneOf(METHODS))
    path = fields.String(required=True, validate=PATH)
    query = fields.Dict(
        keys=fields.String(validate=SHORT), values=fields.String(validate=EXPRESSION)
    )
    headers = fields.Dict(
        keys=fields.String(validate=HEADER), values=fields.String(validate=EXPRESSION)
    )
    body = fields.Raw()
    encoding = fields.String(load_default="json", validate=validate.OneOf(("json", "form")))
    success = _expression()


class ErrorSchema(Strict):
    """What an answer means. `field` finds the name of the refused field in it."""

    when = _expression(required=True)
    means = fields.String(required=True, validate=validate.OneOf(MEANINGS))
    code = fields.String(validate=WORD)
    field = _expression()


class AppSettingSchema(Strict):
    """A setting that an admin fills in; secret ones are sealed."""

    name = fields.String(required=True, validate=WORD)
    label = fields.String(required=True, validate=SHORT)
    required = fields.Boolean(load_default=True)
    secret = fields.Boolean(load_default=False)
    pattern = fields.String(validate=validate.Length(max=300))
    help = fields.String(load_default="", validate=validate.Length(max=500))


class RateSchema(Strict):
    """At most `calls` in `per_s` seconds."""

    calls = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=100_000))
    per_s = fields.Integer(load_default=1, strict=True, validate=validate.Range(min=1, max=86_400))


class ProbeSchema(Strict):
    """A call that proves the key, and where its answer tells whose it is."""

    request = fields.Nested(RequestSchema, required=True)
    account_id = _expression(required=True)
    account_name = _expression(required=True)
    user_id = _expression()


class PageSchema(Strict):
    """How a list goes on: by `cursor` (where `next` finds the next one), `offset` or `number`."""

    by = fields.String(required=True, validate=validate.OneOf(("cursor", "offset", "number")))
    size = fields.Integer(load_default=100, strict=True, validate=validate.Range(min=1, max=10_000))
    next = _expression()

    @validates_schema
    def cursor_has_next(self, said: dict[str, Any], **_: object) -> None:
        """A cursor is told by the page before."""
        if (said.get("by") == "cursor") != ("next" in said):
            message = "goes with by: cursor, and with nothing else"
            raise ValidationError(message, "next")


class TypeSchema(Strict):
    """What a type of the API is for us, and in which form its values travel."""

    type = fields.Enum(FieldType, by_value=True, required=True)
    as_ = fields.String(data_key="as", attribute="as", validate=validate.OneOf(WIRE_FORMS))


class _Type(fields.Field[dict[str, Any]]):
    """`text`, or {type: choice, as: integer}."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        whole = {"type": value} if isinstance(value, str) else value
        loaded: dict[str, Any] = TypeSchema().load(whole)
        return loaded


class OptionsSchema(Strict):
    """The options of a choice field, in what the API tells of the field."""

    each = _expression(required=True)
    value = _expression(required=True)
    label = _expression(required=True)


class OptionSchema(Strict):
    """One option of a choice field that the document itself names."""

    value = fields.String(required=True, validate=SHORT)
    label = fields.String(required=True, validate=SHORT)


class FieldSchema(Strict):
    """A field that every account has. `at`: where its value stands in a record, `/name` unless
    said; `read` and `write` where it is more than a plain value there.
    """

    name = fields.String(required=True, validate=FIELD)
    label = fields.String(required=True, validate=SHORT)
    type = fields.Enum(FieldType, by_value=True, load_default=FieldType.TEXT)
    as_ = fields.String(data_key="as", attribute="as", validate=validate.OneOf(WIRE_FORMS))
    at = fields.String(validate=POINTER)
    read = _expression()
    write = fields.Raw()
    options = fields.List(fields.Nested(OptionSchema))
    max_length = fields.Integer(strict=True, validate=validate.Range(min=1))
    required = fields.Boolean(load_default=False)
    creatable = fields.Boolean(load_default=True)
    updatable = fields.Boolean(load_default=True)
    unique = fields.Boolean(load_default=False)


class FieldsFromSchema(Strict):
    """Fields that the API tells: each account has its own."""

    request = fields.Nested(RequestSchema, required=True)
    page = fields.Nested(PageSchema)
    each = _expression(required=True)
    only_if = _expression()
    name = _expression(required=True)
    label = _expression(required=True)
    type = _expression(required=True)
    read_only = _expression()
    options = fields.Nested(OptionsSchema)
    at = fields.String(required=True, validate=POINTER)


class ListsFromSchema(Strict):
    """Lists that a contact may join: each is a yes/no field of the contact."""

    request = fields.Nested(RequestSchema, required=True)
    page = fields.Nested(PageSchema)
    each = _expression(required=True)
    id = _expression(required=True)
    label = _expression(required=True)
    held = _expression(required=True)


class FindSchema(Strict):
    """How records are found by a field. `records` are whole, or (`reread`) only their ids are."""

    field = fields.String(required=True, validate=FIELD)
    request = fields.Nested(RequestSchema, required=True)
    records = _expression(required=True)
    id = _expression()
    reread = fields.Boolean(load_default=False)


class ReadSchema(Strict):
    """How a record is read by its id."""

    request = fields.Nested(RequestSchema, required=True)
    record = _expression(required=True)


class WriteSchema(Strict):
    """How a record is made or changed. `id`: where the answer tells the new id."""

    request = fields.Nested(RequestSchema, required=True)
    id = _expression()


class ManySchema(Strict):
    """How many records are written by one call, and what its answer tells of each, in order."""

    size = fields.Integer(required=True, strict=True, validate=validate.Range(min=2, max=1_000))
    request = fields.Nested(RequestSchema, required=True)
    each = _expression(required=True)
    ok = _expression(required=True)
    id = _expression()


class ContactSchema(Strict):
    """The kind of record that stands for a person."""

    name = fields.String(required=True, validate=WORD)
    label = fields.String(required=True, validate=SHORT)
    id = _expression(required=True)
    updated_at = _expression()
    clear = fields.Raw(load_default=None, allow_none=True)
    fields_ = fields.List(
        fields.Nested(FieldSchema),
        required=True,
        data_key="fields",
        attribute="fields",
        validate=validate.Length(min=1, max=200),
    )
    fields_from = fields.Nested(FieldsFromSchema)
    lists_from = fields.Nested(ListsFromSchema)
    find = fields.List(
        fields.Nested(FindSchema), required=True, validate=validate.Length(min=1, max=10)
    )
    read = fields.Nested(ReadSchema, required=True)
    create = fields.Nested(WriteSchema)
    update = fields.Nested(WriteSchema)
    update_many = fields.Nested(ManySchema)


class TagsSchema(Strict):
    """Score tags by calls of their own: those of a record, one more, one less."""

    read = fields.Nested(RequestSchema, required=True)
    names = _expression(required=True)
    add = fields.Nested(RequestSchema, required=True)
    remove = fields.Nested(RequestSchema, required=True)
    style = fields.String(
        load_default="verbatim", validate=validate.OneOf(("verbatim", "safe", "ascii"))
    )
    max_length = fields.Integer(
        load_default=50, strict=True, validate=validate.Range(min=20, max=255)
    )


class NotesSchema(Strict):
    """Notes on a contact: those of a record, each with its text, and one more."""

    read = fields.Nested(RequestSchema, required=True)
    page = fields.Nested(PageSchema)
    each = _expression(required=True)
    id = _expression(required=True)
    text = _expression(required=True)
    create = fields.Nested(RequestSchema, required=True)
    created_id = _expression(required=True)
    delete = fields.Nested(RequestSchema)
    limit = fields.Integer(load_default=10_000, strict=True, validate=validate.Range(min=500))


class PushSchema(Strict):
    """An app that is only told: one call a response, nothing is read. The admin names the fields in
    the setting `fields`; `key` is the one that tells responses apart.
    """

    name = fields.String(required=True, validate=WORD)
    label = fields.String(required=True, validate=SHORT)
    key = fields.String(required=True, validate=FIELD)
    request = fields.Nested(RequestSchema, required=True)


class SignSchema(Strict):
    """Every call that writes is signed by Standard Webhooks with this secret."""

    secret = fields.String(required=True, validate=EXPRESSION)


class AppDocumentSchema(Strict):
    """A whole app."""

    app = fields.String(required=True, validate=WORD)
    label = fields.String(required=True, validate=SHORT)
    about = fields.String(load_default="", validate=validate.Length(max=2_000))
    base_url = fields.String(required=True, validate=validate.Length(max=300))
    hosts = fields.List(
        fields.String(validate=HOST), required=True, validate=validate.Length(min=1, max=20)
    )
    key_label = fields.String(required=True, validate=SHORT)
    settings = fields.List(
        fields.Nested(AppSettingSchema), load_default=list, validate=validate.Length(max=20)
    )
    rates = fields.List(
        fields.Nested(RateSchema), required=True, validate=validate.Length(min=1, max=5)
    )
    headers = fields.Dict(
        keys=fields.String(validate=HEADER),
        values=fields.String(validate=EXPRESSION),
        load_default=dict,
    )
    sign = fields.Nested(SignSchema)
    success = _expression()
    errors = fields.List(
        fields.Nested(ErrorSchema), load_default=list, validate=validate.Length(max=50)
    )
    wait_headers = fields.List(fields.String(validate=HEADER), load_default=list)
    types = fields.Dict(keys=fields.String(validate=SHORT), values=_Type(), load_default=dict)
    probe = fields.Nested(ProbeSchema)
    contact = fields.Nested(ContactSchema)
    push = fields.Nested(PushSchema)
    standard_fields = fields.Dict(
        keys=fields.String(validate=WORD), values=fields.String(validate=FIELD), load_default=dict
    )
    tags = fields.Nested(TagsSchema)
    notes = fields.Nested(NotesSchema)

    @validates_schema
    def one_of_both(self, said: dict[str, Any], **_: object) -> None:
        """Records are kept there, or the app is only told of them."""
        if ("contact" in said) == ("push" in said):
            message = "an app has either contact or push"
            raise ValidationError(message, "contact")
        if "contact" in said and "probe" not in said:
            message = "an app that keeps contacts needs a call that proves its key"
            raise ValidationError(message, "probe")
        for name in ("tags", "notes", "standard_fields"):
            if "push" in said and said.get(name):
                message = "a push has none"
                raise ValidationError(message, name)
