"""JSON as we accept it: one meaning, and nothing that a database or a CRM would choke on. Pure.

The standard library's parser takes duplicate keys, NaN and lone surrogates, answers 5,000 digits
with ValueError and deep nesting with RecursionError. Here each of them is `NotStrict`, which names
the place as a JSON pointer and never the value. `decode(raw)` is for one document;
`schemas.batches` is for many in one body.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, TypeAlias

JSON: TypeAlias = Any  # JSON enters here; the next line at the caller's gives it a type

MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 40  # enough for any id and any decimal; Python itself refuses at 4,300 digits
_MAX_POINTER_LENGTH = 300


class Fault(StrEnum):
    """Why a document is refused; the values are stable codes of the API."""

    SYNTAX = "json_syntax"
    EMPTY = "json_empty"
    NOT_UTF8 = "json_not_utf8"
    NOT_AN_ARRAY = "json_not_an_array"
    TOO_DEEP = "json_too_deep"
    TOO_LARGE = "json_too_large"
    NUMBER_TOO_LONG = "json_number_too_long"
    NOT_FINITE = "json_not_finite"
    DUPLICATE_KEY = "json_duplicate_key"
    NUL = "json_nul"
    LONE_SURROGATE = "json_lone_surrogate"


_TEXTS = {
    Fault.SYNTAX: "This is not JSON.",
    Fault.EMPTY: "The body is empty; JSON was expected.",
    Fault.NOT_UTF8: "The text is not UTF-8.",
    Fault.NOT_AN_ARRAY: "A JSON array was expected.",
    Fault.TOO_DEEP: f"The nesting is deeper than {MAX_DEPTH} levels.",
    Fault.TOO_LARGE: "This is larger than allowed.",
    Fault.NUMBER_TOO_LONG: f"A number is longer than {MAX_NUMBER_LENGTH} signs; send a string.",
    Fault.NOT_FINITE: "NaN, Infinity and numbers beyond the double range are not allowed.",
    Fault.DUPLICATE_KEY: "A key stands twice in one object.",
    Fault.NUL: "A text holds the character U+0000, which cannot be stored.",
    Fault.LONE_SURROGATE: "A text holds half of a surrogate pair, which is not a character.",
}


class NotStrict(ValueError):
    """The document is refused: `text` says why, without values.

    `pointer` is the JSON pointer of the place; "" is the whole document.
    """

    def __init__(self, fault: Fault, pointer: str = "", *, where: str = "") -> None:
        self.fault = fault
        self.pointer = pointer
        self.text = f"{_TEXTS[fault]} {where}".strip()
        super().__init__(f"{fault.value} at {pointer or 'the document'}")


def decode(raw: bytes) -> JSON:
    """The one document in `raw`. Raises NotStrict."""
    if is_deeper(raw, MAX_DEPTH):
        raise NotStrict(Fault.TOO_DEEP)
    text = text_of(raw)
    value, end = value_at(text, after_blanks(text, 0), "")
    if after_blanks(text, end) != len(text):
        raise NotStrict(Fault.SYNTAX, where=position(text, end))
    return value


def text_of(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise NotStrict(Fault.NOT_UTF8, where=f"(byte {exc.start})") from None
    if not text.strip(_BLANKS):
        raise NotStrict(Fault.EMPTY)
    return text


def position(text: str, place: int) -> str:
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    return f"(line {line}, column {column})"


# One value.

_BLANKS = " \t\n\r"
_NOT_BLANK = re.compile(r"[^ \t\n\r]|\Z")
_ODD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _LookCloserError(Exception):
    """Something in the document is refused; the slow decoder will find where."""


@dataclass(frozen=True, slots=True)
class _Marked:
    """Stands in the slowly decoded document where the fault is."""

    fault: Fault
    key: str | None = None


def _object_fast(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _LookCloserError
    return made


def _object_marked(pairs: list[tuple[str, JSON]]) -> JSON:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return _Marked(Fault.DUPLICATE_KEY, key)
        seen.add(key)
    return made


def _integer_fast(digits: str) -> int:
    if len(digits) > MAX_NUMBER_LENGTH:
        raise _LookCloserError
    return int(digits)


def _integer_marked(digits: str) -> JSON:
    return _Marked(Fault.NUMBER_TOO_LONG) if len(digits) > MAX_NUMBER_LENGTH else int(digits)


def _number_fast(digits: str) -> float:
    value = float(digits)
    if len(digits) > MAX_NUMBER_LENGTH or math.isinf(value):
        raise _LookCloserError
    return value


def _number_marked(digits: str) -> JSON:
    if len(digits) > MAX_NUMBER_LENGTH:
        return _Marked(Fault.NUMBER_TOO_LONG)
    value = float(digits)
    return _Marked(Fault.NOT_FINITE) if math.isinf(value) else value


def _constant_fast(_name: str) -> NoReturn:
    raise _LookCloserError


def _constant_marked(_name: str) -> _Marked:
    return _Marked(Fault.NOT_FINITE)


_FAST = json.JSONDecoder(
    object_pairs_hook=_object_fast,
    parse_int=_integer_fast,
    parse_float=_number_fast,
    parse_constant=_constant_fast,
)
_MARKING = json.JSONDecoder(
    object_pairs_hook=_object_marked,
    parse_int=_integer_marked,
    parse_float=_number_marked,
    parse_constant=_constant_marked,
)


def value_at(text: str, place: int, pointer: str) -> tuple[JSON, int]:
    """The value that begins at `place`, and where it ends. The nesting has been checked before.

    Raises NotStrict, its pointer beginning with `pointer`.
    """
    try:
        value, end = _FAST.raw_decode(text, place)
    except json.JSONDecodeError as exc:
        raise NotStrict(Fault.SYNTAX, pointer, where=position(text, exc.pos)) from None
    except _LookCloserError:
        value, end = _marked(text, place, pointer)
        _raise_first_fault(value, pointer)
    else:
        # Only an escape can bring in NUL or half a pair: the parser refuses raw control characters,
        # UTF-8 refuses raw halves.
        if _ODD_ESCAPE.search(text, place, end):
            _raise_first_fault(value, pointer)
    return value, end


def _marked(text: str, place: int, pointer: str) -> tuple[JSON, int]:
    """The value with its faults marked; it can still break off behind the first of them."""
    try:
        return _MARKING.raw_decode(text, place)
    except json.JSONDecodeError as exc:
        raise NotStrict(Fault.SYNTAX, pointer, where=position(text, exc.pos)) from None


def _raise_first_fault(value: JSON, pointer: str) -> None:
    for fault, where in _faults(value, pointer):
        raise NotStrict(fault, where)


def _faults(value: JSON, pointer: str) -> Iterator[tuple[Fault, str]]:
    """The faults below `value` in document order, each with its pointer."""
    if isinstance(value, str):
        yield from ((fault, pointer) for fault in _text_faults(value))
    elif isinstance(value, dict):
        for key, below in value.items():
            place = pointer_to(pointer, key)
            yield from ((fault, place) for fault in _text_faults(key))
            yield from _faults(below, place)
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _faults(below, f"{pointer}/{number}")
    elif isinstance(value, _Marked):
        yield value.fault, pointer if value.key is None else pointer_to(pointer, value.key)


def _text_faults(text: str) -> Iterator[Fault]:
    if "\0" in text:
        yield Fault.NUL
    if not text.isascii() and _SURROGATE.search(text):
        yield Fault.LONE_SURROGATE


def pointer_to(pointer: str, key: str) -> str:
    """The JSON pointer (RFC 6901) of `key` below `pointer`: printable, and cut when very long."""
    shown = key.replace("~", "~0").replace("/", "~1").encode("ascii", "backslashreplace").decode()
    shown = shown if shown.isprintable() else shown.encode("unicode_escape").decode()
    return f"{pointer}/{shown}"[:_MAX_POINTER_LENGTH]


def after_blanks(text: str, place: int) -> int:
    found = _NOT_BLANK.search(text, place)
    return found.start() if found else len(text)


# Nesting, measured before anything is parsed.

# Possessive, and the closing quote optional: each byte is looked at once, even in a text that never
# ends its string.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_ONE_KIND_OF_BRACKET = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def is_deeper(raw: bytes, limit: int) -> bool:
    """Whether brackets nest deeper than `limit`: the innermost pairs are peeled off in rounds."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    brackets = _STRING.sub(b"", raw).translate(_ONE_KIND_OF_BRACKET, _NO_BRACKET)
    for _ in range(limit):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    # What is left is nested deeper, or unbalanced: then only many open ones could hurt the parser.
    return brackets.count(b"[") > limit or b"[]" in brackets
