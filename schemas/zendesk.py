"""Zendesk's shapes: its field definitions as entities, its values as canonical ones. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.fields import Entity, Field, FieldType, FieldValue, Option

# Zendesk's words for types, for users, organizations and tickets alike (field references, 2026-11).
TYPES: Mapping[str, FieldType] = {
    "text": FieldType.TEXT,
    "textarea": FieldType.LONG_TEXT,
    "regexp": FieldType.TEXT,
    "integer": FieldType.INTEGER,
    "decimal": FieldType.NUMBER,
    "checkbox": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "dropdown": FieldType.CHOICE,
    "tagger": FieldType.CHOICE,
    "multiselect": FieldType.MULTI_CHOICE,
    "lookup": FieldType.REFERENCE,
}
# Unverified: no limit is documented, 65,535 is what a text column of this kind holds.
TEXT_LIMIT = 65_535
ID_LIMIT = 255
SENT_ONLY = "sent_only"
# A custom object's lookup of a person, by the word Zendesk has for its target.
TO_PERSON = "lookup zen:user"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record: how its calls and its objects are named.

    `singular` is the key of one object, `custom` the key that holds custom field values and
    `definitions` the endpoint of their definitions.
    """

    name: str
    singular: str
    label: str
    custom: str
    definitions: str
    fields: tuple[Field, ...]


def _plain(name: str, label: str, kind: FieldType = FieldType.TEXT, **more: Any) -> Field:  # noqa: ANN401 - passed on
    return Field(name, label, kind, native_type="attribute", **more)


def _shown(name: str, label: str, kind: FieldType) -> Field:
    """An attribute that can only be read."""
    return _plain(name, label, kind, creatable=False, updatable=False, closed=False)


def _sent(name: str, label: str, kind: FieldType = FieldType.TEXT) -> Field:
    """An attribute that is sent with a new record and is never read back."""
    return Field(name, label, kind, native_type=SENT_ONLY, updatable=False)


_OF_ALL = (
    _plain("external_id", "External id", max_length=ID_LIMIT, identifies=True, unique=True),
    # Never written here: tags in an update replace the whole list. See TagTaker.
    _shown("tags", "Tags", FieldType.MULTI_CHOICE),
    _shown("created_at", "Created at", FieldType.DATETIME),
    _shown("updated_at", "Updated at", FieldType.DATETIME),
)
USERS = Kind(
    "users",
    "user",
    "User",
    "user_fields",
    "user_fields",
    (
        _plain("name", "Name", max_length=ID_LIMIT, required=True),
        _plain("email", "E-mail", FieldType.EMAIL, identifies=True, unique=True),
        _plain("phone", "Phone", FieldType.PHONE),
        _plain("alias", "Alias"),
        _plain("details", "Details", FieldType.LONG_TEXT, max_length=TEXT_LIMIT),
        _plain("notes", "Notes", FieldType.LONG_TEXT, max_length=TEXT_LIMIT),
        _plain("organization_id", "Organization", FieldType.REFERENCE),
        _shown("role", "Role", FieldType.CHOICE),
        _shown("locale", "Locale", FieldType.TEXT),
        _shown("time_zone", "Time zone", FieldType.TEXT),
        *_OF_ALL,
    ),
)
ORGANIZATIONS = Kind(
    "organizations",
    "organization",
    "Organization",
    "organization_fields",
    "organization_fields",
    (
        _plain("name", "Name", max_length=ID_LIMIT, required=True, identifies=True, unique=True),
        _plain("details", "Details", FieldType.LONG_TEXT, max_length=TEXT_LIMIT),
        _plain("notes", "Notes", FieldType.LONG_TEXT, max_length=TEXT_LIMIT),
        _plain("domain_names", "Domains", FieldType.MULTI_CHOICE, closed=False),
        *_OF_ALL,
    ),
)
_STATES = tuple(Option(one, one) for one in ("new", "open", "pending", "hold", "solved"))
_URGENCY = tuple(Option(one, one) for one in ("low", "normal", "high", "urgent"))
_SORTS = tuple(Option(one, one) for one in ("problem", "incident", "question", "task"))
TICKETS = Kind(
    "tickets",
    "ticket",
    "Ticket",
    "custom_fields",
    "ticket_fields",
    (
        _plain("subject", "Subject"),
        # Only the first comment makes the description: an update cannot change it (recorded).
        _plain(
            "description", "Description", FieldType.LONG_TEXT, required=True, updatable=False,
            max_length=TEXT_LIMIT,
        ),
        _plain("requester_id", "Requester", FieldType.REFERENCE, updatable=False),
        # Whom Zendesk does not know by this address yet it makes a user, named as told.
        _sent("requester_email", "Requester's e-mail", FieldType.EMAIL),
        _sent("requester_name", "Requester's name"),
        _plain("assignee_id", "Assignee", FieldType.REFERENCE),
        _plain("group_id", "Group", FieldType.REFERENCE),
        _plain("status", "Status", FieldType.CHOICE, options=_STATES),
        # By the number of a status of the account's own; `status` then follows by its category.
        _plain("custom_status_id", "Custom status", FieldType.REFERENCE),
        _plain("priority", "Priority", FieldType.CHOICE, options=_URGENCY),
        _plain("type", "Type", FieldType.CHOICE, options=_SORTS),
        *(replace(one, unique=False) for one in _OF_ALL),
    ),
)  # fmt: skip
KINDS: Mapping[str, Kind] = {one.name: one for one in (USERS, ORGANIZATIONS, TICKETS)}
_OF_OBJECTS = (
    # Not required: an account may have it numbered by itself, and then takes none.
    _plain("name", "Name", max_length=ID_LIMIT),
    *(one for one in _OF_ALL if one.name != "tags"),
)


def kind_of(name: str, label: str = "") -> Kind:
    """The kind of that name; any other than KINDS is a custom object, named by its key (custom
    objects API, 2026-11).
    """
    definitions = f"custom_objects/{name}/fields"
    own = Kind(
        name,
        "custom_object_record",
        label or name,
        "custom_object_fields",
        definitions,
        _OF_OBJECTS,
    )
    return KINDS.get(name, own)


# --- definitions ----------------------------------------------------------------------------------


def entity_of(kind: Kind, definitions: Iterable[Mapping[str, Any]]) -> Entity:
    """The entity of a kind with its custom fields. Inactive ones are left out: they take no value.

    A custom field is named by its key (tickets: its number). Where an attribute has that name
    already it is `user_fields.<key>`.
    """
    taken = {one.name for one in kind.fields}
    custom = [
        _custom_field(kind, one, taken)
        for one in definitions
        if one.get("active", True) and one.get("type") in TYPES
    ]
    return Entity(kind.name, kind.label, (*kind.fields, *custom), custom=kind.name not in KINDS)


def _custom_field(kind: Kind, one: Mapping[str, Any], taken: set[str]) -> Field:
    key = str(one["id"]) if kind is TICKETS else str(one["key"])
    kind_of_value = TYPES[str(one["type"])]
    is_text = kind_of_value in {FieldType.TEXT, FieldType.LONG_TEXT}
    options = tuple(
        Option(str(each["value"]), str(each["name"]))
        for each in one.get("custom_field_options") or ()
    )
    return Field(
        f"{kind.custom}.{key}" if key in taken else key,
        str(one.get("title") or key),
        kind_of_value,
        native_type=_native(kind, one),
        max_length=TEXT_LIMIT if is_text else None,
        options=options,
    )


def _native(kind: Kind, one: Mapping[str, Any]) -> str:
    """Zendesk's word for the type; of a custom object's lookup with what it leads to."""
    target = one.get("relationship_target_type") if kind.name not in KINDS else None
    return f"{one['type']} {target}" if target else str(one["type"])


# --- values ---------------------------------------------------------------------------------------


def to_zendesk(entity: Entity, values: Mapping[str, FieldValue]) -> dict[str, Any]:
    """The sparse body of one record: attributes beside the custom fields' own object or list."""
    kind, known = kind_of(entity.name), entity.by_name()
    body: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for name, value in values.items():
        definition = known.get(name)
        if definition is None or definition.native_type in {"attribute", SENT_ONLY}:
            body[name] = _form(definition, value)
        else:
            custom[name.removeprefix(f"{kind.custom}.")] = _form(definition, value)
    if custom:
        body[kind.custom] = _by_number(custom) if kind is TICKETS else custom
    return body


def from_zendesk(
    entity: Entity, record: Mapping[str, Any], want: Sequence[str]
) -> dict[str, FieldValue]:
    """The wanted values in canonical form, without those that are never read back. KeyError names a
    field that the record does not have; a custom object may leave out what is empty (unverified).
    """
    kind, known = kind_of(entity.name), entity.by_name()
    held = record.get(kind.custom) or {}
    if kind is TICKETS:
        held = {str(one["id"]): one["value"] for one in held}
    if kind.name not in KINDS:
        held = defaultdict(lambda: None, held)
    values: dict[str, FieldValue] = {}
    for name in want:
        definition = known[name]
        if definition.native_type == SENT_ONLY:
            continue
        is_attribute = definition.native_type == "attribute"
        raw = record[name] if is_attribute else held[name.removeprefix(f"{kind.custom}.")]
        values[name] = read(definition.type, raw)
    return values


def read(kind: FieldType, raw: Any) -> FieldValue:  # noqa: ANN401 - JSON
    """One value of an answer in its canonical form; an empty text is no value."""
    if raw is None or raw == "":
        return None
    reader = _READERS.get(kind, str)
    value: FieldValue = reader(raw)
    return value


def _form(definition: Field | None, value: FieldValue) -> Any:  # noqa: ANN401 - JSON
    kind = definition.type if definition else FieldType.TEXT
    if value is None:
        return {FieldType.BOOLEAN: False, FieldType.MULTI_CHOICE: []}.get(kind)
    if isinstance(value, tuple):
        return list(value)
    if kind is FieldType.REFERENCE and str(value).isdigit():
        return int(str(value))
    return value


def _by_number(custom: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"id": int(number), "value": value} for number, value in custom.items()]


def _integer(raw: Any) -> int:  # noqa: ANN401 - JSON
    return int(Decimal(str(raw)))


def _number(raw: Any) -> str:  # noqa: ANN401 - JSON
    try:
        exact = Decimal(str(raw))
    except InvalidOperation:
        return str(raw)
    text = f"{exact:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _boolean(raw: Any) -> bool:  # noqa: ANN401 - JSON
    return raw is True or str(raw).lower() == "true"


def _date(raw: Any) -> str:  # noqa: ANN401 - JSON
    """Dates are read back with or without a midnight (unverified which)."""
    return str(raw)[:10]


def _datetime(raw: Any) -> str:  # noqa: ANN401 - JSON
    return re.sub(r"(\.\d+)?(\+00:00|Z)$", "Z", str(raw))


def _choices(raw: Any) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    return tuple(str(one) for one in raw) if isinstance(raw, list) else (str(raw),)


_READERS: Mapping[FieldType, Any] = {
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.MULTI_CHOICE: _choices,
}
