"""Splio's shapes: fields and lists of a universe as one entity, values as canonical ones and back.
Pure.

A contact of Splio is told as a whole, with its custom fields and the lists it is on. A list is a
yes/no field here (`list_25`): so a subscription has a before and an after like any other value.
What cannot be understood raises Unreadable: the caller knows what that means for the call at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.fields import Entity, Field, FieldType, FieldValue

CONTACT = "contacts"
LIST, CUSTOM = "list_", "c"
# The names of a universe's unique key are those of fields: email, cellphone or c0, c1...
PLAIN: Mapping[str, tuple[str, FieldType]] = {
    "email": ("E-mail", FieldType.EMAIL),
    "cellphone": ("Cell phone", FieldType.PHONE),
    "firstname": ("First name", FieldType.TEXT),
    "lastname": ("Last name", FieldType.TEXT),
    "language": ("Language", FieldType.TEXT),
}
# Only a field that is created tells its type (vendor's OpenAPI document); a contact tells it beside
# the value. Without one a field holds text, which Splio refuses where it is no text: `wrong_type`.
TYPES: Mapping[str, FieldType] = {
    "date": FieldType.DATE,
    "int": FieldType.INTEGER,
    "double": FieldType.NUMBER,
}
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?: 00:00:00)?")
_CUSTOM = re.compile(r"c(\d{1,9})")
_LIST = re.compile(r"list_(\d{1,9})")


class Unreadable(ValueError):
    """An answer that is not what Splio's documentation shows."""


def entity_of(
    fields: Iterable[Mapping[str, Any]], lists: Iterable[Mapping[str, Any]], *, unique_key: str
) -> Entity:
    """The contact: its own fields, the universe's custom ones, and a yes/no for each list."""
    own = [
        _keyed(Field(name, label, type_, native_type="system"), unique_key)
        for name, (label, type_) in PLAIN.items()
    ]
    # The system's are told among the custom ones; they have no number of their own.
    custom = [_keyed(_custom(one), unique_key) for one in fields if not one.get("is_system")]
    subscribed = [
        Field(
            f"{LIST}{_number(one.get('id'))}",
            f"On the list: {one.get('name')}",
            FieldType.BOOLEAN,
            native_type="list",
        )
        for one in lists
    ]
    return Entity(CONTACT, "Contact", (*own, *custom, *subscribed))


def _custom(told: Mapping[str, Any]) -> Field:
    native = str(told.get("data_type") or "text")
    name = f"{CUSTOM}{_number(told.get('id'))}"
    label = str(told.get("label") or told.get("name") or name)
    return Field(name, label, TYPES.get(native, FieldType.TEXT), native_type=native)


def _keyed(field: Field, unique_key: str) -> Field:
    """The unique key finds a contact, must be given to make one, and can never be changed."""
    if field.name != unique_key:
        return field
    return Field(
        field.name,
        field.label,
        field.type,
        native_type=field.native_type,
        required=True,
        updatable=False,
        unique=True,
        identifies=True,
    )


def _number(told: object) -> int:
    if isinstance(told, bool) or not isinstance(told, int | str) or not str(told).isdigit():
        message = "an id is no number"
        raise Unreadable(message)
    return int(told)


def custom_number(name: str) -> int | None:
    """The number of a custom field, None for another field."""
    found = _CUSTOM.fullmatch(name)
    return int(found[1]) if found else None


def list_number(name: str) -> int | None:
    """The number of a list, None for a field that is no list."""
    found = _LIST.fullmatch(name)
    return int(found[1]) if found else None


def body_of(values: Mapping[str, FieldValue], entity: Entity) -> dict[str, Any]:
    """What a create or a change carries; lists are not in it."""
    body: dict[str, Any] = {}
    custom = []
    for name, value in values.items():
        if list_number(name) is not None:
            continue
        number, native = custom_number(name), _native(entity.field(name), value)
        if number is None:
            body[name] = native
        else:
            custom.append({"id": number, "value": native})
    return body | ({"custom_fields": custom} if custom else {})


def lists_of(values: Mapping[str, FieldValue]) -> tuple[list[int], list[int]]:
    """The lists to join and those to leave."""
    told = [(list_number(name), value) for name, value in values.items()]
    numbered = [(number, value) for number, value in told if number is not None]
    return [one for one, value in numbered if value], [one for one, value in numbered if not value]


def _native(field: Field | None, value: FieldValue) -> str:
    if value is None:
        return ""
    if field is not None and field.type is FieldType.DATE:
        return f"{value} 00:00:00"
    return str(value)


def values_of(
    told: Mapping[str, Any], names: Iterable[str], entity: Entity
) -> dict[str, FieldValue]:
    """A contact's values of these fields. Raises Unreadable."""
    custom = {_number(one.get("id")): one.get("value") for one in _objects(told, "custom_fields")}
    joined = {_number(one.get("id")) for one in _objects(told, "lists")}
    found: dict[str, FieldValue] = {}
    for name in names:
        number, listed = custom_number(name), list_number(name)
        if listed is not None:
            found[name] = listed in joined
            continue
        raw = told.get(name) if number is None else custom.get(number)
        found[name] = _canonical(entity.field(name), raw)
    return found


def _objects(told: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = told.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        message = f"{name} is no list of objects"
        raise Unreadable(message)
    return found


def _canonical(field: Field | None, raw: object) -> FieldValue:
    if raw is None or raw == "":
        return None
    text = str(raw)
    kind = field.type if field else FieldType.TEXT
    try:
        if kind is FieldType.INTEGER:
            return int(text)
        if kind is FieldType.NUMBER:
            return f"{Decimal(text).normalize():f}"
    except (ValueError, InvalidOperation):
        return text  # what a colleague put there before the field had this type
    day = _DAY.fullmatch(text) if kind is FieldType.DATE else None
    return day[1] if day else text
