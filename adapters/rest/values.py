"""Fields and values of a described app: what its API tells becomes our entity, canonical values
its JSON and back. Pure.

A list that a contact may join is a yes/no field (`list_25`), so that a subscription has a before
and an after like any other value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.rest.templates import JSON, Unfillable, as_text, filled, is_true, picked
from schemas.fields import Entity, Field, FieldType, FieldValue, Option

Document = Mapping[str, Any]
LIST = "list_"
_FORMS: Mapping[FieldType, str] = {
    FieldType.INTEGER: "integer",
    FieldType.NUMBER: "number",
    FieldType.BOOLEAN: "boolean",
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Unreadable(ValueError):
    """An answer that is not what the document says."""


# --- definitions ----------------------------------------------------------------------------------


def own_fields(document: Document) -> list[Field]:
    """The fields that the document itself names."""
    found_by = {one["field"] for one in document["contact"]["find"]}
    return [_own_field(one, found_by) for one in document["contact"]["fields"]]


def _own_field(said: Mapping[str, Any], found_by: set[str]) -> Field:
    options = tuple(Option(one["value"], one["label"]) for one in said.get("options", ()))
    same = ("max_length", "required", "creatable", "updatable", "unique")
    return Field(
        said["name"],
        said["label"],
        said["type"],
        options=options,
        identifies=said["name"] in found_by,
        **{name: said[name] for name in same if name in said},
    )


def told_fields(document: Document, items: Iterable[JSON]) -> list[Field]:
    """The fields that the API tells. Raises Unreadable."""
    told, own = document["contact"]["fields_from"], {one.name for one in own_fields(document)}
    wanted = [one for one in items if "only_if" not in told or is_true(told["only_if"], one)]
    made = [_told_field(document, told, one) for one in wanted]
    return [one for one in made if one.name not in own]


def _told_field(document: Document, told: Mapping[str, Any], item: JSON) -> Field:
    name, native = _text(told["name"], item), _text(told["type"], item)
    kind = document["types"].get(native, {"type": FieldType.OTHER})["type"]
    read_only = "read_only" in told and is_true(told["read_only"], item)
    return Field(
        name,
        _text(told["label"], item),
        kind,
        native_type=native,
        options=_options(told.get("options"), item) if kind in _CHOSEN else (),
        creatable=not read_only,
        updatable=not read_only,
    )


_CHOSEN = frozenset({FieldType.CHOICE, FieldType.MULTI_CHOICE})


def _options(told: Mapping[str, Any] | None, item: JSON) -> tuple[Option, ...]:
    every = _picked(told["each"], item) if told else None
    if told is None or not isinstance(every, list):
        return ()
    return tuple(Option(_text(told["value"], one), _text(told["label"], one)) for one in every)


def list_fields(document: Document, items: Iterable[JSON]) -> list[Field]:
    """A yes/no field for each list. Raises Unreadable."""
    told = document["contact"]["lists_from"]
    return [
        Field(
            f"{LIST}{_text(told['id'], one)}",
            f"On the list: {_text(told['label'], one)}",
            FieldType.BOOLEAN,
            native_type="list",
        )
        for one in items
    ]


def _text(expression: str, item: JSON) -> str:
    value = _picked(expression, item)
    if value in (None, "") or isinstance(value, list | dict):
        message = "the name, type or label of a field is missing in the answer"
        raise Unreadable(message)
    return as_text(value)


def _picked(expression: str, told: JSON) -> JSON:
    try:
        return picked(expression, told)
    except Unfillable as exc:
        raise Unreadable(str(exc)) from exc


# --- writing --------------------------------------------------------------------------------------


def record_of(
    document: Document, values: Mapping[str, FieldValue], entity: Entity
) -> dict[str, Any]:
    """The record that these values make, each at its place; lists are not in it. Raises
    Unfillable.
    """
    record: dict[str, Any] = {}
    for name, value in values.items():
        if list_of(name) is None:
            said = _said(document, name)
            place = said.get("at") or _told_place(document, name, said)
            _put(record, place, _native(document, said, entity.field(name), value))
    return record


def natives_of(
    document: Document, values: Mapping[str, FieldValue], entity: Entity
) -> dict[str, Any]:
    """The same values by the names of their fields, without `write`."""
    return {
        name: _wire(_form(document, _said(document, name), entity.field(name)), value)
        for name, value in values.items()
        if list_of(name) is None
    }


def lists_of(values: Mapping[str, FieldValue]) -> tuple[list[JSON], list[JSON]]:
    """The lists to join and those to leave; a number is told as one."""
    told = [(list_of(name), value) for name, value in values.items()]
    numbered = [(_id(one), value) for one, value in told if one is not None]
    return [one for one, value in numbered if value], [one for one, value in numbered if not value]


def _id(text: str) -> JSON:
    return int(text) if text.isascii() and text.isdigit() else text


def list_of(name: str) -> str | None:
    """The list that a yes/no field stands for, None for another field."""
    return name.removeprefix(LIST) if name.startswith(LIST) else None


def _said(document: Document, name: str) -> Mapping[str, Any]:
    """What the document says of a field; nothing of one that only the API tells."""
    every: Iterable[Mapping[str, Any]] = document.get("contact", {}).get("fields", ())
    return next((one for one in every if one["name"] == name), {})


def _told_place(document: Document, name: str, said: Mapping[str, Any]) -> str:
    told = document.get("contact", {}).get("fields_from")
    escaped = name.replace("~", "~0").replace("/", "~1")
    if said or told is None:
        return f"/{escaped}"
    return as_text(filled(told["at"], {"name": escaped}))


def _put(record: dict[str, Any], pointer: str, value: JSON) -> None:
    *folders, last = [_plain(one) for one in pointer[1:].split("/")]
    for one in folders:
        record = record.setdefault(one, {})
    record[last] = value


def _plain(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _native(
    document: Document, said: Mapping[str, Any], field: Field | None, value: FieldValue
) -> JSON:
    if value is None or value == ():
        return document.get("contact", {}).get("clear")
    wire = _wire(_form(document, said, field), value)
    return filled(said["write"], {"value": wire}) if "write" in said else wire


def _form(document: Document, said: Mapping[str, Any], field: Field | None) -> str:
    """The form in which a field's values travel."""
    kind = field.type if field else FieldType.TEXT
    told = document.get("types", {}).get(field.native_type, {}) if field and not said else said
    return str(told.get("as") or _FORMS.get(kind, "text"))


def _wire(form: str, value: FieldValue) -> JSON:
    if value is None:
        return None
    if isinstance(value, tuple):
        return [_wire(form, one) for one in value]
    if form == "boolean":
        return value in (True, "true")
    if form == "text" or isinstance(value, bool):
        return as_text(value)
    return _number(str(value), form)


def _number(text: str, form: str) -> JSON:
    try:
        number = Decimal(text)
    except InvalidOperation as exc:
        message = "a value is no number, and only numbers can be sent there"
        raise Unfillable(message) from exc
    if number == number.to_integral_value() and abs(number) < 10**15:
        return int(number)
    if form == "integer":
        message = "a value is no whole number, and only such can be sent there"
        raise Unfillable(message)
    return float(number)


# --- reading --------------------------------------------------------------------------------------


def values_of(
    document: Document, record: JSON, names: Iterable[str], entity: Entity
) -> dict[str, FieldValue]:
    """A record's values of these fields. Raises Unreadable."""
    return {name: _value(document, record, name, entity) for name in names}


def _value(document: Document, record: JSON, name: str, entity: Entity) -> FieldValue:
    listed = list_of(name)
    if listed is not None:
        held = _picked(document["contact"]["lists_from"]["held"], record)
        return listed in {as_text(one) for one in held or ()}
    said = _said(document, name)
    if "read" in said:
        raw = _picked(said["read"], record)
    else:
        raw = _at(record, said.get("at") or _told_place(document, name, said))
    field = entity.field(name)
    return _canonical(field.type if field else FieldType.TEXT, raw)


def _at(record: JSON, pointer: str) -> JSON:
    for part in pointer[1:].split("/"):
        record = record.get(_plain(part)) if isinstance(record, Mapping) else None
    return record


def _canonical(kind: FieldType, raw: JSON) -> FieldValue:
    if raw is None or raw == "" or raw == []:
        return () if kind is FieldType.MULTI_CHOICE and raw == [] else None
    try:
        return _READ.get(kind, _as_plain)(raw)
    except (ValueError, TypeError, KeyError, InvalidOperation, Unfillable):
        # What a colleague put there before the field had this type.
        return _as_plain(raw)


def _as_plain(raw: JSON) -> str:
    return json.dumps(raw, ensure_ascii=False) if isinstance(raw, list | dict) else as_text(raw)


def _as_integer(raw: JSON) -> int:
    number = Decimal(as_text(raw))
    if number != number.to_integral_value():
        raise ValueError
    return int(number)


def _as_number(raw: JSON) -> str:
    return f"{Decimal(as_text(raw)).normalize():f}"


def _as_boolean(raw: JSON) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[as_text(raw).lower()]


def _as_date(raw: JSON) -> str:
    found = _DAY.match(as_text(raw))
    return found[0] if found else as_text(raw)


def _as_time(raw: JSON) -> str:
    at = datetime.fromisoformat(as_text(raw))
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_several(raw: JSON) -> tuple[str, ...]:
    return tuple(as_text(one) for one in (raw if isinstance(raw, list) else [raw]))


_READ: Mapping[FieldType, Callable[[JSON], FieldValue]] = {
    FieldType.INTEGER: _as_integer,
    FieldType.NUMBER: _as_number,
    FieldType.BOOLEAN: _as_boolean,
    FieldType.DATE: _as_date,
    FieldType.DATETIME: _as_time,
    FieldType.MULTI_CHOICE: _as_several,
}


def id_of(expression: str, record: JSON) -> str:
    """The id that an expression finds. Raises Unreadable where there is none."""
    found = _picked(expression, record)
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        message = "an answer tells a record without its id"
        raise Unreadable(message)
    return str(found)


def moment_of(expression: str | None, record: JSON) -> datetime | None:
    """When a record was last changed, where it tells that in a form we read."""
    try:
        return datetime.fromisoformat(_as_time(_picked(expression, record))) if expression else None
    except (ValueError, Unfillable):
        return None
