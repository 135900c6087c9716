"""What happens when there is nothing to write, and values computed by an expression. Pure."""

from __future__ import annotations

from functools import lru_cache

from connector.responses.rules import (
    Expression,
    ExpressionFailed,
    ExpressionInvalid,
    computed,
    expression,
    trusting,
)
from connector.responses.transforms.core import (
    Context,
    Example,
    NothingWritten,
    Param,
    Params,
    Transformation,
    TransformFailed,
)
from connector.responses.vocabulary import Kind, Variable
from schemas.fields import FieldValue


def _is_empty(value: FieldValue) -> bool:
    return value is None or value == () or (isinstance(value, str) and not value.strip())


def _default(value: FieldValue, params: Params, _: Context) -> FieldValue:
    return params["value"] if _is_empty(value) else value


def _only_if_present(value: FieldValue, _: Params, __: Context) -> FieldValue:
    if _is_empty(value):
        raise NothingWritten
    return value


def _cel(value: FieldValue, params: Params, context: Context) -> FieldValue:
    names = tuple(sorted(context.declared.items()))
    try:
        compiled = _compiled(params["expression"], names)
        values = {**context.variables, "value": Variable(_kind(value), value)}
        return computed(compiled, values)
    except ExpressionInvalid as exc:
        raise TransformFailed(name="cel", rule=exc.reason) from None
    except ExpressionFailed as exc:
        raise TransformFailed(name="cel", rule=str(exc)) from None


# Compiling costs a hundred times an evaluation, and a mapping runs the same few for every response.
@lru_cache(maxsize=512)
def _compiled(source: str, names: tuple[tuple[str, Kind], ...]) -> Expression:
    return expression(source, trusting(source, {**dict(names), "value": Kind.ANY}))


def _kind(value: FieldValue) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, tuple):
        return Kind.CHOICES
    return Kind.NUMBER if isinstance(value, int) else Kind.TEXT


_SCORED = Context(
    variables={"answers.nps": Variable(Kind.NUMBER, 9)}, declared={"answers.nps": Kind.NUMBER}
)

MISSING = (
    Transformation(
        "default",
        "Default",
        "Writes a value of yours where the answer is missing or empty.",
        "any",
        _default,
        (
            Example(None, "unknown", {"value": "unknown"}),
            Example("web", "web", {"value": "unknown"}),
        ),
        (Param("value", "any", "what is written instead", required=True),),
    ),
    Transformation(
        "only_if_present",
        "Only if present",
        "Leaves the field alone where the value is missing, blank or an empty list.",
        "any",
        _only_if_present,
        (Example("web", "web"),),
    ),
    Transformation(
        "cel",
        "Expression",
        "Computes the value by an expression over `value` and all variables.",
        "any",
        _cel,
        (
            Example(
                "Shop",
                "Shop (9)",
                {"expression": 'value + " (" + string(answers.nps) + ")"'},
                _SCORED,
            ),
            Example(7, result=True, params={"expression": "value >= 7"}),
        ),
        (Param("expression", "text", "see expressions.md", required=True),),
    ),
)
