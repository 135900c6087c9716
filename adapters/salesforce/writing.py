"""Writes rows by sObject Collections: where each belongs, what is sent, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from adapters.errors import AdapterError
from adapters.salesforce.calls import CHANGED, Calls, understood
from adapters.salesforce.finding import named, same_id
from adapters.salesforce.people import (
    CONTACT,
    Home,
    Sent,
    home_of,
    is_lead,
    of_lead,
    on_account,
    on_contact,
    on_lead,
)
from adapters.salesforce.reading import Reader
from adapters.salesforce.record_types import explained
from adapters.salesforce.refusals import pause_in, row_outcome
from adapters.salesforce.traits import COLLECTIONS, RECORD_CONTACT, RECORD_ENTITY
from adapters.values import Batch, Operation, Outcome, Row, Status
from schemas.fields import Entity
from schemas.salesforce import RowResult, row_results, to_native

# Alert-only duplicate rules do not stop an update by id; assignment rules are not ours to fire.
_UPDATE_HEADERS = {"Sforce-Duplicate-Rule-Header": "allowSave=true", "Sforce-Auto-Assign": "FALSE"}
_CREATE_HEADERS = {"Sforce-Auto-Assign": "FALSE"}
# How a contact that is a person account is written (setting `person_accounts`).
PERSONS_BY_ACCOUNT, PERSONS_REFUSED = "account", "refuse"


class Writer:
    """One org's writes, for one job."""

    def __init__(
        self, calls: Calls, entities: Mapping[str, Entity], reader: Reader, *, persons: str
    ) -> None:
        self._calls = calls
        self._entities = entities
        self._reader = reader
        self._persons = persons

    def write(self, batch: Batch) -> tuple[Outcome, ...]:
        """One collections call for the whole batch; each row is judged alone."""
        outcomes, sent = self.prepared(batch)
        if sent:
            outcomes |= self._written(batch, sent)
        told = tuple(outcomes[one.key] for one in batch.rows)
        pause = pause_in(told)
        if pause is not None:
            raise pause
        return told

    def write_unchanged(self, entity: str, row: Row, *, since: datetime) -> Outcome:
        """One record by a call of its own, the only one that looks at the condition.

        A row whose values live on another record (a person account, a converted lead) is written
        without it: the time that was read is not that record's.
        """
        batch = Batch(entity, Operation.UPDATE, (row,))
        refused, sent = self.prepared(batch)
        if not sent:
            return refused[row.key]
        if (sent[0].home.entity, sent[0].home.remote_id) != (entity, row.remote_id):
            return self.write(batch)[0]
        headers = {**_UPDATE_HEADERS, "If-Unmodified-Since": format_datetime(since, usegmt=True)}
        complaints = self._calls.update(entity, str(row.remote_id), sent[0].body, headers)
        if complaints == CHANGED:
            text = "the record was changed since it was read"
            return Outcome(row.key, Status.RETRY, row.remote_id, code="changed", message=text)
        if complaints:
            told = {row.key: row_outcome(row, tuple(_in_row(sent[0], one) for one in complaints))}
            if (pause := pause_in(told.values())) is not None:
                raise pause
            return self.settled(entity, (row,), told)[row.key]
        return Outcome(row.key, Status.WRITTEN, row.remote_id)

    def prepared(self, batch: Batch) -> tuple[dict[str, Outcome], tuple[Sent, ...]]:
        """What is refused without a call, and what is sent, records of one object together."""
        homes = self._homes(batch)
        outcomes: dict[str, Outcome] = {}
        sent = []
        for row in batch.rows:
            home = homes[row.key]
            if home is None:
                outcomes[row.key] = _no_person(row)
            elif (missing := _missing(row, home)) is not None:
                outcomes[row.key] = missing
            else:
                sent.append(Sent(row, home, self._native(batch.entity, row, home)))
        # A call may change from one object to the next ten times only (unverified).
        return outcomes, tuple(sorted(sent, key=lambda one: one.home.entity))

    def settled(
        self, entity: str, rows: Sequence[Row], outcomes: Mapping[str, Outcome]
    ) -> dict[str, Outcome]:
        """The outcomes, those of records that have gone elsewhere with the id of where they are,
        those that a record's type refuses with the type.
        """
        lost = [
            one
            for one in rows
            if one.remote_id
            and outcomes.get(one.key, _NONE).code in {"not_found", "lead_converted"}
        ]
        moved: dict[str, str] = {}
        # The rows that were written must not be forgotten because this could not be asked.
        with suppress(AdapterError):
            moved = self._reader.moved(entity, [str(one.remote_id) for one in lost])
        told = dict(outcomes) | {
            one.key: _moved(one, moved[same_id(str(one.remote_id))])
            for one in lost
            if same_id(str(one.remote_id)) in moved
        }
        with suppress(AdapterError):
            told = self._explained(entity, rows, told)
        return told

    def _explained(
        self, entity: str, rows: Sequence[Row], outcomes: Mapping[str, Outcome]
    ) -> dict[str, Outcome]:
        return explained(
            outcomes,
            rows,
            self._entities.get(entity),
            types_of=lambda ids: self._reader.record_types(entity, ids),
        )

    def _written(self, batch: Batch, sent: Sequence[Sent]) -> dict[str, Outcome]:
        creating = batch.operation is Operation.CREATE
        body = {"allOrNone": False, "records": [_addressed(one) for one in sent]}
        answer = self._calls.write(
            "POST" if creating else "PATCH",
            COLLECTIONS,
            body,
            _CREATE_HEADERS if creating else _UPDATE_HEADERS,
        )
        results = understood(lambda: row_results(answer, len(sent)), writing=True)
        pairs = zip(sent, results, strict=True)
        told = {one.row.key: outcome_of(one, result, creating=creating) for one, result in pairs}
        return self.settled(batch.entity, batch.rows, told)

    # --- where a row belongs ----------------------------------------------------------------------

    def _homes(self, batch: Batch) -> dict[str, Home | None]:
        ids = [str(one.remote_id) for one in batch.rows if one.remote_id]
        contacts = [one for one in ids if home_of(batch.entity, one) == CONTACT]
        by_contact = self._persons == "contact" or not contacts
        persons = {} if by_contact else self._reader.persons(contacts)
        return {one.key: self._home(batch.entity, one, persons) for one in batch.rows}

    def _home(self, entity: str, row: Row, persons: Mapping[str, str]) -> Home | None:
        """The record that holds the row's values; None where it must not be written."""
        remote_id = row.remote_id or ""
        if entity == RECORD_ENTITY and (own := of_lead(remote_id, row.values, self._record())):
            return own
        account = persons.get(same_id(remote_id))
        if account is not None and self._persons == PERSONS_REFUSED:
            return None
        if account is not None:
            return on_account(account, row.values, self._entities.get("Account"))
        home = home_of(entity, remote_id)
        if home == entity:
            return Home(entity, remote_id)
        placed = on_contact if home == CONTACT else on_lead
        return placed(remote_id, row.values, self._entities.get(home))

    def _record(self) -> Entity | None:
        return self._entities.get(RECORD_ENTITY)

    def _native(self, entity: str, row: Row, home: Home) -> dict[str, Any]:
        definitions = self._entities.get(entity)
        told: dict[str, Any] = {}
        for name, value in row.values.items():
            plain = entity == RECORD_ENTITY and name == RECORD_CONTACT == home.name_of(name)
            if plain and is_lead(str(value)):
                # A record as an older package made it: a lead's stands without.
                continue
            definition = definitions.field(name) if definitions else None
            told[named(str(home.name_of(name)))] = to_native(definition, value)
        return told


def outcome_of(sent: Sent, result: RowResult, *, creating: bool) -> Outcome:
    """What a row's result means for it, in the row's own words and id."""
    row = sent.row
    if not result.done:
        return row_outcome(row, tuple(_in_row(sent, one) for one in result.complaints))
    remote_id = result.remote_id if creating else row.remote_id
    return Outcome(row.key, Status.WRITTEN, remote_id, created=creating)


def _in_row(sent: Sent, complaint: Any) -> Any:
    names = tuple(sent.home.name_in_row(one) for one in complaint.fields)
    return replace(complaint, fields=names)


def _addressed(one: Sent) -> dict[str, Any]:
    told: dict[str, Any] = {"attributes": {"type": named(one.home.entity)}}
    if one.home.remote_id:
        told["id"] = one.home.remote_id
    return told | dict(one.body)


def _missing(row: Row, home: Home) -> Outcome | None:
    """The refusal of a row one of whose fields its record does not have."""
    name = next((one for one in row.values if home.name_of(one) is None), None)
    if name is None:
        return None
    code, text = home.refusal
    return Outcome(row.key, Status.REJECTED, row.remote_id, code=code, message=text, field=name)


def _no_person(row: Row) -> Outcome:
    text = "the contact is a person account, which this connection does not write"
    return Outcome(row.key, Status.REJECTED, row.remote_id, code="person_account", message=text)


def _moved(row: Row, remote_id: str) -> Outcome:
    text = "the record was merged or converted: the values go to the one that is left"
    return Outcome(row.key, Status.RETRY, remote_id, code="moved", message=text)


_NONE = Outcome("", Status.WRITTEN)
