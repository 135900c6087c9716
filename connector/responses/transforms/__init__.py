"""The named transformations of a mapping row, one table; docs/transformations.md shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.responses.transforms.core import (
    Context,
    NothingWritten,
    ParameterInvalid,
    Transformation,
    TransformFailed,
    prepared,
    run,
)
from connector.responses.transforms.dates import DATES
from connector.responses.transforms.lists import LISTS
from connector.responses.transforms.missing import MISSING
from connector.responses.transforms.numbers import NUMBERS
from connector.responses.transforms.places import PLACES
from connector.responses.transforms.texts import TEXTS
from schemas.fields import FieldValue
from schemas.phrases import phrase

TRANSFORMS: Mapping[str, Transformation] = {
    one.name: one for one in (*PLACES, *DATES, *TEXTS, *LISTS, *NUMBERS, *MISSING)
}


def transformed(
    value: FieldValue, steps: Sequence[Mapping[str, Any]], *, context: Context
) -> FieldValue:
    """The value behind all steps of a row, in their order.

    Raises TransformFailed (the value does not fit), NothingWritten (leave the field alone) and
    ParameterInvalid (a step that `step_problems` would have refused when the mapping was saved).
    """
    for step in steps:
        one = _named(step)
        value = run(one, value, params=prepared(one, step), context=context)
    return value


def step_problem(step: Mapping[str, Any]) -> str | None:
    """Why this step cannot be saved; None where it can."""
    try:
        prepared(_named(step), step)
    except ParameterInvalid as exc:
        return str(exc)
    return None


def _named(step: Mapping[str, Any]) -> Transformation:
    name = str(step.get("name"))
    if name not in TRANSFORMS:
        parameter, reason = "name", phrase("is no known transformation")
        raise ParameterInvalid(name, parameter, reason)
    return TRANSFORMS[name]


__all__ = [
    "TRANSFORMS",
    "Context",
    "NothingWritten",
    "ParameterInvalid",
    "TransformFailed",
    "step_problem",
    "transformed",
]
