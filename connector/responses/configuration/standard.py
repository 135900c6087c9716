"""The standard integration of a connection: one switch and its few choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select, update

from adapters.registry import traits_of
from connector.problems import Code, Place, Refusal, not_found
from connector.responses.standard import holds_text
from connector.tables import connection as connections
from connector.tables import entity_snapshot
from schemas.config import StandardIntegrationSchema
from schemas.fields import entity_from_json


def save(
    connection: Connection, workspace_id: int, connection_id: int, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Set the switch; what it is afterwards. Raises Refusal: NOT_FOUND, SETTING_INVALID for a way
    to match companies that this CRM does not have.
    """
    _refuse_what_cannot_match(_row(connection, workspace_id, connection_id).app, body)
    connection.execute(
        update(connections)
        .where(connections.c.workspace_id == workspace_id, connections.c.id == connection_id)
        .values(standard=dict(body), updated_at=func.now())
    )
    return read(connection, workspace_id, connection_id)


def read(connection: Connection, workspace_id: int, connection_id: int) -> dict[str, Any]:
    """The switch, and which standard fields this CRM does not have. Raises Refusal(NOT_FOUND)."""
    row = _row(connection, workspace_id, connection_id)
    standard = row.standard or StandardIntegrationSchema().load({})
    return {**standard, "missing_fields": _missing(connection, connection_id, row.app)}


def _refuse_what_cannot_match(app: str, body: Mapping[str, Any]) -> None:
    """A company that is never found would be left out without a word."""
    traits, by = traits_of(app), body.get("company")
    if by is None or by in traits.company_fields:
        return
    ways = " or ".join(traits.company_fields)
    told = (
        f"{traits.label} finds companies by {ways}, not by {by}"
        if ways
        else (f"{traits.label} has no companies here")
    )
    place = Place("/company", "operation_unsupported", told)
    raise Refusal(Code.SETTING_INVALID, told, places=[place])


def _row(connection: Connection, workspace_id: int, connection_id: int) -> Any:  # noqa: ANN401 - a row
    row = connection.execute(
        select(connections.c.app, connections.c.standard).where(
            connections.c.workspace_id == workspace_id,
            connections.c.id == connection_id,
            connections.c.deleted_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise not_found()
    return row


def _missing(connection: Connection, connection_id: int, app: str) -> list[str]:
    """Standard fields that are gone, renamed, retyped or closed here; [] while no definitions are
    downloaded.
    """
    traits = traits_of(app)
    definition = connection.execute(
        select(entity_snapshot.c.definition).where(
            entity_snapshot.c.connection_id == connection_id,
            entity_snapshot.c.entity == traits.contact_entity,
            entity_snapshot.c.current,
        )
    ).scalar_one_or_none()
    if definition is None:
        return []
    every = entity_from_json(definition).fields
    known = {field.name for field in every if holds_text(field)}
    return sorted(set(traits.standard_fields.values()) - known)
