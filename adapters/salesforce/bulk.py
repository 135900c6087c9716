"""Writes thousands of rows by Bulk API 2.0: jobs the org works on by itself, asked for by polls.

The SDK's own bulk client waits inside its call for up to a day; this one starts a job, answers, and
is asked again. A row is known again in the results by its record id, a new one by what identifies
it: Salesforce does not keep the order of the rows.

    open      POST  jobs/ingest                      nothing has happened yet
    fill      PUT   jobs/ingest/{id}/batches         still nothing
    start     PATCH jobs/ingest/{id} UploadComplete  from here on an answer lost is an outcome lost
    collect   GET   jobs/ingest/{id}, then its three tables of results
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adapters.errors import BatchRefused, OutcomeUnknown, PauseMapping
from adapters.salesforce.calls import Calls, understood
from adapters.salesforce.finding import same_id
from adapters.salesforce.people import Sent, contact_field
from adapters.salesforce.refusals import row_outcome
from adapters.salesforce.tables import NULL, Jobbed, parts_of, rows_in, table_of
from adapters.salesforce.writing import Writer
from adapters.values import Batch, BatchResult, Operation, Outcome, Row, Started, Status
from schemas.salesforce import complaint_of

JOBS = "jobs/ingest"
FIRST_POLL_S, LONGEST_POLL_S = 5.0, 60.0
_ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
_ALERTS = frozenset({"DUPLICATES_DETECTED"})


class Bulk:
    """One org's bulk jobs, for one job of ours. `empties`: what an empty cell does, `keeps` or
    `clears` the field (unverified, hence a setting).
    """

    def __init__(self, calls: Calls, writer: Writer, *, empties: str) -> None:
        self._calls = calls
        self._writer = writer
        self._empties = empties

    def start(self, batch: Batch) -> Started | BatchResult:
        """Start a job for the batch, several where one cannot hold it. Raises AdapterError;
        BatchRefused, without a call, for rows that could not be known again.
        """
        outcomes, sent = self._writer.prepared(batch)
        outcomes |= {one.row.key: refused for one in sent if (refused := _unsendable(one))}
        sent = tuple(one for one in sent if one.row.key not in outcomes)
        if not sent:
            return BatchResult(tuple(outcomes[one.key] for one in batch.rows))
        identity = _identity(batch, sent)
        parts = parts_of(sent, alike=self._empties == "clears")
        jobs = [self._filled(batch, part, identity) for part in parts]
        for one in jobs:
            state = {"state": "UploadComplete"}
            self._calls.write("PATCH", f"{JOBS}/{one['id']}", state, {})
        handle = {
            "entity": batch.entity,
            "creating": batch.operation is Operation.CREATE,
            "identity": identity,
            "jobs": jobs,
            "refused": [_stored(one) for one in outcomes.values()],
            "order": [one.key for one in batch.rows],
            "polls": 0,
        }
        return Started(handle, FIRST_POLL_S)

    def collect(self, handle: Mapping[str, Any]) -> BatchResult | Started:
        """One outcome per row once every job has ended. A job that is forgotten (they are kept for
        a week) raises OutcomeUnknown.
        """
        if not all(self._has_ended(str(one["id"])) for one in handle["jobs"]):
            polls = int(handle["polls"]) + 1
            wait_s = min(LONGEST_POLL_S, FIRST_POLL_S * 1.5**polls)
            return Started({**handle, "polls": polls}, wait_s)
        outcomes = {one["key"]: _restored(one) for one in handle["refused"]}
        rows = []
        for job in handle["jobs"]:
            told = self._results(job, handle)
            outcomes |= told
            rows += [Row(key, {}, remote_id) for key, _, remote_id in job["rows"]]
        outcomes = self._writer.settled(str(handle["entity"]), rows, outcomes)
        return BatchResult(tuple(outcomes[key] for key in handle["order"]))

    # --- a job ------------------------------------------------------------------------------------

    def _filled(self, batch: Batch, part: Sequence[Sent], identity: str) -> dict[str, Any]:
        asked = {
            "object": part[0].home.entity,
            "operation": "insert" if batch.operation is Operation.CREATE else "update",
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        made = self._calls.read(JOBS, asked)
        job_id = understood(lambda: Jobbed.of(made), writing=False).id
        null = NULL if self._empties == "keeps" else ""
        self._calls.upload(f"{JOBS}/{job_id}/batches", table_of(part, null=null))
        rows = [[one.row.key, _known_by(one, identity), one.row.remote_id or ""] for one in part]
        return {"id": job_id, "object": part[0].home.entity, "rows": rows}

    def _has_ended(self, job_id: str) -> bool:
        try:
            told = self._calls.get(f"{JOBS}/{job_id}")
        except PauseMapping as exc:
            message = "Salesforce does not know the bulk job any more"
            raise OutcomeUnknown(message, code="job_lost") from exc
        return understood(lambda: Jobbed.of(told), writing=False).state in _ENDED

    def _results(self, job: Mapping[str, Any], handle: Mapping[str, Any]) -> dict[str, Outcome]:
        path = f"{JOBS}/{job['id']}"
        known = {each: (key, remote_id) for key, each, remote_id in job["rows"]}
        column = str(handle["identity"])
        outcomes = {key: _not_done(key, remote_id) for key, remote_id in known.values()}
        for told in rows_in(self._calls.table(f"{path}/successfulResults")):
            key, remote_id = known.get(_folded(column, told), ("", ""))
            if key:
                outcomes[key] = _written(key, remote_id, told)
        for told in rows_in(self._calls.table(f"{path}/failedResults")):
            key, remote_id = known.get(_folded(column, told), ("", ""))
            if key:
                outcomes[key] = _failed(key, remote_id, told, is_person=_is_person(job, handle))
        return outcomes


def _identity(batch: Batch, sent: Iterable[Sent]) -> str:
    """The column by which the rows are known again. Raises BatchRefused: smaller calls then."""
    if batch.operation is not Operation.CREATE:
        return "Id"
    name = batch.match_field or ""
    told = [_known_by(one, name) for one in sent]
    if not name or "" in told or len(set(told)) < len(told):
        message = "rows of a bulk job could not be told apart in its results"
        raise BatchRefused(message)
    return name


def _known_by(one: Sent, identity: str) -> str:
    if identity == "Id":
        return same_id(one.home.remote_id)
    return str(one.body.get(identity) or "").strip().casefold()


def _folded(column: str, told: Mapping[str, str]) -> str:
    value = told.get(column, "")
    return same_id(value) if column == "Id" else value.strip().casefold()


def _unsendable(one: Sent) -> Outcome | None:
    """A text that a bulk job would take for nothing at all."""
    name = next((name for name, value in one.body.items() if value == NULL), None)
    if name is None:
        return None
    text = f"{NULL} means nothing at all in a bulk job"
    field = one.home.name_in_row(name)
    key, remote_id = one.row.key, one.row.remote_id
    return Outcome(key, Status.REJECTED, remote_id, code="invalid_value", message=text, field=field)


def _is_person(job: Mapping[str, Any], handle: Mapping[str, Any]) -> bool:
    return bool(job["object"] == "Account" != handle["entity"])


def _written(key: str, remote_id: str, told: Mapping[str, str]) -> Outcome:
    created = told.get("sf__Created") == "true"
    return Outcome(key, Status.WRITTEN, remote_id or told["sf__Id"], created=created)


def _failed(key: str, remote_id: str, told: Mapping[str, str], *, is_person: bool) -> Outcome:
    complaint = complaint_of(told.get("sf__Error", ""), renamed=contact_field if is_person else str)
    if complaint.code in _ALERTS and remote_id:
        # A bulk job cannot say allowSave: the row goes again, in a call that can.
        text = "a duplicate rule asks: sent again in a call of its own"
        return Outcome(key, Status.RETRY, remote_id, code="duplicate_rule", message=text)
    values = {name: value for name, value in told.items() if not name.startswith("sf__")}
    return row_outcome(Row(key, values, remote_id or None), (complaint,))


def _not_done(key: str, remote_id: str) -> Outcome:
    text = "the bulk job ended without this row"
    return Outcome(key, Status.RETRY, remote_id or None, code="job_failed", message=text)


def _stored(one: Outcome) -> dict[str, Any]:
    return {"key": one.key, "id": one.remote_id, "code": one.code, "message": one.message,
            "field": one.field}  # fmt: skip


def _restored(told: Mapping[str, Any]) -> Outcome:
    return Outcome(told["key"], Status.REJECTED, told["id"], code=told["code"],
                   message=told["message"], field=told["field"])  # fmt: skip
