"""The Salesforce adapter: finds by SOQL, writes by sObject Collections, notes as ContentNotes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from adapters.errors import BatchRefused, BrokenContract, PauseMapping
from adapters.http import Wire
from adapters.listing import Choosable
from adapters.provisioning import Part, Plan, Wanted
from adapters.rights import EntityRights, Rights
from adapters.salesforce import files, provisioning
from adapters.salesforce import tasks as task_desk
from adapters.salesforce.bulk import Bulk
from adapters.salesforce.calls import Calls, understood
from adapters.salesforce.finding import named, same_id
from adapters.salesforce.notes import (
    composite_of,
    found_in,
    links_query,
    outcomes_of,
    retracted,
)
from adapters.salesforce.reading import Reader
from adapters.salesforce.record_types import (
    has_lists,
    offering,
    offers_in,
    offers_path,
    record_types_in,
)
from adapters.salesforce.refusals import GONE, row_outcome
from adapters.salesforce.traits import RECORD_ENTITY, TRAITS
from adapters.salesforce.usage import rooms_by, told_by, told_in
from adapters.salesforce.writing import PERSONS_BY_ACCOUNT, Writer
from adapters.traits import Traits
from adapters.usage import Usage
from adapters.values import (
    Account,
    Attachment,
    Batch,
    BatchResult,
    Identity,
    Note,
    Outcome,
    Record,
    Retraction,
    Row,
    Started,
    Status,
    TagOptions,
    Task,
)
from schemas.fields import Entity, FieldType, RecordType
from schemas.salesforce import Complaint, entity_of, row_results

USAGE_TOLD_FROM = 0.8


class Salesforce:
    """One org, for one job."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._account = account
        self._entities = entities
        self._calls = Calls(account, wire)
        preferred = str(account.settings.get("contact_or_lead") or "contact")
        self._reader = Reader(self._calls, entities, preferred=preferred)
        persons = str(account.settings.get("person_accounts") or PERSONS_BY_ACCOUNT)
        self._writer = Writer(self._calls, entities, self._reader, persons=persons)
        empties = str(account.settings.get("bulk_empty") or "keeps")
        self._bulk = Bulk(self._calls, self._writer, empties=empties)

    # --- who and what -----------------------------------------------------------------------------

    def probe(self) -> Identity:
        """The org's id and name, and the user's id."""
        soql = "SELECT Id, Name, IsSandbox, OrganizationType FROM Organization LIMIT 1"
        orgs = self._calls.records(soql)
        if not orgs:
            message = "the org does not tell its name"
            raise BrokenContract(message)
        notes = ["This is a sandbox."] if orgs[0].get("IsSandbox") else []
        return Identity(
            account_id=str(orgs[0]["Id"]),
            account_name=str(orgs[0].get("Name") or ""),
            user_id=self._user_id(),
            notes=(*notes, *self._usage_note()),
        )

    def _user_id(self) -> str:
        try:
            who = self._calls.userinfo()
        except PauseMapping:
            # The query has proved the token; an org may close this endpoint to it (unverified).
            return ""
        return str(who.get("user_id", "")) if isinstance(who, dict) else ""

    def entities(self) -> tuple[Entity, ...]:
        """The described objects. A standard object this edition lacks is left out; one that the
        settings name is not: PauseMapping.
        """
        asked = [str(one) for one in self._account.settings.get("entities", ())]
        standard = [one for one in (*TRAITS.entities, RECORD_ENTITY) if one not in asked]
        found = [self._described_if_there(one) for one in standard]
        return (*(one for one in found if one), *(self._described(one) for one in asked))

    def _described_if_there(self, name: str) -> Entity | None:
        try:
            return self._described(name)
        except PauseMapping:
            if name == TRAITS.contact_entity:
                raise
            return None

    def _described(self, name: str) -> Entity:
        answer = self._calls.get(f"sobjects/{quote(named(name), safe='')}/describe") or {}
        entity = understood(lambda: entity_of(answer), writing=False)
        types = understood(lambda: record_types_in(answer), writing=False)
        if not types or not has_lists(entity):
            return entity
        told = {one.name: self._offers(name, one) for one in types}
        return offering(replace(entity, record_types=types), told)

    def _offers(self, entity: str, record_type: RecordType) -> Mapping[str, frozenset[str]]:
        """The options one record type offers, by field; {} where this user is not told them."""
        try:
            answer = self._calls.get(offers_path(entity, record_type))
        except (PauseMapping, BatchRefused):
            return {}
        return understood(lambda: offers_in(answer), writing=False)

    # --- reading ----------------------------------------------------------------------------------

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """Records by the value asked for; a merged one as its survivor, a converted lead as its
        contact.
        """
        return self._reader.find(entity, field, values, want=want)

    # --- writing ----------------------------------------------------------------------------------

    def write(self, batch: Batch) -> BatchResult | Started:
        """One collections call for the whole batch; each row is judged alone. A bulk job for more
        rows than such a call takes.
        """
        if not batch.rows:
            return BatchResult(())
        if len(batch.rows) > TRAITS.write_batch:
            return self._bulk.start(batch)
        return BatchResult(self._writer.write(batch), learnt=self._usage_learnt())

    def write_unchanged(self, entity: str, row: Row, *, since: datetime) -> Outcome:
        """One record, under If-Unmodified-Since: see `ConditionalWriter`."""
        return self._writer.write_unchanged(entity, row, since=since)

    def collect(self, handle: Mapping[str, Any]) -> BatchResult | Started:
        """What became of a bulk job's rows, or Started again while it runs."""
        return self._bulk.collect(handle)

    # --- notes ------------------------------------------------------------------------------------

    def noted(self, entity: str, notes: Sequence[Note]) -> Mapping[str, str]:
        """Which notes hang on their records already, by the marker in the title."""
        del entity
        soql = links_query(notes)
        return found_in(self._calls.records(soql), notes) if soql else {}

    def note(self, entity: str, notes: Sequence[Note]) -> BatchResult:
        """Create and link the notes in one call, all or none."""
        del entity
        answer = self._calls.write("POST", "composite", composite_of(notes), {})
        return BatchResult(understood(lambda: outcomes_of(answer, notes), writing=True))

    def tasked(self, entity: str, tasks: Sequence[Task]) -> Mapping[str, str]:
        """Which tasks these people have already, by the marker in the description."""
        del entity
        soql = task_desk.links_query(tasks)
        return task_desk.found_in(self._calls.records(soql), tasks) if soql else {}

    def task(self, entity: str, tasks: Sequence[Task]) -> BatchResult:
        """Create the tasks in one call, each alone; a query more for the owners of the people."""
        del entity
        owners = {
            same_id(str(one["Id"])): str(one["OwnerId"])
            for soql in task_desk.owner_queries(tasks)
            for one in self._calls.records(soql)
        }
        body = task_desk.records_of(tasks, owners)
        answer = self._calls.write("POST", "composite/sobjects", body, {})
        told = understood(lambda: row_results(answer, len(tasks)), writing=True)
        return BatchResult(tuple(map(task_desk.outcome_of, tasks, told)))

    # --- files ------------------------------------------------------------------------------------

    def filed(self, entity: str, file: Attachment) -> str | None:
        """The file's version if it hangs on the record already: two queries for most."""
        del entity
        soql = files.links_query(file)
        links = self._calls.records(soql) if soql else ()
        for each in files.versions_queries(links):
            if found := files.found_in(self._calls.records(each), file):
                return found
        return None

    def file(self, entity: str, file: Attachment) -> Outcome:
        """Create the file on its record: one call, whole or not at all."""
        del entity
        remote_id, complaints = self._calls.create(files.VERSION, files.version_of(file))
        if remote_id is not None:
            return Outcome(file.key, Status.WRITTEN, remote_id, created=True)
        # A reference to a record that is gone names its field: it is the file's record that is.
        first = complaints[0]
        told = Complaint(first.code) if first.code in GONE else first
        return row_outcome(Row(file.key, {"Title": file.name}, file.remote_id), (told,))

    def file_link(self, entity: str, remote_id: str) -> str | None:
        """Where the version is downloaded by who is signed in to the org; no call."""
        del entity
        return f"{self._calls.origin}{files.DOWNLOAD}{remote_id}"

    def retract(self, entity: str, things: Sequence[Retraction]) -> BatchResult:
        """Delete the documents of notes and files, by one call, into the recycle bin; a query more
        where there are files.
        """
        del entity
        soql = files.documents_query(things)
        documents = files.documents_of(things, self._calls.records(soql) if soql else ())
        ids = sorted({one for one in documents.values() if one})
        told = self._calls.delete(ids) if ids else {}
        return BatchResult(tuple(retracted(one, documents, told) for one in things))

    # --- tags -------------------------------------------------------------------------------------

    def provision_tags(self, entity: str, options: Sequence[TagOptions]) -> None:
        """Check that the tag field is there, writable and open: an unrestricted list takes new tags
        by itself, and making the field is an admin's decision. Raises PauseMapping.
        """
        del options
        name = str(TRAITS.tags.field)
        field = self._described(entity).field(name)
        if field is None:
            text = f"{entity} has no field {name}, or the user may not see it"
            raise PauseMapping(text, code="tag_field_missing", field=name)
        if field.type is not FieldType.MULTI_CHOICE or field.closed or not field.updatable:
            text = f"{name} must be an unrestricted multi-select picklist the user may edit"
            raise PauseMapping(text, code="tag_field_unusable", field=name)

    # --- what the user may do ---------------------------------------------------------------------

    def rights(self) -> Rights:
        """See adapters/rights.py: the edition, and each object by the global describe."""
        orgs = self._calls.records("SELECT OrganizationType FROM Organization LIMIT 1")
        edition = str(orgs[0].get("OrganizationType") or "") if orgs else ""
        told = self._calls.get("sobjects") or {}
        entities = {str(one["name"]): _rights_on(one) for one in told["sobjects"]}
        return Rights(edition, entities=entities, room=rooms_by(self._limits()))

    def _limits(self) -> object:
        """The limits resource; None where the user lacks *View Setup and Configuration*."""
        try:
            return self._calls.get("limits")
        except PauseMapping:
            return None

    def listed(self) -> tuple[Choosable, ...]:
        """See adapters/listing.py: the global describe, without what nothing is written to."""
        told = (self._calls.get("sobjects") or {}).get("sobjects") or ()
        return tuple(
            Choosable(str(one["name"]), str(one["label"]), custom=bool(one["custom"]))
            for one in told
            if one["queryable"] and one["updateable"] and one["createable"]
            if not one["customSetting"] and not one["deprecatedAndHidden"]
        )

    # --- what is made on request ------------------------------------------------------------------

    def planned(self, wanted: Wanted) -> Plan:
        """See adapters/provisioning.py."""
        return provisioning.planned(self._calls, wanted)

    def furnish(self, wanted: Wanted, parts: Collection[Part]) -> Plan:
        """See adapters/provisioning.py."""
        return provisioning.furnish(self._calls, wanted, parts)

    # --- the day's calls --------------------------------------------------------------------------

    @staticmethod
    def usage_told(
        headers: Mapping[str, str], now: datetime, *, learnt: Mapping[str, Any]
    ) -> tuple[Usage, ...]:
        """See `adapters.usage`: the org's day stands on every answer."""
        del now, learnt
        return told_in(headers)

    def usage(self) -> tuple[Usage, ...]:
        """See `adapters.usage`: the limits resource."""
        return told_by(self._calls.get("limits"))

    def _share_used(self) -> float:
        used, most = self._calls.usage or (0, 0)
        return used / most if most else 0.0

    def _usage_learnt(self) -> dict[str, Any]:
        """Told only when the day's calls run low: news in every batch would be a write in each."""
        if self._share_used() < USAGE_TOLD_FROM:
            return {}
        used, most = self._calls.usage or (0, 0)
        return {"daily_calls": {"used": used, "limit": most}}

    def _usage_note(self) -> tuple[str, ...]:
        if self._share_used() < USAGE_TOLD_FROM:
            return ()
        return (f"{self._share_used():.0%} of the org's calls of the last 24 hours are used up.",)


def _rights_on(told: Mapping[str, Any]) -> EntityRights:
    flags = (told.get(one, False) for one in ("createable", "queryable", "updateable"))
    return EntityRights(*(bool(one) for one in flags))
