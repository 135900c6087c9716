"""Makes a variable's value canonical for a CRM field's type, or says why it cannot be. Pure.

Only the type is settled here; lengths, digits and closed option lists belong to the record schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from connector.responses.transforms.dates import canonical_moment, zone_named
from connector.responses.vocabulary import Kind, exact
from schemas.fields import Field, FieldType, FieldValue, canonical
from schemas.phrases import phrase

_WORDS = frozenset({FieldType.TEXT, FieldType.LONG_TEXT})
_NAMES = _WORDS | {FieldType.EMAIL, FieldType.PHONE, FieldType.URL, FieldType.REFERENCE}
_NUMBERS = frozenset({FieldType.INTEGER, FieldType.NUMBER})
_DAYS = frozenset({FieldType.DATE, FieldType.DATETIME})
_CHOSEN = frozenset({FieldType.CHOICE, FieldType.MULTI_CHOICE})
_MOST_DIGITS = 60
_ALL = frozenset(FieldType) - {FieldType.OTHER}

# What may fit without a transformation. A text may hold anything: only the value itself can tell.
FITS: Mapping[Kind, frozenset[FieldType]] = {
    Kind.ANY: _ALL,
    Kind.TEXT: _ALL,
    Kind.NUMBER: _WORDS | _NUMBERS | _CHOSEN | {FieldType.PHONE, FieldType.REFERENCE},
    Kind.BOOLEAN: _WORDS | {FieldType.BOOLEAN, FieldType.CHOICE},
    Kind.DATE: _WORDS | _DAYS,
    Kind.DATETIME: _WORDS | _DAYS,
    Kind.CHOICE: _NAMES | _NUMBERS | _CHOSEN | {FieldType.BOOLEAN},
    Kind.CHOICES: _WORDS | _CHOSEN,
    Kind.RANKING: _WORDS | _CHOSEN,
    Kind.FILES: _WORDS | {FieldType.URL},
    Kind.MATRIX: _WORDS,
}


class Unfit(ValueError):
    """The value cannot stand in a field of this type. `code` is a stable word; no value is told."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def fitted(value: FieldValue, kind: Kind, *, field: Field, zone: str = "UTC") -> FieldValue:
    """The field's canonical value. `kind` decides how a list is written as text. Raises Unfit.

    A date becomes the midnight of `zone` in a time field, a time its date there in a date field.
    """
    if value is None:
        return None
    if field.type in _NAMES:
        return _text(value, kind, field.type)
    if field.type in _DAYS:
        return _day(value, field.type, zone)
    return _PLAIN[field.type](value, field)


def given(value: object) -> FieldValue:
    """A value an admin typed into a mapping, in canonical form. Raises Unfit."""
    try:
        return canonical(value)
    except TypeError:
        code, message = "not_exact", phrase("numbers with a fraction are written as text")
        raise Unfit(code, message) from None


def _text(value: FieldValue, kind: Kind, wanted: FieldType) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, tuple):
        return str(value)
    if wanted in _WORDS:
        return _sign_between(kind, wanted).join(value)
    return _single(value)


def _sign_between(kind: Kind, wanted: FieldType) -> str:
    if kind is Kind.RANKING:
        return " > "
    if kind in {Kind.MATRIX, Kind.FILES}:
        return "\n" if wanted is FieldType.LONG_TEXT else "; "
    return ", "


def _single(values: tuple[str, ...]) -> str:
    if len(values) == 1:
        return values[0]
    code, message = "several_values", phrase("the field holds one value, the answer has several")
    raise Unfit(code, message)


def _integer(value: FieldValue, _: Field) -> FieldValue:
    number = _decimal(value)
    if number != number.to_integral_value():
        code, message = (
            "not_whole",
            phrase("the field holds whole numbers only; add the step round"),
        )
        raise Unfit(code, message)
    return int(number)


def _number(value: FieldValue, _: Field) -> FieldValue:
    return str(exact(_decimal(value)))


def _decimal(value: FieldValue) -> Decimal:
    single = _single(value) if isinstance(value, tuple) else value
    try:
        if isinstance(single, str | int) and not isinstance(single, bool):
            number = Decimal(single.strip() if isinstance(single, str) else single)
            # Decimal also reads "NaN", "Infinity", "1e999999" and digits of other scripts.
            if number.is_finite() and abs(number.adjusted()) <= _MOST_DIGITS:
                return number
    except InvalidOperation:
        pass
    code, message = (
        "not_a_number",
        phrase("the field holds numbers only; parse_number reads a written one"),
    )
    raise Unfit(code, message)


def _boolean(value: FieldValue, _: Field) -> FieldValue:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    code, message = (
        "not_true_or_false",
        phrase("the field holds true or false; add the step parse_yes_no"),
    )
    raise Unfit(code, message)


def _day(value: FieldValue, wanted: FieldType, zone: str) -> FieldValue:
    try:
        return _placed(_read_day(value), wanted, zone)
    except (ValueError, OverflowError):
        code, message = (
            "not_a_date",
            phrase("the field holds dates only; date_parse reads a written one"),
        )
        raise Unfit(code, message) from None


def _placed(moment: date, wanted: FieldType, zone: str) -> str:
    place = zone_named(zone)
    if wanted is FieldType.DATE:
        local = moment.astimezone(place).date() if isinstance(moment, datetime) else moment
        return local.isoformat()
    if isinstance(moment, datetime):
        return canonical_moment(moment)
    return canonical_moment(datetime(moment.year, moment.month, moment.day, tzinfo=place))


def _read_day(value: FieldValue) -> date:
    text = value.strip() if isinstance(value, str) else ""
    if len(text) == len("2026-11-22"):
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = "a time without a zone"
        raise ValueError(message)
    return moment.astimezone(UTC)


def _choice(value: FieldValue, field: Field) -> FieldValue:
    single = _single(value) if isinstance(value, tuple) else value
    return _option(_text(single, Kind.CHOICE, FieldType.TEXT), field)


def _multi_choice(value: FieldValue, field: Field) -> FieldValue:
    values = value if isinstance(value, tuple) else (_text(value, Kind.CHOICE, FieldType.TEXT),)
    return tuple(dict.fromkeys(_option(one, field) for one in values))


def _option(text: str, field: Field) -> str:
    """The option's value: given as such, or named by the label a person sees in the CRM."""
    if any(option.value == text for option in field.options):
        return text
    return next((option.value for option in field.options if option.label == text), text)


def _unsupported(_: FieldValue, __: Field) -> FieldValue:
    code, message = "type_unsupported", phrase("fields of this kind cannot be written by a mapping")
    raise Unfit(code, message)


_PLAIN: Mapping[FieldType, Callable[[FieldValue, Field], FieldValue]] = {
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.CHOICE: _choice,
    FieldType.MULTI_CHOICE: _multi_choice,
    FieldType.OTHER: _unsupported,
}
