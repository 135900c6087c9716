"""Files of the simulated org: a ContentVersion makes its ContentDocument, and the link to where it
was published first.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from simulators.salesforce.field import FieldShape
from simulators.salesforce.people import long_text, owner, text, to
from simulators.salesforce.records import Records
from simulators.salesforce.shape import ObjectShape
from simulators.salesforce.store import Store
from simulators.salesforce.values import Code, refuse

HOMES = ("Contact", "Account", "Lead", "Opportunity", "Case", "User")
LARGEST = 37_500_000
_READ_ONLY: dict[str, Any] = {"createable": False, "updateable": False}


def file_shapes() -> tuple[ObjectShape, ...]:
    """The two objects that a file is."""
    document = (
        text("Title", "Title", 255, nillable=False, name_field=True),
        text("FileExtension", "File Extension", 40, updateable=False),
        owner(),
    )
    version = (
        text("Title", "Title", 255, nillable=False, name_field=True),
        text("PathOnClient", "Path On Client", 500, nillable=False, updateable=False),
        long_text("Description", "Description", 1000),
        FieldShape("VersionData", "Version Data", "base64", nillable=False),
        to("FirstPublishLocationId", "First Publish Location ID", *HOMES, updateable=False),
        to("ContentDocumentId", "ContentDocument ID", "ContentDocument", updateable=False),
        text("FileExtension", "File Extension", 40, **_READ_ONLY),
        FieldShape("IsLatest", "Is Latest", "boolean", default=True, defaulted=True, **_READ_ONLY),
        owner(),
    )
    return (
        ObjectShape.of("ContentDocument", "069", document, label="Content Document"),
        ObjectShape.of("ContentVersion", "068", version, label="Content Version"),
    )


def demand_content(content: str | None) -> None:
    """Refuse what is no base64, empty or too large. Raises RowRefused."""
    try:
        raw = base64.b64decode(content or "", validate=True)
    except binascii.Error:
        raw = b""
    if not raw or len(raw) > LARGEST:
        message = "Version Data: value not of required type"
        raise refuse(Code.INVALID_TYPE_ON_FIELD_IN_RECORD, message, "VersionData")


def publish(store: Store, version_id: str) -> None:
    """What the org makes of a new first version by itself."""
    version = store.get("ContentVersion", version_id)
    if version is None or version.get("ContentDocumentId"):
        return
    ending = str(version["PathOnClient"]).rpartition(".")[2]
    document = {"Title": version["Title"], "FileExtension": ending[:40]}
    document_id = store.insert("ContentDocument", document)
    store.poke("ContentVersion", version_id, {"ContentDocumentId": document_id})
    if version.get("FirstPublishLocationId"):
        link = {
            "ContentDocumentId": document_id,
            "LinkedEntityId": version["FirstPublishLocationId"],
            "ShareType": "V",
            "Visibility": "AllUsers",
        }
        store.insert("ContentDocumentLink", link)


def files_by_record(store: Records) -> dict[str, list[dict[str, Any]]]:
    """For whoever looks: the files of each record, with the digest of their content."""
    versions: dict[str, list[dict[str, Any]]] = {}
    for one in store.all_of("ContentVersion"):
        raw = base64.b64decode(one["VersionData"])
        told = {
            "id": one["Id"],
            "name": f"{one['Title']}.{str(one['PathOnClient']).rpartition('.')[2]}",
            "sha256": hashlib.sha256(raw).hexdigest(),
        }
        versions.setdefault(one["ContentDocumentId"], []).append(told)
    found: dict[str, list[dict[str, Any]]] = {}
    for link in store.all_of("ContentDocumentLink"):
        if not link["IsDeleted"]:
            every = versions.get(link["ContentDocumentId"], [])
            found.setdefault(link["LinkedEntityId"], []).extend(every)
    return found
