"""The claim of a drain: whether the connection may be worked on, and which wave comes next.

    polls     of asynchronous jobs that are due, first
    due       lanes with all their due rows
    fragile   alone, what has crashed twice: when nothing else is due, and now and then before it,
              or a backlog would let it wait for ever

After a pause one lane asks whether the CRM takes calls again; the others wait for its answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from adapters.registry import adapter_for
from connector.db import retried
from connector.responses import bulk, leases, rest, schedule
from connector.responses.hub import Hub
from connector.responses.leases import Wave

# The second wave of a drain, and every so many after it, begins with what has crashed twice.
FRAGILE_EVERY, FRAGILE_AT = 10, 1


def claimed(hub: Hub, workspace_id: int, connection_id: int, *, number: int = 0) -> Wave | None:
    """The drain's wave of this number (from 0), leased; None when nothing is due or the connection
    rests.
    """

    def claim() -> Wave | None:
        with hub.database.begin(workspace_id) as connection:
            return _claim(connection, connection_id, number=number, lease_s=hub.settings.lease_s)

    return retried(claim)


def _claim(
    connection: Connection, connection_id: int, *, number: int, lease_s: float
) -> Wave | None:
    row = rest.ready(connection, connection_id)
    if row is None:
        return None
    until = None
    if row.resume_at is not None:
        until = rest.probe(connection, connection_id)
        if until is None:
            return None
    # Half open after a pause or ten failures in a row: one lane probes whether the CRM is back.
    probing = until is not None or row.failures >= schedule.BREAKER_AFTER
    lanes = 1 if probing else _lanes(connection, connection_id, row)
    fragile_first = number % FRAGILE_EVERY == FRAGILE_AT
    wave = _next(connection, connection_id, lanes, fragile_first=fragile_first, lease_s=lease_s)
    if wave is None:
        rest.probe_was_needless(connection, connection_id, until=until)
        return None
    return replace(wave, probe=until)


def _lanes(connection: Connection, connection_id: int, row: Any) -> int:  # noqa: ANN401 - a row
    """As many as one call of the CRM takes, or as one bulk job where the backlog is for that."""
    traits = adapter_for(row.app).traits
    least = bulk.bulk_from(traits, row.settings)
    due = 0 if least is None else leases.lanes_due(connection, connection_id, most=least)
    return bulk.at_once(traits, row.settings, due=due)


def _next(
    connection: Connection,
    connection_id: int,
    lanes: int,
    *,
    fragile_first: bool,
    lease_s: float,
) -> Wave | None:
    wave = leases.claim_poll(connection, connection_id, lease_s=lease_s)
    for fragile in (fragile_first, not fragile_first):
        if wave.deliveries:
            break
        wave = leases.claim(
            connection,
            connection_id,
            lanes=1 if fragile else lanes,
            lease_s=lease_s,
            fragile=fragile,
        )
    return wave if wave.deliveries else None
