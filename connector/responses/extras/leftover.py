"""Edits that nobody has come back to: each ends with a plain outcome, by what the record shows.

Whoever looks at the contact settles such an edit on the way. Where nobody looks, the scheduler's
minute wakes the connection's drain, which does. A CRM that cannot be asked for a day leaves the
outcome unknown: the edit ends so, and the audit log says it.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from adapters.errors import AdapterError
from connector.connections.profile import Profile, load
from connector.problems import Refusal
from connector.responses.extras import choosing, holds
from connector.responses.extras.choosing import Chosen
from connector.responses.extras.holds import Hold, Spot
from connector.responses.extras.live import CALL_S, line_to
from connector.responses.extras.showing import settle_left
from connector.responses.hub import Hub

# Long enough for the person who was told `outcome_unknown` to look first.
AFTER_S, GIVEN_UP_S, AT_ONCE = 60.0, 86_400.0, 20
GIVEN_UP = "abandoned"


def connections_with_any(connection: Connection, workspace_id: int) -> list[int]:
    """The connections that have an edit to look after."""
    asked = {"w": workspace_id, "after": AFTER_S}
    return list(connection.execute(WAITING, asked).scalars())


def look_after(hub: Hub, workspace_id: int, connection_id: int) -> int:
    """Settle the connection's abandoned edits, one read each; how many have ended."""
    with hub.database.begin(workspace_id) as connection:
        asked = {"c": connection_id, "after": AFTER_S, "old": GIVEN_UP_S, "most": AT_ONCE}
        left = connection.execute(LEFT, asked).all()
        if not left:
            return 0
        try:
            profile = load(connection, workspace_id, connection_id)
        except Refusal:
            # The connection is off the list: nobody can be asked any more.
            return connection.execute(CLOSE, {"c": connection_id, "code": GIVEN_UP}).rowcount
        chosen = choosing.chosen_at(connection, profile)
    return sum(_ended(hub, profile, chosen, row.contact_id, is_old=row.is_old) for row in left)


def _ended(hub: Hub, profile: Profile, chosen: Chosen, contact_id: int, *, is_old: bool) -> bool:
    entity = profile.traits.contact_entity
    spot = Spot(profile.workspace_id, profile.id, contact_id, entity, "")
    with hub.database.begin(profile.workspace_id) as connection:
        left = holds.take_over(connection, spot, lease_s=hub.settings.lease_s)
    if left is None:
        # Somebody was faster.
        return False
    try:
        _found_out(hub, chosen, left)
    except (AdapterError, Refusal):
        # The connection rests, is paused or gone: tried again when the lease is over.
        if is_old:
            _give_up(hub, left)
        return is_old
    return True


def _found_out(hub: Hub, chosen: Chosen, left: Hold) -> None:
    """Raises AdapterError, or Refusal where the connection may not be used."""
    line = line_to(hub, choosing.touching(chosen, left.changes), for_s=2 * CALL_S)
    try:
        record = line.left_by(left)
    except AdapterError as exc:
        line.failed(exc)
        with hub.database.begin(left.spot.workspace_id) as connection:
            line.keep(connection)
        line.hang_up()
        raise
    with hub.database.begin(left.spot.workspace_id) as connection:
        line.keep(connection)
        settle_left(connection, left, line.chosen, record)


def _give_up(hub: Hub, left: Hold) -> None:
    with hub.database.begin(left.spot.workspace_id) as connection:
        holds.settle(connection, left, holds.UNKNOWN, code=GIVEN_UP)


WAITING = text(
    """
    SELECT DISTINCT connection_id FROM edit
     WHERE workspace_id = :w AND state = 'open'
       AND held_until < now() - make_interval(secs => :after)
    """
)
LEFT = text(
    """
    SELECT contact_id, created_at < now() - make_interval(secs => :old) AS is_old FROM edit
     WHERE connection_id = :c AND state = 'open'
       AND held_until < now() - make_interval(secs => :after)
     ORDER BY id LIMIT :most
    """
)
CLOSE = text(
    """
    UPDATE edit SET state = 'unknown', error_code = :code, changes = NULL, match = NULL,
           settled_at = now()
     WHERE connection_id = :c AND state = 'open' AND held_until < now()
    """
)
