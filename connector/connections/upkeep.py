"""What connections need now and then, whoever uses them: the scheduler calls it for a workspace.

heal    deliveries parked for a connection that works again (it was connected in the very moment
        in which they were parked) are due again
renew   a grant that nobody used for a week is refreshed: some CRMs let a refresh token die
        after thirty idle days
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, func, select

from adapters.errors import AdapterError
from connector.connections import parking
from connector.connections.desk import Desk
from connector.connections.tokens import access_token
from connector.tables import connection as connections
from connector.tables import credential, delivery

RENEW_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done: deliveries that are due again, grants that were refreshed."""

    healed: int = 0
    renewed: int = 0


def keep_up(desk: Desk, workspace_id: int) -> Kept:
    """Heal and renew; cheap when there is nothing to do, harmless when several do it at once."""
    with desk.database.begin(workspace_id) as connection:
        left_behind = _left_behind(connection, workspace_id)
        idle = _idle(connection, workspace_id)
    healed = sum(parking.heal(desk, workspace_id, one) for one in left_behind)
    renewed = sum(_renew(desk, workspace_id, one, version) for one, version in idle)
    return Kept(healed, renewed)


def _left_behind(connection: Connection, workspace_id: int) -> list[int]:
    asked = (
        select(connections.c.id)
        .where(
            connections.c.workspace_id == workspace_id,
            connections.c.state == "connected",
            select(delivery.c.id)
            .where(
                delivery.c.workspace_id == workspace_id,
                delivery.c.connection_id == connections.c.id,
                delivery.c.state == "parked",
                delivery.c.reason.in_((parking.AUTH, parking.CRYPTO)),
            )
            .exists(),
        )
        .order_by(connections.c.id)
    )
    return list(connection.execute(asked).scalars())


def _idle(connection: Connection, workspace_id: int) -> list[tuple[int, int]]:
    asked = (
        select(credential.c.connection_id, credential.c.version)
        .join(connections, connections.c.id == credential.c.connection_id)
        .where(
            credential.c.workspace_id == workspace_id,
            credential.c.updated_at < func.now() - RENEW_AFTER,
            connections.c.state == "connected",
            connections.c.auth == "oauth",
            connections.c.deleted_at.is_(None),
        )
    )
    return [(row.connection_id, row.version) for row in connection.execute(asked)]


def _renew(desk: Desk, workspace_id: int, connection_id: int, version: int) -> int:
    try:
        access_token(desk, workspace_id, connection_id, seen_version=version)
    except AdapterError:
        # Parked with its reason by now, or asked again the next time.
        return 0
    return 1
