"""Backfills: a mapping applied to responses that are stored already."""

from __future__ import annotations

from typing import Any

from connector.api.context import Told, actor, changing, hub, reading
from connector.api.description import Resource
from connector.responses.backfill import asked as story
from schemas.configuration import (
    BackfillListSchema,
    BackfillPreviewSchema,
    BackfillSchema,
    BackfillShownSchema,
)

_ALL = "/mappings/<id:mapping_id>/backfills"
resource = Resource("backfills", __name__, description="A mapping applied to stored responses")


@resource.on("GET", _ALL, gives=BackfillListSchema)
def list_backfills(mapping_id: int) -> dict[str, Any]:
    """The mapping's last backfills and how they stand, newest first"""
    found = reading(lambda store: story.listed(store, actor().workspace_id, mapping_id))
    return {"backfills": found}


@resource.on("POST", f"{_ALL}/preview", takes=BackfillSchema, gives=BackfillPreviewSchema)
def preview_backfill(asked: dict[str, Any], mapping_id: int) -> dict[str, Any]:
    """What a backfill would do: how many responses, contacts and calls; nothing is changed"""
    workspace_id, settings = actor().workspace_id, hub().settings
    return reading(
        lambda store: story.preview(
            store,
            hub().desk,
            workspace_id,
            mapping_id,
            span=story.span_of(store, workspace_id, asked),
            share=settings.rate_share,
            linger_s=settings.linger_s,
        )
    )


@resource.on("POST", _ALL, takes=BackfillSchema, gives=BackfillShownSchema, status=201)
def start_backfill(asked: dict[str, Any], mapping_id: int) -> dict[str, Any]:
    """Apply the published mapping to the stored responses of a span

    It is planned in batches, behind what has just been answered. A repeat writes nothing again:
    what this version of the mapping has delivered counts as `already`.
    """
    workspace_id = actor().workspace_id
    return changing(
        lambda store: story.start(
            store,
            workspace_id,
            mapping_id,
            span=story.span_of(store, workspace_id, asked),
            actor=actor().name,
        ),
        lambda row: told(mapping_id, row),
    )


@resource.on("POST", f"{_ALL}/<id:backfill_id>/stop", gives=BackfillShownSchema)
def stop_backfill(mapping_id: int, backfill_id: int) -> dict[str, Any]:
    """Plan no more of it; what is planned already is still delivered"""
    return changing(
        lambda store: story.stop(store, actor().workspace_id, mapping_id, backfill_id),
        lambda row: told(mapping_id, row),
    )


def told(mapping_id: int, row: dict[str, Any]) -> Told:
    """What the audit entry says of a backfill."""
    days = {name: str(row[name]) for name in ("since", "until") if row[name]}
    detail = {"backfill": row["id"], "version": row["mapping_version"], "responses": row["total"]}
    return Told(f"mapping:{mapping_id}", {**detail, **days})
