"""Search domains in prefix notation: [`|`, leaf, leaf], joined by and."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from simulators.odoo.errors import OdooError

Record = Mapping[str, Any]
Test = Callable[[Record], bool]


def test_of(domain: Sequence[Any], known: Callable[[str], None]) -> Test:
    """Whether a record is in the domain. `known` raises for a field that is not there."""
    waiting: list[Test] = []
    for part in reversed(domain):
        if part in ("&", "|"):
            first, second = waiting.pop(), waiting.pop()
            waiting.append(_joined(part, first, second))
        elif part == "!":
            waiting.append(_not(waiting.pop()))
        else:
            waiting.append(_leaf(part, known))
    return lambda record: all(one(record) for one in waiting)


def _joined(sign: str, first: Test, second: Test) -> Test:
    if sign == "|":
        return lambda record: first(record) or second(record)
    return lambda record: first(record) and second(record)


def _not(one: Test) -> Test:
    return lambda record: not one(record)


def _leaf(part: Any, known: Callable[[str], None]) -> Test:
    name, operator, value = part
    known(name)
    if operator not in _OPERATORS:
        text = f"Invalid operator {operator!r} in domain term {part!r}"
        raise OdooError(text, "ValueError")
    meets = _OPERATORS[operator]
    return lambda record: meets(_plain(record.get(name)), value)


def _plain(held: Any) -> Any:
    return held


def _equal(held: Any, value: Any) -> bool:
    if isinstance(held, list):
        return value in held
    return bool(held == value) or (not held and not value and type(value) is bool)


def _in(held: Any, values: Iterable[Any]) -> bool:
    listed = list(values)
    if isinstance(held, list):
        return any(one in listed for one in held)
    return held in listed


def _like(held: Any, value: Any) -> bool:
    return isinstance(held, str) and _pattern(f"%{value}%").fullmatch(held) is not None


def _ilike(held: Any, value: Any) -> bool:
    return (
        isinstance(held, str) and _pattern(f"%{value}%".lower()).fullmatch(held.lower()) is not None
    )


def _equal_ilike(held: Any, value: Any) -> bool:
    return (
        isinstance(held, str) and _pattern(str(value).lower()).fullmatch(held.lower()) is not None
    )


def _each(held: Any) -> list[Any]:
    """The value; of a path that leads to several records, every one of theirs."""
    return held if isinstance(held, list) else [held]


def _pattern(like: str) -> re.Pattern[str]:
    """SQL's pattern: % and _ stand for any signs, a backslash takes a sign as it is."""
    made, signs = "", iter(like)
    for sign in signs:
        if sign == "\\":
            made += re.escape(next(signs, ""))
        else:
            made += {"%": ".*", "_": "."}.get(sign) or re.escape(sign)
    return re.compile(made, re.DOTALL)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": _equal,
    "!=": lambda held, value: not _equal(held, value),
    "in": _in,
    "not in": lambda held, values: not _in(held, values),
    "like": _like,
    "ilike": _ilike,
    "=ilike": _equal_ilike,
    ">": lambda held, value: any(bool(one) and one > value for one in _each(held)),
    ">=": lambda held, value: any(bool(one) and one >= value for one in _each(held)),
    "<": lambda held, value: any(bool(one) and one < value for one in _each(held)),
}
