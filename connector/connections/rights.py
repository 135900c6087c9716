"""What the CRM told last of the connected user's rights, kept with the connection."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, select, update

from adapters.rights import Rights, rights_from_json, rights_to_json
from connector.connections.profile import Profile
from connector.tables import connection as connections


def kept(connection: Connection, here: Profile) -> Rights | None:
    """The rights as told last, None before that."""
    asked = select(connections.c.rights).where(
        connections.c.workspace_id == here.workspace_id, connections.c.id == here.id
    )
    told = connection.execute(asked).scalar_one_or_none()
    return None if told is None else rights_from_json(told)


def keep(connection: Connection, here: Profile, told: Rights, *, entities: Collection[str]) -> None:
    """Store what was told; of the entities only those that are downloaded."""
    connection.execute(
        update(connections)
        .where(connections.c.workspace_id == here.workspace_id, connections.c.id == here.id)
        .values(rights=rights_to_json(told, entities=entities), rights_at=func.now())
    )
