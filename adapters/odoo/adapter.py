"""The Odoo adapter: the port's methods, each in one module beside this one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

from adapters.errors import BrokenContract, OutcomeUnknown, PauseMapping
from adapters.http import Wire
from adapters.listing import Choosable
from adapters.odoo import files, finding, provisioning, retracting, tagging, writing
from adapters.odoo import tasks as task_desk
from adapters.odoo.client import NEWEST, OLDEST, Client
from adapters.odoo.noting import NoteDesk
from adapters.odoo.refusals import speaking
from adapters.odoo.surveys import Surveys
from adapters.odoo.traits import RECORD_MODEL, TRAITS
from adapters.provisioning import Part, Plan, Wanted
from adapters.surveys import Answered, Document
from adapters.traits import Traits
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
    TagChange,
    TagOptions,
    Task,
)
from schemas.fields import Entity
from schemas.odoo import ATTRIBUTES, Unreadable, entity_of, kind_of, required_in

STANDARD = (*TRAITS.entities, RECORD_MODEL)
# Wizards are no records that stay.
STORED = (["transient", "=", False],)
# Models by which Odoo itself works.
TECHNICAL = ("_", "base", "bus.", "format.", "iap.", "ir.", "mail.", "report.", "web_", "web.")
NO_ADDRESS = (
    "The integration user has no e-mail address in Odoo: without one Odoo refuses notes and new"
    " contacts. Give its contact one."
)
UNTRIED = "This is Odoo {version}; versions {oldest} to {newest} are known."


class Odoo:
    """One database of Odoo. Made for one job, used by one thread, thrown away."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        self._account = account
        self._entities = entities
        self._client = Client(account, wire)
        self._surveys = Surveys(self._client)

    # --- who and what -----------------------------------------------------------------------------

    def probe(self) -> Identity:
        """The port's `probe`: version, user and company, in three calls."""
        with speaking():
            version, uid = self._client.ask_version(), self._client.authenticate()
            fields = ["name", "email", "company_id"]
            told = self._client.read("res.users", "read", [uid], fields)
        if not isinstance(told, list) or len(told) != 1:
            message = "Odoo does not tell who its user is"
            raise BrokenContract(message)
        host = urlsplit(self._account.base_url or TRAITS.base_url.format_map(self._settings)).netloc
        company = told[0].get("company_id") or [0, self._client.database]
        return Identity(
            account_id=f"{host}/{self._client.database}",
            account_name=str(company[-1]),
            user_id=str(uid),
            notes=tuple(_notes(version, told[0])),
            learnt=self._client.learnt(),
        )

    @property
    def _settings(self) -> Mapping[str, Any]:
        return self._account.settings

    def entities(self) -> tuple[Entity, ...]:
        """The port's `entities`. Leads are left out where CRM is not installed or not open to the
        user, our responses where they are not; a model that the settings name is not: PauseMapping.
        """
        asked = [str(one) for one in self._settings.get("entities", ())]
        with speaking():
            standard = [self._if_there(one) for one in STANDARD if one not in asked]
            named = [self._described(one) for one in asked]
        return (*(one for one in standard if one), *named)

    def _if_there(self, name: str) -> Entity | None:
        try:
            return self._described(name)
        except PauseMapping:
            if name == TRAITS.contact_entity:
                raise
            return None

    def _described(self, name: str) -> Entity:
        model = kind_of(name).model
        # The definitions alone are shown to everybody: a look at the records proves the right.
        self._client.search_read(model, [["id", "=", 0]], ["id"])
        told = self._client.read(model, "fields_get", None, list(ATTRIBUTES))
        required = required_in(told)
        given = self._client.read(model, "default_get", required) if required else {}
        defaulted = frozenset(given) if isinstance(given, dict) else frozenset()
        try:
            return entity_of(name, told, defaulted=defaulted)
        except Unreadable as exc:
            message = "Odoo's field definitions cannot be read"
            raise OutcomeUnknown(message, code="answer_unreadable") from exc

    def listed(self) -> tuple[Choosable, ...]:
        """See adapters/listing.py, in one call. Odoo tells which models there are, not which of
        them this user may write: that shows when the definition is downloaded.
        """
        with speaking():
            try:
                told = self._client.search_read("ir.model", STORED, ["model", "name", "state"])
            except PauseMapping:
                # Only internal users may ask.
                return ()
        return tuple(
            Choosable(str(one["model"]), str(one["name"]), custom=one["state"] == "manual")
            for one in told
            if not str(one["model"]).startswith(TECHNICAL)
        )

    # --- records ----------------------------------------------------------------------------------

    def find(
        self, entity: str, field: str, values: Sequence[str], *, want: Sequence[str]
    ) -> Mapping[str, tuple[Record, ...]]:
        """The port's `find`, in one call."""
        with speaking():
            return finding.find(self._client, self._known(entity), field, values, want=want)

    def write(self, batch: Batch) -> BatchResult:
        """The port's `write`: rows of equal values share a call."""
        with speaking():
            contacts = self._known(TRAITS.contact_entity)
            return writing.write(self._client, batch, self._known(batch.entity), contacts)

    def _known(self, entity: str) -> Entity:
        """The downloaded definition; without one values go as they are."""
        return self._entities.get(entity) or Entity(entity, entity, ())

    # --- tags and notes ---------------------------------------------------------------------------

    def tagged(self, entity: str, remote_ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The port's `tagged`."""
        with speaking():
            return tagging.tagged(self._client, entity, remote_ids)

    def retag(self, entity: str, changes: Sequence[TagChange]) -> BatchResult:
        """The port's `retag`."""
        with speaking():
            return tagging.retag(self._client, entity, changes)

    def provision_tags(self, entity: str, options: Sequence[TagOptions]) -> None:
        """The port's `provision_tags`."""
        del entity
        with speaking():
            tagging.provision(self._client, options)

    def noted(self, entity: str, notes: Sequence[Note]) -> Mapping[str, str]:
        """The port's `noted`."""
        with speaking():
            return NoteDesk(self._client, self._account, entity).noted(notes)

    def note(self, entity: str, notes: Sequence[Note]) -> BatchResult:
        """The port's `note`."""
        with speaking():
            return NoteDesk(self._client, self._account, entity).note(notes)

    def tasked(self, entity: str, tasks: Sequence[Task]) -> Mapping[str, str]:
        """The port's `tasked`."""
        del entity
        with speaking():
            return task_desk.tasked(self._client, tasks)

    def task(self, entity: str, tasks: Sequence[Task]) -> BatchResult:
        """The port's `task`."""
        with speaking():
            return task_desk.task(self._client, entity, tasks)

    def filed(self, entity: str, file: Attachment) -> str | None:
        """The port's `filed`."""
        with speaking():
            return files.filed(self._client, self._account, entity, file)

    def file(self, entity: str, file: Attachment) -> Outcome:
        """The port's `file`: three calls."""
        with speaking():
            return files.file(self._client, self._account, entity, file)

    def file_link(self, entity: str, remote_id: str) -> str | None:
        """Where who is signed in to Odoo downloads the attachment; no call."""
        del entity
        base = str(self._account.base_url).rstrip("/")
        return f"{base}/web/content/{remote_id}?download=true"

    # --- surveys taken in Odoo (adapters/surveys.py) ----------------------------------------------

    def newest_answer(self) -> str | None:
        """Two calls."""
        with speaking():
            return self._surveys.newest()

    def answered(self, since: str, *, after: int, limit: int) -> Answered:
        """A page of finished responses."""
        with speaking():
            return self._surveys.answered(since, after=after, limit=limit)

    def standing(self, ids: Sequence[int]) -> frozenset[int]:
        """One call."""
        with speaking():
            return self._surveys.standing(ids)

    def surveys(self) -> Sequence[Document]:
        """One call."""
        with speaking():
            return self._surveys.every()

    def survey(self, survey_id: str) -> Document | None:
        """Three calls."""
        with speaking():
            return self._surveys.one(survey_id)

    # --- what is made on request ------------------------------------------------------------------

    def retract(self, entity: str, things: Sequence[Retraction]) -> BatchResult:
        """Delete messages, and the attachments that they name."""
        return retracting.retract(self._client, entity, things)

    def planned(self, wanted: Wanted) -> Plan:
        """See adapters/provisioning.py."""
        with speaking():
            return provisioning.planned(self._client, wanted)

    def furnish(self, wanted: Wanted, parts: Collection[Part]) -> Plan:
        """See adapters/provisioning.py."""
        with speaking():
            return provisioning.furnish(self._client, wanted, parts)


def _notes(version: int, user: Mapping[str, Any]) -> Iterator[str]:
    if not user.get("email"):
        yield NO_ADDRESS
    if not OLDEST <= version <= NEWEST:
        yield UNTRIED.format(version=version, oldest=OLDEST, newest=NEWEST)
