"""The audit log of the workspace, oldest first."""

from __future__ import annotations

from typing import Any

from connector import audit as story
from connector.api.context import actor, reading
from connector.api.description import Resource
from connector.api.pages import id_after, paged
from schemas.audit import AuditSchema
from schemas.paging import PageSchema

resource = Resource("audit", __name__, description="The audit log")


@resource.on("GET", "/audit", query=PageSchema, gives=AuditSchema)
def read_audit(asked: dict[str, Any]) -> dict[str, Any]:
    """The audit log page by page, with the hashes that chain it"""
    rows = reading(
        lambda connection: story.entries(
            connection,
            actor().workspace_id,
            after=id_after(asked["cursor"]),
            limit=asked["limit"] + 1,
        )
    )
    page, following = paged(rows, asked["limit"], lambda entry: entry.seq)
    return {"entries": [_shown(entry) for entry in page], "next": following}


def _shown(entry: story.Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "address": entry.address,
        "action": entry.action,
        "object": entry.object,
        "detail": dict(entry.detail),
        "previous": entry.previous.hex(),
        "hash": entry.hash.hex(),
    }
