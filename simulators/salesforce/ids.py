"""Salesforce record ids: fifteen signs with case, three more that make them safe without. Pure."""

from __future__ import annotations

import re

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CASE_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")

SHORT = 15
LONG = 18


def record_id(prefix: str, number: int) -> str:
    """The eighteen-sign id of the `number`th record under a three-sign object prefix."""
    short = f"{prefix}Qy0{_base62(number, 9)}"
    return short + _suffix(short)


def looks_like_id(value: object) -> bool:
    """Whether the value has the form of an id, be there such a record or not."""
    return isinstance(value, str) and _SHAPE.fullmatch(value) is not None


def long_id(value: str) -> str:
    """The eighteen-sign form of an id given in either form."""
    return value + _suffix(value) if len(value) == SHORT else value


def _base62(number: int, width: int) -> str:
    signs = []
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        signs.append(_DIGITS[digit])
    return "".join(reversed(signs))


def _suffix(short: str) -> str:
    # Each sign tells which of five characters are capitals, lowest bit first.
    chunks = (short[start : start + 5] for start in range(0, SHORT, 5))
    return "".join(
        _CASE_SIGNS[sum(1 << place for place, sign in enumerate(chunk) if sign.isupper())]
        for chunk in chunks
    )
