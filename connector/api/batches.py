"""A body with one item, an array of items or one item a line; each item is judged alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from connector.api.bodies import MAX_BATCH_BODY, MAX_RESPONSE, NDJSON, media_type, raw_body
from connector.api.errors import refusal_of
from connector.problems import Code, Place, Refusal
from schemas.batches import Item, decode_array, decode_lines
from schemas.strict import JSON, Fault, NotStrict, decode

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Batch:
    """The items by their place in the body: what was read, and what could not be.

    `single` says that the body was one object and no list.
    """

    single: bool
    items: Mapping[int, JSON] = field(default_factory=dict)
    faults: Mapping[int, Place] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.items) + len(self.faults)


def pushed(*, max_items: int, max_item_bytes: int = MAX_RESPONSE) -> Batch:
    """The batch in the request's body.

    Raises Refusal or NotStrict where the items cannot be told apart, are none or too many, or where
    the body is one item that cannot be read.
    """
    lines = media_type(_JSON, NDJSON) == NDJSON
    raw = raw_body(MAX_BATCH_BODY)
    return read_batch(raw, lines=lines, max_items=max_items, max_item_bytes=max_item_bytes)


def read_batch(
    raw: bytes, *, lines: bool, max_items: int, max_item_bytes: int = MAX_RESPONSE
) -> Batch:
    """The batch in these bytes; `lines`: one item a line. Raises as `pushed` does."""
    if lines:
        return _bounded(decode_lines(raw, max_item_bytes=max_item_bytes), max_items)
    if raw.lstrip(b" \t\r\n")[:1] == b"[":
        return _bounded(decode_array(raw, max_item_bytes=max_item_bytes), max_items)
    if len(raw) > max_item_bytes:
        raise refusal_of(NotStrict(Fault.TOO_LARGE))
    return Batch(single=True, items={0: decode(raw)})


def _bounded(items: list[Item], max_items: int) -> Batch:
    if not items:
        raise Refusal(Code.BODY_INVALID, "The list holds no item.")
    if len(items) > max_items:
        raise Refusal(Code.TOO_MANY_ITEMS, f"At most {max_items} items a request.")
    return Batch(
        single=False,
        items={one.number: one.value for one in items if one.fault is None},
        faults={one.number: _place(one.fault) for one in items if one.fault is not None},
    )


def _place(fault: NotStrict) -> Place:
    return Place(fault.pointer, fault.fault.value, fault.text)


def told(places: tuple[Place, ...]) -> list[dict[str, str]]:
    """The faulty places of an item as its result shows them."""
    return [{"pointer": one.pointer, "code": one.code, "text": one.text} for one in places]


def described(
    item: type[Schema], max_items: int, answers: tuple[type[Schema], ...] = ()
) -> dict[str, Any]:
    """How the description of the API tells such a body, and an answer of several shapes."""
    many = {"type": "array", "minItems": 1, "maxItems": max_items, "items": item}
    body = {_JSON: {"schema": {"oneOf": [item, many]}}, NDJSON: {"schema": {"type": "string"}}}
    told: dict[str, Any] = {"requestBody": {"required": True, "content": body}}
    if answers:
        content = {_JSON: {"schema": {"oneOf": list(answers)}}}
        told["responses"] = {"202": {"description": "Stored", "content": content}}
    return told
