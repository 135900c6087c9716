"""Reads records: found by SOQL, read by id in batches, followed to where they have gone.

A merged record answers as its survivor, a converted lead as its contact. Who is a person account is
remembered for the writes of the same job, so that it costs no call of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from adapters.errors import PauseMapping
from adapters.salesforce.calls import Calls, understood
from adapters.salesforce.finding import STAMP, ids_in, matched, named, queries, record_of, same_id
from adapters.salesforce.people import (
    BECAME,
    CONTACT,
    CONVERTED,
    LEAD,
    PERSON_FLAG,
    PREFERRED,
    followed,
    home_of,
    name_on,
)
from adapters.salesforce.record_types import RECORD_TYPE
from adapters.salesforce.traits import (
    COLLECTIONS,
    RECORD_CONTACT,
    RECORD_ENTITY,
    RECORD_LEAD,
    TRAITS,
)
from adapters.values import Record
from schemas.fields import Entity

# Objects whose records can be merged: the loser keeps the survivor's id.
MERGEABLE = frozenset({"Account", "Contact", "Lead", "Case"})

EMAIL = "Email"

Told = Mapping[str, Any]


class Reader:
    """One org's records, for one job."""

    def __init__(self, calls: Calls, entities: Mapping[str, Entity], *, preferred: str) -> None:
        self._preferred = PREFERRED.get(preferred)
        self._calls = calls
        self._entities = entities
        self._persons: dict[str, str | None] = {}

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """Records by the value asked for. A query sees every committed write at once."""
        if field == TRAITS.id_field:
            return self._by_id(entity, values, want)
        if self._preferred is None or (entity, field) != (self._preferred[0], EMAIL):
            return self._held(entity, field, values, want)
        return self._as_preferred(self._preferred[1], entity, values, want)

    def _as_preferred(
        self, preferred: str, entity: str, values: Sequence[str], want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """Whoever holds an address as the preferred kind of person, else as the one asked for."""
        definitions = self._entities.get(preferred)
        if definitions is None or definitions.field(EMAIL) is None:
            return self._held(entity, EMAIL, values, want)
        named_there = _shared(preferred, want, definitions)
        there = self._held(preferred, EMAIL, values, list(named_there.values()))
        left = [one for one in values if not there[one]]
        own = self._held(entity, EMAIL, left, want) if left else {}
        renamed = {
            one: tuple(_renamed(each, want, named_there) for each in records)
            for one, records in there.items()
        }
        return {one: own.get(one) or renamed[one] for one in values}

    def _held(
        self, entity: str, field: str, values: Sequence[str], want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        definitions = self._entities.get(entity)
        columns = [*want, *followed(definitions, entity)]
        told = [
            one
            for soql in queries(entity, field, values, want=columns, definitions=definitions)
            for one in self._calls.records(soql)
        ]
        records = self._records(entity, told, want)
        return matched(values, [(str(one.get(field)), records[_id(one)]) for one in told])

    def moved(self, entity: str, ids: Sequence[str]) -> dict[str, str]:
        """For records that are merged or converted, by short id, where they have gone."""
        homes: dict[str, list[str]] = {}
        for one in ids_in(ids):
            homes.setdefault(home_of(entity, one), []).append(one)
        gone: dict[str, str] = {}
        for home, there in homes.items():
            gone |= self._gone(home, there)
        return gone

    def _gone(self, entity: str, there: Sequence[str]) -> dict[str, str]:
        if entity == LEAD and followed(self._entities.get(LEAD), LEAD):
            became = self._asked(LEAD, there, (BECAME,), BECAME)
            return became | self._merged(
                entity, [one for one in there if same_id(one) not in became]
            )
        return self._merged(entity, there)

    def persons(self, ids: Sequence[str]) -> Mapping[str, str]:
        """For contacts that are person accounts, by short id, the account of each."""
        if not followed(self._entities.get(CONTACT), CONTACT):
            return {}
        unknown = [one for one in ids_in(ids) if same_id(one) not in self._persons]
        self._read(CONTACT, unknown, ())
        known = {same_id(one): self._persons.get(same_id(one)) for one in ids}
        return {short: account for short, account in known.items() if account}

    def record_types(self, entity: str, ids: Sequence[str]) -> dict[str, str]:
        """The record type of each of these records that has one, by short id."""
        there = ids_in(ids)
        return self._asked(entity, there, (RECORD_TYPE,), RECORD_TYPE) if there else {}

    # --- by id ------------------------------------------------------------------------------------

    def _by_id(
        self, entity: str, values: Sequence[str], want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        ids = ids_in(values)
        own = [one for one in ids if home_of(entity, one) == entity]
        found = self._alive(entity, own, want)
        elsewhere = [one for one in ids if one not in own]
        if elsewhere:
            found |= self._as_other(home_of(entity, elsewhere[0]), elsewhere, want)
        alone = {one: found.get(same_id(one)) for one in values}
        return {one: () if record is None else (record,) for one, record in alone.items()}

    def _alive(self, entity: str, ids: Sequence[str], want: Sequence[str]) -> dict[str, Record]:
        """Records by the short id asked for; of a merged one the survivor."""
        found = self._read(entity, ids, want)
        merged = self._merged(entity, [one for one in ids if same_id(one) not in found])
        there = self._read(entity, list(dict.fromkeys(merged.values())), want)
        survivors = {
            loser: there[same_id(survivor)]
            for loser, survivor in merged.items()
            if same_id(survivor) in there
        }
        return found | survivors

    def _read(self, entity: str, ids: Sequence[str], want: Sequence[str]) -> dict[str, Record]:
        """Living records by short id, in one call."""
        if not ids:
            return {}
        columns = (STAMP, *want, *followed(self._entities.get(entity), entity))
        names = list(dict.fromkeys(named(one) for one in columns))
        path = f"{COLLECTIONS}/{quote(named(entity), safe='')}"
        try:
            told = self._calls.read(path, {"ids": list(ids), "fields": names})
        except PauseMapping as pause:
            raise _naming(pause, want) from pause
        return self._records(entity, [one for one in told or () if one], want)

    def _as_other(self, home: str, ids: Sequence[str], want: Sequence[str]) -> dict[str, Record]:
        """People read in the place of the other kind: what they have no field for is empty."""
        named_there = _shared(home, want, self._entities.get(home))
        found = self._alive(home, ids, list(named_there.values()))
        return {short: _renamed(one, want, named_there) for short, one in found.items()}

    def _merged(self, entity: str, ids: Sequence[str]) -> dict[str, str]:
        if not ids or entity not in MERGEABLE:
            return {}
        return self._asked(entity, ids, ("MasterRecordId",), "MasterRecordId")

    def _asked(
        self, entity: str, ids: Sequence[str], columns: Iterable[str], where: str
    ) -> dict[str, str]:
        """What a reference of these records, deleted ones too, holds, by short id."""
        listed = ",".join(f"'{one}'" for one in ids)
        # Ids have been checked for their form: letters and digits only.
        soql = f"SELECT Id, {', '.join(columns)} FROM {entity} WHERE Id IN ({listed})"  # noqa: S608
        told = self._calls.records(soql, deleted=True)
        return {_id(one): str(one[where]) for one in told if one.get(where)}

    # --- what was told ----------------------------------------------------------------------------

    def _records(self, entity: str, told: Iterable[Told], want: Sequence[str]) -> dict[str, Record]:
        """The records by short id, converted leads as the contacts they became."""
        every = list(told)
        records = {_id(one): self._record(entity, one, want) for one in every}
        became = {
            _id(one): str(one[BECAME]) for one in every if one.get(CONVERTED) and one.get(BECAME)
        }
        contacts = self._as_other(CONTACT, list(dict.fromkeys(became.values())), want)
        # One that cannot be read stays the lead: writing it is then refused by name.
        return records | {
            lead: contacts[same_id(contact)]
            for lead, contact in became.items()
            if same_id(contact) in contacts
        }

    def _record(self, entity: str, told: Told, want: Sequence[str]) -> Record:
        if entity == CONTACT and PERSON_FLAG in told:
            account = told.get("AccountId") if told[PERSON_FLAG] else None
            self._persons[_id(told)] = None if account is None else str(account)
        definitions = self._entities.get(entity)
        if entity == RECORD_ENTITY and not told.get(RECORD_CONTACT):
            # Its person is a lead, or nobody: the hub knows one field for both.
            told = {**told, RECORD_CONTACT: told.get(RECORD_LEAD)}
        return understood(lambda: record_of(told, want, definitions), writing=False)


def _id(told: Told) -> str:
    return same_id(str(told["Id"]))


def _shared(home: str, want: Sequence[str], definitions: Entity | None) -> dict[str, str]:
    """What each wanted field of the one kind of person is called on the other, where it has it."""
    there = {one: name_on(home, one) for one in want}
    if definitions is None:
        return there
    return {one: name for one, name in there.items() if definitions.field(name)}


def _renamed(record: Record, want: Sequence[str], named_there: Mapping[str, str]) -> Record:
    told = {one: record.values.get(named_there.get(one, "")) for one in want}
    return dataclasses.replace(record, values=told)


def _naming(pause: PauseMapping, want: Sequence[str]) -> PauseMapping:
    """The same pause, with the wanted field named where Salesforce only mentions it."""
    if pause.field is not None or len(want) != 1:
        return pause
    return PauseMapping(str(pause), code=pause.code, field=want[0], scope=pause.scope)
