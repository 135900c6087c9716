"""Adobe Campaign's shapes: the profile's metadata and the services as one entity, values as
canonical ones and back. Pure.

A service is a yes/no field here (`service_SVC1`), so that a subscription has a before and an after
like any other value. It goes by the service's own name: primary keys are another instance's
business. What cannot be understood raises Unreadable: the caller knows what that means for the call
at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.fields import Entity, Field, FieldType, FieldValue, Option

PROFILE, SERVICE = "profile", "service_"
EMAIL = "email"
# The technical types (`resType`) of the metadata; those that are not here cannot be written.
TYPES: Mapping[str, FieldType] = {
    "string": FieldType.TEXT,
    "memo": FieldType.LONG_TEXT,
    "long": FieldType.INTEGER,
    "short": FieldType.INTEGER,
    "byte": FieldType.INTEGER,
    "int64": FieldType.INTEGER,
    "double": FieldType.NUMBER,
    "float": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "datetimetz": FieldType.DATETIME,
}
POLICIES: Mapping[str, FieldType] = {"email": FieldType.EMAIL, "phone": FieldType.PHONE}
COUNTED = frozenset({FieldType.INTEGER, FieldType.NUMBER, FieldType.BOOLEAN})
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.\d+)?Z?")


class Unreadable(ValueError):
    """An answer that is not what Adobe's documentation shows."""


def entity_of(
    metadata: Mapping[str, Any], services: Iterable[Mapping[str, Any]], *, custom_key: str | None
) -> Entity:
    """The profile: what the instance's metadata describes, and a yes/no for each service."""
    content = metadata.get("content")
    if not isinstance(content, dict) or not all(isinstance(one, dict) for one in content.values()):
        message = "the metadata holds no content"
        raise Unreadable(message)
    own = [_field(name, told, custom_key) for name, told in content.items()]
    subscribed = [
        Field(
            f"{SERVICE}{service_name(one)}",
            f"Subscribed to: {one.get('label') or one.get('name')}",
            FieldType.BOOLEAN,
            native_type="service",
        )
        for one in services
    ]
    return Entity(PROFILE, "Profile", (*own, *subscribed))


def _field(name: str, told: Mapping[str, Any], custom_key: str | None) -> Field:
    name = str(told.get("apiName") or name)
    kind = _type(told)
    read_only = bool(told.get("readOnly")) or kind is FieldType.OTHER
    is_key = name == custom_key
    longest = told.get("length") or told.get("size")
    return Field(
        name,
        str(told.get("label") or name),
        kind,
        native_type=str(told.get("resType") or told.get("type") or ""),
        max_length=longest if isinstance(longest, int) and longest > 0 else None,
        options=_options(told) if kind is FieldType.CHOICE else (),
        required=bool(told.get("mandatory")) or is_key,
        creatable=not read_only,
        # A key cannot be changed by the address that it is a part of (vendor's "must read").
        updatable=not read_only and not is_key,
        unique=is_key,
        identifies=is_key or name == EMAIL,
    )


def _type(told: Mapping[str, Any]) -> FieldType:
    if told.get("type") in {"link", "collection"}:
        return FieldType.OTHER
    if told.get("type") == "enumeration":
        return FieldType.CHOICE
    kind = TYPES.get(str(told.get("resType") or told.get("type")), FieldType.OTHER)
    if kind is not FieldType.TEXT:
        return kind
    return POLICIES.get(str(told.get("dataPolicy")), kind)


def _options(told: Mapping[str, Any]) -> tuple[Option, ...]:
    """By their names, which is what a write takes."""
    values = told.get("values") or {}
    if not isinstance(values, dict):
        message = "the values of an enumeration are no object"
        raise Unreadable(message)
    labels = (
        (name, one.get("label") if isinstance(one, dict) else one) for name, one in values.items()
    )
    return tuple(Option(name, str(label or name)) for name, label in labels)


def service_name(told: Mapping[str, Any]) -> str:
    """The name a service is known by. Raises Unreadable."""
    name = told.get("name")
    if not isinstance(name, str) or not name:
        message = "a service without a name"
        raise Unreadable(message)
    return name


def service_of(field: str) -> str | None:
    """The service whose field this is; None for a field of the profile's own."""
    return field.removeprefix(SERVICE) if field.startswith(SERVICE) else None


def body_of(values: Mapping[str, FieldValue], entity: Entity) -> dict[str, Any]:
    """What a create or a change carries; services are not in it."""
    own = {name: one for name, one in values.items() if service_of(name) is None}
    return {name: _native(entity.field(name), one) for name, one in own.items()}


def _native(field: Field | None, value: FieldValue) -> Any:  # noqa: ANN401 - JSON
    kind = field.type if field else FieldType.TEXT
    if value is None:
        return None if kind in COUNTED else ""
    return float(str(value)) if kind is FieldType.NUMBER else value


def values_of(
    told: Mapping[str, Any], names: Iterable[str], entity: Entity
) -> dict[str, FieldValue]:
    """A profile's own values of these fields; services are left out. Raises Unreadable."""
    own = [name for name in names if service_of(name) is None]
    return {name: _canonical(entity.field(name), told.get(name)) for name in own}


def _canonical(field: Field | None, raw: object) -> FieldValue:
    if raw is None or raw == "":
        return None
    kind = field.type if field else FieldType.TEXT
    if isinstance(raw, dict | list):
        message = "a value is no single value"
        raise Unreadable(message)
    try:
        read: FieldValue = _READ.get(kind, str)(raw)
    except (ValueError, InvalidOperation) as exc:
        message = "a value is not of its field's type"
        raise Unreadable(message) from exc
    return read


def _moment(raw: object) -> str:
    found = _STAMP.fullmatch(str(raw))
    if found is None:
        return datetime.fromisoformat(str(raw)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{found[1]}T{found[2]}Z"


def _truth(raw: object) -> bool:
    return raw if isinstance(raw, bool) else str(raw).lower() in {"true", "1"}


_READ: Mapping[FieldType, Any] = {
    FieldType.INTEGER: lambda raw: int(str(raw)),
    FieldType.NUMBER: lambda raw: f"{Decimal(str(raw)).normalize():f}",
    FieldType.BOOLEAN: _truth,
    FieldType.DATE: lambda raw: str(raw)[:10],
    FieldType.DATETIME: _moment,
}
