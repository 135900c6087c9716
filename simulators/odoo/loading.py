"""`load`, by which an import of a file stores its rows: texts, all or none, a message for each
fault (measured on 11; that 12 and later stop after ten faults: from its source).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from simulators.odoo.errors import OdooError
from simulators.odoo.store import Record, Store

STOPS_FROM, MOST_FAULTS = 12, 10
DATABASE_ID, OUTSIDE_ID = ".id", "id"
# The user's own, which counts where the call does not say another.
USERS_ZONE = "Europe/Copenhagen"
FALSE = frozenset({"0", "false", "no"})


@dataclass
class Loading:
    """One call. `act(model, id, values)` stores one row, or raises OdooError: id 0 is a new one."""

    store: Store
    model: str
    context: Mapping[str, Any]
    act: Callable[[int, Record], int]
    messages: list[Record] = field(default_factory=list)

    def run(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Record:
        """The answer."""
        definitions = self.store.definitions[self.model]
        for one in columns:
            name = one.partition("/")[0]
            if one not in (DATABASE_ID, OUTSIDE_ID) and name not in definitions:
                raise OdooError(name, "KeyError")
        kept = self.store.snapshot()
        ids = list(self._stored(columns, rows))
        told: list[int] | bool = ids
        if any(one["type"] == "error" for one in self.messages):
            self.store.restore(kept)
            told = False
        return {"ids": told, "messages": self.messages}

    def _stored(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[int]:
        faults = 0
        for at, row in enumerate(rows):
            cells = dict(zip(columns, row, strict=True))
            values = dict(self._converted(cells, at))
            try:
                yield self._kept(cells, values, at)
            except OdooError as exc:
                self._error(at, _words(exc))
                faults += 1
            if self._stops(faults, at + 1):
                text = "Found more than 10 errors and more than one error per 10 records,"
                self.messages.append({"type": "warning", "message": f"{text} interrupted"})
                return

    def _stops(self, faults: int, tried: int) -> bool:
        old = self.store.version < STOPS_FROM
        return not old and faults >= MOST_FAULTS and faults >= tried / 10

    def _kept(self, cells: Mapping[str, Any], values: Record, at: int) -> int:
        number = self._number(cells, at)
        outside = str(cells.get(OUTSIDE_ID) or "")
        if outside.count(".") > 1:
            text = f"'{outside}' contains too many dots."
            raise OdooError(text, "AssertionError")
        number = number or self.store.outside_ids.get((self.model, outside), 0)
        made = self.act(number, values)
        if outside:
            self.store.outside_ids[self.model, outside] = made
        return made

    def _number(self, cells: Mapping[str, Any], at: int) -> int:
        """The record that a row is, 0 for a new one or one that is not there."""
        told = cells.get(DATABASE_ID)
        if not told:
            return 0
        try:
            number = int(told)
        except ValueError as exc:
            text = f'invalid input syntax for type integer: "{told}"\n'
            raise OdooError(text, "InvalidTextRepresentation") from exc
        if self.store.search(self.model, [["id", "=", number]], self.context):
            return number
        self._error(at, f"Unknown database identifier '{told}'", DATABASE_ID)
        return 0

    # --- texts as values --------------------------------------------------------------------------

    def _converted(self, cells: Mapping[str, Any], at: int) -> Iterator[tuple[str, Any]]:
        for column, cell in cells.items():
            name, _, by = column.partition("/")
            if name in (DATABASE_ID, OUTSIDE_ID):
                continue
            if not cell:
                yield name, False
                continue
            definition = self.store.definitions[self.model][name]
            try:
                yield name, self._value(definition, cell, by)
            except ValueError as exc:
                self._error(at, f"{exc} in field '{definition['string']}'", name)

    def _value(self, definition: Mapping[str, Any], cell: Any, by: str) -> Any:
        kind = definition["type"]
        if kind == "many2one":
            return self._linked(str(definition["relation"]), cell, by)
        if kind == "boolean":
            return cell.lower() not in FALSE
        if kind == "selection":
            return _option(definition["selection"], cell)
        if kind == "date":
            return date.fromisoformat(cell).isoformat()
        if kind == "datetime":
            zone = ZoneInfo(str(self.context.get("tz") or USERS_ZONE))
            there = datetime.fromisoformat(cell).replace(tzinfo=zone)
            return f"{there.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        return _NUMBERS.get(kind, str)(cell)

    def _linked(self, relation: str, cell: str, by: str) -> int:
        if by == DATABASE_ID:
            if cell.isdigit() and self.store.search(
                relation, [["id", "=", int(cell)]], self.context
            ):
                return int(cell)
        elif by == OUTSIDE_ID and (relation, cell) in self.store.outside_ids:
            return self.store.outside_ids[relation, cell]
        text = f"No matching record found for {by or 'name'} {cell!r}"
        raise ValueError(text)

    def _error(self, at: int, text: str, name: str | None = None) -> None:
        told = {"type": "error", "record": at, "rows": {"from": at, "to": at}, "message": text}
        self.messages.append({**told, **({"field": name} if name else {})})


def _option(options: Sequence[Sequence[str]], cell: str) -> str:
    """By its value or by its label, whichever comes first."""
    for value, label in options:
        if cell in (value, label):
            return value
    text = f"Value {cell!r} not found"
    raise ValueError(text)


def _words(exc: OdooError) -> str:
    """The database's own errors are told as they are, others by their class."""
    if exc.name.startswith("psycopg2"):
        return exc.text
    return f"Unknown error during import: <class '{exc.name}'>: {exc.text}"


_NUMBERS: Mapping[str, Callable[[Any], Any]] = {"integer": int, "float": float, "monetary": float}
