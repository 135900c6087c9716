"""The record schema of a CRM entity, compiled from its downloaded field definitions: the last gate
before a call.

It refuses a bad value before anything is sent and names the field, the kind of value and the rule,
never the value itself. The compiled rules have a digest, which is stored with the snapshot they
come from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields

from schemas.fields import Entity, Field, FieldType, FieldValue, entity_to_json
from schemas.phrases import Phrase, phrase

DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z\Z")
NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+\Z")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a value cannot be written: the field, the rule broken, and a sentence without the
    value.
    """

    field: str
    rule: str
    message: str


class Canonical(fields.Field[FieldValue]):
    """A field that checks a canonical value against one field definition."""

    def __init__(self, definition: Field) -> None:
        super().__init__(allow_none=True, required=False)
        self.definition = definition

    def _deserialize(self, value: Any, *_: object, **__: object) -> FieldValue:  # noqa: ANN401
        broken = broken_rule(self.definition, value)
        if broken is not None:
            raise ValidationError([broken])
        result: FieldValue = tuple(value) if isinstance(value, list) else value
        return result


def compile_record_schema(entity: Entity) -> type[Schema]:
    """A marshmallow schema class whose fields are the entity's; unknown names are refused."""
    checks: dict[str, Any] = {one.name: Canonical(one) for one in entity.fields}
    return _Record.from_dict(checks, name=f"{entity.name}Record")


class _Record(Schema):
    class Meta:
        unknown = RAISE


def refusals(
    schema: Schema, entity: Entity, values: Mapping[str, FieldValue], *, creating: bool
) -> tuple[Refusal, ...]:
    """Why these values cannot be written, one Refusal a field; () when all is well."""
    known = entity.by_name()
    # Value by value: marshmallow's own validate walks all the fields that are not there, too.
    found = [
        refusal
        for name, value in values.items()
        if (refusal := _refusal(schema, entity, name, value)) is not None
    ]
    found += [
        Refusal(
            name, "read_only", phrase("%(label)s is read-only in the CRM", label=known[name].label)
        )
        for name in values
        if name in known and not (known[name].creatable if creating else known[name].updatable)
    ]
    if creating:
        found += [
            Refusal(
                one.name,
                "required",
                phrase(
                    "%(label)s is required to create %(entity)s",
                    label=one.label,
                    entity=entity.label,
                ),
            )
            for one in entity.fields
            if one.required and values.get(one.name) in (None, "")
        ]
    return tuple(found)


def _refusal(schema: Schema, entity: Entity, name: str, value: FieldValue) -> Refusal | None:
    if name not in schema.fields:
        return Refusal(
            name,
            "unknown_field",
            phrase("%(label)s has no field %(name)s", label=entity.label, name=name),
        )
    try:
        schema.fields[name].deserialize(value)
    except ValidationError as exc:
        broken: Any = exc.messages[0]
        return Refusal(name, *broken)
    return None


def schema_digest(entity: Entity) -> bytes:
    """SHA-256 of the rules: the same definitions give the same 32 bytes, whatever their order."""
    rules = entity_to_json(entity)
    rules["fields"] = sorted(rules["fields"], key=lambda one: str(one["name"]))
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).digest()


def broken_rule(definition: Field, value: object) -> tuple[str, str] | None:
    """(rule, sentence) that this canonical value breaks, None when it fits. None always fits: it
    clears.
    """
    if value is None:
        return None
    checked = CHECKS[definition.type](definition, value)
    if checked is None:
        return None
    values: dict[str, object] = {
        "label": definition.label,
        "kind": kind_of(value),
        "type": definition.type.value,
        "limit": definition.max_length,
        "digits": definition.max_digits,
        "scale": definition.max_scale,
    }
    return checked, Phrase(SENTENCES[checked], values)


def kind_of(value: object) -> str:
    """What a value is, in words an admin knows."""
    kinds = {
        bool: phrase("yes/no"),
        int: phrase("whole number"),
        str: phrase("text"),
        tuple: phrase("list"),
        list: phrase("list"),
    }
    return kinds.get(type(value), type(value).__name__)


def _text(definition: Field, value: object) -> str | None:
    if not isinstance(value, str):
        return "type"
    if definition.max_length is not None and len(value) > definition.max_length:
        return "too_long"
    return None


def _email(definition: Field, value: object) -> str | None:
    broken = _text(definition, value)
    return broken or (None if EMAIL.match(str(value)) else "not_an_email")


def _url(definition: Field, value: object) -> str | None:
    broken = _text(definition, value)
    return broken or (None if re.match(r"https?://\S+\Z", str(value)) else "not_a_url")


def _integer(definition: Field, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return "type"
    too_many = definition.max_digits is not None and len(str(abs(value))) > definition.max_digits
    return "too_many_digits" if too_many else None


def _number(definition: Field, value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return "type"
    if not NUMBER.match(str(value)):
        return "type"
    whole, _, fraction = str(value).lstrip("-").partition(".")
    scale = definition.max_scale or 0
    if definition.max_digits is not None and len(whole) > definition.max_digits - scale:
        return "too_many_digits"
    if definition.max_scale is not None and len(fraction.rstrip("0")) > definition.max_scale:
        return "too_many_decimals"
    return None


def _boolean(_definition: Field, value: object) -> str | None:
    return None if isinstance(value, bool) else "type"


def _date(_definition: Field, value: object) -> str | None:
    if not isinstance(value, str) or not DATE.match(value):
        return "type"
    return None if _is(date.fromisoformat, value) else "not_a_date"


def _datetime(_definition: Field, value: object) -> str | None:
    if not isinstance(value, str) or not DATETIME.match(value):
        return "type"
    return None if _is(datetime.fromisoformat, value) else "not_a_date"


def _is(parse: Callable[[str], object], value: str) -> bool:
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _choice(definition: Field, value: object) -> str | None:
    if not isinstance(value, str):
        return "type"
    return _unknown_option(definition, (value,))


def _choices(definition: Field, value: object) -> str | None:
    if not isinstance(value, tuple | list) or not all(isinstance(one, str) for one in value):
        return "type"
    return _unknown_option(definition, tuple(value))


def _unknown_option(definition: Field, values: tuple[str, ...]) -> str | None:
    if not definition.closed:
        return None
    known = {option.value for option in definition.options if option.active}
    return None if known.issuperset(values) else "unknown_option"


def _never(_definition: Field, _value: object) -> str | None:
    return "not_writable"


CHECKS: Mapping[FieldType, Callable[[Field, object], str | None]] = {
    FieldType.TEXT: _text,
    FieldType.LONG_TEXT: _text,
    FieldType.PHONE: _text,
    FieldType.REFERENCE: _text,
    FieldType.EMAIL: _email,
    FieldType.URL: _url,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.CHOICE: _choice,
    FieldType.MULTI_CHOICE: _choices,
    FieldType.OTHER: _never,
}

SENTENCES: Mapping[str, str] = {
    "type": phrase("%(label)s takes %(type)s, and the value is a %(kind)s that does not fit"),
    "too_long": phrase("%(label)s takes at most %(limit)s signs, and the text is longer"),
    "not_an_email": phrase("%(label)s takes an e-mail address, and the text is none"),
    "not_a_url": phrase("%(label)s takes a web address, and the text is none"),
    "too_many_digits": phrase("%(label)s takes at most %(digits)s digits, and the number has more"),
    "too_many_decimals": phrase(
        "%(label)s takes at most %(scale)s decimals, and the number has more"
    ),
    "not_a_date": phrase("%(label)s takes a date of the calendar, and there is no such day"),
    "unknown_option": phrase("%(label)s takes one of its options, and the value is none of them"),
    "not_writable": phrase("%(label)s is of a kind that cannot be written through a mapping"),
}
