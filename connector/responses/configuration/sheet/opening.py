"""Opens an uploaded workbook: its rows, and what each cell says. Nothing is calculated."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from connector.problems import Refusal
from connector.responses.configuration.sheet import cells, steps
from connector.responses.configuration.sheet.cells import CellUnreadable
from connector.responses.configuration.sheet.layout import MOST_ROWS, Means, letter
from connector.responses.configuration.sheet.package import judged, unreadable
from schemas.phrases import phrase

# The last row that any spreadsheet has, and more columns than a person would add.
_LAST_ROW, _MOST_COLUMNS = 1_048_576, 60
# How a file spells out a sign that its XML cannot hold, and the _ before such a word.
_SPELT_OUT = re.compile(r"_x(00[01][0-9A-Fa-f]|005[Ff])_")
_FORMULA = phrase("a formula is not calculated here: put its value in its place")
_ERROR = phrase("the cell holds an error of the spreadsheet: type the value")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet with what stands in its cells, from column A."""

    sheet: str
    number: int
    cells: Sequence[Any]

    def spot(self, place: int) -> str:
        """How a person calls the cell at this place, from 0."""
        return f"{self.sheet}!{letter(place)}{self.number}"

    def title(self, place: int) -> str:
        """The cell's text where nothing but a word of ours can stand, "" where it is empty."""
        value = self.cells[place].value if place < len(self.cells) else None
        return "" if value is None else str(value).strip()

    def means(self, place: int, means: Means) -> Any:  # noqa: ANN401 - text, JSON or steps
        """What the cell means. Raises Empty, CellUnreadable, StepsUnreadable."""
        text = _text(self.cells[place]) if place < len(self.cells) else None
        if text is None:
            raise Empty
        return _READERS[means](text)


class Empty(Exception):
    """Nothing stands in the cell."""


_READERS = {
    Means.TEXT: cells.heard,
    Means.FIELD: cells.field_of,
    Means.VALUE: cells.meant,
    Means.STEPS: steps.read,
}


def opened(raw: bytes) -> dict[str, list[Row]]:
    """The filled rows of the sheets that are read, by the sheet's name. Raises Refusal."""
    try:
        return dict(_parsed(judged(raw)))
    except Refusal:
        raise
    except Exception as exc:
        # Whatever the libraries stumble over is in the file, not in us.
        text = phrase(
            "the file is no workbook we can read: save it again as Excel workbook (.xlsx)"
        )
        raise unreadable(text) from exc


def _parsed(safe: IO[bytes]) -> Iterator[tuple[str, list[Row]]]:
    # It takes half a second that most processes never need.
    import openpyxl  # noqa: PLC0415

    # It tells what it leaves out of a sheet; only cells are read here.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\b")
    book = openpyxl.load_workbook(safe, read_only=True, keep_links=False)
    try:
        for sheet in book.worksheets:
            title = sheet.title.casefold()
            name = next((one for one in MOST_ROWS if one.casefold() == title), None)
            if name is not None:
                yield name, list(_rows(sheet, name))
    finally:
        book.close()


def _rows(sheet: Any, name: str) -> Iterator[Row]:  # noqa: ANN401 - the library's, untyped
    sheet.reset_dimensions()  # what the file says of its size is not believed
    filled, blank = 0, None
    rows = sheet.iter_rows(max_row=_LAST_ROW, max_col=_MOST_COLUMNS)
    for number, row in enumerate(rows, start=1):
        if row is blank or all(cell.value is None for cell in row):
            # A gap repeats one row up to a million times: it is looked at once.
            blank = row
            continue
        filled += 1
        if filled > MOST_ROWS[name] + 1:  # and the titles
            text = phrase(
                "the sheet %(name)s has more than %(most)s filled rows",
                name=name,
                most=MOST_ROWS[name],
            )
            raise unreadable(text, f"{name}!A{number}")
        yield Row(name, number, row)


def _text(cell: Any) -> str | None:  # noqa: ANN401 - the library's, untyped
    """What the cell says, None where it is empty. Raises CellUnreadable."""
    if cell.data_type == "f":
        raise CellUnreadable(_FORMULA)
    if cell.data_type == "e":
        raise CellUnreadable(_ERROR)
    if not isinstance(cell.value, str):
        return cells.text_of(cell.value)
    text = _SPELT_OUT.sub(lambda found: chr(int(found.group(1), 16)), cell.value)
    return text if text.strip() else None
