"""Writes records. `write` sets the same values on many, so rows of equal values share a call;
others cost a call each. `create` takes many from version 12 on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.base import Batch, BatchResult, Operation, Outcome, Row, Status
from adapters.errors import PauseMapping
from adapters.odoo.client import Client
from adapters.odoo.finding import LONGEST_ID
from adapters.odoo.refusals import RowFault
from adapters.odoo.turns import in_turn
from schemas.fields import Entity
from schemas.odoo import kind_of, to_native

Values = Mapping[str, Any]


def write(client: Client, batch: Batch, entity: Entity) -> BatchResult:
    """The port's `write`."""
    natives = {one.key: _native(one, entity) for one in batch.rows}
    parts: list[Sequence[Row]]
    if batch.operation is Operation.CREATE:
        _refuse_unknown(client, entity, natives)
        size = len(batch.rows) if client.creates_lists else 1
        parts = [batch.rows[at : at + size] for at in range(0, len(batch.rows), max(size, 1))]
        act = _creating(client, entity, natives)
    else:
        parts = _alike(batch.rows, natives)
        act = _updating(client, entity, natives)
    done = in_turn(parts, act)
    return BatchResult(tuple(done[one.key] for one in batch.rows))


def _creating(
    client: Client, entity: Entity, natives: Mapping[str, Values]
) -> Callable[[Sequence[Row]], list[Outcome]]:
    kind = kind_of(entity.name)

    def create(rows: Sequence[Row]) -> list[Outcome]:
        ids = client.create(kind.model, [{**kind.new, **natives[one.key]} for one in rows])
        return [
            Outcome(row.key, Status.WRITTEN, remote_id=str(made), created=True)
            for row, made in zip(rows, ids, strict=True)
        ]

    return create


def _updating(
    client: Client, entity: Entity, natives: Mapping[str, Values]
) -> Callable[[Sequence[Row]], list[Outcome]]:
    model = kind_of(entity.name).model

    def update(rows: Sequence[Row]) -> list[Outcome]:
        ids = [record_id(one.remote_id) for one in rows]
        client.change(model, "write", ids, natives[rows[0].key])
        return [Outcome(one.key, Status.WRITTEN, remote_id=one.remote_id) for one in rows]

    return update


def record_id(remote_id: str | None) -> int:
    """The id as Odoo's number. Raises RowFault for what can be none."""
    if remote_id is None or not remote_id.isdigit() or len(remote_id) > LONGEST_ID:
        code, message = "not_found", "this is no id of an Odoo record"
        raise RowFault(code, message)
    return int(remote_id)


def _alike(rows: Sequence[Row], natives: Mapping[str, Values]) -> list[Sequence[Row]]:
    """The rows in groups of equal values."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for one in rows:
        groups[json.dumps(natives[one.key], sort_keys=True)].append(one)
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
