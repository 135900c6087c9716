"""The rows of a batch on their way into a table: together, and where one is refused, in halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, TableClause, insert, select
from sqlalchemy.exc import DBAPIError

from adapters.sql.dialects import Dialect
from adapters.sql.refusals import fault_in, is_of_a_row, outcome_of
from adapters.sql.statements import alike, compared, parts, reading, updating
from adapters.values import Outcome, Row, Status
from schemas.fields import Entity, FieldType
from schemas.sql import canonical, key_of, native

# Of one value so many rows at most are told; more of them mean that it identifies nothing.
MOST_ROWS = 20
Outcomes = dict[str, Outcome]
Write = Callable[[Connection, Sequence[Row]], Outcomes]


class Writing:
    """The rows of one batch on their way into one table."""

    def __init__(
        self, dialect: Dialect, known: Entity, table: TableClause, match: str | None
    ) -> None:
        self._dialect, self._known, self._table = dialect, known, table
        self._key = key_of(known.fields)
        self._match = known.field(match) if match else None

    def each(self, connection: Connection, rows: Sequence[Row], write: Write) -> Outcomes:
        """One outcome per row: together, and where one is refused, in halves."""
        bad = {one.key: told for one in rows if (told := self._unfit(one)) is not None}
        good = [one for one in rows if one.key not in bad]
        return bad | (self._halved(connection, good, write) if good else {})

    def _halved(self, connection: Connection, rows: Sequence[Row], write: Write) -> Outcomes:
        # No context manager: after a deadlock MySQL has undone the savepoint too, and going back to
        # it would be an error that hides why.
        saved = connection.begin_nested()
        try:
            told = write(connection, rows)
        except DBAPIError as exc:
            fault = fault_in(self._dialect, exc)
            if fault is None or not is_of_a_row(fault):
                raise
            saved.rollback()
            if len(rows) == 1:
                return {rows[0].key: self._refused(connection, rows[0], exc)}
        else:
            saved.commit()
            return told
        middle = len(rows) // 2
        first = self._halved(connection, rows[:middle], write)
        return first | self._halved(connection, rows[middle:], write)

    def _refused(self, connection: Connection, row: Row, exc: DBAPIError) -> Outcome:
        fault = fault_in(self._dialect, exc)
        assert fault is not None  # noqa: S101 - the caller has looked
        told = outcome_of(row.key, fault, exc, row.values)
        if told.code != "duplicate" or row.remote_id is not None:
            return told
        return self._existing(connection, [row]).get(row.key, told)

    def _unfit(self, row: Row) -> Outcome | None:
        """A value that is none of its column's, which no database need be asked about."""
        for name, value in row.values.items():
            try:
                native(self._known.by_name()[name], value)
            except ValueError:
                message = f"the value does not fit the column {name}"
                return Outcome(
                    row.key, Status.REJECTED, code="invalid_value", message=message, field=name
                )
        return None

    def _natives(self, row: Row) -> dict[str, Any]:
        fields = self._known.by_name()
        return {name: native(fields[name], value) for name, value in row.values.items()}

    # --- updates ---

    def updated(self, connection: Connection, rows: Sequence[Row]) -> Outcomes:
        """Rows by their keys; those whose key is nobody's are told."""
        keys = {one.key: compared(self._key, str(one.remote_id), folds=False) for one in rows}
        given = {keys[one.key]: self._natives(one) for one in rows if keys[one.key] is not None}
        changed = 0
        for part in parts({key: one for key, one in given.items() if one}):
            done = connection.execute(updating(self._table, self._key.name, part)).rowcount
            changed += done if done >= 0 else -len(rows)
        there = set(given) if changed == len(rows) else self._there(connection, list(given))
        return {one.key: _written(one, is_there=keys[one.key] in there) for one in rows}

    def _there(self, connection: Connection, keys: Sequence[Any]) -> set[Any]:
        by = self._table.c[self._key.name]
        found = connection.execute(select(by).where(by.in_(keys))).scalars() if keys else ()
        return {compared(self._key, str(canonical(self._key, one)), folds=False) for one in found}

    # --- creates ---

    def created(self, connection: Connection, rows: Sequence[Row]) -> Outcomes:
        """New rows; what identifies them is looked for in the same transaction, so that a table
        without a constraint of its own gets no second one either.
        """
        known = self._existing(connection, rows)
        fresh = [one for one in rows if one.key not in known]
        for group in alike([self._natives(one) for one in fresh]):
            connection.execute(insert(self._table), [dict(one) for one in group])
        ids = self._ids(connection, fresh)
        made = {
            one.key: Outcome(one.key, Status.WRITTEN, ids.get(one.key), created=True)
            for one in fresh
        }
        return known | made

    def _existing(self, connection: Connection, rows: Sequence[Row]) -> Outcomes:
        message = "a row with this value exists already"
        return {
            key: Outcome(key, Status.REJECTED, remote_id, code="duplicate", message=message)
            for key, remote_id in self._ids(connection, rows).items()
        }

    def _ids(self, connection: Connection, rows: Sequence[Row]) -> dict[str, str | None]:
        """Row -> primary key, by what identifies it; None where that fits several."""
        by = self._match
        if by is None:
            return {}
        folds = by.type is FieldType.EMAIL
        asked = {
            one.key: told
            for one in rows
            if one.values.get(by.name) is not None
            and (told := compared(by, str(one.values[by.name]), folds)) is not None
        }
        if not asked:
            return {}
        statement = reading(
            self._table,
            self._key.name,
            by.name,
            list(dict.fromkeys(asked.values())),
            want=(),
            folds=folds,
            most=MOST_ROWS * len(asked),
        )
        found: dict[object, list[str]] = {}
        for key, value in connection.execute(statement).all():
            place = compared(by, str(canonical(by, value)), folds)
            found.setdefault(place, []).append(str(canonical(self._key, key)))
        held = {key: found.get(value, []) for key, value in asked.items()}
        return {key: ids[0] if len(ids) == 1 else None for key, ids in held.items() if ids}


def _written(row: Row, *, is_there: bool) -> Outcome:
    if is_there:
        return Outcome(row.key, Status.WRITTEN, row.remote_id)
    message = "the table has no row with this key"
    return Outcome(row.key, Status.REJECTED, code="not_found", message=message)
