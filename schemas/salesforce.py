"""Salesforce's shapes: describes as entities, values as canonical ones, row results, pages. Pure.

Numbers arrive as doubles (9.0 for a field without decimals), so JSON must be read with
`parse_float=Decimal`. What cannot be understood raises Unreadable: the caller knows what that means
for the call at hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.fields import Entity, Field, FieldType, FieldValue, Option

# The field types of the describe result (SOAP API Developer Guide, "Field Types"; unverified list).
TYPES: Mapping[str, FieldType] = {
    "string": FieldType.TEXT,
    "combobox": FieldType.TEXT,
    "encryptedstring": FieldType.TEXT,
    "textarea": FieldType.LONG_TEXT,
    "email": FieldType.EMAIL,
    "phone": FieldType.PHONE,
    "url": FieldType.URL,
    "boolean": FieldType.BOOLEAN,
    "int": FieldType.INTEGER,
    "long": FieldType.INTEGER,
    "double": FieldType.NUMBER,
    "currency": FieldType.NUMBER,
    "percent": FieldType.NUMBER,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "picklist": FieldType.CHOICE,
    "multipicklist": FieldType.MULTI_CHOICE,
    "reference": FieldType.REFERENCE,
    "id": FieldType.REFERENCE,
}
SEPARATOR = ";"
_TEXTS = frozenset(
    {FieldType.TEXT, FieldType.LONG_TEXT, FieldType.EMAIL, FieldType.PHONE, FieldType.URL}
)
# The API name of an object or field, with a namespace in front for packages.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
RECORD_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
SHORT_ID = 15


class Unreadable(ValueError):
    """An answer that is not what the documentation and the recordings show."""


# --- describes ------------------------------------------------------------------------------------


def entity_of(described: Mapping[str, Any]) -> Entity:
    """The entity of one object's describe. Raises Unreadable."""
    try:
        return Entity(
            name=str(described["name"]),
            label=str(described["label"]),
            custom=bool(described["custom"]),
            fields=tuple(field_of(one) for one in described["fields"]),
        )
    except (KeyError, TypeError, AttributeError) as exc:
        message = "the describe answer lacks a part"
        raise Unreadable(message) from exc


def field_of(described: Mapping[str, Any]) -> Field:
    """One field of a describe."""
    kind = TYPES.get(described["type"], FieldType.OTHER)
    scale = int(described.get("scale") or 0)
    # A number without decimals is a whole number to whoever fills the mapping in.
    if kind is FieldType.NUMBER and scale == 0:
        kind = FieldType.INTEGER
    numeric = kind in {FieldType.INTEGER, FieldType.NUMBER}
    digits = int(described.get("precision") or described.get("digits") or 0)
    may_create = bool(described.get("createable"))
    may_be_empty = described.get("nillable", True) or described.get("defaultedOnCreate", False)
    external = bool(described.get("externalId"))
    return Field(
        name=str(described["name"]),
        label=str(described["label"]),
        type=kind,
        native_type=str(described["type"]),
        max_length=int(described.get("length") or 0) or None if kind in _TEXTS else None,
        max_digits=digits or None if numeric else None,
        max_scale=scale if kind is FieldType.NUMBER else None,
        options=tuple(_option(one) for one in described.get("picklistValues") or ()),
        closed=bool(described.get("restrictedPicklist")),
        required=may_create and not may_be_empty,
        creatable=may_create,
        updatable=bool(described.get("updateable")),
        unique=bool(described.get("unique")),
        identifies=external or bool(described.get("idLookup")),
    )


def _option(told: Mapping[str, Any]) -> Option:
    value = str(told["value"])
    return Option(value, str(told.get("label") or value), active=bool(told.get("active", True)))


# --- values ---------------------------------------------------------------------------------------


def to_native(definition: Field | None, value: FieldValue) -> str | int | float | bool | None:
    """A canonical value as Salesforce's JSON takes it; None clears."""
    if value is None:
        # A checkbox has no third state; Salesforce refuses null there.
        cleared = definition is not None and definition.type is FieldType.BOOLEAN
        return False if cleared else None
    if isinstance(value, tuple):
        return SEPARATOR.join(value)
    if definition is not None and definition.type is FieldType.NUMBER:
        return _json_number(str(value))
    return value


def from_native(definition: Field | None, value: object) -> FieldValue:
    """What Salesforce's JSON holds as a canonical value. Raises Unreadable."""
    if value is None:
        return None
    kind = FieldType.OTHER if definition is None else definition.type
    try:
        return _READERS.get(kind, _as_text)(value)
    except (ValueError, TypeError, InvalidOperation) as exc:
        message = f"a value of kind {type(value).__name__} stands in a field of type {kind.value}"
        raise Unreadable(message) from exc


def moment_of(value: object) -> datetime | None:
    """A time such as 2026-11-22T04:30:00.000+0000; None for anything else."""
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError:
        return None


def _json_number(text: str) -> int | float:
    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _as_text(value: object) -> FieldValue:
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        # A field that was made after the download still compares: 9.0 is the 9 we wrote.
        return int(value)
    # Compound fields (addresses) and numbers of unknown fields: readable, never written back.
    return str(value)


def _as_integer(value: object) -> int:
    exact = Decimal(str(value))
    if exact != exact.to_integral_value():
        raise ValueError
    return int(exact)


def _as_number(value: object) -> str:
    exact = Decimal(str(value)).normalize()
    return f"{exact:f}"


def _as_boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _as_moment(value: object) -> str:
    return f"{datetime.fromisoformat(str(value)).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _as_choices(value: object) -> tuple[str, ...]:
    if not isinstance(value, str):
        raise TypeError
    return tuple(one for one in value.split(SEPARATOR) if one)


def _as_lines(value: object) -> str:
    # Salesforce gives line breaks back as carriage return and line feed, however they were sent.
    return str(value).replace("\r\n", "\n")


_READERS: Mapping[FieldType, Callable[[object], FieldValue]] = {
    FieldType.INTEGER: _as_integer,
    FieldType.NUMBER: _as_number,
    FieldType.BOOLEAN: _as_boolean,
    FieldType.DATETIME: _as_moment,
    FieldType.MULTI_CHOICE: _as_choices,
    FieldType.LONG_TEXT: _as_lines,
}


# --- answers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error, of a row (`statusCode`) or a whole request (`errorCode`). The message may hold
    values: it is never shown as it is.
    """

    code: str
    message: str = ""
    fields: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row of a collections call."""

    remote_id: str | None
    done: bool
    created: bool
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a query's records. `next_url` is None on the last one."""

    records: tuple[Mapping[str, Any], ...]
    next_url: str | None


def row_results(answer: object, count: int) -> tuple[RowResult, ...]:
    """One result per row, in order. Raises Unreadable when there are not exactly `count`."""
    if not isinstance(answer, list) or len(answer) != count:
        message = "the answer does not hold one result per row"
        raise Unreadable(message)
    return tuple(_row_result(one) for one in answer)


def complaints_in(answer: object) -> tuple[Complaint, ...]:
    """The errors of a refused request: a list of them, or a bare one; () for anything else."""
    told = answer if isinstance(answer, list) else [answer]
    return tuple(_complaint(one) for one in told if isinstance(one, dict))


def complaint_of(text: str, *, renamed: Callable[[str], str]) -> Complaint:
    """The error of a bulk job's row, `CODE:message:fields --`; `renamed` gives a field's name."""
    code, _, rest = text.partition(":")
    message, _, names = rest.rpartition(":")
    told = (one.strip() for one in names.removesuffix("--").split(","))
    fields = tuple(renamed(one) for one in told if NAME.fullmatch(one))
    return Complaint(code.strip() or "UNKNOWN", message or rest, fields)


def page_of(answer: object) -> Page:
    """A query's page. Raises Unreadable."""
    if not isinstance(answer, dict) or not isinstance(answer.get("records"), list):
        message = "the answer is no page of a query"
        raise Unreadable(message)
    if answer.get("done", True):
        return Page(tuple(answer["records"]), None)
    next_url = str(answer.get("nextRecordsUrl"))
    if not next_url.startswith("/services/data/"):
        message = "the next page is not where pages are"
        raise Unreadable(message)
    return Page(tuple(answer["records"]), next_url)


def _row_result(told: object) -> RowResult:
    if not isinstance(told, dict) or not isinstance(told.get("success"), bool):
        message = "a row's result does not say whether it succeeded"
        raise Unreadable(message)
    remote_id = told.get("id")
    if told["success"] and not isinstance(remote_id, str):
        message = "a written row has no id"
        raise Unreadable(message)
    complaints = tuple(_complaint(one) for one in told.get("errors") or ())
    return RowResult(remote_id, told["success"], bool(told.get("created")), complaints)


def _complaint(told: Mapping[str, Any]) -> Complaint:
    result = told.get("duplicateResult")
    return Complaint(
        code=str(told.get("statusCode") or told.get("errorCode") or "UNKNOWN"),
        message=str(told.get("message") or ""),
        fields=tuple(str(one) for one in told.get("fields") or ()),
        matches=_matches(result) if isinstance(result, dict) else (),
    )


def _matches(result: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        str(record["record"]["Id"])
        for found in result.get("matchResults") or ()
        for record in found.get("matchRecords") or ()
    )
