"""How texts and values stand in a cell, and what a cell means. Pure.

A text stands as it is. Where it would be read as something else, or holds signs that a spreadsheet
loses, it stands in quotes as JSON writes it: "5" is no number, " a" keeps its space. In columns of
values, 5, true, null, [..] and {..} are what JSON says; 12.5 and 0123 are text, as a CRM's numbers
are exact. No cell begins a formula: what would gets an apostrophe in front, which is not read.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from decimal import Decimal

from schemas.phrases import phrase
from schemas.strict import JSON, MAX_DEPTH, NotStrict, is_deeper, value_at

FORMULA = ("=", "+", "-", "@", "\t", "\r")
APOSTROPHE = "'"
# A spreadsheet keeps this many digits of a number.
_DIGITS = 15
_CONSTANTS: dict[str, JSON] = {
    "true": True,
    "TRUE": True,
    "false": False,
    "FALSE": False,
    "null": None,
}
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,38}")
_FLOAT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?e[-+]?[0-9]{1,3}")
# What XML refuses or changes, and what a person cannot see.
_LOST = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_BRACKETS = re.compile(r"(?s)(?:.* )?\[([^\[\]]+)\]")
_LONGEST_LABEL = 80


class CellUnreadable(ValueError):
    """The cell says nothing that we can take. The message says why and what to do."""


# --- into a cell ----------------------------------------------------------------------------------


def text_cell(text: str) -> str:
    """The cell that means this text in a column of texts."""
    cell = guarded(text)
    return cell if _survives(text) and heard(cell) == text else quoted(text)


def value_cell(value: JSON) -> str:
    """The cell that means this value in a column of values."""
    if isinstance(value, str):
        cell = guarded(value)
        return cell if _survives(value) and meant(cell) == value else quoted(value)
    return guarded(written(value))


def written(value: JSON) -> str:
    """A value that is no text, so that `meant` says it again."""
    if isinstance(value, float):
        text = repr(value)
        return text if "e" in text else f"{text}e0"
    return _safe(json.dumps(value, ensure_ascii=False))


def field_cell(name: str, label: str = "") -> str:
    """The cell that means this field: with its label where the API name can still be told."""
    told = readable(label)[:_LONGEST_LABEL].rstrip()
    with_label = guarded(f"{told} [{name}]")
    if told and _survives(f"{told} [{name}]") and field_of(with_label) == name:
        return with_label
    cell = guarded(name)
    return cell if _survives(name) and field_of(cell) == name else quoted(name)


def readable(text: str) -> str:
    """The text in one line, without what a cell cannot show."""
    return " ".join(_LOST.sub(" ", text).split())


def guarded(cell: str) -> str:
    """The cell with an apostrophe in front where a spreadsheet would take it for a formula."""
    return APOSTROPHE + cell if cell.startswith((*FORMULA, APOSTROPHE)) else cell


def quoted(text: str) -> str:
    """The text as JSON writes it."""
    return _safe(json.dumps(text, ensure_ascii=False))


def _survives(text: str) -> bool:
    """Whether a cell keeps the text: an empty one is no text at all."""
    return bool(text) and not _LOST.search(text)


def _safe(written: str) -> str:
    return _LOST.sub(lambda sign: f"\\u{ord(sign.group()):04x}", written)


# --- out of a cell --------------------------------------------------------------------------------


def heard(cell: str) -> str:
    """The text that a cell of texts means."""
    bare, is_bare = _bare(cell)
    found = None if is_bare else _quoted(bare)
    return bare if found is None else found


def meant(cell: str) -> JSON:
    """The value that a cell of values means."""
    bare, _ = _bare(cell)
    if bare in _CONSTANTS:
        return _CONSTANTS[bare]
    if _WHOLE.fullmatch(bare):
        return int(bare)
    if _FLOAT.fullmatch(bare):
        return _finite(bare)
    if bare.startswith(('"', "[", "{")):
        return _json(bare)
    return bare


def field_of(cell: str) -> str:
    """The API name that a cell of fields means."""
    bare, is_bare = _bare(cell)
    exact = None if is_bare else _quoted(bare)
    if exact is not None:
        return exact
    found = _BRACKETS.fullmatch(bare)
    return found.group(1).strip() if found else bare


def text_of(value: object) -> str | None:
    """What stands in a cell as text, None where it is empty; `value` as the file's type has it.

    A spreadsheet makes numbers, dates and truth values of what was typed. Raises CellUnreadable
    where that has lost something.
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _digits(value)
    if isinstance(value, date):
        return _day(value)
    if not isinstance(value, str):
        message = phrase("this is a time of day: format the cell as text and type it again")
        raise CellUnreadable(message)
    return value if value.strip() else None


def _bare(cell: str) -> tuple[str, bool]:
    """The cell without white space around it and without its apostrophe; whether it had one."""
    bare = cell.strip()
    return (bare[1:], True) if bare.startswith(APOSTROPHE) else (bare, False)


def _quoted(bare: str) -> str | None:
    found = _json(bare) if bare.startswith('"') else None
    return found if found != bare else None


def _json(bare: str) -> JSON:
    """The JSON that a cell holds; the cell itself where it only looks like some."""
    if is_deeper(bare.encode(), MAX_DEPTH):
        return bare
    try:
        value, end = value_at(bare, 0, "")
    except NotStrict:
        return bare
    return value if end == len(bare) else bare


def _finite(bare: str) -> JSON:
    number = float(bare)
    return bare if abs(number) == float("inf") else number


def _digits(number: float) -> str:
    exact = Decimal(repr(number))
    if not exact.is_finite() or len(exact.normalize().as_tuple().digits) > _DIGITS:
        message = phrase(
            "the spreadsheet has rounded this number: format the cell as text, type it again"
        )
        raise CellUnreadable(message)
    return format(exact.normalize(), "f")


def _day(value: date) -> str:
    if isinstance(value, datetime) and value.time().isoformat() != "00:00:00":
        message = phrase(
            "this is a time in no time zone: format the cell as text and type it again"
        )
        raise CellUnreadable(message)
    return value.isoformat()[: len("2026-11-29")]
