"""Single records of the simulated portal: read, list, create, change, delete, merge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from simulators.hubspot.errors import invalid_values
from simulators.hubspot.portal import area
from simulators.hubspot.store import VALIDATION, Kind, Record, RowRefused
from simulators.hubspot.webhooks import Webhooks
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import route

OBJECTS = area("objects") + r"/(?P<object>[^/]+)"
# Told in the answer to a change, whatever was changed (recorded).
CHANGE_TELLS = (
    "createdate", "hs_is_contact", "hs_is_unworked", "hs_object_id", "hs_object_source",
    "hs_object_source_id", "hs_object_source_label", "hs_pipeline", "lastmodifieddate",
    "lifecyclestage", "hs_createdate", "hs_lastmodifieddate",
)  # fmt: skip


class Objects(Webhooks):
    """The calls for one record at a time."""

    @route("GET", OBJECTS + "/(?P<id>[^/]+)", kind="read")
    def read_one(self, request: Request) -> Answer:
        """One record by id or unique property; a contact unknown by e-mail is a page, not JSON."""
        kind = self.kind(request, write=False)
        id_property = request.asked("idProperty")
        record = kind.find(request.params["id"], id_property)
        if record is None:
            raise Refused(self.errors.html_not_found() if id_property else self.errors.not_found())
        request.rows = 1
        told = kind.shown(record, _wanted(request))
        return Answer(200, self.answered(record, told))

    @route("GET", OBJECTS, kind="read")
    def list_all(self, request: Request) -> Answer:
        """A page of records in the order of their ids."""
        kind = self.kind(request, write=False)
        limit, after = int(request.asked("limit", "10")), int(request.asked("after", "0"))
        live = [one for one in kind.records.values() if not one.archived and int(one.id) >= after]
        page, rest = live[:limit], live[limit:]
        request.rows = len(page)
        body: dict[str, Any] = {
            "results": [self.answered(one, kind.shown(one, _wanted(request))) for one in page]
        }
        if rest:
            query = {
                **{name: values[0] for name, values in request.query.items()},
                "after": rest[0].id,
            }
            link = f"{self.base_url}{request.path}?{urlencode(query)}"
            body["paging"] = {"next": {"after": rest[0].id, "link": link}}
        return Answer(200, body)

    @route("POST", OBJECTS, kind="write")
    @route("POST", area("objects") + r"/(?P<object>notes)", kind="note")
    def create_one(self, request: Request) -> Answer:
        """A new record."""
        kind = self.kind(request, write=True)
        told = request.json()
        request.rows = 1
        try:
            record = self.created(kind, self.strings(told.get("properties")), told)
        except RowRefused as exc:
            raise Refused(self.refusal(exc)) from exc
        place = f"{self.base_url}{request.path}/{record.id}"
        body = self.answered(record, created_tells(record))
        return Answer(201, body, {"Location": place})

    @route("PATCH", OBJECTS + "/(?P<id>[^/]+)", kind="write")
    def change_one(self, request: Request) -> Answer:
        """Change the given properties of a record."""
        kind = self.kind(request, write=True)
        record = kind.find_to_change(request.params["id"], request.asked("idProperty"))
        if record is None:
            raise Refused(self.errors.not_found())
        request.rows = 1
        properties = self.strings(request.json().get("properties"))
        try:
            self.changed(kind, record, properties)
        except RowRefused as exc:
            raise Refused(self.refusal(exc)) from exc
        return Answer(200, self.answered(record, change_tells(record, properties)))

    @route("DELETE", OBJECTS + "/(?P<id>[^/]+)", kind="write")
    def delete_one(self, request: Request) -> Answer:
        """Archive a record; an unknown one is as good as archived."""
        kind = self.kind(request, write=True)
        if record := kind.find(request.params["id"]):
            kind.archive(record)
            self.after_write(record)
            self.tell_gone(kind, record.id)
        return Answer(204)

    @route("POST", OBJECTS + "/merge", kind="write")
    def merge(self, request: Request) -> Answer:
        """Merge one record into another; the loser's id leads to the survivor from now on."""
        kind = self.kind(request, write=True)
        told = request.json()
        survivor = kind.find(str(told.get("primaryObjectId")))
        loser = kind.find(str(told.get("objectIdToMerge")))
        if survivor is None or loser is None or survivor is loser:
            raise Refused(self.errors.not_found())
        kind.merge(survivor, loser, self.clock.iso())
        self.after_write(survivor)
        self.after_write(loser)
        self.tell_merge(kind, survivor.id, loser.id)
        return Answer(200, self.answered(survivor, kind.shown(survivor)))

    # --- what single and batch calls share ------------------------------------------------------

    def created(self, kind: Kind, properties: Mapping[str, str], told: Mapping[str, Any]) -> Record:
        """Check and store a new record with its associations. Raises RowRefused."""
        links = told.get("associations") or []
        homes = [f"{name} {one['to']['id']}" for one in links for name in properties]
        keys = (properties.get("email"), properties.get("response_id"), *homes)
        self._ordered_fault(told.get("objectWriteTraceId"), *keys)
        taken = kind.checked(properties, None)
        self.check_required(kind, taken)
        self._check_attachments(taken)
        links = self.checked_links(kind, told.get("associations") or [])
        record = kind.create(taken, self.clock.iso())
        self.link_all(kind, record, links)
        self.after_write(record)
        self._remember(kind, record, taken)
        return record

    def _check_attachments(self, taken: Mapping[str, str]) -> None:
        """A note can only carry files that are there. Raises RowRefused."""
        told = [one for one in taken.get("hs_attachment_ids", "").split(";") if one]
        if missing := [one for one in told if one not in self.files]:
            raise RowRefused(VALIDATION, f"the file {missing[0]} does not exist")

    def changed(
        self, kind: Kind, record: Record, properties: Mapping[str, str], trace: str | None = None
    ) -> None:
        """Check and store new values. Raises RowRefused."""
        named = (f"{name} {record.id}" for name in properties)
        self._ordered_fault(record.id, record.properties.get("email"), trace, *named)
        taken = kind.checked(properties, record)
        kind.change(record, taken, self.clock.iso())
        self.after_write(record)
        self._remember(kind, record, taken)

    def refusal(self, exc: RowRefused) -> Answer:
        """A whole call refused because of one record."""
        message = invalid_values(exc.faults) if exc.faults else exc.message
        return self.errors.answer(exc.status, message, exc.category)

    def _ordered_fault(self, *keys: str | None) -> None:
        error = self.faults.row(*keys)
        if error is None:
            return
        if "error" in error:
            raise RowRefused(VALIDATION, faults=[{"message": error["error"], **error}])
        raise RowRefused(
            error["category"], error.get("message", ""), status=error.get("status", 400)
        )

    def _remember(self, kind: Kind, record: Record, taken: Mapping[str, str]) -> None:
        if kind.name == "contacts":
            self.log.wrote(record.id, self.clock.now(), {"set": dict(taken)})
        if kind.name == "notes":
            for contact in record.links.get("contacts", {}):
                self.log.wrote(contact, self.clock.now(), {"note": record.id})


def created_tells(record: Record) -> dict[str, str]:
    """The properties in the answer to a create: all that have a value."""
    return dict(sorted((name, value) for name, value in record.properties.items() if value))


def change_tells(record: Record, properties: Mapping[str, str]) -> dict[str, str]:
    """The properties in the answer to a change: what was sent, and a fixed few."""
    names = {*properties, *(one for one in CHANGE_TELLS if one in record.properties)}
    return {name: record.properties.get(name, "") for name in sorted(names)}


def _wanted(request: Request) -> list[str]:
    return [
        name for told in request.query.get("properties", []) for name in told.split(",") if name
    ]
