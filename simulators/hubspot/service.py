"""The simulated HubSpot portal, put together: what tests seed, what a checker reads, what the page
shows.
"""

from __future__ import annotations

from typing import Any

from simulators.hubspot.definitions import definition
from simulators.hubspot.files import Files
from simulators.hubspot.portal import SCOPES
from simulators.hubspot.store import Kind, Record
from simulators.kit.pages import Shown, readable


class HubSpot(Files):
    """One portal.

    `POST /__sim__/seed` takes, all optional: `contacts`, `companies`, `deals`, `tickets`: lists of
    properties; `properties`: {kind: [{name, label, type, fieldType?, options?...}]} to add or
    replace definitions; `remove_properties`: {kind: [names]}; `merge`: [[survivor, loser]];
    `delete`, `erase`: [contact]; `delete_companies`: [id]; `edit`: {contact: properties}; `employ`:
    {contact: company id}, its primary company, as a colleague in HubSpot does. A contact is named
    by id or e-mail.
    """

    def seed(self, told: dict[str, Any]) -> dict[str, Any]:
        """Answers the ids of the new records, in order."""
        for kind, definitions in told.get("properties", {}).items():
            for one in definitions:
                self.kinds[kind].definitions[one["name"]] = _definition_of(one)
        for kind, names in told.get("remove_properties", {}).items():
            for name in names:
                self.kinds[kind].removed[name] = self.kinds[kind].definitions.pop(name)
        made: dict[str, Any] = {
            kind: [self._seeded(self.kinds[kind], one) for one in told[kind]]
            for kind in ("contacts", "companies", "deals", "tickets")
            if kind in told
        }
        self._act(told)
        return made

    def records(self) -> dict[str, Any]:
        """Contacts with properties, tags and notes, in the order of their ids; other kinds with
        properties.
        """
        return {
            "contacts": [self._contact(one) for one in self._live("contacts")],
            **{
                kind: [{"id": one.id, "properties": one.properties} for one in self._live(kind)]
                for kind in ("companies", "deals", "tickets", "notes", "tasks")
            },
            "custom": {
                kind.name: [
                    {
                        "id": one.id,
                        "properties": one.properties,
                        "links": one.links,
                        "files": self._files(one),
                    }
                    for one in self._live(kind.name)
                ]
                for kind in self.kinds.values()
                if kind.scope == "custom"
            },
            "files": list(self.files.values()),
        }

    def shown(self) -> list[Shown]:
        """The page's contacts, those written last first."""
        newest = sorted(self._live("contacts"), key=lambda one: one.updated_at, reverse=True)
        return [self._shown(one) for one in newest]

    def oauth_control(self, told: dict[str, Any]) -> dict[str, Any]:
        """Orders to the OAuth server."""
        return self.oauth.control(told, scopes=SCOPES)

    def _seeded(self, kind: Kind, properties: dict[str, str]) -> str:
        taken = kind.checked(properties, None, system=True)
        record = kind.create(taken, self.clock.iso())
        record.seen.append((0.0, dict(record.properties)))
        return record.id

    def _act(self, told: dict[str, Any]) -> None:
        contacts = self.kinds["contacts"]
        for survivor, loser in told.get("merge", []):
            into, gone = self._named(survivor), self._named(loser)
            contacts.merge(into, gone, self.clock.iso())
            self.tell_merge(contacts, into.id, gone.id)
        for name in (*told.get("delete", []), *told.get("erase", [])):
            record = self._named(name)
            contacts.archive(record)
            self.tell_gone(contacts, record.id, erased=name in told.get("erase", []))
        for name, properties in told.get("edit", {}).items():
            record = self._named(name)
            contacts.change(record, contacts.checked(properties, record), self.clock.iso())
            self.after_write(record)

        for name in told.get("delete_companies", []):
            self.kinds["companies"].archive(self.kinds["companies"].records[name])
        for name, company_id in told.get("employ", {}).items():
            self.link(contacts, self._named(name), ("companies", company_id, 1))

    def _named(self, name: str) -> Record:
        contacts = self.kinds["contacts"]
        record = contacts.find(name, "email") or contacts.find(name)
        if record is None:
            message = f"no contact {name}"
            raise KeyError(message)
        return record

    def _live(self, kind: str) -> list[Record]:
        return [one for one in self.kinds[kind].records.values() if not one.archived]

    def _contact(self, record: Record) -> dict[str, Any]:
        return {
            "id": record.id,
            "properties": record.properties,
            "tags": self._tags(record),
            "notes": self._notes(record),
            "companies": record.links.get("companies", {}),
            "files": self._files(record),
            "created_at": record.created_at,
            "updated_at": record.updated_at,
        }

    def _tags(self, record: Record) -> list[str]:
        held = record.properties.get(self.options["tag_property"], "")
        return [one for one in held.split(";") if one]

    def _notes(self, record: Record) -> list[dict[str, str]]:
        notes = self.kinds["notes"].records
        linked = [notes[one] for one in record.links.get("notes", {}) if not notes[one].archived]
        return [
            {
                "id": one.id,
                "body": one.properties.get("hs_note_body", ""),
                "at": one.properties["hs_timestamp"],
            }
            for one in linked
        ]

    def _files(self, record: Record) -> list[dict[str, str]]:
        """The files that the notes of a record carry."""
        notes = self.kinds["notes"].records
        linked = [notes[one] for one in record.links.get("notes", {}) if not notes[one].archived]
        ids = [
            number
            for one in linked
            for number in one.properties.get("hs_attachment_ids", "").split(";")
            if number
        ]
        return [
            {
                "name": self.files[one]["path"].rpartition("/")[2],
                "sha256": self.files[one]["sha256"],
            }
            for one in ids
        ]

    def _shown(self, record: Record) -> Shown:
        fields = {
            name: value
            for name, value in record.properties.items()
            if not name.startswith("hs_") and name != self.options["tag_property"]
        }
        names = [record.properties.get(one, "") for one in ("firstname", "lastname", "email")]
        notes = [readable(one["body"]) for one in self._notes(record)]
        return Shown(record.id, " ".join(filter(None, names)), fields, self._tags(record), notes)


def _definition_of(told: dict[str, Any]) -> dict[str, Any]:
    rest = {
        name: value
        for name, value in told.items()
        if name not in {"name", "label", "type", "fieldType"}
    }
    return definition(
        told["name"],
        told.get("label", told["name"]),
        told.get("type", "string"),
        told.get("fieldType", ""),
        own=False,
        **rest,
    )
