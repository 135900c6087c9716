"""What Salesforce does to a value that is written: stores it in its own form, or refuses the row.

Texts lose the white space around them and become null when nothing is left; numbers come back as
doubles (9 -> 9.0); multi-select values come back in the order of the definition. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from simulators.salesforce.field import FieldShape
from simulators.salesforce.ids import LONG

MAX_CHOICES = 100
MAX_CHOICE_LENGTH = 255
_EMAIL = re.compile(r"[^@\s,;<>()]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
_TRUTH = {"true": True, "false": False}


class Code(StrEnum):
    """The error codes the simulator itself has reason to give; a fault may give any other."""

    CANNOT_UPDATE_CONVERTED_LEAD = "CANNOT_UPDATE_CONVERTED_LEAD"
    DUPLICATES_DETECTED = "DUPLICATES_DETECTED"
    DUPLICATE_VALUE = "DUPLICATE_VALUE"
    ENTITY_IS_DELETED = "ENTITY_IS_DELETED"
    FIELD_INTEGRITY_EXCEPTION = "FIELD_INTEGRITY_EXCEPTION"
    INACTIVE_OWNER_OR_USER = "INACTIVE_OWNER_OR_USER"
    INVALID_CROSS_REFERENCE_KEY = "INVALID_CROSS_REFERENCE_KEY"
    INVALID_EMAIL_ADDRESS = "INVALID_EMAIL_ADDRESS"
    INVALID_FIELD = "INVALID_FIELD"
    INVALID_FIELD_FOR_INSERT_UPDATE = "INVALID_FIELD_FOR_INSERT_UPDATE"
    INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    INVALID_TYPE = "INVALID_TYPE"
    INVALID_TYPE_ON_FIELD_IN_RECORD = "INVALID_TYPE_ON_FIELD_IN_RECORD"
    MALFORMED_ID = "MALFORMED_ID"
    MALFORMED_QUERY = "MALFORMED_QUERY"
    NUMBER_OUTSIDE_VALID_RANGE = "NUMBER_OUTSIDE_VALID_RANGE"
    REQUIRED_FIELD_MISSING = "REQUIRED_FIELD_MISSING"
    STRING_TOO_LONG = "STRING_TOO_LONG"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One entry of a row's `errors` or, renamed, of a whole request's."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def in_row(self) -> dict[str, Any]:
        """As a row of a batch says it: `statusCode`."""
        answer = {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}
        return {**answer, **self.more}

    def in_request(self) -> dict[str, Any]:
        """As a whole request says it: `errorCode`."""
        answer = {"message": self.message, "errorCode": self.code, "fields": list(self.fields)}
        return {**answer, **self.more}


class RowRefused(Exception):
    """Salesforce does not take this row; nothing of it was applied."""

    def __init__(self, *complaints: Complaint) -> None:
        super().__init__(complaints[0].code)
        self.complaints = complaints


def refuse(code: Code, message: str, *fields: str, **more: Any) -> RowRefused:
    """One complaint, ready to be raised."""
    return RowRefused(Complaint(code.value, message, fields, more))


def taken(shape: FieldShape, value: Any) -> Any:
    """The value as the field stores it. Raises RowRefused. References are the store's business."""
    if value is None or value == "":
        return _nothing(shape)
    return _TAKERS.get(shape.type, _text)(shape, value)


def moment(value: datetime) -> str:
    """A time as Salesforce writes it in JSON."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}+0000"


def _nothing(shape: FieldShape) -> Any:
    if shape.type == "boolean":
        raise _wrong_type(shape, "null")
    if not shape.nillable:
        raise _missing(shape)
    return None


def _text(shape: FieldShape, value: Any) -> Any:
    if not isinstance(value, str):
        raise _wrong_type(shape, value)
    text = value.strip()
    if not text:
        return _nothing(shape)
    if shape.length and len(text) > shape.length:
        message = f"{shape.label}: data value too large: {text} (max length={shape.length})"
        raise refuse(Code.STRING_TOO_LONG, message, shape.name)
    return text


def _lines(shape: FieldShape, value: Any) -> Any:
    text = _text(shape, value)
    # Line breaks of text areas come back as carriage return and line feed (unverified).
    return text if text is None else text.replace("\r\n", "\n").replace("\n", "\r\n")


def _email(shape: FieldShape, value: Any) -> Any:
    text = _text(shape, value)
    if text is not None and not _EMAIL.fullmatch(text):
        message = f"{shape.label}: invalid email address: {text}"
        raise refuse(Code.INVALID_EMAIL_ADDRESS, message, shape.name)
    return text


def _choice(shape: FieldShape, value: Any) -> Any:
    text = _text(shape, value)
    if text is not None and shape.restricted and text not in shape.values:
        raise bad_choice(shape, text)
    return text


def _choices(shape: FieldShape, value: Any) -> Any:
    text = _text(shape, value)
    if text is None:
        return None
    chosen = list(dict.fromkeys(one.strip() for one in text.split(";") if one.strip()))
    if len(chosen) > MAX_CHOICES or any(len(one) > MAX_CHOICE_LENGTH for one in chosen):
        message = f"{shape.label}: data value too large: {text} (max length={shape.length})"
        raise refuse(Code.STRING_TOO_LONG, message, shape.name)
    strange = [one for one in chosen if one not in shape.values]
    if shape.restricted and strange:
        raise bad_choice(shape, strange[0])
    known = [one for one in shape.values if one in chosen]
    return ";".join(known + strange)


def _number(shape: FieldShape, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _wrong_type(shape, value)
    try:
        exact = Decimal(str(value))
        rounded = exact.quantize(Decimal(1).scaleb(-shape.scale), ROUND_HALF_UP)
    except InvalidOperation as exc:
        raise _wrong_type(shape, value) from exc
    if abs(rounded) >= Decimal(10) ** (shape.precision - shape.scale):
        message = f"{shape.label}: value outside of valid range on numeric field: {value}"
        raise refuse(Code.NUMBER_OUTSIDE_VALID_RANGE, message, shape.name)
    return int(rounded) if shape.type == "int" else float(rounded)


def _boolean(shape: FieldShape, value: Any) -> Any:
    if isinstance(value, bool):
        return value
    truth = _TRUTH.get(value.lower()) if isinstance(value, str) else None
    if truth is None:
        raise _wrong_type(shape, value)
    return truth


def _date(shape: FieldShape, value: Any) -> Any:
    if not isinstance(value, str):
        raise _wrong_type(shape, value)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as exc:
        raise _wrong_type(shape, value) from exc


def _datetime(shape: FieldShape, value: Any) -> Any:
    if not isinstance(value, str) or "T" not in value:
        raise _wrong_type(shape, value)
    try:
        when = datetime.fromisoformat(value)
    except ValueError as exc:
        raise _wrong_type(shape, value) from exc
    if when.tzinfo is None:
        raise _wrong_type(shape, value)
    return moment(when)


def _identifier(shape: FieldShape, value: Any) -> Any:
    if not isinstance(value, str) or len(value) > LONG:
        raise _wrong_type(shape, value)
    return value


def _missing(shape: FieldShape) -> RowRefused:
    message = f"Required fields are missing: [{shape.name}]"
    return refuse(Code.REQUIRED_FIELD_MISSING, message, shape.name)


def _wrong_type(shape: FieldShape, value: Any) -> RowRefused:
    message = f"{shape.label}: value not of required type: {value}"
    return refuse(Code.INVALID_TYPE_ON_FIELD_IN_RECORD, message, shape.name)


def bad_choice(shape: FieldShape, value: str) -> RowRefused:
    """The refusal of an option that a restricted list does not have."""
    message = f"{shape.label}: bad value for restricted picklist field: {value}"
    return refuse(Code.INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST, message, shape.name)


_TAKERS: dict[str, Callable[[FieldShape, Any], Any]] = {
    "textarea": _lines,
    "email": _email,
    "picklist": _choice,
    "multipicklist": _choices,
    "int": _number,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "reference": _identifier,
    "id": _identifier,
}
