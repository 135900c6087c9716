"""A connection's field definitions, and its standard integration."""

from __future__ import annotations

from typing import Any

from flask import Response
from sqlalchemy import Connection

from connector.api.context import Told, actor, changing, hub, reading
from connector.api.description import Resource
from connector.connections import choosable, discover
from connector.connections.discover import Snapshot
from connector.connections.profile import load
from connector.problems import not_found
from connector.responses.configuration import standard as story
from schemas.config import StandardIntegrationSchema
from schemas.configuration import PrefilledSchema, StandardShownSchema
from schemas.connection import (
    ChoiceSchema,
    DownloadedSchema,
    EntityListSchema,
    EntityQuerySchema,
)

_ONE = "/connections/<id:connection_id>"
resource = Resource("fields", __name__, description="Field definitions of a connection")


@resource.on("POST", f"{_ONE}/fields", gives=DownloadedSchema)
def download_fields(connection_id: int) -> discover.Discovered:
    """Download the field definitions from the CRM, and say what changed"""
    return discover.download(hub().desk, actor().workspace_id, connection_id, actor=actor().name)


@resource.on("GET", f"{_ONE}/fields", query=EntityQuerySchema, gives=EntityListSchema)
def list_fields(asked: dict[str, Any], connection_id: int) -> dict[str, Any]:
    """The downloaded field definitions: entities with their fields"""
    return {"entities": [_shown(one) for one in _snapshots(connection_id, asked["entity"])]}


@resource.on("GET", f"{_ONE}/fields.csv", query=EntityQuerySchema, media="text/csv")
def list_fields_as_csv(asked: dict[str, Any], connection_id: int) -> Response:
    """The downloaded field definitions as a table, one line a field"""
    found = _snapshots(connection_id, asked["entity"])
    answer = Response(discover.listing([one.entity for one in found]), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="fields-{connection_id}.csv"'
    return answer


@resource.on("GET", f"{_ONE}/entities", gives=ChoiceSchema)
def list_entities(connection_id: int) -> choosable.Choice:
    """The entities the CRM lets the connected user write, and which of them are downloaded

    Name others in the connection's setting `entities`, then download the field definitions.
    """
    return choosable.choice(hub().desk, actor().workspace_id, connection_id)


@resource.on("GET", f"{_ONE}/standard", gives=StandardShownSchema)
def read_standard(connection_id: int) -> dict[str, Any]:
    """The connection's standard integration"""
    return reading(lambda c: story.read(c, actor().workspace_id, connection_id))


@resource.on("GET", f"{_ONE}/standard/mapping", gives=PrefilledSchema)
def standard_as_mapping(connection_id: int) -> dict[str, Any]:
    """The standard integration as a mapping to go on from, and what this CRM lacks for it"""
    return reading(lambda c: story.prefilled(c, actor().workspace_id, connection_id))


@resource.on("PUT", f"{_ONE}/standard", takes=StandardIntegrationSchema, gives=StandardShownSchema)
def save_standard(body: dict[str, Any], connection_id: int) -> dict[str, Any]:
    """Switch the standard integration on or off, with its few choices"""
    return changing(
        lambda c: story.save(c, actor().workspace_id, connection_id, body),
        lambda row: Told(f"connection:{connection_id}", {"enabled": row["enabled"]}),
    )


def _snapshots(connection_id: int, entity: str | None) -> list[Snapshot]:
    def found(connection: Connection) -> list[Snapshot]:
        load(connection, actor().workspace_id, connection_id)
        return discover.snapshots(connection, actor().workspace_id, connection_id)

    every = reading(found)
    if entity is None:
        return every
    chosen = [one for one in every if one.entity.name == entity]
    if not chosen:
        raise not_found()
    return chosen


def _shown(one: Snapshot) -> dict[str, Any]:
    return {
        "name": one.entity.name,
        "label": one.entity.label,
        "custom": one.entity.custom,
        "record_types": one.entity.record_types,
        "digest": one.digest,
        "schema_digest": one.schema_digest,
        "taken_at": one.taken_at,
        "seen_at": one.seen_at,
        "fields": one.entity.fields,
    }
