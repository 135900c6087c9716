"""Records of custom objects written: three and more by one job, one or two by a call each.

How a finished job tells its rows is not established: a record that it may have made is read by its
external id, so that only a refusal is taken from the answer. Nor is it whether Zendesk refuses a
field that it does not have: the fields are looked at before a job, and in the answer of a call. Nor
whether it refuses a person who is gone: people are looked at before, and again afterwards, for one
may be merged away in between. A repeat changes the record that was made before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from adapters.errors import BrokenContract, OutcomeUnknown
from adapters.values import (
    Account,
    Batch,
    BatchResult,
    Operation,
    Outcome,
    Record,
    Row,
    Started,
    Status,
)
from adapters.zendesk import jobs
from adapters.zendesk.answers import Forbidden, RecordGone, RowRefused
from adapters.zendesk.client import Client, reaching
from adapters.zendesk.finding import by_ids, drifted
from adapters.zendesk.objects import (
    EXTERNAL_ID,
    FIELDS,
    PATH,
    Raw,
    fields_of,
    find,
    records_path,
    unreadable,
)
from adapters.zendesk.rows import one_by_one, rejected
from schemas.fields import Entity
from schemas.zendesk import TO_PERSON, to_zendesk

# A job costs its own call and at least one poll: up to here single calls are as cheap and faster.
SINGLE_UP_TO = 2
# Beginning as what is learnt about other bulk calls (writing.py): tested again with the connection.
ALLOWED = "bulk_objects"
# What an account says that has no such jobs, or keeps them from this user.
NO_JOBS = (Forbidden, RecordGone, BrokenContract)
# The one by external id changes the record that an earlier one has made.
MAKING, CHANGING = "create_or_update_by_external_id", "update"
PEOPLE_AT_ONCE = 100
PERSON = "person "


class ObjectWriter:
    """The writes of one custom object."""

    def __init__(self, client: Client, account: Account, entity: Entity) -> None:
        self._client, self._account, self._entity = client, account, entity
        self._people = [one.name for one in entity.fields if one.native_type == TO_PERSON]

    def write(self, batch: Batch) -> BatchResult | Started:
        """The port's `write`. A row that names a person who is gone is not sent."""
        astray = self._astray({one.key: self._people_of(one) for one in batch.rows})
        batch = replace(batch, rows=tuple(one for one in batch.rows if one.key not in astray))
        if not self._account.learnt.get(ALLOWED, True) or not _suits_a_job(batch):
            return self._single(batch, astray)
        self._check_fields(batch.rows)
        try:
            return self._start(batch, astray)
        except NO_JOBS:
            return replace(self._single(batch, astray), learnt={ALLOWED: False})

    def collect(self, handle: jobs.Handle) -> BatchResult | Started:
        """The outcomes of a job, or the next poll."""
        told = jobs.results_of(self._client, handle)
        if told is None:
            return jobs.polled_again(handle)
        if handle.stage == Operation.UPDATE.value:
            outcomes = jobs.outcomes_of(handle, told, self._entity)
        else:
            outcomes = self._made(handle, told)
        people = {row.key: _people_in(row.identity or {}) for row in handle.rows}
        told_all = (*self._still_there(outcomes, people), *jobs.restored(handle))
        return BatchResult(told_all, learnt=jobs.learnt_from(handle))

    # --- what is looked at ---------------------------------------------------------------------

    def _people_of(self, row: Row) -> dict[str, str]:
        """Field -> the person whom the row names there."""
        return {name: str(row.values[name]) for name in self._people if row.values.get(name)}

    def _astray(self, people: Mapping[str, Mapping[str, str]]) -> dict[str, Outcome]:
        """The rows that name a person who is gone (merged, deleted), by key."""
        named = [(key, *one) for key, told in people.items() for one in told.items()]
        asked = list(dict.fromkeys(person for _, _, person in named))
        living: set[str] = set()
        for at in range(0, len(asked), PEOPLE_AT_ONCE):
            living |= by_ids(self._client, "users", asked[at : at + PEOPLE_AT_ONCE]).keys()
        return {
            key: rejected(key, RowRefused("invalid_value", field))
            for key, field, person in named
            if person not in living
        }

    def _still_there(
        self, outcomes: Sequence[Outcome], people: Mapping[str, Mapping[str, str]]
    ) -> tuple[Outcome, ...]:
        """The outcomes; a record is astray whose person went while it was written."""
        written = {one.key for one in outcomes if one.status is Status.WRITTEN}
        astray = self._astray({key: one for key, one in people.items() if key in written})
        return tuple(astray.get(one.key, one) for one in outcomes)

    def _check_fields(self, rows: Sequence[Row]) -> None:
        """Raises PauseMapping for a field that the object has lost."""
        defined = {
            str(one["key"])
            for one in fields_of(self._client, self._entity.name)
            if one.get("active", True)
        }
        _check_told(defined, [self._body(row) for row in rows])

    # --- jobs ----------------------------------------------------------------------------------

    def _start(self, batch: Batch, astray: Mapping[str, Outcome]) -> Started:
        is_update = batch.operation is Operation.UPDATE
        items = [self._item(row) for row in batch.rows]
        body = {"job": {"action": CHANGING if is_update else MAKING, "items": items}}
        job = (self._begun(body).get("job_status") or {}).get("id")
        if not job:
            raise unreadable()
        rows = [
            jobs.Waiting(row.key, row.remote_id, _identity(row, self._people_of(row)))
            for row in batch.rows
        ]
        settled = [jobs.stored(one) for one in astray.values()]
        stage, name = batch.operation.value, self._entity.name
        return jobs.started(
            self._account, jobs.Handle(str(job), name, stage, rows, settled=settled)
        )

    def _begun(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The job. Where the answer is lost, nobody looks for its records before it has had time to
        begin.
        """
        path = f"{PATH}/{quote(self._entity.name, safe='')}/jobs"
        try:
            with reaching():
                return self._client.send("POST", path, body)
        except OutcomeUnknown as exc:
            raise OutcomeUnknown(str(exc), wait_s=jobs.LOOK_AFTER_S, code=exc.code) from exc

    def _made(self, handle: jobs.Handle, told: Sequence[Raw]) -> tuple[Outcome, ...]:
        keys = {row.key: str((row.identity or {})[EXTERNAL_ID]) for row in handle.rows}
        held = find(self._client, self._entity, EXTERNAL_ID, list(keys.values()), want=[])
        return tuple(
            self._made_one(handle, row, one, held[keys[row.key]])
            for row, one in zip(handle.rows, told, strict=True)
        )

    def _made_one(
        self, handle: jobs.Handle, row: jobs.Waiting, told: Raw, held: Sequence[Record]
    ) -> Outcome:
        if jobs.is_refused(told):
            return jobs.outcome_of(handle, row, told, self._entity)
        if not held:
            message = "Zendesk tells of no error, and the record is not there"
            return Outcome(row.key, Status.RETRY, code="job_row_lost", message=message)
        number, is_new = held[0].remote_id, told.get("action") != "update"
        return Outcome(row.key, Status.WRITTEN, remote_id=number, created=is_new)

    def _item(self, row: Row) -> dict[str, Any]:
        body = self._body(row)
        return {**body, "id": row.remote_id} if row.remote_id else body

    # --- single calls --------------------------------------------------------------------------

    def _single(self, batch: Batch, astray: Mapping[str, Outcome]) -> BatchResult:
        act = self._update if batch.operation is Operation.UPDATE else self._create
        people = {one.key: self._people_of(one) for one in batch.rows}
        done = self._still_there(one_by_one(batch.rows, act), people)
        return BatchResult((*done, *astray.values()))

    def _update(self, row: Row) -> Outcome:
        path = f"{records_path(self._entity)}/{quote(row.remote_id or '-', safe='')}"
        self._sent("PATCH", path, row)
        return Outcome(row.key, Status.WRITTEN, remote_id=row.remote_id)

    def _create(self, row: Row) -> Outcome:
        """Who exists already is refused as a duplicate, and answered with its id."""
        try:
            made = self._sent("POST", records_path(self._entity), row)
        except RowRefused as refused:
            if refused.code != "duplicate":
                raise
            return replace(rejected(row.key, refused), remote_id=self._holder(row))
        if not made.get("id"):
            raise unreadable()
        return Outcome(row.key, Status.WRITTEN, remote_id=str(made["id"]), created=True)

    def _sent(self, method: str, path: str, row: Row) -> Raw:
        """The record as answered. Raises PauseMapping where it lacks a field that was sent."""
        body = self._body(row)
        told = self._client.send(method, path, {"custom_object_record": body})
        record: Raw = told.get("custom_object_record") or {}
        if FIELDS in record:
            _check_told(record[FIELDS], [body])
        return record

    def _holder(self, row: Row) -> str | None:
        taken = str(row.values.get(EXTERNAL_ID) or "")
        found = find(self._client, self._entity, EXTERNAL_ID, [taken], want=[])[taken]
        return found[0].remote_id if found else None

    def _body(self, row: Row) -> dict[str, Any]:
        return to_zendesk(self._entity, row.values)


def _suits_a_job(batch: Batch) -> bool:
    """Whether it is worth a job, and each row can be told afterwards."""
    known = (
        row.remote_id if batch.operation is Operation.UPDATE else _told_apart(row)
        for row in batch.rows
    )
    return len(batch.rows) > SINGLE_UP_TO and all(known)


def _told_apart(row: Row) -> bool:
    """Whether its record can be found: one with a comma cannot be asked for."""
    key = str(row.values.get(EXTERNAL_ID) or "")
    return bool(key) and "," not in key


def _check_told(told: Collection[str], bodies: Sequence[Raw]) -> None:
    sent = (body.get(FIELDS) or {} for body in bodies)
    filled = (name for one in sent for name, value in one.items() if value is not None)
    lost = next((name for name in filled if name not in told), None)
    if lost is not None:
        raise drifted(lost)


def _identity(row: Row, people: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a row while its job runs: its key, and whom it names."""
    key = row.values.get(EXTERNAL_ID)
    named = {PERSON + name: one for name, one in people.items()}
    return {**({EXTERNAL_ID: str(key)} if key else {}), **named}


def _people_in(identity: Mapping[str, str]) -> dict[str, str]:
    named = (one for one in identity.items() if one[0].startswith(PERSON))
    return {name.removeprefix(PERSON): person for name, person in named}
