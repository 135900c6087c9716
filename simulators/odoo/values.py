"""How a value is stored: what Odoo converts without a word, and what it refuses (measured, 11)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from html import escape
from typing import Any

from simulators.odoo.errors import OdooError

MOST = 2**31 - 1
Definition = dict[str, Any]
_WEB = re.compile(r"[a-z]+://")


def stored(model: str, name: str, definition: Definition, value: Any) -> Any:
    """The value as it will be read back. Raises OdooError. Links are not checked here."""
    keep = _KEEPERS.get(definition["type"])
    if keep is None:
        return value
    return keep(f"{model}.{name}", definition, value)


def empty(definition: Definition) -> Any:
    """What a field reads as that was never set: a number is never nothing."""
    return {"integer": 0, "float": 0.0, "monetary": 0.0, "many2many": []}.get(
        definition["type"], False
    )


def sanitized(markup: str) -> str:
    """HTML as it is kept: a text without markup gets a paragraph, tags their short form."""
    text = markup.replace("<br/>", "<br>")
    return text if re.match(r"\s*<", text) else f"<p>{text}</p>"


def escaped(text: str) -> str:
    """A text that is told to be no HTML (posted messages, 17 and later; unverified)."""
    return f"<p>{escape(text, quote=False)}</p>"


def _char(where: str, definition: Definition, value: Any) -> Any:
    if value is False or value is None:
        return False
    text = str(value)
    if where == "res.partner.website" and text and not _WEB.match(text):
        text = f"http://{text}"
    return text[: definition.get("size")]


def _text(_where: str, _definition: Definition, value: Any) -> Any:
    return str(value) if value not in (False, None) else False


def _html(_where: str, _definition: Definition, value: Any) -> Any:
    return sanitized(str(value)) if value not in (False, None, "") else False


def _integer(_where: str, _definition: Definition, value: Any) -> int:
    try:
        number = int(value or 0)
    except (TypeError, ValueError) as exc:
        raise OdooError(str(exc), "ValueError") from exc
    if abs(number) > MOST:
        text = "integer out of range\n"
        raise OdooError(text, "NumericValueOutOfRange")
    return number


def _float(_where: str, definition: Definition, value: Any) -> float:
    try:
        number = float(value or 0.0)
    except (TypeError, ValueError) as exc:
        raise OdooError(str(exc), "ValueError") from exc
    digits = definition.get("digits")
    return round(number, digits[1]) if digits else number


def _boolean(_where: str, _definition: Definition, value: Any) -> bool:
    return bool(value)


def _date(_where: str, _definition: Definition, value: Any) -> Any:
    if not value:
        return False
    return _moment(value, lambda text: date.fromisoformat(text[:10]).isoformat())


def _datetime(_where: str, _definition: Definition, value: Any) -> Any:
    if not value:
        return False
    return _moment(value, lambda text: f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S}")


def _moment(value: Any, read: Callable[[str], str]) -> str:
    try:
        return read(str(value))
    except ValueError as exc:
        text = f'date/time field value out of range: "{value}"\n'
        raise OdooError(text, "DatetimeFieldOverflow") from exc


def _selection(where: str, definition: Definition, value: Any) -> Any:
    if value in (False, None, ""):
        return False
    if value not in [one for one, _ in definition["selection"]]:
        text = f"Wrong value for {where}: {value!r}"
        raise OdooError(text, "ValueError")
    return value


def _many2one(_where: str, _definition: Definition, value: Any) -> Any:
    if not value:
        return False
    if not isinstance(value, int):
        text = f'invalid input syntax for type integer: "{value}"\n'
        raise OdooError(text, "InvalidTextRepresentation")
    return value


_KEEPERS: dict[str, Callable[[str, Definition, Any], Any]] = {
    "char": _char,
    "text": _text,
    "html": _html,
    "integer": _integer,
    "float": _float,
    "monetary": _float,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "selection": _selection,
    "many2one": _many2one,
}
