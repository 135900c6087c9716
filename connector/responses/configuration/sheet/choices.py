"""What a workbook offers to choose from: the entity's fields with their options, the variables, the
steps. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from connector.responses.configuration.sheet import cells, guide
from connector.responses.configuration.sheet.layout import LISTS, OPTIONS, Column, column_of
from schemas.config import OPERATIONS
from schemas.fields import Entity, Field, FieldType

Row: TypeAlias = Sequence[str]
_MOST_OPTIONS, _MOST_PREVIEW, _MOST_EYE = 20_000, 300, 1_000
_WORDS: Mapping[str, tuple[str, ...]] = {
    "operation": OPERATIONS,
    "note": ("unmapped", "all", "none"),
    "files": ("none", "record"),
    "ambiguous": ("refuse", "newest", "oldest"),
    "when_missing": ("skip", "clear", "default"),
    "when_present": ("overwrite", "keep"),
}
# Column of the sheet of lists -> its title.
_VARIABLES, _IDENTIFYING, _WRITABLE, _STEPS = "ABCD"
_TITLES = ("Variables", "Fields that identify", "Fields that can be written", "Steps")
_COLUMN_OF = {
    "variable": _VARIABLES,
    "identify/variable": _VARIABLES,
    "identify/field": _IDENTIFYING,
    "links/contact": _WRITABLE,
    "links/company": _WRITABLE,
    "field": _WRITABLE,
    "transforms": _STEPS,
    "identify/transforms": _STEPS,
}
# The options of the field that stands in the same row; its name is put in.
_OPTIONS_OF = "OFFSET({o}!$B$1,MATCH(${c}2,{o}!$A:$A,0)-1,0,COUNTIF({o}!$A:$A,${c}2),1)"


@dataclass(frozen=True, slots=True)
class Known:
    """A variable that can be mapped: what was asked, its kind, and the options of its answer.

    `offered`: it has a row of its own in the template; the others only stand in the list.
    """

    variable: str
    kind: str
    question: str = ""
    options: tuple[tuple[str, str], ...] = ()
    offered: bool = True


@dataclass(frozen=True, slots=True)
class Book:
    """What a workbook is made of. `head` and `rows` are a mapping's, a template's have gaps."""

    head: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]] = ()
    known: Sequence[Known] = ()
    entity: Entity | None = None


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of a workbook, as rows of cells."""

    variables: Sequence[str]
    identifying: Sequence[str]
    writable: Sequence[str]
    fields: Sequence[Row]
    options: Sequence[Row]

    @classmethod
    def of(cls, book: Book) -> Lists:
        """The lists of this workbook."""
        fields = book.entity.fields if book.entity else ()
        return cls(
            [cells.text_cell(one.variable) for one in book.known],
            [field_text(book, one.name) for one in fields if one.identifies or one.unique],
            [field_text(book, one.name) for one in fields if _is_writable(one)],
            [_field(book, one) for one in fields],
            list(_options(book, fields))[:_MOST_OPTIONS],
        )

    def offer(self, key: str, columns: Sequence[Column] = ()) -> str | None:
        """The list that a cell of this member offers, as a formula; None where it offers none."""
        if key in _WORDS:
            return f'"{",".join(_WORDS[key])}"'
        if key in {"default", "value"} and self.options:
            return _OPTIONS_OF.format(o=OPTIONS, c=column_of(tuple(columns), "field"))
        column = _COLUMN_OF.get(key)
        size = len(self._column(column)) if column else 0
        return f"{LISTS}!${column}$2:${column}${size + 1}" if size else None

    def columns(self) -> Iterator[Row]:
        """The sheet of lists, row by row."""
        yield _TITLES
        lists = [self._column(one) for one in "ABCD"]
        for place in range(max(map(len, lists))):
            yield [one[place] if place < len(one) else "" for one in lists]

    def _column(self, column: str) -> Sequence[str]:
        examples = guide.examples()
        return {
            _VARIABLES: self.variables,
            _IDENTIFYING: self.identifying,
            _WRITABLE: self.writable,
            _STEPS: examples,
        }[column]


def field_text(book: Book, name: str) -> str:
    """The cell that names the field, with its label where it is known."""
    known = book.entity.field(name) if book.entity else None
    return cells.field_cell(name, known.label if known else "")


def eye(text: str) -> str:
    """A cell for the reader's eyes only."""
    return cells.guarded(cells.readable(text)[:_MOST_EYE])


def _is_writable(field: Field) -> bool:
    return field.type is not FieldType.OTHER and (field.creatable or field.updatable)


def _field(book: Book, one: Field) -> Row:
    flags = (one.required, one.creatable, one.updatable, one.identifies or one.unique)
    active = [option for option in one.options if option.active]
    preview = "; ".join(f"{option.value} = {option.label}" for option in active)
    return (
        field_text(book, one.name),
        cells.text_cell(one.name),
        eye(one.label),
        one.type.value,
        *("yes" if flag else "" for flag in flags),
        "" if one.max_length is None else str(one.max_length),
        eye(preview[:_MOST_PREVIEW]),
    )


def _options(book: Book, fields: Sequence[Field]) -> Iterator[Row]:
    for one in fields:
        if _is_writable(one):
            name = field_text(book, one.name)
            for option in one.options:
                if option.active:
                    yield name, cells.value_cell(option.value), eye(option.label)
