"""A database's values as canonical ones and back. Pure.

A time without a zone is taken as UTC, and written so. What does not fit its column raises
ValueError: the caller knows whether that is a refusal or only something that cannot be found.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from schemas.fields import Field, FieldType, FieldValue

# The name of the entity that stands for a person; which table that is, the connection says. No
# table can have this name without being quoted.
CONTACTS = "contact-table"
PRIMARY_KEY = " PRIMARY KEY"


def key_of(fields: tuple[Field, ...]) -> Field:
    """The field that is the table's primary key. Only tables that have one become entities."""
    return next(one for one in fields if one.native_type.endswith(PRIMARY_KEY))


def has_zone(field: Field) -> bool:
    """Whether the column keeps a time with its zone."""
    return "WITH TIME ZONE" in field.native_type or "DATETIMEOFFSET" in field.native_type


def native(field: Field, value: FieldValue) -> Any:  # noqa: ANN401 - what a driver takes
    """A canonical value as a driver takes it. Raises ValueError."""
    if value is None:
        return None
    try:
        return _native(field, value)
    except InvalidOperation as exc:
        message = "no number"
        raise ValueError(message) from exc


def _native(field: Field, value: FieldValue) -> Any:  # noqa: ANN401 - as above
    kind = field.type
    if kind is FieldType.INTEGER:
        return int(str(value))
    if kind is FieldType.NUMBER:
        return Decimal(str(value))
    if kind is FieldType.BOOLEAN:
        return bool(value)
    if kind is FieldType.DATE:
        return date.fromisoformat(str(value))
    if kind is FieldType.DATETIME:
        moment = datetime.fromisoformat(str(value))
        return moment if has_zone(field) else moment.astimezone(UTC).replace(tzinfo=None)
    if field.native_type.startswith("UUID"):
        return str(UUID(str(value)))
    return str(value)


def canonical(field: Field, raw: object) -> FieldValue:
    """What a driver has read, in its canonical form."""
    if raw is None or raw == "":
        return None
    kind = field.type
    if kind is FieldType.BOOLEAN:
        # MySQL's BIT(1) comes as a byte, and a byte of zero is no empty text.
        return any(raw) if isinstance(raw, bytes) else bool(raw)
    if isinstance(raw, int) and kind is FieldType.INTEGER:
        return int(raw)
    if isinstance(raw, int | float | Decimal):
        number = Decimal(str(raw))
        whole = kind is FieldType.INTEGER and number == number.to_integral_value()
        return int(number) if whole else f"{number.normalize():f}"
    if isinstance(raw, datetime):
        return _moment(raw) if kind is FieldType.DATETIME else raw.date().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()
    text = str(raw)
    # A column of a fixed width is filled up with blanks.
    return text.rstrip(" ") if field.native_type.startswith(("CHAR(", "NCHAR(")) else text


def _moment(raw: datetime) -> str:
    aware = raw.replace(tzinfo=UTC) if raw.tzinfo is None else raw.astimezone(UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%SZ")
