"""The standard integration of a connection: one switch and its few choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy import Connection, func, select, text, update

from adapters.registry import traits_of
from connector.problems import Code, Place, Refusal, not_found
from connector.responses.standard import holds_text
from connector.tables import connection as connections
from connector.tables import entity_snapshot
from schemas.config import StandardIntegrationSchema
from schemas.fields import Entity, Field, entity_from_json
from schemas.phrases import phrase

_LONGEST_NAME, _SUGGESTED, _LIKE = 120, 5, 0.5


def save(
    connection: Connection, workspace_id: int, connection_id: int, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Set the switch; what it is afterwards. Raises Refusal: NOT_FOUND, SETTING_INVALID for an app
    without contacts, or a way to match companies that this CRM does not have.
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


def proposed(connection: Connection, workspace_id: int, connection_id: int) -> dict[str, Any]:
    """What a form begins with: as `read`; but where nothing was ever chosen, contacts that came
    from no connection are served too, unless another connection serves them already.
    """
    kept = read(connection, workspace_id, connection_id)
    if is_chosen(connection, workspace_id, connection_id):
        return kept
    return {**kept, "default": not connection.scalar(SERVED, {"w": workspace_id})}


def is_chosen(connection: Connection, workspace_id: int, connection_id: int) -> bool:
    """Whether somebody has said what it does. Raises Refusal(NOT_FOUND)."""
    return bool(_row(connection, workspace_id, connection_id).standard)


SERVED = text(
    """
    SELECT EXISTS (SELECT FROM connection WHERE workspace_id = :w AND deleted_at IS NULL
                      AND standard ->> 'enabled' = 'true' AND standard ->> 'default' = 'true')
    """
)


def _refuse_what_cannot_match(app: str, body: Mapping[str, Any]) -> None:
    """A person or company that is never found would be left out without a word."""
    traits, by = traits_of(app), body.get("company")
    if body.get("enabled") and not traits.contact_entity:
        told = phrase(
            "%(label)s has no contacts; automations reach it by an action",
            label=phrase(traits.label),
        )
        place = Place("/enabled", "operation_unsupported", told)
        raise Refusal(Code.SETTING_INVALID, told, places=[place])
    if by is None or by in traits.company_fields:
        return
    ways = " or ".join(traits.company_fields)
    told = (
        phrase(
            "%(label)s finds companies by %(ways)s, not by %(by)s",
            label=phrase(traits.label),
            ways=ways,
            by=by,
        )
        if ways
        else (phrase("%(label)s has no companies here", label=phrase(traits.label)))
    )
    place = Place("/company", "operation_unsupported", told)
    raise Refusal(Code.SETTING_INVALID, told, places=[place])


def _row(connection: Connection, workspace_id: int, connection_id: int) -> Any:  # noqa: ANN401 - a row
    row = connection.execute(
        select(connections.c.app, connections.c.name, connections.c.standard).where(
            connections.c.workspace_id == workspace_id,
            connections.c.id == connection_id,
            connections.c.deleted_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise not_found()
    return row


def prefilled(connection: Connection, workspace_id: int, connection_id: int) -> dict[str, Any]:
    """A mapping that does what the standard integration does for a contact's fields, to go on from
    where this CRM is not standard: `mapping`, which can be saved as it is unless the address has no
    field, and `open`: what it cannot fill, each with the fields that come nearest.

    Raises Refusal: NOT_FOUND, NO_FIELD_DEFINITIONS.
    """
    row = _row(connection, workspace_id, connection_id)
    traits = traits_of(row.app)
    entity = _contact(connection, connection_id, row.app)
    if entity is None:
        raise Refusal(Code.NO_FIELD_DEFINITIONS)
    texts = [one for one in entity.fields if holds_text(one)]
    known = {one.name for one in texts}
    standard = row.standard or StandardIntegrationSchema().load({})
    pairs = [(one, name) for one, name in traits.standard_fields.items() if one != "email"]
    rows = [
        {
            "variable": f"contact.{attribute}",
            "field": name,
            "when_present": "overwrite" if standard.get("overwrite") else "keep",
        }
        for attribute, name in pairs
        if name in known
    ]
    email = traits.standard_fields.get("email", traits.id_field)
    mapping = {
        "name": f"{row.name}: {entity.label}"[:_LONGEST_NAME],
        "connection": row.name,
        "entity": entity.name,
        "operation": "upsert" if standard.get("create") else "update",
        "identify": {"variable": "contact.email", "field": email},
        "rows": rows,
        "note": "none",
    }
    left = [
        {
            "variable": f"contact.{attribute}",
            "field": name,
            "nearest": _nearest(attribute, name, texts),
        }
        for attribute, name in traits.standard_fields.items()
        if name not in known
    ]
    return {"mapping": mapping, "open": left}


def _nearest(attribute: str, name: str, fields: Sequence[Field]) -> list[str]:
    """The fields whose name or label reads most like the attribute or the field it had."""
    asked = [one.replace("_", " ").lower() for one in (attribute, name)]

    def likeness(one: Field) -> float:
        said = [one.name.replace("_", " ").lower(), one.label.lower()]
        return max(SequenceMatcher(None, a, b).ratio() for a in asked for b in said)

    ranked = sorted(fields, key=likeness, reverse=True)
    return [one.name for one in ranked[:_SUGGESTED] if likeness(one) >= _LIKE]


def _missing(connection: Connection, connection_id: int, app: str) -> list[str]:
    """Standard fields that are gone, renamed, retyped or closed here; [] while no definitions are
    downloaded.
    """
    entity = _contact(connection, connection_id, app)
    if entity is None:
        return []
    known = {field.name for field in entity.fields if holds_text(field)}
    return sorted(set(traits_of(app).standard_fields.values()) - known)


def _contact(connection: Connection, connection_id: int, app: str) -> Entity | None:
    definition = connection.execute(
        select(entity_snapshot.c.definition).where(
            entity_snapshot.c.connection_id == connection_id,
            entity_snapshot.c.entity == traits_of(app).contact_entity,
            entity_snapshot.c.current,
        )
    ).scalar_one_or_none()
    return None if definition is None else entity_from_json(definition)
