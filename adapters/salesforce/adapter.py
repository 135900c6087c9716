"""The Salesforce adapter: finds by SOQL, writes by sObject Collections, notes as ContentNotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from adapters.base import (
    Account,
    Batch,
    BatchResult,
    Identity,
    Note,
    Operation,
    Outcome,
    Record,
    Row,
    Status,
    TagOptions,
)
from adapters.errors import BrokenContract, PauseMapping
from adapters.http import Wire
from adapters.salesforce.calls import Calls, understood
from adapters.salesforce.finding import (
    STAMP,
    ids_in,
    matched,
    named,
    queries,
    record_of,
    same_id,
)
from adapters.salesforce.notes import composite_of, found_in, links_query, outcomes_of
from adapters.salesforce.refusals import pause_in, row_outcome
from adapters.salesforce.traits import TRAITS
from adapters.salesforce.usage import told_by, told_in
from adapters.traits import Traits
from adapters.usage import Usage
from schemas.fields import Entity, FieldType
from schemas.salesforce import RowResult, entity_of, row_results, to_native

COLLECTIONS = "composite/sobjects"
# Objects whose records can be merged: the loser keeps the survivor's id.
MERGEABLE = frozenset({"Account", "Contact", "Lead", "Case"})
USAGE_TOLD_FROM = 0.8
# Alert-only duplicate rules do not stop an update by id; assignment rules are not ours to fire.
_UPDATE_HEADERS = {"Sforce-Duplicate-Rule-Header": "allowSave=true", "Sforce-Auto-Assign": "FALSE"}
_CREATE_HEADERS = {"Sforce-Auto-Assign": "FALSE"}


class Salesforce:
    """One org, for one job."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._account = account
        self._entities = entities
        self._calls = Calls(account, wire)

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
        standard = [one for one in TRAITS.entities if one not in asked]
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
        answer = self._calls.get(f"sobjects/{quote(named(name), safe='')}/describe")
        return understood(lambda: entity_of(answer or {}), writing=False)

    # --- reading ----------------------------------------------------------------------------------

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """Records by the value asked for. A query sees every committed write at once."""
        if field == TRAITS.id_field:
            return self._by_id(entity, values, want)
        definitions = self._entities.get(entity)
        records: dict[str, Record] = {}
        stored: dict[str, str] = {}
        for soql in queries(entity, field, values, want=want, definitions=definitions):
            for told in self._calls.records(soql):
                record = self._record(told, want, definitions)
                records[record.remote_id] = record
                stored[record.remote_id] = str(told.get(field))
        return matched(values, records.values(), stored)

    def _by_id(
        self, entity: str, values: Sequence[str], want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        found = self._read(entity, ids_in(values), want)
        missing = [one for one in ids_in(values) if same_id(one) not in found]
        for loser, survivor in self._survivors(entity, missing, want).items():
            found[loser] = survivor
        alone = {one: found.get(same_id(one)) for one in values}
        return {one: () if record is None else (record,) for one, record in alone.items()}

    def _read(self, entity: str, ids: Sequence[str], want: Sequence[str]) -> dict[str, Record]:
        """Living records by short id, in one call."""
        if not ids:
            return {}
        names = list(dict.fromkeys(named(one) for one in (STAMP, *want)))
        path = f"{COLLECTIONS}/{quote(named(entity), safe='')}"
        try:
            told = self._calls.read(path, {"ids": list(ids), "fields": names})
        except PauseMapping as pause:
            raise _naming(pause, want) from pause
        definitions = self._entities.get(entity)
        records = [self._record(one, want, definitions) for one in told or () if one]
        return {same_id(one.remote_id): one for one in records}

    def _survivors(self, entity: str, ids: Sequence[str], want: Sequence[str]) -> dict[str, Record]:
        """For merged records, by their own short id, the record each was merged into."""
        if not ids or entity not in MERGEABLE:
            return {}
        listed = ",".join(f"'{one}'" for one in ids)
        # Ids have been checked for their form: letters and digits only.
        soql = f"SELECT Id, MasterRecordId FROM {entity} WHERE Id IN ({listed})"  # noqa: S608
        merged = {
            same_id(str(one["Id"])): str(one["MasterRecordId"])
            for one in self._calls.records(soql, deleted=True)
            if one.get("MasterRecordId")
        }
        alive = self._read(entity, list(dict.fromkeys(merged.values())), want)
        return {
            loser: alive[same_id(survivor)]
            for loser, survivor in merged.items()
            if same_id(survivor) in alive
        }

    def _record(
        self, told: Mapping[str, Any], want: Iterable[str], definitions: Entity | None
    ) -> Record:
        return understood(lambda: record_of(told, want, definitions), writing=False)

    # --- writing ----------------------------------------------------------------------------------

    def write(self, batch: Batch) -> BatchResult:
        """One collections call for the whole batch; each row is judged alone."""
        if not batch.rows:
            return BatchResult(())
        creating = batch.operation is Operation.CREATE
        body = {
            "allOrNone": False,
            "records": [self._native(batch.entity, one) for one in batch.rows],
        }
        answer = self._calls.write(
            "POST" if creating else "PATCH",
            COLLECTIONS,
            body,
            _CREATE_HEADERS if creating else _UPDATE_HEADERS,
        )
        results = understood(lambda: row_results(answer, len(batch.rows)), writing=True)
        pairs = zip(batch.rows, results, strict=True)
        outcomes = tuple(_outcome(row, result, creating=creating) for row, result in pairs)
        pause = pause_in(outcomes)
        if pause is not None:
            raise pause
        return BatchResult(outcomes, learnt=self._usage_learnt())

    def _native(self, entity: str, row: Row) -> dict[str, Any]:
        definitions = self._entities.get(entity)
        told: dict[str, Any] = {"attributes": {"type": named(entity)}}
        if row.remote_id is not None:
            told["id"] = row.remote_id
        for name, value in row.values.items():
            definition = definitions.field(name) if definitions else None
            told[named(name)] = to_native(definition, value)
        return told

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


def _outcome(row: Row, result: RowResult, *, creating: bool) -> Outcome:
    if not result.done:
        return row_outcome(row, result.complaints)
    return Outcome(row.key, Status.WRITTEN, result.remote_id, created=creating)


def _naming(pause: PauseMapping, want: Sequence[str]) -> PauseMapping:
    """The same pause, with the wanted field named where Salesforce only mentions it."""
    if pause.field is not None or len(want) != 1:
        return pause
    return PauseMapping(str(pause), code=pause.code, field=want[0], scope=pause.scope)
