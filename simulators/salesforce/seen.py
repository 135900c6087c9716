"""The org's records as tests ask for them and as its page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulators.kit.pages import Shown
from simulators.salesforce.field import system_fields
from simulators.salesforce.files import files_by_record
from simulators.salesforce.notes import note_text
from simulators.salesforce.people import TAG_FIELD
from simulators.salesforce.records import Record, Records

_OTHERS = ("Account", "Lead", "Opportunity", "Case", "Task", "NPSToday_Response__c")
Notes = Mapping[str, list[dict[str, Any]]]


def records_of(store: Records) -> dict[str, Any]:
    """Every living record with its tags and notes."""
    notes, files = _notes_by_record(store), files_by_record(store)
    return {
        "contacts": [
            {**_told(one, notes), "files": files.get(one["Id"], [])}
            for one in _living(store, "Contact")
        ],
        "accounts": [_told(one, notes) for one in _living(store, "Account")],
        "records": {
            entity: [
                {**_told(one, notes), "files": files.get(one["Id"], [])}
                for one in _living(store, entity)
            ]
            for entity in _OTHERS
        },
    }


def shown_of(store: Records) -> list[Shown]:
    """The contacts, the one changed last first."""
    notes = _notes_by_record(store)
    newest = sorted(
        _living(store, "Contact"), key=lambda one: str(one["SystemModstamp"]), reverse=True
    )
    return [
        Shown(one["Id"], str(one["Name"]), _own_fields(one), _tags(one),
              [f"{note['title']}\n{note['text']}" for note in notes.get(one["Id"], ())])
        for one in newest
    ]  # fmt: skip


def _living(store: Records, entity: str) -> list[Record]:
    return [one for one in store.all_of(entity) if not one["IsDeleted"]]


def _told(record: Record, notes: Notes) -> dict[str, Any]:
    told: dict[str, Any] = {"id": record["Id"], "fields": _fields(record)}
    if TAG_FIELD in record:
        told["tags"] = _tags(record)
    told["notes"] = notes.get(record["Id"], [])
    return told


def _notes_by_record(store: Records) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for link in _living(store, "ContentDocumentLink"):
        note = store.get("ContentNote", link["ContentDocumentId"])
        if note is not None and not note["IsDeleted"]:
            told = {"id": note["Id"], "title": note["Title"], "text": note_text(note["Content"])}
            found.setdefault(link["LinkedEntityId"], []).append(told)
    return found


def _fields(record: Record) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value not in (None, "")}


def _own_fields(record: Record) -> dict[str, Any]:
    """Without what the org keeps of every record."""
    kept = {one.name for one in system_fields()} | {"Name", "OwnerId", TAG_FIELD}
    return {key: value for key, value in _fields(record).items() if key not in kept}


def _tags(record: Record) -> list[str]:
    return str(record[TAG_FIELD]).split(";") if record.get(TAG_FIELD) else []
