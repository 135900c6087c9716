"""The adapter of a SQL database: rows are read and written many at a time, each piece of work one
transaction. A row that the database refuses is found by halving, inside savepoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import Connection, Inspector, TableClause, inspect, literal, select
from sqlalchemy.exc import DBAPIError

from adapters.errors import BatchRefused, BrokenContract, PauseMapping
from adapters.http import Wire
from adapters.listing import Choosable
from adapters.sql.columns import NoTable, entity_of, table_of
from adapters.sql.dialects import Fault
from adapters.sql.line import Line, RefusedAtCommit
from adapters.sql.refusals import fault_in
from adapters.sql.statements import compared, reading
from adapters.sql.traits import DATABASE, KIND, SERVER, TABLE, TLS, TRAITS, USER
from adapters.sql.writing import MOST_ROWS, Writing
from adapters.traits import Traits
from adapters.values import (
    Account,
    Batch,
    BatchResult,
    Identity,
    Operation,
    Outcome,
    Record,
    Status,
)
from schemas.fields import Entity, Field, FieldType
from schemas.sql import CONTACTS, canonical, key_of


class SQLDatabase:
    """One database. Made for one job, used by one thread, thrown away."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._settings, self._entities = account.settings, entities
        self._line = Line(account, wire)

    # --- who and what -----------------------------------------------------------------------------

    def probe(self) -> Identity:
        """The port's `probe`: that the user may sign in, and what to know about the contacts."""
        named, server = str(self._settings.get(DATABASE)), self._settings.get(SERVER)
        with self._line.work() as connection:
            connection.execute(select(literal(1)))
            notes = self._unusable(connection)
        if self._settings.get(TLS) == "off":
            notes.append("Without TLS: for a database on this machine alone.")
        return Identity(
            account_id=f"{self._settings.get(KIND)}:{server}/{named}",
            account_name=named,
            user_id=str(self._settings.get(USER)),
            notes=tuple(notes),
        )

    def _unusable(self, connection: Connection) -> list[str]:
        found = []
        for as_name, name in self._tables().items():
            try:
                self._described(inspect(connection), name, as_name=as_name)
            except NoTable as exc:
                found.append(f"Not usable: {exc}.")
        return found

    def _tables(self) -> dict[str, str]:
        """Entity -> table."""
        contacts = self._settings.get(TABLE)
        others = {one: one for one in self._settings.get("entities", ())}
        return {**({CONTACTS: str(contacts)} if contacts else {}), **others}

    def entities(self) -> tuple[Entity, ...]:
        """The port's `entities`: the tables that are named, by the catalogue. One that is gone, or
        has no key of one column, is left out; the probe says so.
        """
        found = []
        with self._line.work() as connection:
            inspector = inspect(connection)
            for as_name, name in self._tables().items():
                try:
                    found.append(self._described(inspector, name, as_name=as_name))
                except NoTable:
                    continue
        return tuple(found)

    def _described(self, inspector: Inspector, name: str, *, as_name: str) -> Entity:
        """The table. Raises NoTable: MySQL does not tell one that is not there from one that the
        user may not see, and refuses the question.
        """
        try:
            return entity_of(inspector, name, as_name=as_name)
        except DBAPIError as exc:
            if fault_in(self._line.dialect, exc) not in {Fault.DENIED, Fault.NO_TABLE}:
                raise
            message = f"there is no table {name}, or the user may not see it"
            raise NoTable(message) from exc

    def listed(self) -> tuple[Choosable, ...]:
        """The tables of the user's own schema."""
        with self._line.work() as connection:
            names = inspect(connection).get_table_names()
        return tuple(Choosable(one, one, custom=True) for one in sorted(names))

    # --- reading ----------------------------------------------------------------------------------

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The port's `find`: one statement. Addresses are compared whatever their case."""
        known, table = self._known(entity, want)
        key = key_of(known.fields)
        by = key if field == TRAITS.id_field else self._field(known, field)
        folds = by.type is FieldType.EMAIL
        asked = {one: told for one in values if (told := compared(by, one, folds)) is not None}
        found: dict[object, list[Record]] = {}
        with self._line.work() as connection:
            most = MOST_ROWS * max(1, len(asked)) + 1
            statement = reading(
                table,
                key.name,
                by.name,
                list(dict.fromkeys(asked.values())),
                want=want,
                folds=folds,
                most=most,
            )
            rows = connection.execute(statement).all() if asked else []
        if len(rows) == most:
            message = f"more rows than can be meant hold the values of {by.name}"
            raise BrokenContract(message, code="too_many_records")
        for one in rows:
            place = compared(by, str(canonical(by, one[1])), folds)
            record = self._record(known, key, one, want)
            found.setdefault(place, []).append(record)
        return {one: tuple(found.get(asked.get(one), ())) for one in values}

    def _record(self, known: Entity, key: Field, row: Sequence[Any], want: Sequence[str]) -> Record:
        values = {
            name: canonical(self._field(known, name), raw)
            for name, raw in zip(want, row[2:], strict=True)
        }
        return Record(str(canonical(key, row[0])), values)

    def _known(self, entity: str, names: Sequence[str]) -> tuple[Entity, TableClause]:
        known = self._entities.get(entity)
        name = self._tables().get(entity)
        if known is None or name is None:
            message = f"there is no table for {entity}: name it on the connection"
            raise PauseMapping(message, code="entity_unknown")
        for one in names:
            self._field(known, one)
        return known, table_of(known, name, dialect=self._line.kind)

    @staticmethod
    def _field(known: Entity, name: str) -> Field:
        field = known.field(name)
        if field is None:
            message = f"the table {known.label} does not have the column {name}"
            raise PauseMapping(message, code="field_gone", field=name)
        return field

    # --- writing ----------------------------------------------------------------------------------

    def write(self, batch: Batch) -> BatchResult:
        """The port's `write`: all rows in one transaction, with one statement where none is
        refused.
        """
        names = list(dict.fromkeys(name for row in batch.rows for name in row.values))
        known, table = self._known(batch.entity, names)
        work = Writing(self._line.dialect, known, table, batch.match_field)
        write = work.created if batch.operation is Operation.CREATE else work.updated
        try:
            with self._line.work() as connection:
                outcomes = work.each(connection, batch.rows, write)
        except RefusedAtCommit as exc:
            if len(batch.rows) > 1:
                message = "a constraint that is looked at last refused one of the rows"
                raise BatchRefused(message) from exc
            message = "a constraint of the database refused the row"
            (only,) = batch.rows
            outcomes = {
                only.key: Outcome(only.key, Status.REJECTED, code="invalid_value", message=message)
            }
        return BatchResult(tuple(outcomes[one.key] for one in batch.rows))
