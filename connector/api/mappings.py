"""Mappings: save a draft, check it, publish it (save and switch on), pause it."""

from __future__ import annotations

from typing import Any

from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from connector.responses.configuration import mappings as story
from connector.responses.configuration.checking import check, told
from schemas.config import MappingSchema
from schemas.configuration import (
    CheckedSchema,
    MappingListSchema,
    MappingShownSchema,
    PublishedMappingSchema,
    PublishSchema,
    VersionListSchema,
)

_ONE = "/mappings/<id:mapping_id>"
resource = Resource("mappings", __name__, description="Mappings of answers to CRM fields")


@resource.on("GET", "/mappings", gives=MappingListSchema)
def list_mappings() -> dict[str, Any]:
    """Every mapping with its newest version"""
    return {"mappings": reading(lambda c: story.listed(c, actor().workspace_id))}


@resource.on("POST", "/mappings", takes=MappingSchema, gives=MappingShownSchema, status=201)
def save_mapping(body: dict[str, Any]) -> dict[str, Any]:
    """Save a draft under its name; a mapping of that name gets a new version"""
    return _saved(body, None)


@resource.on("POST", "/mappings/check", takes=MappingSchema, gives=CheckedSchema)
def check_mapping(body: dict[str, Any]) -> dict[str, Any]:
    """Say what stands against publishing a mapping, row by row; nothing is saved"""
    seen = reading(lambda connection: check(connection, actor().workspace_id, body))
    publishable = seen.connected and not seen.errors
    problems = told(seen.problems)
    return {"publishable": publishable, "connected": seen.connected, "problems": problems}


@resource.on("GET", _ONE, gives=MappingShownSchema)
def read_mapping(mapping_id: int) -> dict[str, Any]:
    """One mapping, and what triggers it"""
    return reading(lambda c: story.read(c, actor().workspace_id, mapping_id))


@resource.on("PUT", _ONE, takes=MappingSchema, gives=MappingShownSchema)
def change_mapping(body: dict[str, Any], mapping_id: int) -> dict[str, Any]:
    """Save a draft of this mapping, under a new name if it has one"""
    return _saved(body, mapping_id)


@resource.on("GET", f"{_ONE}/versions", gives=VersionListSchema)
def read_versions(mapping_id: int) -> dict[str, Any]:
    """Every version, newest first"""
    return {"versions": reading(lambda c: story.versions(c, actor().workspace_id, mapping_id))}


@resource.on("POST", f"{_ONE}/publish", takes=PublishSchema, gives=PublishedMappingSchema)
def publish_mapping(wanted: dict[str, Any], mapping_id: int) -> dict[str, Any]:
    """Publish the newest version and, unless told otherwise, switch it on

    Switched on, it feeds from the next response on: unless an automation feeds the mapping already,
    one is made for every completed response of its campaign.
    """
    return changing(
        lambda connection: story.publish(
            connection,
            actor().workspace_id,
            mapping_id,
            actor=actor().name,
            switch_on=wanted["switch_on"],
        ),
        _told,
    )


@resource.on("POST", f"{_ONE}/pause", gives=MappingShownSchema)
def pause_mapping(mapping_id: int) -> dict[str, Any]:
    """Park what waits for the mapping and what comes"""
    return changing(lambda c: story.pause(c, actor().workspace_id, mapping_id), _told)


@resource.on("POST", f"{_ONE}/resume", gives=MappingShownSchema)
def resume_mapping(mapping_id: int) -> dict[str, Any]:
    """Let the mapping work again; what it parked goes on in order"""
    return changing(lambda c: story.resume(c, actor().workspace_id, mapping_id), _told)


@resource.on("DELETE", _ONE, status=204)
def delete_mapping(mapping_id: int) -> None:
    """Take a mapping off the list that nothing feeds and nothing waits for"""
    changing(
        lambda connection: story.delete(connection, actor().workspace_id, mapping_id),
        lambda _: Told(f"mapping:{mapping_id}"),
    )


def _saved(body: dict[str, Any], mapping_id: int | None) -> dict[str, Any]:
    return changing(
        lambda connection: story.save(
            connection,
            actor().workspace_id,
            body=body,
            actor=actor().name,
            mapping_id=mapping_id,
        ),
        _told,
    )


def _told(row: dict[str, Any]) -> Told:
    return Told(f"mapping:{row['id']}", {"version": row["latest"]})
