"""The pages of a workbook that are only read: how to fill it in, and the transformations. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from connector.responses.configuration.sheet import cells, steps
from connector.responses.configuration.sheet.layout import (
    FIELDS,
    MAPPING,
    MAPPING_COLUMNS,
    OPTIONS,
    SETTING_ROWS,
    SETTINGS,
    STEPS,
    VALUE_COLUMNS,
    VALUES,
    Column,
)
from connector.responses.transforms import TRANSFORMS
from connector.responses.transforms.core import Param, Transformation
from schemas.strict import JSON

_INTRO = """How to fill in this mapping
1. Settings: give the mapping a name, and say by which value the CRM's record is found.
2. Mapping: choose a field in each row whose answer the CRM should get. Rows without one may stay.
3. Values: write the new value beside an answer, and name the table in the row's transformations: \
map_values(values=table(answers.topics)).
4. Save it as .xlsx and upload it. It becomes a draft; nothing is written until you publish it.

Where something is wrong nothing is stored, and each cell is named with what to do, as Mapping!C7.
Rows and columns may be moved; the titles and the names of the sheets stay as they are. Formulas \
are not calculated: put values. Cells with lists take other words, too.
"""
_NOTATION = """How values are written
Text stands as it is. In quotes it is always text: "5", "true", "" (an empty text).
In Default and New value, 5 is a number, true and false are truth values, null is nothing; 12.50 \
and 0123 are text, so that no digit is lost.
An apostrophe at the beginning is not read: it keeps = + - @ from beginning a formula.
A field is written as Label [api_name], as the list offers it, or by its API name alone.
Transformations stand one behind the other with | between them, parameters by name: \
cut(length=80, ellipsis=true) | upper. A text with , ( ) | or quotes in it stands in quotes.
"""


def how_to_fill() -> Iterator[Sequence[str]]:
    """The page for whoever fills it in, one cell a row."""
    yield from ([line] for line in _INTRO.split("\n"))
    yield [SETTINGS]
    yield from ([_told(one)] for one in SETTING_ROWS)
    yield from ([""], [MAPPING], *([_told(one)] for one in MAPPING_COLUMNS))
    yield from ([""], [VALUES], *([_told(one)] for one in VALUE_COLUMNS), [""])
    yield from ([line] for line in _NOTATION.split("\n"))
    yield [f"{FIELDS}, {OPTIONS} and {STEPS} are there to look things up; they are not read."]


def transformations() -> Iterator[Sequence[str]]:
    """The page of the named transformations."""
    yield "Name", "What it does", "Parameters", "Example"
    for one in TRANSFORMS.values():
        told = f"{one.label}. {one.description}"
        parameters = "\n".join(_parameter(param) for param in one.params)
        yield one.name, cells.guarded(told), cells.guarded(parameters), _example(one)


@lru_cache(maxsize=1)
def examples() -> tuple[str, ...]:
    """One step of each transformation, as it is written."""
    return tuple(_example(one) for one in TRANSFORMS.values())


def _told(column: Column) -> str:
    return f"{column.title}: {column.help}"


def _parameter(param: Param) -> str:
    choices = f"; one of {', '.join(map(str, param.choices))}" if param.choices else ""
    needed = "needed" if param.required else f"else {cells.value_cell(_plain(param.default))}"
    return f"{param.name}: {param.help} ({needed}{choices})"


def _plain(value: object) -> JSON:
    return list(value) if isinstance(value, tuple) else value


def _example(one: Transformation) -> str:
    return steps.write([{"name": one.name, **one.examples[0].params}], _inline)


def _inline(_: Mapping[str, JSON]) -> str | None:
    return None
