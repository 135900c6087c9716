"""Writes a mapping as a workbook, with the lists to choose from.

Every cell is text, so that no program makes a date or a number of it, and none begins a formula.
What a list offers is only offered: a cell takes other words too, and reading judges them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.responses.configuration.sheet import cells, guide, steps
from connector.responses.configuration.sheet.choices import Book, Lists, Row, eye, field_text
from connector.responses.configuration.sheet.layout import (
    FIELDS,
    GUIDE,
    LISTS,
    MAPPING,
    MAPPING_COLUMNS,
    OPTIONS,
    SETTING_ROWS,
    SETTING_TITLES,
    SETTINGS,
    STEPS,
    VALUE_COLUMNS,
    VALUES,
    Column,
    Means,
    letter,
)
from connector.responses.configuration.sheet.paper import Paper
from schemas.strict import JSON

# Rows that offer lists, beyond those that are filled.
_SPARE = 300
_FIELD_TITLES = (
    ("Field", 40), ("API name", 30), ("Label", 30), ("Type", 14), ("Required", 10), ("Create", 8),
    ("Update", 8), ("Identifies", 10), ("Longest", 10), ("Options", 60),
)  # fmt: skip


@dataclass(slots=True)
class _Tables:
    """The maps that have become tables of the sheet Values."""

    kept: dict[str, Mapping[str, JSON]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)

    def name_of(self, variable: str, values: Mapping[str, JSON]) -> str:
        """The table that holds these values, named for the variable."""
        name, number = variable, 1
        # By their text: as values, 1 and true are the same.
        while name in self.kept and repr(dict(self.kept[name])) != repr(dict(values)):
            number += 1
            name = f"{variable} {number}"
        self.kept[name], self.variables[name] = values, variable
        return name


def write_sheet(book: Book) -> bytes:
    """The workbook as .xlsx. Raises Refusal(NOT_IN_A_SHEET) where a text is longer than a cell."""
    tables = _Tables()
    settings = list(_settings(book, tables))
    rows = [*_rows(book, tables), *_unmapped(book)]
    values = list(_values(book, tables))
    lists = Lists.of(book)
    paper = Paper()
    paper.sheet(GUIDE, guide.how_to_fill(), widths=(110,))
    offers = {f"B{place}": lists.offer(one.key) for place, one in enumerate(SETTING_ROWS, start=2)}
    paper.sheet(SETTINGS, [SETTING_TITLES, *settings], widths=(22, 44, 60), offers=offers)
    _filled(paper, MAPPING, MAPPING_COLUMNS, rows, lists)
    _filled(paper, VALUES, VALUE_COLUMNS, values, lists)
    titles, widths = zip(*_FIELD_TITLES, strict=True)
    paper.sheet(FIELDS, [titles, *lists.fields], widths=widths)
    paper.sheet(OPTIONS, [("Field", "Option", "Label"), *lists.options], widths=(40, 30, 40))
    paper.sheet(STEPS, guide.transformations(), widths=(22, 56, 70, 50))
    paper.sheet(LISTS, lists.columns(), widths=(30, 40, 40, 40), hidden=True)
    return paper.saved(opens_at=MAPPING)


def _filled(
    paper: Paper, name: str, columns: Sequence[Column], rows: Sequence[Row], lists: Lists
) -> None:
    last = len(rows) + 1 + _SPARE
    offers = {
        f"{letter(place)}2:{letter(place)}{last}": lists.offer(one.key, columns)
        for place, one in enumerate(columns)
    }
    told = [[one.title for one in columns], *rows]
    widths = [one.width for one in columns]
    texts = [letter(place) for place, one in enumerate(columns) if one.means is not Means.NOTHING]
    paper.sheet(name, told, widths=widths, offers=offers, texts=texts)


# --- what a mapping says --------------------------------------------------------------------------


def _settings(book: Book, tables: _Tables) -> Iterator[Row]:
    for line in SETTING_ROWS:
        head, _, part = line.key.partition("/")
        value = book.head.get(head)
        value = value.get(part) if part and isinstance(value, Mapping) else value
        yield line.title, _cell(line.means, value, "identify", book, tables), line.help


def _rows(book: Book, tables: _Tables) -> Iterator[Row]:
    known = {one.variable: one for one in book.known}
    for row in book.rows:
        variable = str(row["variable"])
        asked = known.get(variable)
        said = {"question": asked.question if asked else "", "kind": asked.kind if asked else ""}
        yield [
            eye(said[one.key])
            if one.means is Means.NOTHING
            else _cell(one.means, row.get(one.key), variable, book, tables)
            for one in MAPPING_COLUMNS
        ]


def _unmapped(book: Book) -> Iterator[Row]:
    used = {row["variable"] for row in book.rows}
    for one in book.known:
        if one.offered and one.variable not in used:
            said = {"question": eye(one.question), "kind": one.kind}
            said["variable"] = cells.text_cell(one.variable)
            yield [said.get(column.key, "") for column in MAPPING_COLUMNS]


def _values(book: Book, tables: _Tables) -> Iterator[Row]:
    """The tables that are used, with the answers they lack; then one for each other choice."""
    options = {one.variable: dict(one.options) for one in book.known if one.options}
    fields = {str(row["variable"]): field_text(book, str(row["field"])) for row in book.rows}
    for name, values in {**{one: {} for one in options}, **tables.kept}.items():
        variable = tables.variables.get(name, name)
        labels = options.get(variable, {})
        for answer in dict.fromkeys((*labels, *values)):
            value = cells.value_cell(values[answer]) if answer in values else ""
            told = (cells.text_cell(name), cells.text_cell(answer), eye(labels.get(answer, "")))
            yield (*told, fields.get(variable, ""), value)


def _cell(means: Means, value: Any, variable: str, book: Book, tables: _Tables) -> str:  # noqa: ANN401
    if value is None or (means is Means.STEPS and not value):
        return ""
    if means is Means.STEPS:
        return steps.write(value, lambda values: tables.name_of(variable, values))
    if means is Means.FIELD:
        return field_text(book, str(value))
    return cells.value_cell(value) if means is Means.VALUE else cells.text_cell(str(value))
