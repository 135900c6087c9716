"""Settle: what a wave found out is written in one transaction: outbox, ledger, links, tags, the
connection's pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sqlalchemy import Connection

from adapters.errors import AdapterError, ReconnectNeeded
from connector import clock, stopping
from connector.connections import drift, parking, provision, quota
from connector.db import DatabaseAway, retried
from connector.failpoints import failpoint
from connector.log import get_logger
from connector.responses import breaker, failures, ledger, prepare, rest, schedule
from connector.responses.hub import Hub
from connector.responses.leases import Wave
from connector.responses.steps import Settlement
from connector.responses.work import Work

# A field or permission that is gone: the definitions are worth a look.
LOST = frozenset({parking.MAPPING, parking.SCOPE})
SETTLED = frozenset({"done", "superseded", "dead"})
# Within the lease: nobody else works on the rows meanwhile.
SETTLE_AGAIN_S = (0.2, 0.5, 1.0, 2.0, 4.0)


def settle_wave(hub: Hub, workspace_id: int, connection_id: int, *, wave: Wave, work: Work) -> int:
    for one in wave.deliveries:
        work.not_reached(one)
    failpoint("created")

    def settle() -> int:
        with hub.database.begin(workspace_id) as connection:
            ours = ledger.record(
                connection, workspace_id, connection_id, token=wave.token, results=work.results
            )
            _rest(connection, workspace_id, connection_id, wave=wave, work=work)
            breaker.judge(connection, workspace_id, work.results, ours=ours, wave=wave)
            _make_tags_anew(connection, workspace_id, connection_id, wave=wave, work=work)
            _keep_figures(connection, work, ours)
            if any(work.results.settlements[one].reason in LOST for one in ours):
                drift.ask(connection, workspace_id, connection_id)
            return len(ours)

    settled = _kept(settle, ends_at=work.caller.ends_at)
    failpoint("committed")
    code = work.trouble.reconnect or _tls_is_broken(hub, workspace_id, connection_id, work)
    if code:
        version = work.caller.reached.version
        parking.park(hub.desk, workspace_id, connection_id, code=code, seen_version=version)
    return settled


def _make_tags_anew(
    connection: Connection, workspace_id: int, connection_id: int, *, wave: Wave, work: Work
) -> None:
    """Tags whose options somebody has removed at the CRM wait for them, parked."""
    settled = work.results.settlements
    waiting = [one for one in wave.deliveries if settled[one.id].reason == provision.WAITS]
    if lost := {one.campaign_id for one in waiting if one.campaign_id is not None}:
        provision.lost(connection, workspace_id, connection_id, campaign_ids=lost)


def _keep_figures(connection: Connection, work: Work, ours: frozenset[int]) -> None:
    """What the account has left, and how fast the wave went: one write of each a wave."""
    caller = work.caller
    quota.keep(connection, caller.workspace_id, caller.meter.account, caller.meter.heard())
    quota.keep_pace(
        connection,
        caller.workspace_id,
        caller.connection_id,
        calls=caller.calls,
        rows=sum(work.results.settlements[one].state in SETTLED for one in ours),
        took_s=caller.meter.took_s,
    )


def _kept(settle: Callable[[], int], *, ends_at: float) -> int:
    """Settle, also when the database is away for a moment: what was done at the CRM would count as
    a crash of ours.
    """
    for wait_s in SETTLE_AGAIN_S:
        try:
            return retried(settle)
        except DatabaseAway:
            if clock.monotonic() + wait_s >= ends_at or stopping.is_stopping():
                raise
            stopping.wait(wait_s)
    return retried(settle)


def _rest(
    connection: Connection, workspace_id: int, connection_id: int, *, wave: Wave, work: Work
) -> None:
    calls, probe = work.caller.calls, wave.probe
    rest.rest(connection, workspace_id, connection_id, work.trouble, calls=calls, probe=probe)


def _tls_is_broken(hub: Hub, workspace_id: int, connection_id: int, work: Work) -> str | None:
    """A certificate that fails three times in a row is a matter for a person, not for retries."""
    if work.trouble.failed != rest.TLS_FAILED:
        return None
    with hub.database.begin(workspace_id) as connection:
        failures_in_a_row = rest.failures_of(connection, connection_id)
    return rest.TLS_FAILED if failures_in_a_row >= rest.TLS_TRIES else None


def settle_unreached(
    hub: Hub, workspace_id: int, connection_id: int, wave: Wave, exc: AdapterError
) -> None:
    """No token could be had: nothing was sent, no attempt is burnt."""
    trouble = failures.Trouble()
    if isinstance(exc, ReconnectNeeded):
        settlements = failures.settled(wave.deliveries, exc, trouble, chance=prepare.chance)
    else:
        trouble.throttle(getattr(exc, "wait_s", None), code=exc.code)
        settlements = tuple(schedule.handed_back(one, code=exc.code) for one in wave.deliveries)
    with hub.database.begin(workspace_id) as connection:
        results = ledger.Results()
        results.settle(*awaiting_again(settlements, wave))
        ledger.record(connection, workspace_id, connection_id, token=wave.token, results=results)
        rest.rest(connection, workspace_id, connection_id, trouble, calls=0, probe=wave.probe)
    if trouble.reconnect:
        # A reconnect may have come between the refusal and the parking.
        parking.heal(hub.desk, workspace_id, connection_id)


def settle_unprepared(hub: Hub, workspace_id: int, connection_id: int, wave: Wave) -> None:
    """A failure between the claim and the first call: nothing was sent, nothing is burnt."""
    results = ledger.Results()
    handed = (schedule.handed_back(one, wait_s=5.0, code="internal") for one in wave.deliveries)
    results.settle(*awaiting_again(handed, wave))
    with hub.database.begin(workspace_id) as connection:
        ledger.record(connection, workspace_id, connection_id, token=wave.token, results=results)


def settle_broken(
    hub: Hub, workspace_id: int, connection_id: int, *, wave: Wave, work: Work, exc: Exception
) -> None:
    """A bug of ours in the middle of a wave: what is settled stays so, the rest burns an
    attempt.
    """
    get_logger(__name__).error(
        "wave_broke",
        workspace_id=workspace_id,
        connection_id=connection_id,
        kind=type(exc).__name__,
    )
    for one in wave.deliveries:
        work.again(one, code="internal", message="the hub failed while working on it")
    work.trouble.fail("internal")
    with hub.database.begin(workspace_id) as connection:
        ledger.record(
            connection, workspace_id, connection_id, token=wave.token, results=work.results
        )
        _rest(connection, workspace_id, connection_id, wave=wave, work=work)


def awaiting_again(settlements: Iterable[Settlement], wave: Wave) -> Iterator[Settlement]:
    """Polls that could not be asked keep their handles."""
    handles = {one.id: one.handle for one in wave.deliveries}
    for one in settlements:
        handle = handles[one.delivery_id]
        lost = one.burnt or one.state != "pending"
        if handle is None or lost:
            yield one
        else:
            wait_s = one.wait_s or 5.0
            yield Settlement(
                one.delivery_id, "awaiting", code=one.code, wait_s=wait_s, handle=handle
            )
