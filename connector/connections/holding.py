"""Holds a connection and its secrets for a change, and writes down who changed it.

Everybody locks in the same order: secrets, data key, connection, deliveries, audit.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, update

from adapters.errors import TryLater
from connector import audit
from connector.connections import credentials, profile
from connector.connections.credentials import Kept
from connector.connections.desk import Desk
from connector.connections.profile import Profile
from connector.connections.vault import SealBroken
from connector.problems import Code, Refusal
from connector.tables import connection as connections
from connector.tables import oauth_state

LOCK_S = 10.0


def held(
    connection: Connection, desk: Desk, workspace_id: int, *, connection_id: int
) -> tuple[Profile, Kept | None]:
    """The connection and its secrets, locked until the commit.

    None where there are no secrets or their key is lost: then they can only be replaced. Refusal
    not_found; busy while a refresh keeps the secrets.
    """
    try:
        credentials.locked_version(
            connection, workspace_id, connection_id=connection_id, wait_s=LOCK_S
        )
    except TryLater as exc:
        raise Refusal(Code.BUSY) from exc
    here = profile.locked(connection, workspace_id, connection_id)
    try:
        return here, credentials.read(connection, desk, workspace_id, connection_id=connection_id)
    except SealBroken:
        return here, None


def rewrite(connection: Connection, here: Profile, values: Mapping[str, Any]) -> None:
    """Change columns of the connection."""
    connection.execute(
        update(connections)
        .where(connections.c.workspace_id == here.workspace_id, connections.c.id == here.id)
        .values(updated_at=func.now(), **values)
    )


def forget_consents(connection: Connection, here: Profile) -> None:
    """Make every authorization that is under way useless: what it was started for has changed."""
    connection.execute(
        delete(oauth_state).where(
            oauth_state.c.workspace_id == here.workspace_id, oauth_state.c.connection_id == here.id
        )
    )


def audited(
    connection: Connection,
    here: Profile,
    *,
    action: str,
    actor: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write the audit entry; last in the transaction."""
    audit.record(
        connection,
        here.workspace_id,
        actor=actor,
        action=f"connection.{action}",
        object=f"connection:{here.id}",
        detail={"app": here.app, **(detail or {})},
    )
