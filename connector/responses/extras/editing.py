"""Edits a contact's extra fields: written only where the CRM still holds what the person saw.

    1. check     the fields may be edited, the values fit their definitions
    2. hold      the contact's lane: no delivery and no other edit works on it meanwhile
    3. read      the record as it is now
    4. compare   with what was seen; somebody else's change refuses the whole edit
    5. write     what differs, under the CRM's own condition where it has one; if the CRM finds the
                 record changed after all, again from 3
    6. look      where the answer was lost: the record tells what became of it
    7. settle    the edit, the ledger, the order guard, the audit log; in one transaction

Steps 3 to 7 stand in carrying.py. Between 3 and 5 another tool may write where the CRM has no
condition: docs/extra-fields.md says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adapters.errors import AdapterError
from connector import clock, stopping
from connector.connections.profile import load
from connector.connections.refusals import refusal_of
from connector.contacts import people
from connector.problems import Code, Refusal
from connector.responses.extras import holds
from connector.responses.extras.carrying import BUSY_S, Edit, Edited, Wanted
from connector.responses.extras.checking import checked
from connector.responses.extras.choosing import Chosen, touching
from connector.responses.extras.comparing import Change
from connector.responses.extras.holds import Hold, Spot
from connector.responses.extras.live import CALL_S, line_to
from connector.responses.extras.showing import Place as Where
from connector.responses.extras.showing import place_at, settle_left
from connector.responses.hub import Hub

# How long a person waits for a delivery that works on the contact just now.
WAIT_S, LOOK_AGAIN_S = 5.0, 0.1


def edit(
    hub: Hub,
    workspace_id: int,
    contact_id: int,
    wanted: Wanted,
    *,
    actor: str,
    address: str | None = None,
) -> Edited:
    """Write the changes if nobody else has changed these fields.

    Raises Refusal: field_changed or precondition_failed with `conflicts`, change_refused with
    places, contact_busy, not_linked, and what keeps the CRM from being asked.
    """
    where, changes = _settled_before(hub, workspace_id, contact_id, wanted)
    hold = held(hub, where.spot, changes, actor=actor)
    return Edit(hub, where, changes, wanted, hold, address).carried_out()


def _settled_before(
    hub: Hub, workspace_id: int, contact_id: int, wanted: Wanted
) -> tuple[Where, tuple[Change, ...]]:
    """The contact's record there and what is to be changed; an edit that was left is looked up."""
    lease_s = hub.settings.lease_s
    with hub.database.begin(workspace_id) as connection:
        people.one(connection, workspace_id, contact_id)
        profile = load(connection, workspace_id, wanted.connection_id)
        where = place_at(connection, profile, contact_id, lease_s=lease_s)
    changes = checked(where.chosen, wanted.changes, by_etag=wanted.matches is not None)
    if where.remote_id is None:
        raise Refusal(Code.NOT_LINKED)
    if where.left is not None:
        look_after(hub, where.chosen, where.left)
    return where, changes


def look_after(hub: Hub, chosen: Chosen, left: Hold) -> None:
    """Find out what became of an edit that was left. Raises Refusal where the CRM cannot be
    asked.
    """
    try:
        line = line_to(hub, touching(chosen, left.changes), for_s=2 * CALL_S)
        record = line.left_by(left)
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    with hub.database.begin(left.spot.workspace_id) as connection:
        line.keep(connection)
        settle_left(connection, left, line.chosen, record)


def held(
    hub: Hub,
    spot: Spot,
    changes: Sequence[Change],
    *,
    actor: str,
    form_id: int | None = None,
    match: Mapping[str, str] | None = None,
) -> Hold:
    """The contact, for this edit alone. Raises Refusal(CONTACT_BUSY) after a few seconds."""
    ends_at = clock.monotonic() + WAIT_S
    while True:
        with hub.database.begin(spot.workspace_id) as connection:
            hold = holds.take(
                connection,
                spot,
                changes,
                actor=actor,
                lease_s=hub.settings.lease_s,
                form_id=form_id,
                match=match,
            )
        if hold is not None:
            return hold
        if clock.monotonic() >= ends_at or stopping.is_stopping():
            raise Refusal(Code.CONTACT_BUSY, headers={"Retry-After": str(BUSY_S)})
        stopping.wait(LOOK_AGAIN_S)
