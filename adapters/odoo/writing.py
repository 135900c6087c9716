"""Writes records, in few calls: rows of equal values share a `write`, others a `load`; new ones
share a `create`, which takes a list from version 12 on, before it a `load`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from adapters.errors import PauseMapping
from adapters.odoo import activities, loading
from adapters.odoo.client import LOADS, Client
from adapters.odoo.finding import LONGEST_ID
from adapters.odoo.refusals import NO_METHOD, RowFault
from adapters.odoo.traits import OUTSIDE, RECORD, RECORD_MODEL
from adapters.odoo.turns import in_turn
from adapters.values import Batch, BatchResult, Operation, Outcome, Row, Status
from schemas.fields import Entity
from schemas.odoo import ACTIVITY, kind_of, to_native

Values = Mapping[str, Any]
# Up to so many different values a `write` each is quicker at the server (measured, 11).
FEW = 4
LARGEST_ID = 2**31 - 1  # PostgreSQL's four bytes


def write(client: Client, batch: Batch, entity: Entity, contacts: Entity) -> BatchResult:
    """The port's `write`. `contacts`: their definition, by which an activity finds its own."""
    return Writer(client, batch, entity, contacts).written()


class Writer:
    """One batch."""

    def __init__(self, client: Client, batch: Batch, entity: Entity, contacts: Entity) -> None:
        self._client = client
        self._contacts = contacts
        self._batch = batch
        self._entity = entity
        self._kind = kind_of(entity.name)
        self._loads = client.loads
        new = self._kind.new if batch.operation is Operation.CREATE else {}
        self._natives: dict[str, Values] = {
            one.key: {**new, **_native(one, entity)} for one in batch.rows
        }

    def written(self) -> BatchResult:
        """One outcome per row, in the batch's order."""
        rows = self._batch.rows
        if self._batch.operation is Operation.CREATE:
            done = self._made(rows)
        else:
            done = in_turn(self._parts(rows), self._update)
        learnt = {} if self._loads == self._client.loads else {LOADS: self._loads}
        return BatchResult(tuple(done[one.key] for one in rows), learnt=learnt)

    # --- updates ----------------------------------------------------------------------------------

    def _parts(self, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        """The rows of a call each: those of the same fields where many values differ."""
        for group in _groups(rows, self._fields):
            alike = _groups(group, self._values)
            if len(alike) > FEW and self._can_load(group):
                yield group
            else:
                yield from alike

    def _update(self, rows: Sequence[Row]) -> list[Outcome]:
        ids = [record_id(one.remote_id) for one in rows]
        if len(_groups(rows, self._values)) == 1:
            self._client.change(self._kind.model, "write", ids, self._natives[rows[0].key])
        else:
            self._tried(rows, lambda: self._load(rows, {loading.ID: ids}))
        return [Outcome(one.key, Status.WRITTEN, remote_id=one.remote_id) for one in rows]

    # --- new records ------------------------------------------------------------------------------

    def _made(self, rows: Sequence[Row]) -> dict[str, Outcome]:
        """The outcome of each row by its key."""
        nowhere: dict[str, Outcome] = {}
        if self._entity.name == ACTIVITY:
            placed = activities.placed(self._client, self._contacts, self._natives)
            self._natives, nowhere = placed
        here = [one for one in rows if one.key not in nowhere]
        if here:
            _refuse_unknown(self._client, self._entity, self._natives)
        return {**nowhere, **in_turn(self._new_parts(here) if here else (), self._create)}

    def _new_parts(self, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        if self._client.creates_lists and not self._is_known_outside:
            yield rows
            return
        for group in _groups(rows, self._fields):
            if self._can_load(group):
                yield group
            else:
                yield from ([one] for one in group)

    def _create(self, rows: Sequence[Row]) -> list[Outcome]:
        return [
            Outcome(row.key, Status.WRITTEN, remote_id=str(made), created=True)
            for row, made in zip(rows, self._created(rows), strict=True)
        ]

    def _created(self, rows: Sequence[Row]) -> list[int]:
        if self._is_known_outside and self._can_load(rows):
            keys = [self._natives[one.key][RECORD.key] for one in rows]
            named = {loading.OUTSIDE_ID: [f"{OUTSIDE}.response_{one}" for one in keys]}
            return self._tried(rows, lambda: self._load(rows, named))
        if len(rows) > 1 and not self._client.creates_lists:
            return self._tried(rows, lambda: self._load(rows, {}))
        return self._client.create(self._kind.model, [self._natives[one.key] for one in rows])

    @property
    def _is_known_outside(self) -> bool:
        """Whether a new record carries our key as an id that the database keeps unique: then a
        create that comes twice makes one.
        """
        return self._entity.name == RECORD_MODEL and self._batch.match_field == RECORD.key

    # --- by load ----------------------------------------------------------------------------------

    def _can_load(self, rows: Sequence[Row]) -> bool:
        names = self._natives[rows[0].key]
        return self._loads and loading.can_load(self._entity, list(names))

    def _load(self, rows: Sequence[Row], keys: Mapping[str, Sequence[object]]) -> list[int]:
        values = [self._natives[one.key] for one in rows]
        return loading.load(self._client, self._entity, values, keys=keys)

    def _tried(self, rows: Sequence[Row], act: Callable[[], list[int]]) -> list[int]:
        """What `act` answers. Where Odoo has no `load` for us, each row then goes alone."""
        try:
            return act()
        except RowFault as fault:
            if fault.code == NO_METHOD:
                self._loads = False
                fault.places = frozenset(range(len(rows)))
                if len(rows) == 1:
                    return self._created(rows)
            raise

    def _fields(self, row: Row) -> str:
        return json.dumps(sorted(self._natives[row.key]))

    def _values(self, row: Row) -> str:
        return json.dumps(self._natives[row.key], sort_keys=True)


def record_id(remote_id: str | None) -> int:
    """The id as Odoo's number. Raises RowFault for what can be none."""
    if remote_id is None or not remote_id.isdigit() or len(remote_id) > LONGEST_ID:
        code, message = "not_found", "this is no id of an Odoo record"
        raise RowFault(code, message)
    number = int(remote_id)
    if number > LARGEST_ID:
        # Where an id is stored, such as an attachment's, the database refuses it as a bad value.
        code, message = "not_found", "no record of Odoo has this id"
        raise RowFault(code, message)
    return number


def _groups(rows: Sequence[Row], by: Callable[[Row], str]) -> list[Sequence[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for one in rows:
        groups[by(one)].append(one)
    return list(groups.values())


def _native(row: Row, entity: Entity) -> dict[str, Any]:
    return {name: to_native(entity.field(name), value) for name, value in row.values.items()}


def _refuse_unknown(client: Client, entity: Entity, natives: Mapping[str, Values]) -> None:
    """Old versions create the record without an unknown field and say nothing (measured, 11). An
    update need not ask: its fields have just been read.
    """
    names = sorted({name for values in natives.values() for name in values})
    known = client.read(kind_of(entity.name).model, "fields_get", names, ["type"])
    lost = next((one for one in names if one not in (known or {})), None)
    if lost is not None:
        message = f"{entity.name} has no field {lost}"
        raise PauseMapping(message, code="field_gone", field=lost)
