"""The port to HubSpot: what is small stands here, the rest each in its own file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from adapters.errors import PauseMapping
from adapters.http import Wire
from adapters.hubspot import (
    companies,
    files,
    finding,
    limits,
    notes,
    primary,
    provisioning,
    records,
    tagging,
    tasks,
    writing,
)
from adapters.hubspot.client import Client
from adapters.hubspot.traits import API, COMPANY_LINK, KEY_FIELD, TRAITS
from adapters.hubspot.usage import told_by, told_in
from adapters.listing import Choosable
from adapters.provisioning import Part, Plan, Wanted
from adapters.rights import Rights
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
    TagOptions,
    Task,
    Uploaded,
)
from schemas.fields import Entity
from schemas.hubspot import entity_of

# A custom kind that HubSpot does not know is a 404, or a 400 (both unverified).
ABSENT = frozenset({400, 403, 404})
# Documented for private apps (keys) only; what it answers an OAuth app is not.
USAGE = f"/account-info/{API}/api-usage/daily/private-apps"
NO_USAGE = frozenset({400, 403, 404})


class HubSpot:
    """One HubSpot account for one job."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._client = Client(account, wire)
        self._settings = account.settings
        self._learnt = account.learnt
        self._entities = entities

    def probe(self) -> Identity:
        """The portal, and its time zone: daily limits end at the portal's midnight."""
        told = self._client.call("GET", f"/account-info/{API}/details").body
        portal, zone = str(told.get("portalId", "")), str(told.get("timeZone", "UTC"))
        kind = str(told.get("accountType", "STANDARD"))
        notes = () if kind == "STANDARD" else (f"This is a {kind} account of HubSpot.",)
        return Identity(portal, f"HubSpot portal {portal}", notes=notes, learnt={"time_zone": zone})

    def entities(self) -> tuple[Entity, ...]:
        """Contacts always; the other kinds where the token may see them."""
        names = [*TRAITS.entities, *self._own_object(), *self._settings.get("entities", ())]
        told = (self._described(name) for name in dict.fromkeys(names))
        found = {one.name: one for one in told if one is not None}
        if TRAITS.company_entity in found:
            found[TRAITS.contact_entity] = primary.described(found[TRAITS.contact_entity])
        return tuple(found.values())

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """See the port. One call, and one more for each id that a merge has hidden; one more for
        contacts that seem to have no company. Companies by name or domain: by our key, the rest by
        search.
        """
        known = self._entity(entity)
        if records.links_of(known):
            return records.find(self._client, known, field, values, want=want)
        if companies.is_searched(entity, field):
            keyed = known.field(KEY_FIELD) is not None or bool(self._learnt.get(companies.LEARNT))
            return companies.find(self._client, known, field, values, want=want, keyed=keyed)
        found = finding.find(self._client, known, field, values, want=want)
        links = entity == TRAITS.contact_entity and COMPANY_LINK in want
        return primary.completed(self._client, found) if links else found

    def write(self, batch: Batch) -> BatchResult:
        """See the port. One call, one more where companies are linked; never asynchronous."""
        if links := records.links_of(self._entities.get(batch.entity)):
            return records.write(self._client, batch, links=links)
        if companies.is_made(batch):
            return companies.create(self._client, batch)
        if any(COMPANY_LINK in row.values for row in batch.rows):
            return primary.write(self._client, batch)
        return writing.write(self._client, batch)

    def noted(self, entity: str, asked: Sequence[Note]) -> Mapping[str, str]:
        """See the port. By association, which is consistent at once."""
        return notes.noted(self._client, entity, asked)

    def tasked(self, entity: str, asked: Sequence[Task]) -> Mapping[str, str]:
        """Which tasks the contacts have already, by the marker in the text."""
        return tasks.tasked(self._client, entity, asked)

    def task(self, entity: str, asked: Sequence[Task]) -> BatchResult:
        """Create the tasks with their contacts."""
        return tasks.task(self._client, entity, asked)

    def note(self, entity: str, asked: Sequence[Note]) -> BatchResult:
        """See the port."""
        return notes.note(self._client, entity, asked)

    def filed(self, entity: str, file: Attachment) -> str | None:
        """See the port. By the note that carries it."""
        return files.filed(self._client, entity, file)

    def file(self, entity: str, file: Attachment) -> Outcome | Uploaded:
        """See the port. One call."""
        return files.file(self._client, entity, file)

    def enclose(self, entity: str, uploaded: Sequence[Uploaded]) -> BatchResult:
        """See the port. One call; `remote_id` is the note's."""
        return files.enclose(self._client, entity, uploaded)

    def file_link(self, entity: str, remote_id: str) -> str | None:
        """See the port. Two calls: the note that carries the file, and the file."""
        del entity
        return files.link(self._client, remote_id)

    def retract(self, entity: str, things: Sequence[Retraction]) -> BatchResult:
        """Archive notes, and delete the files that they carry."""
        notes.check(entity)
        return notes.retract(self._client, things)

    def provision_tags(self, entity: str, options: Sequence[TagOptions]) -> None:
        """See the port. The caller holds the connection's lock: HubSpot replaces the whole list."""
        tagging.provision(self._client, entity, options)

    @staticmethod
    def usage_told(
        headers: Mapping[str, str], now: datetime, *, learnt: Mapping[str, Any]
    ) -> tuple[Usage, ...]:
        """See `adapters.usage`."""
        return told_in(headers, now, learnt=learnt)

    def usage(self) -> tuple[Usage, ...]:
        """See `adapters.usage`: only keys have an endpoint for it, OAuth apps are refused."""
        told = self._client.call("GET", USAGE, seen=NO_USAGE)
        return () if told.status in NO_USAGE else told_by(told.body)

    def rights(self) -> Rights:
        """See adapters/rights.py: scopes decide what may be done, limits what still fits."""
        records, properties = (
            self._client.call("GET", path, seen=ABSENT)
            for path in (limits.RECORDS, limits.PROPERTIES)
        )
        told = [None if one.status in ABSENT else one.body for one in (records, properties)]
        return Rights(limits.edition_by(told[0]), room=limits.rooms_by(*told))

    def listed(self) -> tuple[Choosable, ...]:
        """See adapters/listing.py: the custom objects; the standard ones are downloaded anyway."""
        told = self._client.call("GET", provisioning.SCHEMAS, seen=ABSENT)
        asked = self._settings.get("entities", ())
        return () if told.status in ABSENT else _choosable_in(told.body, asked)

    def planned(self, wanted: Wanted) -> Plan:
        """See adapters/provisioning.py."""
        return provisioning.planned(self._client, wanted)

    def furnish(self, wanted: Wanted, parts: Collection[Part]) -> Plan:
        """See adapters/provisioning.py."""
        return provisioning.furnish(self._client, wanted, parts)

    def _own_object(self) -> tuple[str, ...]:
        """The survey-response object, where the account has it and the token may see it."""
        told = self._client.call("GET", provisioning.SCHEMAS, seen=ABSENT)
        found = provisioning.own_object(told.body) if told.status not in ABSENT else None
        return (found,) if found else ()

    def _entity(self, name: str) -> Entity:
        known = self._entities.get(name)
        if known is None:
            message = f"there is no definition of {name}: download the field definitions"
            raise PauseMapping(message, code="entity_unknown")
        return known

    def _described(self, name: str) -> Entity | None:
        params = {"object": name}
        path = f"/crm/properties/{API}/{{object}}"
        seen = ABSENT if name != TRAITS.contact_entity else frozenset[int]()
        told = self._client.call("GET", path, params=params, seen=seen)
        if told.status in ABSENT:
            return None
        # Needs a scope of its own for some kinds: without it nothing is known to be required.
        path = f"/crm-object-schemas/{API}/schemas/{{object}}"
        schema = self._client.call("GET", path, params=params, seen=ABSENT)
        required: Any = schema.body.get("requiredProperties") or ()
        known = entity_of(name, told.body.get("results") or (), required=tuple(required))
        return records.described(known, schema.body.get("associations") or ())


def _choosable_in(told: Mapping[str, Any], asked: Collection[str]) -> tuple[Choosable, ...]:
    """The custom objects of a schemas answer, by full name, or by type id where that is `asked`."""
    return tuple(
        Choosable(
            str(one["objectTypeId" if one["objectTypeId"] in asked else "fullyQualifiedName"]),
            str((one.get("labels") or {}).get("plural") or one["name"]),
            custom=True,
        )
        for one in told.get("results") or ()
        if not one.get("archived")
    )
