"""The claim of a drain: whether the connection may be worked on, and which wave comes next.

    polls     of asynchronous jobs that are due, first
    due       lanes with all their due rows
    shaken    few at a time, what has crashed once: when nothing else is due, and now and then
              before it, or a backlog would let it wait for ever
    fragile   alone, what has crashed twice: likewise

After a pause one lane asks whether the CRM takes calls again; the others wait for its answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from adapters.registry import UnknownApp, adapter_for
from adapters.traits import Traits
from connector.connections import parking
from connector.db import retried
from connector.responses import bulk, leases, rest, schedule
from connector.responses.hub import Hub
from connector.responses.leases import Wave
from schemas.priority import Priority

# By how often a row has crashed: the first, second and third crash may each take as many lanes with
# it as one call of the CRM takes, a tenth of them, and none but its own.
SHARES = (1, 10, None)
# The second wave of a drain, and every so many after it, begins with what has crashed twice; the
# third with what has crashed once.
AGAIN_EVERY, SHAKEN_AT, FRAGILE_AT = 10, 2, 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which wave of a drain is claimed (from 0), how urgent at least, and for how long."""

    number: int
    slowest: Priority
    lease_s: float

    @property
    def order(self) -> tuple[int, ...]:
        """How often what is claimed has crashed: what is looked for first, second, third."""
        first = {FRAGILE_AT: 2, SHAKEN_AT: 1}.get(self.number % AGAIN_EVERY, 0)
        return (first, *(crashes for crashes in range(leases.MAX_CRASHES) if crashes != first))


def claimed(
    hub: Hub,
    workspace_id: int,
    connection_id: int,
    *,
    number: int = 0,
    slowest: Priority = Priority.BACKFILL,
) -> Wave | None:
    """The drain's wave of this number (from 0), leased; None when nothing is due or the connection
    rests. `slowest` is the least urgent that may be claimed.
    """
    wanted = Wanted(number, slowest, hub.settings.lease_s)

    def claim() -> Wave | None:
        with hub.database.begin(workspace_id) as connection:
            return _claim(connection, connection_id, wanted)

    try:
        return retried(claim)
    except UnknownApp:
        # The operator has taken its document away: the work waits until it is put back.
        code = parking.NOT_INSTALLED
        parking.park(hub.desk, workspace_id, connection_id, code=code, seen_version=None)
        return None


def _claim(connection: Connection, connection_id: int, wanted: Wanted) -> Wave | None:
    row = rest.ready(connection, connection_id)
    if row is None:
        return None
    traits, until = adapter_for(row.app).traits, None
    if row.resume_at is not None:
        until = rest.probe(connection, connection_id)
        if until is None:
            return None
    # Half open after a pause or ten failures in a row: one lane probes whether the CRM is back.
    probing = until is not None or row.failures >= schedule.BREAKER_AFTER
    lanes = 1 if probing else _lanes(connection, connection_id, row, traits)
    wave = _next(connection, connection_id, lanes, wanted)
    if wave is None:
        rest.probe_was_needless(connection, connection_id, until=until)
        return None
    return replace(wave, probe=until)


def _lanes(
    connection: Connection,
    connection_id: int,
    row: Any,  # noqa: ANN401 - a row
    traits: Traits,
) -> int:
    """As many as one call of the CRM takes, or as one bulk job where the backlog is for that. The
    record of a response is a lane beside its contact's: without room for both each call would go
    half empty.
    """
    beside = 2 if row.keeps_records else 1
    least = bulk.bulk_from(traits, row.settings)
    due = 0
    if least is not None:
        due = leases.lanes_due(connection, connection_id, most=least * beside) // beside
    return bulk.at_once(traits, row.settings, due=due) * beside


def _next(connection: Connection, connection_id: int, lanes: int, wanted: Wanted) -> Wave | None:
    wave = leases.claim_poll(connection, connection_id, lease_s=wanted.lease_s)
    for crashes in wanted.order:
        if wave.deliveries:
            break
        share = SHARES[crashes]
        wave = leases.claim(
            connection,
            connection_id,
            lanes=1 if share is None else max(1, lanes // share),
            lease_s=wanted.lease_s,
            slowest=wanted.slowest,
            crashes=crashes,
        )
    return wave if wave.deliveries else None
