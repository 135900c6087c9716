"""The Zendesk adapter: the port's methods, each in one module beside this one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit

from adapters.errors import PauseMapping, ReconnectNeeded
from adapters.http import Wire
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
    Started,
    TagChange,
    Task,
)
from adapters.zendesk import files, finding, jobs, objects, provisioning
from adapters.zendesk import tasks as task_desk
from adapters.zendesk.answers import Forbidden, forbidden, limit_of
from adapters.zendesk.client import BASIC_MARK, Client, speaking
from adapters.zendesk.noting import ASSIGNEE, NoteDesk
from adapters.zendesk.objectwriting import ObjectWriter
from adapters.zendesk.tagging import Tagger
from adapters.zendesk.traits import API_TOKENS_END, RECORD_OBJECT, TICKETS, TRAITS
from adapters.zendesk.usage import plan_by, told_in
from adapters.zendesk.writing import BULK, Writer
from schemas.fields import Entity
from schemas.zendesk import KINDS, Kind, entity_of

NO_TAGS = (
    "Tags on users and organizations are switched off: switch them on in the account's settings,"
    " or score tags cannot be written."
)
COPIED_TAGS = (
    "Zendesk copies a person's tags onto each new ticket, and notes are tickets: your triggers,"
    " automations and reports will see them and may act on them."
)


class Zendesk:
    """Zendesk Support through zenpy. Made for one job, used by one thread, thrown away."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._account = account
        self._entities = entities
        self._client = Client(account, wire)

    def probe(self) -> Identity:
        """The port's `probe`, and whether tags are switched on: two calls."""
        with speaking():
            me = self._client.zenpy.users.me().to_dict()
            if me["id"] is None or me["role"] == "end-user":
                message = "Zendesk does not know the connected user as an agent or administrator"
                raise ReconnectNeeded(message, code="not_an_agent")
            notes = self._notes(str(me["id"]))
        host = str(urlsplit(str(me["url"])).hostname)
        learnt = {**self._limit(), **self._bulk_again(), ASSIGNEE: str(me["id"])}
        return Identity(host, host, str(me["id"]), notes=notes, learnt=learnt)

    def entities(self) -> tuple[Entity, ...]:
        """The port's `entities`."""
        more = (*(self._account.settings.get("entities") or ()), RECORD_OBJECT)
        with speaking():
            own = tuple(self._described(kind) for kind in KINDS.values())
            return (*own, *objects.described(self._client, more))

    def listed(self) -> tuple[Choosable, ...]:
        """See adapters/listing.py: the custom objects; people, organizations and tickets are
        downloaded anyway.
        """
        with speaking():
            return objects.listed(self._client)

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The port's `find`. E-mail and a ticket's external id cost a call each."""
        with speaking():
            known = self._known(entity)
            if known.custom:
                return objects.find(self._client, known, field, values, want=want)
            return finding.find(self._client, known, field, values, want=want)

    def write(self, batch: Batch) -> BatchResult | Started:
        """The port's `write`: a job for three rows and more, if the account allows bulk calls."""
        with speaking():
            known = self._known(batch.entity)
            if known.custom:
                return self._objects(known).write(batch)
            return self._writer(batch.entity).write(batch)

    def collect(self, handle: Mapping[str, Any]) -> BatchResult | Started:
        """The port's `collect`."""
        waiting = jobs.handle_of(handle)
        with speaking():
            if waiting.stage == jobs.NOTES:
                return self._desk.collect(waiting)
            known = self._known(waiting.entity)
            if known.custom:
                return self._objects(known).collect(waiting)
            return self._writer(waiting.entity).collect(waiting)

    def tagged(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The port's `tagged`: one call."""
        with speaking():
            return Tagger(self._client, entity).tagged(remote_ids)

    def retag(self, entity: str, changes: Sequence[TagChange]) -> BatchResult:
        """The port's `retag`."""
        with speaking():
            return Tagger(self._client, entity).retag(changes)

    def noted(self, entity: str, notes: Sequence[Note]) -> Mapping[str, str]:
        """The port's `noted`: two calls a thread, and one for all threads of a wave."""
        del entity
        with speaking():
            return self._desk.noted(notes)

    def note(self, entity: str, notes: Sequence[Note]) -> BatchResult:
        """The port's `note`: a call a note, two where nothing is known of its thread."""
        del entity
        with speaking():
            return self._desk.note(notes)

    def start_notes(self, entity: str, notes: Sequence[Note]) -> Started | BatchResult:
        """The port's `start_notes`: a job for three notes and more."""
        del entity
        with speaking():
            return self._desk.start(notes)

    def retract(self, entity: str, things: Sequence[Retraction]) -> BatchResult:
        """Mark notes and files in their tickets."""
        with speaking():
            if entity == TICKETS:
                return self._desk.retract_in(things)
            return self._desk.retract(things)

    def tasked(self, entity: str, tasks: Sequence[Task]) -> Mapping[str, str]:
        """The port's `tasked`: a call a task."""
        del entity
        with speaking():
            return task_desk.tasked(self._client, tasks)

    def task(self, entity: str, tasks: Sequence[Task]) -> BatchResult:
        """The port's `task`: a call a task."""
        del entity
        with speaking():
            return task_desk.task(self._client, tasks)

    @staticmethod
    def usage_told(
        headers: Mapping[str, str], now: datetime, *, learnt: Mapping[str, Any]
    ) -> tuple[Usage, ...]:
        """See `adapters.usage`."""
        del learnt
        return told_in(headers, now)

    def usage(self) -> tuple[Usage, ...]:
        """See `adapters.usage`: Zendesk has no endpoint for it, and no limit of a day."""
        return ()

    def rights(self) -> Rights:
        """See adapters/rights.py: the user's role decides; the rate gives the plan away."""
        with speaking():
            me = self._client.zenpy.users.me().to_dict()
            edition = plan_by(limit_of(self._client.headers))
            warnings = self._notes(str(me["id"]))
        return Rights(edition, str(me["role"]), warnings=warnings)

    def planned(self, wanted: Wanted) -> Plan:
        """See adapters/provisioning.py."""
        return provisioning.planned(self._client, wanted)

    def furnish(self, wanted: Wanted, parts: Collection[Part]) -> Plan:
        """See adapters/provisioning.py."""
        return provisioning.furnish(self._client, wanted, parts)

    def filed(self, entity: str, file: Attachment) -> str | None:
        """The port's `filed`: two calls, one for a ticket."""
        with speaking():
            return files.filed(self._client, self._account, entity, file)

    def file(self, entity: str, file: Attachment) -> Outcome:
        """The port's `file`: three calls, two for a ticket."""
        with speaking():
            return files.file(self._client, self._account, entity, file)

    def file_link(self, entity: str, remote_id: str) -> str | None:
        """Where Zendesk keeps the attachment; a call."""
        del entity
        with speaking():
            return files.link(self._client, remote_id)

    # --- parts ---------------------------------------------------------------------------------

    @cached_property
    def _desk(self) -> NoteDesk:
        return NoteDesk(self._client, self._account)

    def _objects(self, entity: Entity) -> ObjectWriter:
        return ObjectWriter(self._client, self._account, entity)

    def _writer(self, entity: str) -> Writer:
        return Writer(self._client, self._account, self._known(entity))

    def _known(self, entity: str) -> Entity:
        found = self._entities.get(entity)
        if found is None or not (found.custom or entity in KINDS):
            message = f"the definitions of {entity} have not been downloaded"
            raise PauseMapping(message, code="entity_unknown")
        return found

    def _described(self, kind: Kind) -> Entity:
        try:
            told = getattr(self._client.zenpy, kind.definitions)()
            return entity_of(kind, [one.to_dict() for one in told])
        except Forbidden as exc:
            raise forbidden() from exc

    def _notes(self, me: str) -> tuple[str, ...]:
        notes = [COPIED_TAGS]
        if BASIC_MARK in self._account.token:
            notes.append(API_TOKENS_END)
        try:
            self._client.get(f"users/{me}/tags.json")
        except Forbidden:
            notes.append(NO_TAGS)
        return tuple(notes)

    def _bulk_again(self) -> dict[str, Any]:
        """Bulk calls that were off are tried again: they may have been switched on meanwhile."""
        learnt = self._account.learnt
        return {name: True for name in learnt if name.startswith(BULK) and not learnt[name]}

    def _limit(self) -> dict[str, Any]:
        """The account's calls a minute, as its answers' headers tell them."""
        limit = limit_of(self._client.headers)
        return {} if limit is None else {"calls_per_minute": limit}
