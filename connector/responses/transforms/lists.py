"""Transformations of choices and lists. Pure."""

from __future__ import annotations

from connector.responses.transforms.core import (
    Context,
    Example,
    Param,
    Params,
    Transformation,
    TransformFailed,
    kind_of,
)
from schemas.fields import FieldValue
from schemas.phrases import phrase


def _map_values(value: FieldValue, params: Params, _: Context) -> FieldValue:
    if value is None:
        return None
    if isinstance(value, tuple):
        mapped = (_mapped(one, params) for one in value)
        return tuple(str(one) for one in mapped if one is not None)
    return _mapped(value, params)


def _mapped(value: FieldValue, params: Params) -> FieldValue:
    # JSON's object keys are texts: a number or a truth value is looked up as JSON writes it.
    key = str(value).lower() if isinstance(value, bool) else str(value)
    values = params["values"]
    if key in values:
        found: FieldValue = values[key]
        return found
    if params["otherwise"] == "fail":
        rule = phrase("has no entry for this value")
        raise TransformFailed(name="map_values", rule=rule, given=kind_of(value))
    if params["otherwise"] == "keep":
        return value
    default: FieldValue = params["default"]
    return default


def _labels(value: FieldValue, _: Params, context: Context) -> FieldValue:
    if isinstance(value, tuple):
        return tuple(context.labels.get(one, one) for one in value)
    return context.labels.get(value, value) if isinstance(value, str) else value


def _end(values: tuple[str, ...], place: int) -> str | None:
    return values[place] if values else None


def _parts(values: tuple[str, ...], params: Params, _: Context) -> tuple[str, ...]:
    parts = (part.strip() for text in values for part in text.split(params["separator"]))
    return tuple(part for part in parts if part)


def _not_empty(value: str) -> str | None:
    return None if value else "must not be empty"


_TOPICS = ("price", "staff")
_READ = Context(labels={"price": "Price", "staff": "Staff"})

LISTS = (
    Transformation(
        "map_values",
        "Map values",
        "Replaces values by a table of yours; each value of a list is looked up.",
        "any",
        _map_values,
        (
            Example("shop", "RETAIL", {"values": {"shop": "RETAIL"}}),
            Example(9, "hot", {"values": {"9": "hot", "10": "hot"}}),
            Example(
                "web",
                "OTHER",
                {"values": {"shop": "RETAIL"}, "otherwise": "default", "default": "OTHER"},
            ),
            Example(_TOPICS, ("PR", "staff"), {"values": {"price": "PR"}, "otherwise": "keep"}),
        ),
        (
            Param("values", "map", "old value: new value", required=True),
            Param(
                "otherwise",
                "text",
                "what an unlisted value becomes",
                default="fail",
                choices=("fail", "keep", "default"),
            ),
            Param("default", "any", "the value for unlisted ones; none: nothing"),
        ),
    ),
    Transformation(
        "choice_label",
        "What was read",
        "The label the respondent saw in place of the option's value.",
        "any",
        _labels,
        (
            Example("price", "Price", {}, _READ),
            Example(_TOPICS, ("Price", "Staff"), {}, _READ),
        ),
    ),
    Transformation(
        "join",
        "Join",
        "Makes one text of a list.",
        "list",
        lambda values, params, _: params["separator"].join(values),
        (Example(_TOPICS, "price; staff", {"separator": "; "}),),
        (Param("separator", "text", "what stands between", default=", "),),
    ),
    Transformation(
        "split",
        "Split",
        "Makes a list of a text; parts are trimmed, empty ones left out.",
        "list",
        _parts,
        (Example("price, staff,", _TOPICS, {"separator": ","}),),
        (Param("separator", "text", "what stands between", default=",", check=_not_empty),),
    ),
    Transformation(
        "first",
        "First of a list",
        "The first value of a list or ranking.",
        "list",
        lambda values, _, __: _end(values, 0),
        (Example(("b", "a", "c"), "b"), Example((), None)),
    ),
    Transformation(
        "last",
        "Last of a list",
        "The last value of a list or ranking.",
        "list",
        lambda values, _, __: _end(values, -1),
        (Example(("b", "a", "c"), "c"),),
    ),
    Transformation(
        "count",
        "Count",
        "How many values a list has.",
        "list",
        lambda values, _, __: len(values),
        (Example(_TOPICS, 2), Example((), 0)),
    ),
    Transformation(
        "sort_unique",
        "Sort without doubles",
        "Sorts a list and keeps each value once.",
        "list",
        lambda values, _, __: tuple(sorted(set(values))),
        (Example(("b", "a", "b"), ("a", "b")),),
    ),
)
