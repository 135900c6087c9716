"""Writing records: a bulk job for a batch, single calls for a few rows or where bulk is off.

A create is sent as a create, never as create_or_update: that would overwrite what an existing
person holds. Who exists already is refused as a duplicate, and the id is then asked for by the one
value that was taken, which changes nothing. So a create may be sent again after an unknown outcome
without making a second person, although the search by e-mail lags behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.errors import OutcomeUnknown
from adapters.values import Account, Batch, BatchResult, Operation, Outcome, Row, Started, Status
from adapters.zendesk import jobs
from adapters.zendesk.answers import Forbidden, RecordGone, RowRefused
from adapters.zendesk.client import Client, object_of, reaching
from adapters.zendesk.finding import by_external_id, by_external_ids, organization_named
from adapters.zendesk.rows import one_by_one, rejected
from schemas.fields import Entity
from schemas.zendesk import KINDS, to_zendesk

# A job costs its own call and at least one poll: up to here single calls are as cheap and faster.
SINGLE_UP_TO = 2
# Beginning of what is learnt about bulk calls: bulk_create, bulk_update, bulk_notes.
BULK = "bulk_"
IDENTIFYING = ("external_id", "email", "name")


class Writer:
    """The writes of one entity."""

    def __init__(self, client: Client, account: Account, entity: Entity) -> None:
        self.client, self.account, self.entity = client, account, entity
        self.kind = KINDS[entity.name]
        self.api: Any = getattr(client.zenpy, entity.name)

    def write(self, batch: Batch) -> BatchResult | Started:
        """The port's `write`."""
        allowed = self.account.learnt.get(_flag(batch.operation), True)
        if not allowed or len(batch.rows) <= SINGLE_UP_TO:
            return BatchResult(self._single(batch))
        try:
            return self._start(batch)
        except Forbidden:
            # Bulk import is off until the account's owner asks Zendesk for it: learnt once.
            return BatchResult(self._single(batch), learnt={_flag(batch.operation): False})

    # --- single calls --------------------------------------------------------------------------

    def _single(self, batch: Batch) -> tuple[Outcome, ...]:
        act = self._update if batch.operation is Operation.UPDATE else self._create
        return one_by_one(batch.rows, act)

    def _update(self, row: Row) -> Outcome:
        if row.remote_id is None or not row.remote_id.isdigit():
            raise RecordGone
        self.api.update(self._object(row))
        return Outcome(row.key, Status.WRITTEN, remote_id=row.remote_id)

    def _create(self, row: Row) -> Outcome:
        try:
            made = self.api.create(self._object(row))
        except RowRefused as refused:
            if refused.code != "duplicate":
                raise
            outcome = rejected(row.key, refused)
            return replace(outcome, remote_id=self._holder(_identity(row), refused.field))
        # Creating a ticket answers its audit, which holds the ticket.
        made = getattr(made, "ticket", made)
        return Outcome(row.key, Status.WRITTEN, remote_id=str(made.id), created=True)

    # --- jobs ----------------------------------------------------------------------------------

    def _start(self, batch: Batch) -> Started:
        objects = [self._object(row) for row in batch.rows]
        is_update = batch.operation is Operation.UPDATE
        job = self.api.update(objects) if is_update else self._creating(objects)
        identities = [None if is_update else _identity(row) for row in batch.rows]
        rows = [
            jobs.Waiting(row.key, row.remote_id, identity)
            for row, identity in zip(batch.rows, identities, strict=True)
        ]
        handle = jobs.Handle(str(job.id), self.entity.name, batch.operation.value, rows)
        return jobs.started(self.account, handle)

    def _creating(self, objects: Sequence[Any]) -> Any:
        """The job of a create. Tickets have no unique value: where the answer is lost, nobody looks
        for them before the job has had time to begin.
        """
        try:
            with reaching():
                return self.api.create(objects)
        except OutcomeUnknown as exc:
            if self.entity.name != "tickets":
                raise
            raise OutcomeUnknown(str(exc), wait_s=jobs.LOOK_AFTER_S, code=exc.code) from exc

    def collect(self, handle: jobs.Handle) -> BatchResult | Started:
        """The outcomes, the next poll, or the job that resolves duplicates."""
        told = jobs.results_of(self.client, handle)
        if told is None:
            return jobs.polled_again(handle)
        outcomes = jobs.outcomes_of(handle, told, self.entity)
        learnt = jobs.learnt_from(handle)
        if handle.stage == Operation.CREATE.value:
            return self._resolved(handle, outcomes, learnt)
        return BatchResult(jobs.merged(handle, outcomes), learnt=learnt)

    # --- who exists already --------------------------------------------------------------------

    def _resolved(
        self, handle: jobs.Handle, outcomes: Sequence[Outcome], learnt: Mapping[str, Any]
    ) -> BatchResult | Started:
        """The ids of those who exist already: by single calls for a few, else by one more job."""
        identities = {row.key: row.identity or {} for row in handle.rows}
        outcomes = self._with_numbers(outcomes, identities)
        by_mail = [
            one for one in outcomes if self._is_mail_taken(one) and "email" in identities[one.key]
        ]
        if len(by_mail) <= SINGLE_UP_TO:
            found = [self._with_holder(one, identities[one.key]) for one in outcomes]
            return BatchResult(tuple(found), learnt=learnt)
        job = self.api.create_or_update(
            [self._asking(identities[one.key]["email"]) for one in by_mail]
        )
        rest = [
            one if one in by_mail else self._with_holder(one, identities[one.key])
            for one in outcomes
        ]
        waiting = jobs.Handle(
            str(job.id),
            self.entity.name,
            "resolve",
            [jobs.Waiting(one.key) for one in by_mail],
            settled=[jobs.stored(one) for one in rest],
        )
        return replace(jobs.started(self.account, waiting), learnt=learnt)

    def _with_numbers(
        self, outcomes: Sequence[Outcome], identities: Mapping[str, Mapping[str, str]]
    ) -> list[Outcome]:
        """The ids of those whose external id was taken, a hundred a call."""
        taken = {
            one.key: identities[one.key]["external_id"]
            for one in outcomes
            if one.code == "duplicate"
            and one.field == "external_id"
            and "external_id" in identities[one.key]
        }
        held = by_external_ids(self.client, self.entity.name, list(taken.values()))
        return [
            replace(one, remote_id=held.get(taken[one.key].casefold())) if one.key in taken else one
            for one in outcomes
        ]

    def _is_mail_taken(self, outcome: Outcome) -> bool:
        is_user = self.entity.name == "users"
        return is_user and outcome.code == "duplicate" and outcome.field in {"email", None}

    def _with_holder(self, outcome: Outcome, identity: Mapping[str, str]) -> Outcome:
        if outcome.code != "duplicate" or outcome.remote_id:
            return outcome
        return replace(outcome, remote_id=self._holder(identity, outcome.field))

    def _holder(self, identity: Mapping[str, str], field: str | None) -> str | None:
        """Who holds the taken value, read consistently; None when it cannot be told."""
        taken = field if field in identity else next(iter(identity), None)
        if taken == "external_id":
            return by_external_id(self.client, self.entity.name, identity[taken])
        if self.entity.name == "organizations":
            return organization_named(self.client, identity.get("name", ""))
        if taken != "email":
            return None
        try:
            return str(self.api.create_or_update(self._asking(identity["email"])).id)
        except RowRefused:
            # Gone again meanwhile: without a name nobody is created.
            return None

    def _asking(self, email: str) -> Any:
        """Only the address of somebody who exists: answered with the person, changing nothing."""
        return object_of(self.kind.singular, {"email": email, "skip_verify_email": True})

    # --- objects -------------------------------------------------------------------------------

    def _object(self, row: Row) -> Any:
        body = to_zendesk(self.entity, row.values)
        if row.remote_id is not None:
            body["id"] = int(row.remote_id) if row.remote_id.isdigit() else 0
        if "email" in body:
            # Else Zendesk mails the person.
            body["skip_verify_email"] = True
        if self.entity.name == "tickets":
            _as_ticket(body)
        return object_of(self.kind.singular, body)


def _as_ticket(body: dict[str, Any]) -> None:
    """Its first comment is internal; its requester, where told by e-mail, an object of zenpy's."""
    if "description" in body:
        body["comment"] = {"body": body.pop("description"), "public": False}
    email, name = (body.pop(f"requester_{part}", None) for part in ("email", "name"))
    if email and "requester_id" not in body:
        body["requester"] = object_of("user", {"email": email, "name": name or email})


def _flag(operation: Operation) -> str:
    return f"{BULK}{operation.value}"


def _identity(row: Row) -> dict[str, str]:
    """The identifying values of a new record, to ask for its holder if it exists already."""
    return {name: str(row.values[name]) for name in IDENTIFYING if row.values.get(name)}
