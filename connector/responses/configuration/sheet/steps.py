"""How the transformations of a row are written in a cell. Pure.

    cut(length=80) | upper                                 steps in their order, parameters by name
    replace(find=", ", with="; ")                          a text with such signs stands in quotes
    map_values(values=table(answers.topics))               a table of the sheet Values
    map_values(values={"shop": "RETAIL"}, otherwise=keep)  or as JSON

A line break separates steps as | does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from connector.responses.configuration.sheet import cells
from schemas.phrases import phrase
from schemas.strict import JSON, MAX_DEPTH, NotStrict, is_deeper, value_at

MAPS, TABLE_OF = "map_values", "values"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_BLANK = re.compile(r"\s*")
_BETWEEN = re.compile(r"[^\S\n]*(?:\||\n)\s*")
_TABLE = re.compile(r"table\s*\(\s*")
_WORD = re.compile(r"""[^\s,()|"'“”„\[{][^,()|"“”„\n]*""")
_SPACES = re.compile(r"[^\S\n]*")
_OPENS, _CLOSES = re.compile(r"\(\s*"), re.compile(r"\s*\)")
_EQUALS, _COMMA = re.compile(r"\s*=\s*"), re.compile(r",\s*")
_CURLY = ("“", "”", "„")


class StepsUnreadable(ValueError):
    """The cell is not written as steps are. The message says where and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """A parameter whose value stands in a table of the sheet Values."""

    name: str


# --- writing --------------------------------------------------------------------------------------


def write(
    steps: Sequence[Mapping[str, Any]], table_of: Callable[[Mapping[str, JSON]], str | None]
) -> str:
    """The cell of these steps. `table_of` keeps a map as a table and names it; None: it stays."""
    return " | ".join(_step(one, table_of) for one in steps)


def _step(step: Mapping[str, Any], table_of: Callable[[Mapping[str, JSON]], str | None]) -> str:
    name = str(step["name"])
    told = []
    for key, value in step.items():
        is_map = name == MAPS and key == TABLE_OF and isinstance(value, Mapping) and value
        table = table_of(value) if is_map else None
        if key != "name":
            told.append(
                f"{_key(key)}={_value(value) if table is None else f'table({_word(table)})'}"
            )
    return f"{_key(name)}({', '.join(told)})" if told else _key(name)


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else cells.quoted(name)


def _value(value: JSON) -> str:
    return _word(value) if isinstance(value, str) else cells.written(value)


def _word(text: str) -> str:
    is_plain = _WORD.fullmatch(text) and text == cells.value_cell(text)
    return text if is_plain else cells.quoted(text)


# --- reading --------------------------------------------------------------------------------------


def read(text: str) -> list[dict[str, Any]]:
    """The steps of a cell; a value may be a Table. Raises StepsUnreadable."""
    if is_deeper(text.encode(), MAX_DEPTH):
        message = phrase("its brackets are nested too deep")
        raise StepsUnreadable(message)
    return list(_Reader(text.strip()).steps())


class _Reader:
    """Goes through one cell from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def steps(self) -> Iterator[dict[str, Any]]:
        yield self._step()
        while self.place < len(self.text):
            if not self._takes(_BETWEEN):
                self._fail(phrase("put | between two steps"))
            yield self._step()

    def _step(self) -> dict[str, Any]:
        step: dict[str, Any] = {
            "name": self._name(phrase("the name of a transformation is expected"))
        }
        self._takes(_SPACES)
        if self._takes(_OPENS):
            self._parameters(step)
        self._takes(_SPACES)
        return step

    def _parameters(self, step: dict[str, Any]) -> None:
        while not self._takes(_CLOSES):
            key = self._name(phrase("the name of a parameter is expected, as in cut(length=80)"))
            if not self._takes(_EQUALS):
                self._fail(phrase("write %(key)s=value", key=key))
            if key in step:
                twice = phrase("%(key)s is given twice", key=key)
                self._fail(twice if key != "name" else phrase("name is taken"))
            step[key] = self._value()
            self._takes(_BLANK)
            if not self._takes(_COMMA) and not self.text.startswith(")", self.place):
                self._fail(phrase("write , before the next parameter or ) behind the last"))

    def _name(self, what: str) -> str:
        found = self._takes(_NAME)
        if not found and not self.text.startswith('"', self.place):
            self._fail(what)
        return found or str(self._json())

    def _value(self) -> JSON | Table:
        if self._takes(_TABLE):
            return self._table()
        if self.text.startswith(('"', "[", "{"), self.place):
            return self._json()
        if self.text.startswith(_CURLY, self.place):
            self._fail(phrase('write straight quotes: "'))
        word = self._takes(_WORD)
        if not word:
            self._fail(phrase('a value is expected; nothing is ""'))
        return cells.meant(word)

    def _table(self) -> Table:
        is_quoted = self.text.startswith('"', self.place)
        name = str(self._json()) if is_quoted else self._takes(_WORD).strip()
        if not name or not self._takes(_CLOSES):
            self._fail(phrase("write table(name of a table on the sheet Values)"))
        return Table(name)

    def _json(self) -> JSON:
        try:
            value, self.place = value_at(self.text, self.place, "")
        except NotStrict:
            self._fail(phrase("this is not JSON: is a quote or bracket missing?"))
        return value

    def _takes(self, pattern: re.Pattern[str]) -> str:
        """What the pattern matches here, passed; "" where it does not."""
        found = pattern.match(self.text, self.place)
        self.place = found.end() if found else self.place
        return found.group() if found else ""

    def _fail(self, why: str) -> NoReturn:
        message = phrase("at sign %(place)s: %(why)s", place=self.place + 1, why=why)
        raise StepsUnreadable(message)
