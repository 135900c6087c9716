"""Rows as the CSV of a bulk job, and its results read back. Pure.

An empty cell leaves a field as it is, `#N/A` clears it (Bulk API 2.0 guide; not verified on an org:
setting `bulk_empty`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.salesforce.people import Sent
from schemas.salesforce import Unreadable

NULL = "#N/A"
# The results repeat the rows, and an answer of more than 5 MB is not read.
MAX_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Jobbed:
    """What Salesforce says of a job."""

    id: str
    state: str

    @classmethod
    def of(cls, told: Any) -> Jobbed:
        """Raises Unreadable."""
        if not isinstance(told, dict) or not isinstance(told.get("id"), str):
            message = "the answer does not describe a bulk job"
            raise Unreadable(message)
        return cls(told["id"], str(told.get("state")))


def parts_of(sent: Sequence[Sent], *, alike: bool) -> Iterator[Sequence[Sent]]:
    """The rows in parts that one job can hold: one object each, and (`alike`) the same fields."""
    groups: dict[tuple[str, frozenset[str]], list[Sent]] = {}
    for one in sent:
        fields = frozenset(one.body) if alike else frozenset()
        groups.setdefault((one.home.entity, fields), []).append(one)
    for group in groups.values():
        yield from _short_enough(group)


def table_of(part: Sequence[Sent], *, null: str) -> str:
    """The rows as CSV, with the record's id where there is one. `null` clears a field."""
    names = list(dict.fromkeys(name for one in part for name in one.body))
    ids = ["Id"] if part[0].home.remote_id else []
    written = io.StringIO(newline="")
    table = csv.writer(written, lineterminator="\n")
    table.writerow([*ids, *names])
    for one in part:
        cells = [_cell(one.body[name], null) if name in one.body else "" for name in names]
        table.writerow([*([one.home.remote_id] if ids else []), *cells])
    return written.getvalue()


def rows_in(table: str) -> Iterator[Mapping[str, str]]:
    """The rows of a table of results, by column."""
    return iter(csv.DictReader(io.StringIO(table, newline="")))


def _short_enough(group: Iterable[Sent]) -> Iterator[Sequence[Sent]]:
    part: list[Sent] = []
    size = 0
    for one in group:
        own = sum(len(str(value).encode()) + len(name) for name, value in one.body.items())
        if part and size + own > MAX_BYTES:
            yield part
            part, size = [], 0
        part.append(one)
        size += own
    yield part


def _cell(value: Any, null: str) -> str:
    if value is None or value == "":
        return null
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        # Never as 1e+16.
        return f"{Decimal(repr(value)):f}"
    return str(value)
