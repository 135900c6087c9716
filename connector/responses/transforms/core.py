"""What a named transformation is, and how its parameters and its input are checked. Pure.

A transformation takes one kind of input: `text` (a list is transformed element by element),
`number`, `moment` (a date or a time), `list` (a single value is a list of one), or `any`. A missing
value passes through every transformation but those of missing.py untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from connector.responses.vocabulary import Kind, Variable
from schemas.fields import FieldValue
from schemas.phrases import phrase

Params: TypeAlias = Mapping[str, Any]

MOST_DIGITS = 60


class TransformFailed(ValueError):
    """A transformation cannot take this value. The message names it and the rule, never the
    value.
    """

    def __init__(self, name: str, rule: str, *, given: str = "") -> None:
        told = phrase("%(rule)s, given %(given)s", rule=rule, given=given) if given else rule
        super().__init__(phrase("%(step)s: %(rule)s", step=name, rule=told))
        self.name = name
        self.rule = rule


class ParameterInvalid(ValueError):
    """A transformation is set up wrongly: refused when the mapping is saved."""

    def __init__(self, name: str, parameter: str, reason: str) -> None:
        what = phrase("%(parameter)s %(reason)s", parameter=parameter, reason=reason)
        super().__init__(phrase("%(step)s: %(rule)s", step=name, rule=what))
        self.name = name
        self.parameter = parameter
        self.reason = reason


class NothingWritten(Exception):
    """The chain ends here and the field is not touched."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a transformation may know beside the value.

    `country` (ISO code), `language` and `zone` are defaults for parameters left out; `labels` what
    the respondent read for each option value; `variables` and `declared` are for expressions.
    """

    country: str | None = None
    language: str = "en"
    zone: str = "UTC"
    labels: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    declared: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. `kind`: text, whole, flag, texts, map or any; `choices` the texts it may
    be.
    """

    name: str
    kind: str
    help: str
    required: bool = False
    default: FieldValue = None
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 100_000
    check: Callable[[Any], str | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Example:
    """One line of the documentation, run by a test."""

    value: FieldValue
    result: FieldValue
    params: Params = field(default_factory=dict)
    context: Context = Context()


@dataclass(frozen=True, slots=True)
class Transformation:
    """One named transformation as the catalogue shows it."""

    name: str
    label: str
    description: str
    takes: str
    run: Callable[[Any, Params, Context], FieldValue]
    examples: tuple[Example, ...]
    params: tuple[Param, ...] = ()


def prepared(transformation: Transformation, step: Params) -> dict[str, Any]:
    """The step's parameters, checked and completed by the defaults. Raises ParameterInvalid."""
    known = {one.name: one for one in transformation.params}
    given = {name: value for name, value in step.items() if name != "name"}
    for name in given.keys() - known.keys():
        raise ParameterInvalid(transformation.name, name, phrase("is no parameter of it"))
    return {name: _checked(transformation.name, one, given) for name, one in known.items()}


def run(
    transformation: Transformation, value: FieldValue, *, params: Params, context: Context
) -> FieldValue:
    """The transformed value. Raises TransformFailed, NothingWritten."""
    if transformation.takes == "any":
        return transformation.run(value, params, context)
    if value is None:
        return None
    if transformation.takes == "text" and isinstance(value, tuple):
        return tuple(_element(transformation, one, params, context) for one in value)
    taken = _INPUTS[transformation.takes](value, transformation.name)
    return transformation.run(taken, params, context)


def kind_of(value: FieldValue) -> str:
    """What an error may say of a value: its kind."""
    if isinstance(value, bool):
        return phrase("true or false")
    names = {int: phrase("a number"), str: phrase("text"), tuple: phrase("a list")}
    return names.get(type(value), phrase("nothing"))


def number_of(value: FieldValue, name: str) -> Decimal:
    """A canonical number as Decimal. Raises TransformFailed."""
    try:
        number = Decimal(value) if isinstance(value, int | str) else None
    except InvalidOperation:
        number = None
    # Text may also say NaN, or 1e999999999, which would not fit into memory as an int.
    if number is None or isinstance(value, bool) or not _is_sane(number):
        rule = phrase("needs a number")
        raise TransformFailed(name, rule, given=kind_of(value))
    return number


def _is_sane(number: Decimal) -> bool:
    return number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS


def moment_of(value: FieldValue, name: str) -> date:
    """A canonical date as date, a canonical time as aware datetime. Raises TransformFailed."""
    try:
        if isinstance(value, str) and value.endswith("Z"):
            return datetime.fromisoformat(value)
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        rule = phrase("needs a date (2026-11-22) or a time (2026-11-22T01:02:00Z)")
        raise TransformFailed(name, rule, given=kind_of(value)) from None


def _text_of(value: FieldValue, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        rule = phrase("needs text")
        raise TransformFailed(name, rule, given=kind_of(value))
    return str(value)


def _list_of(value: FieldValue, name: str) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (_text_of(value, name),)


_INPUTS: Mapping[str, Callable[[FieldValue, str], object]] = {
    "text": _text_of,
    "number": number_of,
    "moment": moment_of,
    "list": _list_of,
}


def _element(transformation: Transformation, one: str, params: Params, context: Context) -> str:
    return str(transformation.run(one, params, context))


def _checked(name: str, param: Param, given: Params) -> object:
    if param.name not in given:
        if param.required:
            raise ParameterInvalid(name, param.name, phrase("is missing"))
        return param.default
    value: Any = given[param.name]
    if not _SHAPES[param.kind](value):
        raise ParameterInvalid(name, param.name, phrase("must be %(said)s", said=_SAID[param.kind]))
    if param.choices and value not in param.choices:
        raise ParameterInvalid(
            name, param.name, phrase("must be one of %(names)s", names=", ".join(param.choices))
        )
    if param.kind == "whole" and not param.low <= value <= param.high:
        raise ParameterInvalid(
            name,
            param.name,
            phrase("must be from %(low)s to %(high)s", low=param.low, high=param.high),
        )
    complaint = param.check(value)
    if complaint:
        raise ParameterInvalid(name, param.name, complaint)
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 10_000


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(key, str) and _is_plain(one) for key, one in value.items()
    )


def _is_plain(value: object) -> bool:
    return value is None or _is_text(value) or isinstance(value, int)


_SHAPES: Mapping[str, Callable[[object], bool]] = {
    "text": _is_text,
    "whole": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "flag": lambda value: isinstance(value, bool),
    "map": _is_map,
    "any": _is_plain,
}
_SAID: Mapping[str, str] = {
    "text": phrase("text of at most 10000 signs"),
    "whole": phrase("a whole number"),
    "flag": phrase("true or false"),
    "map": phrase("an object of texts, numbers or truth values by text"),
    "any": phrase("text, a whole number, true or false"),
}
