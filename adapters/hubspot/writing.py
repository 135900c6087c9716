"""Writes a batch and finds each row's outcome in the answer.

Every input carries our key as `objectWriteTraceId`: without it HubSpot refuses a whole create batch
because of one row, and results come in no particular order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.errors import OutcomeUnknown
from adapters.hubspot.client import Answer, Client
from adapters.hubspot.refusals import refused_batch, row_outcome
from adapters.hubspot.traits import API
from adapters.values import Batch, BatchResult, Operation, Outcome, Row, Status
from schemas.hubspot import native

REFUSED = frozenset({400, 404, 409})
Told = Mapping[str, Any]


def write(client: Client, batch: Batch) -> BatchResult:
    """The port's `write`."""
    creating = batch.operation is Operation.CREATE
    verb = "create" if creating else "update"
    answer = send(
        client,
        f"/crm/objects/{API}/{{object}}/batch/{verb}",
        entity=batch.entity,
        inputs=[_input(row) for row in batch.rows],
        rows=len(batch.rows),
    )
    keys = {row.key: _known_as(row, batch.match_field) for row in batch.rows}
    return BatchResult(outcomes_of(answer, keys, created=creating))


def send(client: Client, path: str, *, entity: str, inputs: Sequence[Told], rows: int) -> Answer:
    """The answer to a batch; a refusal of a single row comes back, that of more raises."""
    answer = client.call(
        "POST",
        path,
        params={"object": entity},
        body={"inputs": list(inputs)},
        seen=REFUSED,
        writes=True,
    )
    if answer.status in REFUSED and rows > 1:
        raise refused_batch(answer.body)
    if answer.status not in REFUSED and not isinstance(answer.body.get("results"), list):
        message = "HubSpot's answer to a batch has no results"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return answer


def outcomes_of(
    answer: Answer, keys: Mapping[str, frozenset[str]], *, created: bool
) -> tuple[Outcome, ...]:
    """One outcome per key, in order. `keys`: our key -> by what else its row can be told."""
    if answer.status in REFUSED:
        (key,) = keys
        return (row_outcome(key, answer.body),)
    written = _by_key(answer.body["results"], keys, _marks_of_result)
    refused = _by_key(answer.body.get("errors") or (), keys, _marks_of_error)
    _settle_last(answer.body.get("errors") or (), keys, written=written, refused=refused)
    return tuple(_outcome(key, written.get(key), refused.get(key), created=created) for key in keys)


def _input(row: Row) -> Told:
    properties = {name: native(value) for name, value in row.values.items()}
    told: dict[str, Any] = {"objectWriteTraceId": row.key, "properties": properties}
    return {**told, "id": row.remote_id} if row.remote_id else {**told, "associations": []}


def _known_as(row: Row, match_field: str | None) -> frozenset[str]:
    matched = native(row.values.get(match_field)) if match_field else ""
    return frozenset(filter(None, (row.key, row.remote_id, matched.casefold())))


def _by_key(
    told: Sequence[Told],
    keys: Mapping[str, frozenset[str]],
    marks_of: Callable[[Told], frozenset[str]],
) -> dict[str, Told]:
    """Each part of the answer under the key of the row it speaks of."""
    owner = {mark: key for key, marks in keys.items() for mark in marks}
    found: dict[str, Told] = {}
    for one in told:
        for mark in marks_of(one):
            if mark in owner:
                found[owner[mark]] = one
    return found


def _marks_of_result(one: Told) -> frozenset[str]:
    trace = one.get("objectWriteTraceId")
    if trace:
        return frozenset({str(trace)})
    # Not recorded that the trace id comes back: the id or the e-mail tell the row as well.
    email = str((one.get("properties") or {}).get("email") or "")
    return frozenset(filter(None, (str(one.get("id", "")), email.casefold())))


def _marks_of_error(one: Told) -> frozenset[str]:
    context = one.get("context") or {}
    named = [*(context.get("objectWriteTraceId") or ()), *(context.get("ids") or ())]
    return frozenset(str(mark) for mark in named)


def _settle_last(
    errors: Sequence[Told],
    keys: Mapping[str, frozenset[str]],
    *,
    written: Mapping[str, Told],
    refused: dict[str, Told],
) -> None:
    """An error that names no row is that of the only row about which nothing was said."""
    nameless = [one for one in errors if not any(one is other for other in refused.values())]
    silent = [key for key in keys if key not in written and key not in refused]
    if len(nameless) == len(silent) == 1:
        refused[silent[0]] = nameless[0]


def _outcome(key: str, written: Told | None, error: Told | None, *, created: bool) -> Outcome:
    if error is not None:
        return row_outcome(key, error)
    if written is None:
        message = "HubSpot's answer says nothing about this row"
        return Outcome(key, Status.RETRY, code="no_outcome", message=message)
    return Outcome(key, Status.WRITTEN, remote_id=str(written["id"]), created=created)
