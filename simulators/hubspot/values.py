"""How HubSpot takes a property value: what it refuses, and what it stores. Pure.

Values arrive and are kept as text. Sources: the vendor's CRM properties guide; codes that the guide
does not name are unverified.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

TEXT_LIMIT = 65_536
DAY_MS = 86_400_000
INVALID_DATE = "INVALID_DATE"
INVALID_EMAIL = "INVALID_EMAIL"
INVALID_INTEGER = "INVALID_INTEGER"
INVALID_OPTION = "INVALID_OPTION"
INVALID_OWNER = "INVALID_OWNER_ID"
# The users of the portal who may own a record, by their owner ids.
OWNERS = ("4100", "4101")
PROPERTY_VALUE_TOO_LONG = "PROPERTY_VALUE_TOO_LONG"
_EMAIL = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\"]+\.[^@\s.,;<>()\"]+")
_MILLIS = re.compile(r"-?[0-9]{1,15}")


class Refused(Exception):
    """A value that the property does not take: HubSpot's code, and its sentence."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(error)
        self.error = error
        self.message = message


def stored(definition: Mapping[str, Any], value: str, before: str) -> str:
    """What the property holds after `value` was written over `before`. Raises Refused."""
    if value == "":
        return ""
    if definition["name"] == "email":
        return _email(definition, value, before)
    take = _BY_TYPE.get(definition["type"], _text)
    return take(definition, value, before)


def refused(error: str, message: str) -> Refused:
    """The exception for a refused value."""
    return Refused(error, message)


def _text(definition: Mapping[str, Any], value: str, _before: str) -> str:
    if len(value) > TEXT_LIMIT:
        told = f"Property {definition['name']} is longer than {TEXT_LIMIT} characters."
        raise refused(PROPERTY_VALUE_TOO_LONG, told)
    return value


def _email(_definition: Mapping[str, Any], value: str, _before: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise refused(INVALID_EMAIL, f"Email address {value} is invalid")
    return value.lower()


def _number(_definition: Mapping[str, Any], value: str, _before: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise refused(INVALID_INTEGER, f"{value} was not a valid number.") from None
    if not number.is_finite() or "_" in value or value != value.strip():
        raise refused(INVALID_INTEGER, f"{value} was not a valid number.")
    return value


def _bool(_definition: Mapping[str, Any], value: str, _before: str) -> str:
    if value.lower() not in {"true", "false"}:
        told = f"{value} was not one of the allowed options: [true, false]"
        raise refused(INVALID_OPTION, told)
    return value.lower()


def _date(_definition: Mapping[str, Any], value: str, _before: str) -> str:
    """A day, or midnight UTC in milliseconds."""
    if _MILLIS.fullmatch(value) and int(value) % DAY_MS == 0:
        return datetime.fromtimestamp(int(value) / 1000, tz=UTC).date().isoformat()
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise refused(INVALID_DATE, f"{value} was not a valid date.") from None


def _datetime(_definition: Mapping[str, Any], value: str, _before: str) -> str:
    """ISO 8601 with a zone, or milliseconds."""
    try:
        if _MILLIS.fullmatch(value):
            at = datetime.fromtimestamp(int(value) / 1000, tz=UTC)
        else:
            at = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        raise refused(INVALID_DATE, f"{value} was not a valid date time.") from None
    if at.tzinfo is None:
        raise refused(INVALID_DATE, f"{value} was not a valid date time.")
    return instant(at)


def instant(at: datetime) -> str:
    """A time as HubSpot writes it: milliseconds only where there are any."""
    at = at.astimezone(UTC)
    precision = "milliseconds" if at.microsecond >= 1000 else "seconds"
    return at.isoformat(timespec=precision).replace("+00:00", "Z")


def _enumeration(definition: Mapping[str, Any], value: str, before: str) -> str:
    if definition.get("referencedObjectType") == "OWNER" and value not in OWNERS:
        # Unverified, as is the word for it: an owner who is not there may be taken as well.
        raise refused(INVALID_OWNER, f"Owner {value} does not exist")
    if definition.get("externalOptions"):
        return value
    allowed = [one["value"] for one in definition["options"]]
    if definition["fieldType"] != "checkbox":
        _allowed(definition, [value], allowed)
        return value
    added = [one for one in value.split(";") if one]
    _allowed(definition, added, allowed)
    kept = [one for one in before.split(";") if one] if value.startswith(";") else []
    return ";".join(dict.fromkeys([*kept, *added]))


def _allowed(definition: Mapping[str, Any], values: list[str], allowed: list[str]) -> None:
    for one in values:
        if one not in allowed:
            told = f"{one} was not one of the allowed options: {definition['options']}"
            raise refused(INVALID_OPTION, told)


_BY_TYPE: dict[str, Callable[[Mapping[str, Any], str, str], str]] = {
    "string": _text,
    "phone_number": _text,
    "number": _number,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "enumeration": _enumeration,
}
