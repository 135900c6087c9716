"""Where in a document something is wrong: JSON pointers, never values. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from marshmallow import Schema, fields


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
        yield Place(pointer, "invalid", str(messages))


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
