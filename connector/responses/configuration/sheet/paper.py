"""Puts rows of texts on the sheets of a workbook. Every cell is text, whatever it looks like."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.problems import Code, Refusal
from connector.responses.configuration.sheet.layout import MOST_CELL, letter

# A spreadsheet takes _x4e2d_ for a sign's number, and _x005F_ for the _ before such a word.
_LIKE_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_TITLE_FILL = "DDE7F3"


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    rows: list[list[str]]
    widths: Sequence[int]
    offers: Mapping[str, str | None]
    texts: Sequence[str]
    hidden: bool


class Paper:
    """A workbook that is being put together, sheet after sheet."""

    def __init__(self) -> None:
        self._sheets: list[_Sheet] = []

    def sheet(
        self,
        name: str,
        rows: Iterable[Sequence[str]],
        *,
        widths: Sequence[int],
        offers: Mapping[str, str | None] | None = None,
        texts: Sequence[str] = (),
        hidden: bool = False,
    ) -> None:
        """One sheet; its first row are titles. `offers`: range of cells -> formula of the list
        that they offer. `texts`: columns in which what is typed stays text.

        Raises Refusal(NOT_IN_A_SHEET) where a text is longer than a cell.
        """
        told = [[_cell_text(text) for text in row] for row in rows]
        self._sheets.append(_Sheet(name, told, widths, offers or {}, texts, hidden))

    def saved(self, *, opens_at: str) -> bytes:
        """The workbook's bytes; `opens_at` is the sheet that is seen first.

        Nothing may be refused from here on: the library leaves a file behind where it is stopped.
        """
        press = _Press()
        for one in self._sheets:
            press.print(one)
        press.book.active = press.book.sheetnames.index(opens_at)
        told = io.BytesIO()
        press.book.save(told)
        return told.getvalue()


def _cell_text(text: str) -> str:
    written = _LIKE_ESCAPE.sub("_x005F_", text)
    if len(written.encode("utf-16-le")) > 2 * MOST_CELL:
        raise Refusal(Code.NOT_IN_A_SHEET)
    return written


class _Press:
    """The library, as we use it to write."""

    def __init__(self) -> None:
        # It takes half a second that most processes never need.
        import openpyxl  # noqa: PLC0415
        from openpyxl import cell, styles  # noqa: PLC0415
        from openpyxl.worksheet import datavalidation  # noqa: PLC0415

        self.book: Any = openpyxl.Workbook(write_only=True)
        self._new_cell: Any = cell.WriteOnlyCell
        self._validation: Any = datavalidation.DataValidation
        self._bold = styles.Font(bold=True)
        self._fill = styles.PatternFill("solid", start_color=_TITLE_FILL)
        self._top = styles.Alignment(vertical="top", wrap_text=True)

    def print(self, one: _Sheet) -> None:
        """Write one sheet."""
        sheet = self.book.create_sheet(one.name)
        sheet.sheet_state = "hidden" if one.hidden else "visible"
        sheet.freeze_panes = "A2"
        for place, width in enumerate(one.widths):
            sheet.column_dimensions[letter(place)].width = width
        for column in one.texts:
            sheet.column_dimensions[column].number_format = "@"
        for number, row in enumerate(one.rows):
            sheet.append([self._cell(sheet, text, is_title=number == 0) for text in row])
        for cells, formula in one.offers.items():
            if formula is not None:
                self._offer(sheet, cells, formula)

    def _cell(self, sheet: Any, text: str, *, is_title: bool) -> Any:  # noqa: ANN401 - the library's
        cell = self._new_cell(sheet, text or None)
        cell.data_type = "s"
        cell.number_format = "@"
        cell.alignment = self._top
        if is_title:
            cell.font, cell.fill = self._bold, self._fill
        return cell

    def _offer(self, sheet: Any, cells: str, formula: str) -> None:  # noqa: ANN401 - the library's
        # Without an error message: a word of one's own is judged when the file is read.
        offer = self._validation(type="list", formula1=formula, allow_blank=True)
        offer.showErrorMessage = False
        offer.add(cells)
        sheet.data_validations.append(offer)
