"""HubSpot's shapes: its property definitions as entities, its values as canonical ones and back.
Pure.

HubSpot keeps and sends every value as text: `true`, `9.5`, `2026-11-22`, `a;b`; an empty text
clears a property (CRM properties guide, 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from schemas.fields import Entity, Field, FieldType, FieldValue, Option

SEPARATOR = ";"
# Unverified: the limit of a text property that vendor pages name; no attribute tells it.
TEXT_LIMIT = 65_536
EMAIL = "email"
# A property's type and, where that does not say enough, its fieldType.
TYPES: Mapping[tuple[str, str], FieldType] = {
    ("string", "text"): FieldType.TEXT,
    ("string", "textarea"): FieldType.LONG_TEXT,
    ("string", "html"): FieldType.LONG_TEXT,
    ("string", "phonenumber"): FieldType.PHONE,
    # A file property holds ids of HubSpot's own file manager, not a text of ours.
    ("string", "file"): FieldType.OTHER,
    ("phone_number", ""): FieldType.PHONE,
    ("number", ""): FieldType.NUMBER,
    ("date", ""): FieldType.DATE,
    ("datetime", ""): FieldType.DATETIME,
    ("bool", ""): FieldType.BOOLEAN,
    ("enumeration", "checkbox"): FieldType.MULTI_CHOICE,
    ("enumeration", "booleancheckbox"): FieldType.BOOLEAN,
    ("enumeration", ""): FieldType.CHOICE,
    ("string", ""): FieldType.TEXT,
}
_TEXTS = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.PHONE, FieldType.EMAIL})
_MILLIS = re.compile(r"-?[0-9]{6,15}")


def entity_of(
    name: str, definitions: Iterable[Mapping[str, Any]], *, required: Collection[str] = ()
) -> Entity:
    """The entity that HubSpot's property definitions describe. Removed properties are left out.

    `required`: what a new record must carry; it stands in the object schema, not in the properties.
    """
    fields = tuple(
        _field_of(name, one, required) for one in definitions if not one.get("archived", False)
    )
    # Custom objects are named by type id (2-123) or fully qualified (p123_visit).
    custom = name not in {"contacts", "companies", "deals", "tickets"}
    return Entity(name, name if custom else name.capitalize(), fields, custom)


def type_of(definition: Mapping[str, Any]) -> FieldType:
    """What a property's values mean; OTHER for what cannot be written through a mapping."""
    if definition.get("externalOptions"):
        return FieldType.REFERENCE
    kind, shown = str(definition.get("type", "")), str(definition.get("fieldType", ""))
    return TYPES.get((kind, shown)) or TYPES.get((kind, ""), FieldType.OTHER)


def native(value: FieldValue) -> str:
    """A canonical value as HubSpot takes it. Never begins with `;`, which would append."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return SEPARATOR.join(one for one in value if one)
    return str(value)


def canonical_of(kind: FieldType, text: str | None) -> FieldValue:
    """A value as HubSpot tells it in its canonical form; what is empty is None."""
    if text is None or text == "":
        return None
    if kind is FieldType.BOOLEAN:
        return text.lower() == "true"
    if kind is FieldType.MULTI_CHOICE:
        return tuple(one for one in text.split(SEPARATOR) if one)
    if kind is FieldType.DATE:
        return _moment(text)[:10]
    if kind is FieldType.DATETIME:
        return _moment(text)
    return text


def _moment(text: str) -> str:
    """Milliseconds or ISO 8601 as `2026-11-22T10:00:00Z`, a fraction only where there is one."""
    if _MILLIS.fullmatch(text):
        at = datetime.fromtimestamp(int(text) / 1000, tz=UTC)
        precision = "milliseconds" if at.microsecond else "seconds"
        return at.isoformat(timespec=precision).replace("+00:00", "Z")
    return re.sub(r"\.0+Z\Z", "Z", text)


def _field_of(entity: str, one: Mapping[str, Any], required: Collection[str]) -> Field:
    name = str(one["name"])
    is_email = entity == "contacts" and name == EMAIL
    kind = FieldType.EMAIL if is_email else type_of(one)
    locked = one.get("modificationMetadata") or {}
    writable = (
        not locked.get("readOnlyValue", False)
        and not one.get("calculated", False)
        and kind is not FieldType.OTHER
    )
    unique = is_email or bool(one.get("hasUniqueValue", False))
    return Field(
        name=name,
        label=str(one.get("label") or name),
        type=kind,
        native_type=f"{one.get('type', '')}/{one.get('fieldType', '')}",
        max_length=TEXT_LIMIT if kind in _TEXTS else None,
        options=_options_of(one) if kind in {FieldType.CHOICE, FieldType.MULTI_CHOICE} else (),
        closed=kind is not FieldType.REFERENCE,
        required=name in required,
        creatable=writable,
        updatable=writable,
        unique=unique,
        identifies=unique,
    )


def _options_of(one: Mapping[str, Any]) -> tuple[Option, ...]:
    return tuple(
        Option(str(each["value"]), str(each.get("label", "")), not each.get("hidden", False))
        for each in one.get("options") or ()
    )
