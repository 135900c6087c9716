"""Reads a filled-in workbook as a document: the mapping it says, and where each value stands.

1. The sheet Values gives the tables, Settings the mapping's head, Mapping its rows.
2. Columns are found by their titles, so they may be moved. A title that we do not know is a fault.
3. A cell that says nothing we can take is a fault of that cell; the others are read all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.documents import Document
from connector.problems import Place
from connector.responses.configuration.sheet.cells import CellUnreadable
from connector.responses.configuration.sheet.layout import (
    MAPPING,
    MAPPING_COLUMNS,
    SETTING_ROWS,
    SETTING_TITLES,
    SETTINGS,
    VALUE_COLUMNS,
    VALUES,
    Column,
    Means,
)
from connector.responses.configuration.sheet.opening import Empty, Row, opened
from connector.responses.configuration.sheet.package import unreadable
from connector.responses.configuration.sheet.steps import StepsUnreadable, Table
from schemas.phrases import phrase
from schemas.strict import JSON

_EMPTY = object()


@dataclass(slots=True)
class Found:
    """What has been read so far. A table is its new values by answer, and where it begins."""

    body: dict[str, Any] = field(default_factory=dict)
    spots: dict[str, str] = field(default_factory=dict)
    faults: list[Place] = field(default_factory=list)
    tables: dict[str, dict[str, JSON]] = field(default_factory=dict)
    unused: dict[str, str] = field(default_factory=dict)

    def wrong(self, pointer: str, text: str, where: str) -> None:
        """Note a place that cannot be taken as it is."""
        self.faults.append(Place(pointer, "unreadable", text, where))

    def read(self, row: Row, place: int, means: Means, pointer: str = "") -> Any:  # noqa: ANN401
        """What the cell means; _EMPTY where it is empty, or noted as a fault."""
        self.spots.setdefault(pointer, row.spot(place))
        try:
            return row.means(place, means)
        except Empty:
            return _EMPTY
        except (CellUnreadable, StepsUnreadable) as exc:
            self.wrong(pointer, str(exc), row.spot(place))
            return _EMPTY


def read_sheet(raw: bytes) -> Document:
    """The mapping that the workbook says. Raises Refusal where it is no workbook of ours."""
    sheets = opened(raw)
    for name in (SETTINGS, MAPPING):
        if name not in sheets:
            text = phrase(
                "there is no sheet %(name)s: fill in the file that was downloaded", name=name
            )
            raise unreadable(text)
    found = Found(spots={"": SETTINGS, "/rows": MAPPING})
    _read_tables(sheets.get(VALUES, []), found)
    _read_settings(sheets[SETTINGS], found)
    _read_rows(sheets[MAPPING], found)
    for table, where in found.unused.items():
        text = phrase(
            "no step uses this table: write map_values(values=table(%(table)s)) in its row, or "
            "empty its new values",
            table=table,
        )
        found.wrong("", text, where)
    return Document(found.body, found.spots, tuple(found.faults))


# --- the three sheets -----------------------------------------------------------------------------


def _read_tables(rows: list[Row], found: Found) -> None:
    places = _places(VALUES, rows, VALUE_COLUMNS, found, needed=("table", "answer", "value"))
    for row in rows[1:] if places else ():
        value = found.read(row, places["value"], Means.VALUE)
        if value is _EMPTY:
            continue
        table = found.read(row, places["table"], Means.TEXT)
        answer = found.read(row, places["answer"], Means.TEXT)
        for key, said, text in (
            ("table", table, phrase("a new value needs its table")),
            ("answer", answer, phrase("a new value needs its answer")),
        ):
            if said is _EMPTY:
                found.wrong("", text, row.spot(places[key]))
        if table is _EMPTY or answer is _EMPTY:
            continue
        if answer in found.tables.setdefault(table, {}):
            text = phrase("this answer stands twice in its table")
            found.wrong("", text, row.spot(places["answer"]))
        found.tables[table][answer] = value
        found.unused.setdefault(table, row.spot(places["table"]))


def _read_settings(rows: list[Row], found: Found) -> None:
    known = {one.title.casefold(): one for one in SETTING_ROWS}
    heading = SETTING_TITLES[0].casefold()
    for row in rows:
        title = row.title(0).casefold()
        if title == heading or not (title or row.title(1)):
            continue
        line = known.pop(title, None)
        if line is None:
            text = phrase(
                "there is no setting of that name, or it stands twice; there are %(names)s",
                names=_names(SETTING_ROWS),
            )
            found.wrong("", text, row.spot(0))
            continue
        pointer = f"/{line.key}"
        value = found.read(row, 1, line.means, pointer)
        if value is not _EMPTY:
            head, _, part = line.key.partition("/")
            into = found.body.setdefault(head, {}) if part else found.body
            into[part or head] = _resolved(value, found, pointer, row.spot(1))


def _read_rows(rows: list[Row], found: Found) -> None:
    kept: list[dict[str, Any]] = []
    found.body["rows"] = kept
    places = _places(MAPPING, rows, MAPPING_COLUMNS, found, needed=("variable", "field"))
    columns = [one for one in MAPPING_COLUMNS if one.means is not Means.NOTHING]
    for row in rows[1:] if places else ():
        if not any(
            row.title(places[key]) for key in ("field", "transforms", "default") if key in places
        ):
            continue  # a variable that goes nowhere
        pointer = f"/rows/{len(kept)}"
        found.spots[pointer] = row.spot(places["variable"])
        said: dict[str, Any] = {}
        for column in columns:
            if column.key not in places:
                continue
            at = f"{pointer}/{column.key}"
            value = found.read(row, places[column.key], column.means, at)
            if value is not _EMPTY:
                said[column.key] = _resolved(value, found, at, row.spot(places[column.key]))
        kept.append(said)


def _resolved(value: Any, found: Found, pointer: str, where: str) -> Any:  # noqa: ANN401 - as read
    """The value; in steps, each table named is put in its place."""
    if not isinstance(value, list) or not pointer.endswith("/transforms"):
        return value
    return [
        {key: _table(one, found, pointer, where) for key, one in step.items()} for step in value
    ]


def _table(value: JSON | Table, found: Found, pointer: str, where: str) -> JSON:
    if not isinstance(value, Table):
        return value
    found.unused.pop(value.name, None)
    if value.name not in found.tables:
        text = phrase(
            "the sheet %(sheet)s has no new values for a table %(table)s",
            sheet=VALUES,
            table=value.name,
        )
        found.wrong(pointer, text, where)
    return found.tables.get(value.name, {})


def _places(
    sheet: str, rows: list[Row], columns: Sequence[Column], found: Found, *, needed: Sequence[str]
) -> dict[str, int]:
    """Where each column stands, by the titles of row 1; {} where a needed one is missing."""
    if not rows:
        return {}
    known = {one.title.casefold(): one for one in columns}
    places: dict[str, int] = {}
    for place in range(len(rows[0].cells)):
        title = rows[0].title(place)
        if not title:
            continue
        column = known.pop(title.casefold(), None)
        if column is None:
            text = phrase(
                "there is no column of that name, or it stands twice; there are %(names)s",
                names=_names(columns),
            )
            found.wrong("", text, rows[0].spot(place))
        else:
            places[column.key] = place
    missing = [one.title for one in columns if one.key in needed and one.key not in places]
    for title in missing:
        text = phrase(
            "there is no column %(title)s; there are %(names)s", title=title, names=_names(columns)
        )
        found.wrong("", text, f"{sheet}!A1")
    return {} if missing else places


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(one.title for one in columns)
