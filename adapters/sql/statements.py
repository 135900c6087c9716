"""The statements, the same for every database: what differs between them is SQLAlchemy's to spell.

One statement for many rows. An update gives each column a CASE by the row's key, so that rows with
different columns go together and each keeps what it was not given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Select,
    String,
    TableClause,
    Update,
    bindparam,
    case,
    func,
    select,
    type_coerce,
    update,
)

from schemas.fields import Field
from schemas.sql import native

# SQL Server takes 2,100 values with a statement, Oracle 1,000 in a list.
MOST_VALUES = 2000

Values = Mapping[str, Any]


def reading(
    found_in: TableClause,
    key: str,
    field: str,
    values: Sequence[Any],
    *,
    want: Iterable[str],
    folds: bool,
    most: int,
) -> Select[Any]:
    """Key, field and what is wanted of the rows whose field holds one of the values.

    `folds`: whatever the case; the values are in lower case then. The columns are known by their
    place: what a caller wants may be the key itself.
    """
    by = found_in.c[field]
    compared = func.lower(type_coerce(by, String())) if folds else by
    listed = [found_in.c[one].label(f"c{n}") for n, one in enumerate((key, field, *want))]
    return select(*listed).where(compared.in_(values)).limit(most)


def updating(into: TableClause, key: str, rows: Mapping[Any, Values]) -> Update:
    """All rows at once, by their keys."""
    by = into.c[key]
    names = list(dict.fromkeys(name for values in rows.values() for name in values))
    changes = {}
    for name in names:
        to = into.c[name]
        given = [
            (by == one, bindparam(None, values[name], type_=to.type))
            for one, values in rows.items()
            if name in values
        ]
        changes[name] = case(*given, else_=to) if len(rows) > 1 else given[0][1]
    return update(into).where(by.in_(list(rows))).values(changes)


def parts(rows: Mapping[Any, Values]) -> Iterator[dict[Any, Values]]:
    """The rows, as many together as one statement may hold values of."""
    part: dict[Any, Values] = {}
    held = 0
    for key, values in rows.items():
        cost = 2 * len(values) + 1
        if part and held + cost > MOST_VALUES:
            yield part
            part, held = {}, 0
        part[key] = values
        held += cost
    if part:
        yield part


def alike(rows: Sequence[Values]) -> list[list[Values]]:
    """The rows in groups that give the same columns: each group is inserted at once."""
    groups: dict[frozenset[str], list[Values]] = {}
    for one in rows:
        groups.setdefault(frozenset(one), []).append(one)
    return list(groups.values())


def compared(field: Field, value: str, folds: bool) -> Any:  # noqa: FBT001 - for a driver
    """A value as it is compared with the column's; None where it cannot be in it."""
    try:
        told = native(field, value)
    except ValueError:
        return None
    return told.lower() if folds else told
