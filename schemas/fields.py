"""The vocabulary all three folders share: what a CRM field is, and what a value in it looks like.
Pure.

A value is canonical when it is the JSON-native form of its type, whatever the CRM's own form:

    TEXT LONG_TEXT EMAIL PHONE URL CHOICE REFERENCE   str (CHOICE: the option's value, never its
    label) INTEGER                                           int
    NUMBER                                            decimal string ("12.50"), never a float
    BOOLEAN                                           bool
    DATE / DATETIME                                   "YYYY-MM-DD" / "YYYY-MM-DDTHH:MM:SSZ" (UTC)
    MULTI_CHOICE                                      tuple of option values
    any type                                          None clears the field

So values travel through JSON unchanged (a tuple as a list), compare by ==, and only an adapter
knows the CRM's form.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

FieldValue: TypeAlias = str | int | bool | tuple[str, ...] | None


class FieldType(StrEnum):
    """What a value means, apart from how one CRM spells it."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    REFERENCE = "reference"
    OTHER = "other"  # seen in the CRM, not writable through a mapping


@dataclass(frozen=True, slots=True)
class Option:
    """One allowed value of a choice field."""

    value: str
    label: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class RecordType:
    """One kind of an entity's records, where a CRM has such kinds; each may offer fewer options of
    a choice field. `id` is the CRM's own, `default` what a new record is without being told.
    """

    id: str
    name: str
    label: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a CRM entity as the CRM describes it.

    `name` is the API name. `max_length` counts characters, `max_digits` the digits of a number in
    all and `max_scale` those behind the decimal sign; None means the CRM states no limit. `closed`
    says that a value outside `options` is refused. `required` is what a create must carry.
    `identifies` says that a record can be found by it. `offered`: (name of a record type, values it
    offers), only for those that offer fewer than all active options.
    """

    name: str
    label: str
    type: FieldType
    native_type: str = ""
    max_length: int | None = None
    max_digits: int | None = None
    max_scale: int | None = None
    options: tuple[Option, ...] = ()
    closed: bool = True
    required: bool = False
    creatable: bool = True
    updatable: bool = True
    unique: bool = False
    identifies: bool = False
    offered: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def offered_by(self) -> dict[str, tuple[str, ...]]:
        """The values each record type offers, of those that offer fewer than all."""
        return dict(self.offered)


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record in a CRM with its fields, as downloaded. `record_types`: those in use."""

    name: str
    label: str
    fields: tuple[Field, ...]
    custom: bool = False
    record_types: tuple[RecordType, ...] = ()
    # Asked for every row of a batch, and a CRM's contact has some hundred fields.
    _by_name: Mapping[str, Field] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {one.name: one for one in self.fields})

    def field(self, name: str) -> Field | None:
        """The field of that API name, None when the CRM has no such field (any more)."""
        return self._by_name.get(name)

    def by_name(self) -> Mapping[str, Field]:
        """The fields keyed by API name."""
        return self._by_name


def entity_to_json(entity: Entity) -> dict[str, Any]:
    """The entity as JSON-native values; `entity_from_json` is its inverse."""
    stored: dict[str, Any] = {
        "name": entity.name,
        "label": entity.label,
        "custom": entity.custom,
        "fields": [_field_to_json(one) for one in entity.fields],
    }
    if entity.record_types:
        stored["record_types"] = [
            [one.id, one.name, one.label, one.default] for one in entity.record_types
        ]
    return stored


def entity_from_json(stored: Mapping[str, Any]) -> Entity:
    """The entity that `entity_to_json` stored. Unknown keys of a later version are ignored."""
    return Entity(
        name=stored["name"],
        label=stored["label"],
        custom=stored.get("custom", False),
        fields=tuple(_field_from_json(one) for one in stored["fields"]),
        record_types=tuple(RecordType(*one) for one in stored.get("record_types", ())),
    )


def canonical(value: object) -> FieldValue:
    """A value read from JSON in its canonical form: lists become tuples, everything else stays."""
    if isinstance(value, list | tuple):
        return tuple(str(one) for one in value)
    if value is None or isinstance(value, str | bool | int):
        return value
    kind = type(value).__name__
    message = f"a value of kind {kind} is not canonical"
    raise TypeError(message)


_FIELD_DEFAULTS = {
    name: definition.default
    for name, definition in Field.__dataclass_fields__.items()
    if name not in {"name", "label", "type", "options", "offered"}
}


def _field_to_json(one: Field) -> dict[str, Any]:
    stored: dict[str, Any] = {"name": one.name, "label": one.label, "type": one.type.value}
    # Only what differs from the default is stored: a Contact with 500 fields stays a small
    # document.
    stored.update(
        {
            key: getattr(one, key)
            for key, default in _FIELD_DEFAULTS.items()
            if getattr(one, key) != default
        }
    )
    if one.options:
        stored["options"] = [[option.value, option.label, option.active] for option in one.options]
    if one.offered:
        stored["offered"] = [[record_type, list(values)] for record_type, values in one.offered]
    return stored


def _field_from_json(stored: Mapping[str, Any]) -> Field:
    known = {key: stored[key] for key in _FIELD_DEFAULTS if key in stored}
    options = tuple(
        Option(value, label, active) for value, label, active in stored.get("options", ())
    )
    offered = tuple((record_type, tuple(of)) for record_type, of in stored.get("offered", ()))
    kind = FieldType(stored["type"])
    return Field(stored["name"], stored["label"], kind, options=options, offered=offered, **known)


__all__ = [
    "Entity",
    "Field",
    "FieldType",
    "FieldValue",
    "Option",
    "RecordType",
    "canonical",
    "entity_from_json",
    "entity_to_json",
]
