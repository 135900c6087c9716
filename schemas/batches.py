"""Many JSON documents in one body, each judged alone: a bad one refuses no neighbour. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from schemas.strict import (
    JSON,
    MAX_DEPTH,
    Fault,
    NotStrict,
    after_blanks,
    decode,
    is_deeper,
    position,
    text_of,
    value_at,
)

_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a batch: its number from 0, and either its value or why it is refused."""

    number: int
    value: JSON
    fault: NotStrict | None = None


def decode_array(raw: bytes, *, max_item_bytes: int) -> list[Item]:
    """The items of the one array in `raw`. A fault inside an item is that item's own.

    Raises NotStrict when the items cannot be told apart: no array, broken syntax, not UTF-8.
    """
    text = text_of(raw)
    place = after_blanks(text, 0)
    if text[place : place + 1] != "[":
        raise NotStrict(Fault.NOT_AN_ARRAY)
    # Items that are too deep are stepped over: in them the parser would end in RecursionError.
    too_deep = _too_deep_items(text) if is_deeper(raw, MAX_DEPTH + 1) else {}
    items: list[Item] = []
    place = after_blanks(text, place + 1)
    if text[place : place + 1] == "]":
        return _ended(text, place + 1, items)
    while True:
        item, end = _item_at(
            text, place, number=len(items), too_deep=too_deep, max_item_bytes=max_item_bytes
        )
        items.append(item)
        place = after_blanks(text, end)
        sign = text[place : place + 1]
        if sign == "]":
            return _ended(text, place + 1, items)
        if sign != ",":
            raise NotStrict(Fault.SYNTAX, f"/{len(items)}", where=position(text, place))
        place = after_blanks(text, place + 1)


def decode_lines(raw: bytes, *, max_item_bytes: int) -> list[Item]:
    """The items of newline-delimited JSON, blank lines left out. Each fault is its own line's."""
    lines = (line for line in raw.split(b"\n") if line.strip())
    return [_line_item(number, line, max_item_bytes) for number, line in enumerate(lines)]


def _line_item(number: int, line: bytes, max_item_bytes: int) -> Item:
    if len(line) > max_item_bytes:
        return Item(number, None, NotStrict(Fault.TOO_LARGE, f"/{number}"))
    try:
        return Item(number, decode(line))
    except NotStrict as fault:
        return Item(number, None, NotStrict(fault.fault, f"/{number}{fault.pointer}"))


def _item_at(
    text: str, place: int, *, number: int, too_deep: dict[int, int], max_item_bytes: int
) -> tuple[Item, int]:
    """The item that begins at `place`, and where it ends."""
    if place in too_deep:
        return Item(number, None, NotStrict(Fault.TOO_DEEP, f"/{number}")), too_deep[place]
    try:
        value, end = value_at(text, place, f"/{number}")
    except NotStrict as fault:
        if fault.fault is Fault.SYNTAX:
            raise
        return Item(number, None, fault), _LENIENT.raw_decode(text, place)[1]
    if _bytes_between(text, place, end) > max_item_bytes:
        return Item(number, None, NotStrict(Fault.TOO_LARGE, f"/{number}")), end
    return Item(number, value), end


def _bytes_between(text: str, start: int, end: int) -> int:
    part = text[start:end]
    return len(part) if part.isascii() else len(part.encode())


def _ended(text: str, place: int, items: list[Item]) -> list[Item]:
    if after_blanks(text, place) != len(text):
        raise NotStrict(Fault.SYNTAX, where=position(text, place))
    return items


def _nothing(_digits: str) -> None:
    return None


# Finds the end of a refused value whatever its numbers are; what it returns is thrown away.
_LENIENT = json.JSONDecoder(parse_int=_nothing, parse_float=_nothing, parse_constant=_nothing)


def _too_deep_items(text: str) -> dict[int, int]:
    """Start -> end of each item of the outer array that nests deeper than allowed."""
    found: dict[int, int] = {}
    depth = start = deepest = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        sign = token.group()
        if sign in "[{":
            depth += 1
            start, deepest = (token.start(), 0) if depth == 2 else (start, deepest)
            deepest = max(deepest, depth - 1)
        elif sign in "]}":
            if depth == 2 and deepest > MAX_DEPTH:
                found[start] = token.end()
            depth -= 1
    if depth > 1 and deepest > MAX_DEPTH:
        found[start] = len(text)
    return found
