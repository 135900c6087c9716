"""What the simulated portal holds: kinds of records, their properties, unique values, merges and
associations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.hubspot.definitions import Definition
from simulators.hubspot.values import Refused, stored

FIRST_ID = 73_279_000_000
VALIDATION = "VALIDATION_ERROR"
NOT_FOUND = "OBJECT_NOT_FOUND"
CONFLICT = "CONFLICT"
PROPERTY_DOESNT_EXIST = "PROPERTY_DOESNT_EXIST"
READ_ONLY_VALUE = "READ_ONLY_VALUE"
# HubSpot tells these of every record, asked for or not.
ALWAYS = ("createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate", "hs_object_id")
NAMES = ("email", "firstname", "lastname")
OTHER_EMAILS = "hs_additional_emails"


class RowRefused(Exception):
    """One record's write is refused. `faults` are refused values; without them the message says
    all.
    """

    def __init__(
        self,
        category: str,
        message: str = "",
        *,
        status: int = 400,
        faults: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(category)
        self.category = category
        self.message = message
        self.status = status
        self.faults = list(faults)


@dataclass(slots=True)
class Record:
    """One record. `links` holds its associations: kind -> id -> type ids. `seen` is what search
    knows of it.
    """

    id: str
    properties: dict[str, str]
    created_at: str
    updated_at: str
    archived: bool = False
    links: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    seen: list[tuple[float, dict[str, str] | None]] = field(default_factory=list)

    def indexed(self, now_s: float) -> dict[str, str] | None:
        """The properties as the search index has them, None while it does not know the record."""
        while len(self.seen) > 1 and self.seen[1][0] <= now_s:
            self.seen.pop(0)
        due, properties = self.seen[0] if self.seen else (0.0, None)
        return properties if due <= now_s else None


@dataclass(slots=True)
class Kind:
    """One kind of record: contacts, companies, notes..."""

    name: str
    type_id: str
    singular: str
    scope: str
    definitions: dict[str, Definition]
    required: list[str] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    unique: dict[str, dict[str, str]] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    removed: dict[str, Definition] = field(default_factory=dict)
    last_id: int = FIRST_ID
    finds_secondary: bool = True
    writes_merged: bool = True

    def keys(self) -> set[str]:
        """The properties by which a record can be found, besides its id."""
        own = {name for name, one in self.definitions.items() if one["hasUniqueValue"]}
        return own | ({"email"} if self.name == "contacts" else set())

    def find(self, value: str, id_property: str | None = None) -> Record | None:
        """The live record with that id (the survivor, if it was merged) or unique value."""
        if id_property and id_property != "hs_object_id":
            value = value.strip().lower() if id_property == "email" else value
            found = self.unique.get(id_property, {}).get(value, "")
            by_other = id_property == "email" and self.finds_secondary
            value = found or (self._has_address(value) if by_other else "")
        record = self.records.get(self.merged.get(value, value))
        return None if record is None or record.archived else record

    def find_to_change(self, value: str, id_property: str | None = None) -> Record | None:
        """As `find`, for a write or an association: whether those follow a merge is a switch."""
        by_id = not id_property or id_property == "hs_object_id"
        lost = by_id and value in self.merged and not self.writes_merged
        return None if lost else self.find(value, id_property)

    def _has_address(self, email: str) -> str:
        """The id of the contact that has this as one of its other addresses, "" for none."""
        for record in self.records.values():
            others = record.properties.get(OTHER_EMAILS, "").split(";")
            if email in others and not record.archived:
                return record.id
        return ""

    def checked(
        self, properties: Mapping[str, str], record: Record | None, *, system: bool = False
    ) -> dict[str, str]:
        """The values as they would be stored. Raises RowRefused with every refused value."""
        taken, faults = {}, []
        for name, value in properties.items():
            try:
                taken[name] = self._stored(name, value, record, system=system)
            except Refused as exc:
                faults.append({"name": name, "error": exc.error, "message": exc.message})
        if faults:
            raise RowRefused(VALIDATION, faults=faults)
        self._check_unique(taken, record)
        return taken

    def create(self, taken: Mapping[str, str], at: str) -> Record:
        """A new record with checked values."""
        self.last_id += 1
        record = Record(str(self.last_id), {}, at, at)
        self.records[record.id] = record
        record.properties.update(_system_values(self.name, record.id, at, taken))
        self.change(record, taken, at)
        return record

    def change(self, record: Record, taken: Mapping[str, str], at: str) -> None:
        """Store checked values."""
        self._reindex(record, taken)
        record.properties.update(taken)
        record.updated_at = at
        changed = "lastmodifieddate" if self.name == "contacts" else "hs_lastmodifieddate"
        record.properties[changed] = at

    def archive(self, record: Record) -> None:
        """Delete a record; its unique values are free again."""
        record.archived = True
        self._reindex(record, dict.fromkeys(record.properties, ""))

    def merge(self, survivor: Record, loser: Record, at: str) -> None:
        """The survivor takes what it had none of; the loser's id leads to it from now on."""
        self.archive(loser)
        given = {k: v for k, v in loser.properties.items() if not survivor.properties.get(k)}
        self.change(survivor, given, at)
        for old, new in list(self.merged.items()):
            self.merged[old] = survivor.id if new == loser.id else new
        self.merged[loser.id] = survivor.id
        swallowed = "hs_all_contact_vids"
        if self.name == "contacts":
            ids = [one.properties[swallowed] for one in (survivor, loser)]
            survivor.properties[swallowed] = ";".join(ids)
            # The loser's addresses go on as other addresses of the survivor.
            own = {survivor.properties.get("email", ""), ""}
            known = (one.properties.get(OTHER_EMAILS, "").split(";") for one in (survivor, loser))
            emails = [loser.properties.get("email", ""), *(each for one in known for each in one)]
            others = [one for one in dict.fromkeys(emails) if one not in own]
            survivor.properties[OTHER_EMAILS] = ";".join(others)
        for kind, links in loser.links.items():
            survivor.links.setdefault(kind, {}).update(links)

    def shown(self, record: Record, wanted: Iterable[str] = ()) -> dict[str, str | None]:
        """The properties of an answer: those wanted (null where empty), unknown ones left out."""
        names = set(wanted) or set(NAMES if self.name == "contacts" else ())
        told: dict[str, str | None] = {
            name: record.properties.get(name) or None for name in names if name in self.definitions
        }
        told.update({name: record.properties[name] for name in ALWAYS if name in record.properties})
        return dict(sorted(told.items()))

    def _stored(self, name: str, value: str, record: Record | None, *, system: bool) -> str:
        definition = self.definitions.get(name)
        if definition is None:
            raise Refused(PROPERTY_DOESNT_EXIST, f'Property "{name}" does not exist')
        if definition["modificationMetadata"]["readOnlyValue"] and not system:
            raise Refused(READ_ONLY_VALUE, f'"{name}" is a read only property')
        before = record.properties.get(name, "") if record else ""
        return stored(definition, value, before)

    def _check_unique(self, taken: Mapping[str, str], record: Record | None) -> None:
        for name in self.keys() & taken.keys():
            holder = self.unique.get(name, {}).get(taken[name])
            if name == "email" and taken[name]:
                holder = holder or self._has_address(taken[name]) or None
            if not taken[name] or holder is None or (record and holder == record.id):
                continue
            if name == "email":
                told = f"Contact already exists. Existing ID: {holder}"
                raise RowRefused(CONFLICT, told, status=409)
            place = f"PropertyValueCoordinates{{propertyName={name}}}"
            raise RowRefused(VALIDATION, f"Cannot set {place}. {holder} already has that value.")

    def _reindex(self, record: Record, taken: Mapping[str, str]) -> None:
        for name in self.keys() & taken.keys():
            index = self.unique.setdefault(name, {})
            if index.get(record.properties.get(name, "")) == record.id:
                del index[record.properties[name]]
            if taken[name]:
                index[taken[name]] = record.id


def _system_values(kind: str, record_id: str, at: str, taken: Mapping[str, str]) -> dict[str, str]:
    """What HubSpot itself sets on a new record (recorded for contacts)."""
    created = "createdate" if kind not in {"notes", "tasks", "users"} else "hs_createdate"
    values = {created: at, "hs_object_id": record_id}
    if kind != "contacts":
        return values
    values |= {
        "hs_all_contact_vids": record_id,
        "hs_currently_enrolled_in_prospecting_agent": "false",
        "hs_is_contact": "true",
        "hs_is_unworked": "true",
        "hs_lifecyclestage_lead_date": at,
        "hs_membership_has_accessed_private_content": "0",
        "hs_object_source": "INTEGRATION",
        "hs_object_source_id": "4169410",
        "hs_object_source_label": "INTEGRATION",
        "hs_pipeline": "contacts-lifecycle-pipeline",
        "hs_registered_member": "0",
        "lifecyclestage": "lead",
    }
    if email := taken.get("email"):
        values["hs_email_domain"] = email.partition("@")[2]
    return values
