"""Files as ContentVersions: what is sent, and how a file is found again. Pure.

`FirstPublishLocationId` makes the document and its link to the record in the same call, so there is
no half of a file. `PathOnClient` holds our random name: it is never shown, and a query can read it.
The file's own title is what people see.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from simple_salesforce.format import format_soql

from adapters.salesforce.finding import ids_in, same_id
from adapters.values import Attachment, Retraction

VERSION = "ContentVersion"
# Salesforce itself links to files by it (2026-11); no documentation promises it.
DOWNLOAD = "/sfc/servlet.shepherd/version/download/"
MAX_TITLE = 255
# Ids of a query's IN list: far below the longest URL.
IDS = 200


def version_of(file: Attachment) -> dict[str, Any]:
    """The body that creates the file on its record."""
    stem, dot, _ = file.name.rpartition(".")
    return {
        "Title": (stem if dot else file.name)[:MAX_TITLE],
        "PathOnClient": file.stored_name,
        "Description": file.question[:1_000],
        "FirstPublishLocationId": file.remote_id,
        "VersionData": base64.b64encode(file.content).decode(),
    }


def links_query(file: Attachment) -> str | None:
    """A query for all documents on the file's record; None when there can be none."""
    ids = ids_in((file.remote_id,))
    if not ids:
        return None
    return format_soql(
        "SELECT ContentDocumentId FROM ContentDocumentLink WHERE LinkedEntityId IN {}", ids
    )


def documents_query(things: Sequence[Retraction]) -> str | None:
    """A query for the documents of these files; None where there are none."""
    ids = ids_in(one.found for one in things if one.is_file)
    if not ids:
        return None
    return format_soql("SELECT Id, ContentDocumentId FROM ContentVersion WHERE Id IN {}", ids)


def documents_of(
    things: Sequence[Retraction], versions: Iterable[Mapping[str, Any]]
) -> dict[str, str | None]:
    """Key -> the document that a note or file is; None where it is gone."""
    by_version = {same_id(str(one["Id"])): str(one["ContentDocumentId"]) for one in versions}
    return {
        one.key: by_version.get(same_id(one.found)) if one.is_file else one.found for one in things
    }


def versions_queries(links: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Queries for the versions of these documents. With their ids: without, Salesforce leaves out
    files that the user sees only through a record.
    """
    ids: Sequence[str] = ids_in(str(one["ContentDocumentId"]) for one in links)
    for start in range(0, len(ids), IDS):
        yield format_soql(
            "SELECT Id, PathOnClient FROM ContentVersion WHERE ContentDocumentId IN {}",
            list(ids[start : start + IDS]),
        )


def found_in(versions: Iterable[Mapping[str, Any]], file: Attachment) -> str | None:
    """The id of the version that is this file."""
    for one in versions:
        if file.marker in str(one.get("PathOnClient") or ""):
            return str(one["Id"])
    return None
