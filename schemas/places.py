"""Where in a document something is wrong: JSON pointers, never values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from marshmallow import Schema, fields

from schemas.phrases import Phrase, phrase

# What marshmallow 4 says by itself, as it says it.
_SAID = (
    phrase("Missing data for required field."),
    phrase("Field may not be null."),
    phrase("Unknown field."),
    phrase("Not a valid string."),
    phrase("Not a valid integer."),
    phrase("Not a valid number."),
    phrase("Not a valid boolean."),
    phrase("Not a valid list."),
    phrase("Not a valid mapping type."),
    phrase("Not a valid datetime."),
    phrase("Not a valid date."),
    phrase("Not a valid email address."),
    phrase("Not a valid URL."),
    phrase("Invalid input type."),
    phrase("Length must be between %(min)s and %(max)s."),
    phrase("Length must be %(equal)s."),
    phrase("Longer than maximum length %(max)s."),
    phrase("Shorter than minimum length %(min)s."),
    phrase("Must be one of: %(choices)s."),
    phrase("Must be greater than or equal to %(min)s and less than or equal to %(max)s."),
    phrase("Must be greater than or equal to %(min)s."),
    phrase("Must be less than or equal to %(max)s."),
    phrase("String does not match expected pattern."),
)
_VALUE = re.compile(r"%\\\((\w+)\\\)s")
_OWN = tuple((one.pattern, re.compile(_VALUE.sub(r"(?P<\1>.+)", re.escape(one)))) for one in _SAID)


@dataclass(frozen=True, slots=True)
class Place:
    """One faulty place: `pointer` is a JSON pointer in the body, or ?name for the query.

    `where` is where that stands in a file that a person wrote: `line 7`, or the cell `Mapping!C7`.
    """

    pointer: str
    code: str
    text: str
    where: str = ""


def places_of(
    messages: object, pointer: str = "", *, schema: Schema | None = None, limit: int = 50
) -> tuple[Place, ...]:
    """The places in marshmallow's nested messages, in order, at most `limit` of them.

    With the schema, the level that marshmallow puts between a Dict's key and the fault of its value
    is left out: it stands nowhere in the body.
    """
    field = fields.Nested(schema) if schema is not None else None
    return tuple(islice(_walk(messages, pointer, field), limit))


def _walk(messages: object, pointer: str, field: fields.Field[Any] | None) -> Iterator[Place]:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            place = pointer if key == "_schema" else f"{pointer}/{_escaped(key)}"
            if isinstance(field, fields.Dict) and isinstance(below, Mapping):
                yield from _walk(below.get("key", ()), place, None)
                yield from _walk(below.get("value", ()), place, field.value_field)
            else:
                yield from _walk(below, place, _below(field, key))
    elif isinstance(messages, list | tuple):
        for below in messages:
            yield from _walk(below, pointer, field)
    else:
        yield Place(pointer, "invalid", _sayable(messages))


def _sayable(message: object) -> str:
    """The message; one of marshmallow's own with its pattern and values."""
    if isinstance(message, Phrase) or not isinstance(message, str):
        return message if isinstance(message, Phrase) else str(message)
    for pattern, expression in _OWN:
        found = expression.fullmatch(message)
        if found:
            return Phrase(pattern, found.groupdict())
    return message


def _below(field: fields.Field[Any] | None, key: object) -> fields.Field[Any] | None:
    """The field of the schema that the messages under `key` are about."""
    if isinstance(field, fields.List):
        return field.inner
    if isinstance(field, fields.Nested):
        known = field.schema.fields.values()
        return next((one for one in known if key in {one.data_key, one.name}), None)
    return None


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
