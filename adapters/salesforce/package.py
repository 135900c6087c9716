"""The deployable metadata package, written from the one definition that provisioning uses as well.

    python -m adapters.salesforce.package crm-packages/salesforce

Source format of the Salesforce CLI (Metadata API Developer Guide, "source format", 2026-11; not yet
deployed to a real org). A test compares what is in the repository with what this writes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from adapters.salesforce.definition import (
    CONTACT,
    LEAD,
    PERMISSION_LABEL,
    PERMISSION_SET,
    OwnField,
    key_field,
    own_object,
    record_fields,
    tag_field,
)
from adapters.salesforce.traits import API_VERSION, RECORD_ENTITY

NO_SEND = "NPSToday.NoSend"
ROOT = "force-app/main/default"
LAYOUT = "NPSToday Response Layout"
# The component on the contact's page is written by hand, but for what all CRMs' cards share.
COMPONENT = f"{ROOT}/lwc/npstodayAnswers"
SHARED = Path(__file__).parents[2] / "crm-packages" / "cards" / "reading.js"
LIST = (
    "NAME", "Contact__c", "Account__c", "Campaign__c", "Score__c", "Segment__c", "Responded_At__c",
)  # fmt: skip


def files() -> Mapping[str, str]:
    """Every file of the package by its path, with its text."""
    people = (one for who in (CONTACT, LEAD) for one in (key_field(who), tag_field(NO_SEND, who)))
    own = (*people, *record_fields())
    return {
        "sfdx-project.json": _project(),
        f"{ROOT}/objects/{RECORD_ENTITY}/{RECORD_ENTITY}.object-meta.xml": _xml(
            "CustomObject", own_object()
        ),
        f"{ROOT}/objects/{RECORD_ENTITY}/listViews/All.listView-meta.xml": _xml(
            "ListView", _list_view()
        ),
        f"{ROOT}/layouts/{RECORD_ENTITY}-{LAYOUT}.layout-meta.xml": _xml("Layout", _layout()),
        f"{ROOT}/permissionsets/{PERMISSION_SET}.permissionset-meta.xml": _xml(
            "PermissionSet", _permission_set(own)
        ),
        **{_field_path(one): _xml("CustomField", _named(one)) for one in own},
        f"{COMPONENT}/{SHARED.name}": SHARED.read_text(encoding="utf-8"),
    }


def write(folder: Path) -> None:
    """Write the package; files of ours that are no longer part of it stay and fail the test."""
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _field_path(one: OwnField) -> str:
    return f"{ROOT}/objects/{one.entity}/fields/{one.name}.field-meta.xml"


def _named(one: OwnField) -> Mapping[str, Any]:
    return {"fullName": one.name, **one.metadata}


def _project() -> str:
    told = {
        "packageDirectories": [{"path": "force-app", "default": True}],
        "name": "answerback",
        "namespace": "",
        "sourceApiVersion": API_VERSION,
    }
    return json.dumps(told, indent=2) + "\n"


def _list_view() -> Mapping[str, Any]:
    return {"fullName": "All", "columns": list(LIST), "filterScope": "Everything", "label": "All"}


def _layout() -> Mapping[str, Any]:
    names = ["Name", *(one.name for one in record_fields())]
    half = (len(names) + 1) // 2
    columns = [
        {"layoutItems": [_item(name) for name in part]} for part in (names[:half], names[half:])
    ]
    return {
        "layoutSections": [
            {
                "customLabel": True,
                "detailHeading": True,
                "editHeading": True,
                "label": "Response",
                "layoutColumns": columns,
                "style": "TwoColumnsTopToBottom",
            }
        ],
    }


def _item(name: str) -> Mapping[str, Any]:
    return {"behavior": "Readonly" if name == "Name" else "Edit", "field": name}


def _permission_set(own: Sequence[OwnField]) -> Mapping[str, Any]:
    return {
        "description": "What Answerback's integration user sees and edits.",
        "fieldPermissions": [
            {"editable": True, "field": one.full_name, "readable": True} for one in own
        ],
        "hasActivationRequired": False,
        "label": PERMISSION_LABEL,
        "objectPermissions": [
            {
                "allowCreate": True,
                "allowDelete": False,
                "allowEdit": True,
                "allowRead": True,
                "modifyAllRecords": False,
                "object": RECORD_ENTITY,
                "viewAllRecords": False,
            }
        ],
    }


def _xml(root: str, told: Mapping[str, Any]) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<{root} xmlns="http://soap.sforce.com/2006/04/metadata">',
        *_elements(told, 1),
        f"</{root}>",
    ]
    return "\n".join(lines) + "\n"


def _elements(told: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, value in told.items():
        for one in value if isinstance(value, list) else [value]:
            yield from _element(name, one, depth)


def _element(name: str, value: object, depth: int) -> Iterator[str]:
    pad = "    " * depth
    if isinstance(value, Mapping):
        yield f"{pad}<{name}>"
        yield from _elements(value, depth + 1)
        yield f"{pad}</{name}>"
        return
    text = str(value).lower() if isinstance(value, bool) else escape(str(value))
    yield f"{pad}<{name}>{text}</{name}>"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
