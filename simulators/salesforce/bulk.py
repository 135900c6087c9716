"""The org's Bulk API 2.0 for changes: a job is opened, filled with CSV, closed and worked on.

The rows pass the same checks as those of a collections call. What an empty cell and `#N/A` mean is
unverified: `bulk_empty` says whether an empty cell keeps or clears.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from simulators.kit.messages import Answer, Request
from simulators.salesforce.batches import Batches
from simulators.salesforce.ids import long_id, record_id
from simulators.salesforce.records import Record
from simulators.salesforce.rest import api
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.values import RowRefused, moment
from simulators.salesforce.wording import not_found, said

CSV_TYPE = "text/csv"
_CLOSED = frozenset({"JobComplete", "Failed", "Aborted"})
_NULL = "#N/A"
_UPDATED_IN_PLACE = frozenset({"update", "upsert"})

Row = dict[str, str]


@dataclass(slots=True)
class Job:
    """One ingest job and what became of its rows."""

    id: str
    entity: str
    operation: str
    external_id: str
    opened_at: str
    state: str = "Open"
    error: str = ""
    polls: int = 0
    columns: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    done: list[Row] = field(default_factory=list)
    failed: list[Row] = field(default_factory=list)
    left: list[Row] = field(default_factory=list)


class Bulk(Batches):
    """Jobs of many rows. Options: `bulk_polls` answers of InProgress before the end, `bulk_fails`
    the words of a job that fails after `bulk_done` rows, `bulk_forgotten`.
    """

    def set_up(self) -> None:
        super().set_up()
        self.jobs: dict[str, Job] = {}

    @api("POST", r"/jobs/ingest/?", kind="job")
    def open_job(self, request: Request) -> Answer:
        """A new job."""
        told = request.json()
        entity, operation = str(told.get("object")), str(told.get("operation"))
        if entity not in self.store.objects or told.get("contentType", "CSV") != "CSV":
            return said(400, "INVALIDJOB", "InvalidJob : the object or content type is not known")
        if operation not in {"insert", "update", "upsert"}:
            return said(400, "INVALIDJOB", "InvalidJob : the operation is not supported")
        job_id = record_id("750", len(self.jobs) + 1)
        external_id = str(told.get("externalIdFieldName") or "")
        self.jobs[job_id] = Job(job_id, entity, operation, external_id, moment(self.store.now()))
        return Answer(200, self._job_told(request, self.jobs[job_id]))

    @api("PUT", r"/jobs/ingest/(?P<job>[^/]+)/batches/?", kind="job")
    def fill_job(self, request: Request) -> Answer:
        """The job's rows, once."""
        job = self.jobs.get(request.params["job"])
        if job is None:
            return not_found()
        if job.state != "Open" or job.rows:
            return said(400, "INVALIDJOBSTATE", "the job takes no more data")
        if CSV_TYPE not in request.headers.get("content-type", ""):
            return said(400, "INVALIDCONTENTTYPE", "text/csv is needed")
        reader = csv.DictReader(io.StringIO(request.body.decode(), newline=""))
        job.rows, job.columns = list(reader), tuple(reader.fieldnames or ())
        request.rows = len(job.rows)
        return Answer(201)

    @api("PATCH", r"/jobs/ingest/(?P<job>[^/]+)/?", kind="job")
    def close_job(self, request: Request) -> Answer:
        """The data is complete: the org works; or the job is given up."""
        job, state = self.jobs.get(request.params["job"]), request.json().get("state")
        if job is None:
            return not_found()
        if job.state != "Open" or state not in {"UploadComplete", "Aborted"}:
            return said(400, "INVALIDJOBSTATE", "the job cannot go into this state")
        job.state = str(state)
        return Answer(200, self._job_told(request, job))

    @api("GET", r"/jobs/ingest/(?P<job>[^/]+)/?", kind="job")
    def ask_job(self, request: Request) -> Answer:
        """How far the job is. The work is done when the last poll before the end has been."""
        job = self.jobs.get(request.params["job"])
        if job is None or self.options["bulk_forgotten"]:
            return not_found()
        if job.state in {"UploadComplete", "InProgress"}:
            job.polls += 1
            job.state = "InProgress"
            if job.polls > int(self.options["bulk_polls"]):
                self._work(job, request)
        return Answer(200, self._job_told(request, job))

    @api("GET", r"/jobs/ingest/(?P<job>[^/]+)/successfulResults/?", kind="job")
    def succeeded(self, request: Request) -> Answer:
        """The rows that were written."""
        return self._table(request, ("sf__Id", "sf__Created"), lambda job: job.done)

    @api("GET", r"/jobs/ingest/(?P<job>[^/]+)/failedResults/?", kind="job")
    def refused(self, request: Request) -> Answer:
        """The rows that were not, and why."""
        return self._table(request, ("sf__Id", "sf__Error"), lambda job: job.failed)

    @api("GET", r"/jobs/ingest/(?P<job>[^/]+)/unprocessedrecords/?", kind="job")
    def unprocessed(self, request: Request) -> Answer:
        """The rows nobody looked at."""
        return self._table(request, (), lambda job: job.left)

    # --- the work ---

    def _work(self, job: Job, request: Request) -> None:
        shape = self.store.objects[job.entity]
        unknown = [one for one in job.columns if not shape.visible(one)]
        job.error = str(self.options["bulk_fails"])
        if unknown:
            job.error = f"InvalidBatch : Field name not found : {unknown[0]}"
        job.state = "Failed" if job.error else "JobComplete"
        most = 0 if unknown else int(self.options["bulk_done"]) if job.error else len(job.rows)
        for row in job.rows[:most]:
            self._attempted_in(job, shape, row, request)
        job.left = job.rows[most:]

    def _attempted_in(self, job: Job, shape: ObjectShape, row: Row, request: Request) -> None:
        try:
            remote_id, created = self._written_in(job, shape, row, request)
        except RowRefused as refusal:
            first = refusal.complaints[0]
            error = f"{first.code}:{first.message}:{','.join(first.fields)} --"
            job.failed.append({"sf__Id": row.get("Id", ""), "sf__Error": error, **row})
        else:
            told = {"sf__Id": remote_id, "sf__Created": str(created).lower()}
            job.done.append({**told, **row})

    def _written_in(
        self, job: Job, shape: ObjectShape, row: Row, request: Request
    ) -> tuple[str, bool]:
        values = dict(self._values(row))
        remote_id = row.get("Id", "")
        if job.operation == "upsert":
            matches = self.matches(shape, job.external_id, row[job.external_id])
            remote_id = matches[0]["Id"] if matches else ""
        if job.operation in _UPDATED_IN_PLACE and remote_id:
            self.updated(shape, remote_id, values)
            return long_id(remote_id), False
        return self.inserted(shape, values, request), True

    def _values(self, row: Row) -> Iterable[tuple[str, Any]]:
        for name, value in row.items():
            if name == "Id" or (value == "" and self.options["bulk_empty"] == "keeps"):
                continue
            yield name, None if value in {_NULL, ""} else value

    # --- answers ---

    def _table(
        self, request: Request, added: tuple[str, ...], rows_of: Callable[[Job], list[Row]]
    ) -> Answer:
        job = self.jobs.get(request.params["job"])
        if job is None:
            return not_found()
        if job.state not in _CLOSED:
            return said(400, "INVALIDJOBSTATE", "the job is not finished")
        told = io.StringIO(newline="")
        table = csv.DictWriter(told, [*added, *job.columns], quoting=csv.QUOTE_ALL,
                               lineterminator="\n")  # fmt: skip
        table.writeheader()
        # Salesforce does not keep the order in which the rows were sent.
        table.writerows(reversed(rows_of(job)))
        return Answer(200, told.getvalue(), {}, CSV_TYPE)

    def _job_told(self, request: Request, job: Job) -> Record:
        version = float(request.params["version"])
        told: Record = {
            "id": job.id,
            "operation": job.operation,
            "object": job.entity,
            "createdById": self.store.user_id,
            "createdDate": job.opened_at,
            "systemModstamp": moment(self.store.now()),
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": version,
            "contentUrl": f"services/data/v{version}/jobs/ingest/{job.id}/batches",
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }
        if job.state in _CLOSED:
            counts = {
                "numberRecordsProcessed": len(job.done) + len(job.failed),
                "numberRecordsFailed": len(job.failed),
            }
            told |= counts
        return told | ({"errorMessage": job.error} if job.error else {})
