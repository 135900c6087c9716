"""Deliver: one drain empties a connection's due rows, wave by wave, until nothing is due or its
time is up.

    take back   rows whose worker died
    claim       lanes with all their due rows; committed before anything is sent
    prepare     one transaction: links, clocks, definitions
    work        at the CRM, outside any transaction: read, write, mark
    settle      one transaction: outbox, ledger, links, tags, the connection's pauses
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from adapters.base import Started
from adapters.errors import AdapterError, OutcomeUnknown, ReconnectNeeded
from connector import clock, stopping
from connector.connections import parking, provision
from connector.connections.tokens import reach
from connector.db import DatabaseAway, retried
from connector.failpoints import failpoint
from connector.log import get_logger
from connector.responses import awaiting, breaker, failures, ledger, outbox, prepare, rest, schedule
from connector.responses.calling import Caller
from connector.responses.claiming import claimed
from connector.responses.fold import Clocks, Decision, Target, fold
from connector.responses.hub import Hub
from connector.responses.mark import mark
from connector.responses.outbox import Wave
from connector.responses.read import decisions
from connector.responses.steps import Delivery, Settlement
from connector.responses.work import Work
from connector.responses.write import Writing

# Short, so that the jobs of other connections get their turn between two drains of a busy one.
DRAIN_S = 5.0
# Within the lease: nobody else works on the rows meanwhile.
SETTLE_AGAIN_S = (0.2, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Drained:
    """What a drain did: waves worked, deliveries settled, CRM calls made."""

    waves: int = 0
    settled: int = 0
    calls: int = 0


def drain(hub: Hub, workspace_id: int, connection_id: int, *, for_s: float = DRAIN_S) -> Drained:
    """Work on the connection until nothing is due, it must rest, or `for_s` seconds are over."""
    ends_at = clock.monotonic() + for_s
    with hub.database.begin(workspace_id) as connection:
        outbox.take_back_abandoned(connection, connection_id)
        rest.wake(connection, connection_id)
        outbox.park_paused(connection, connection_id)
    waves = settled = calls = 0
    while clock.monotonic() < ends_at and not stopping.is_stopping():
        done = _one_wave(hub, workspace_id, connection_id, number=waves)
        if done is None:
            break
        waves, settled, calls = waves + 1, settled + done.settled, calls + done.calls
        if done.waves == 0:  # the connection must rest
            break
    return Drained(waves, settled, calls)


def _one_wave(hub: Hub, workspace_id: int, connection_id: int, *, number: int) -> Drained | None:
    """Claim and work on one wave; None when nothing is due."""
    # Before the claim: the lease counts from the claim's own transaction, which may have to wait.
    ends_at = clock.monotonic() + hub.settings.lease_s
    wave = claimed(hub, workspace_id, connection_id, number=number)
    if wave is None:
        return None
    failpoint("claimed")
    try:
        reached = reach(hub.desk, workspace_id, connection_id)
        with hub.database.begin(workspace_id) as connection:
            known, clocks = prepare.known_of(connection, workspace_id, reached, wave)
    except AdapterError as exc:
        _settle_unreached(hub, workspace_id, connection_id, wave, exc)
        return Drained(waves=0)
    except Exception:
        _settle_unprepared(hub, workspace_id, connection_id, wave)
        raise
    work = Work(
        Caller(
            desk=hub.desk,
            workspace_id=workspace_id,
            connection_id=connection_id,
            limiter=hub.limiter,
            monotonic=clock.monotonic,
            ends_at=ends_at,
            call_deadline_s=hub.settings.call_deadline_s,
            rate_share=hub.settings.rate_share,
            entities=known.entities,
            reached=reached,
        ),
        known,
    )
    try:
        _work(work, wave, clocks)
    except Exception as exc:
        _settle_broken(hub, workspace_id, connection_id, wave=wave, work=work, exc=exc)
        raise
    settled = _settle(hub, workspace_id, connection_id, wave=wave, work=work)
    return Drained(0 if work.trouble.ends_wave else 1, settled, work.caller.calls)


# --- work -----------------------------------------------------------------------------------------


def _work(work: Work, wave: Wave, clocks: Clocks) -> None:
    if awaiting.is_poll(wave.deliveries):
        _poll(work, wave)
        return
    folded = fold([one for every in wave.by_lane().values() for one in every], clocks)
    for one in folded.superseded:
        work.results.settle(superseded(one))
    linking = [one for one in folded.targets if _links_by_write(work, one)]
    decided = decisions(work, [one for one in folded.targets if one not in linking])
    failpoint("looked_up")
    writing = Writing(work)
    for decision in decided:
        work.results.settle(*decision.settled)
        if decision.change is None:
            writing.remote_ids[decision.target.key] = decision.remote_id
            _stands_already(work, decision)
    writing.link_by_writing(linking)
    writing.write_all([one.change for one in decided if one.change is not None])
    failpoint("between")
    mark(work, [one.target for one in decided], writing.remote_ids)


def _stands_already(work: Work, decision: Decision) -> None:
    for one in decision.target.deliveries:
        if work.in_record(one):
            work.done(one, decision.remote_id, code="unchanged")
            work.proved(one, decision)


def _links_by_write(work: Work, target: Target) -> bool:
    """Cheapest found by writing what identifies the contact, and allowed to be created."""
    by_write = work.known.traits.links_by_write and target.linked
    return by_write and target.upserts and work.link_of(target) is None


def _poll(work: Work, wave: Wave) -> None:
    """Ask for the outcome of an asynchronous batch, and go on with it where the write left off."""
    job = awaiting.restored(wave.deliveries)
    if job is None:
        lost = OutcomeUnknown("the record of an asynchronous batch is incomplete")
        work.failed(wave.deliveries, lost)
        return
    try:
        result = work.caller.call(lambda crm: _collect(crm, job.crm))
    except AdapterError as exc:
        _poll_failed(work, wave, exc)
        return
    if isinstance(result, Started):
        work.results.settle(*awaiting.still(wave.deliveries, result))
        return
    writing = Writing(work)
    writing.take(job.changes, result, writing.linked if job.linking else writing.apply)
    failpoint("between")
    if not job.linking:
        mark(work, [one.target for one in job.changes], writing.remote_ids)


def _poll_failed(work: Work, wave: Wave, exc: AdapterError) -> None:
    """Whoever was asked to wait polls again; after anything else the outcome is looked up."""
    settlements = failures.settled(wave.deliveries, exc, work.trouble, chance=work.known.chance)
    work.results.settle(*(_awaiting_again(one, wave) for one in settlements))


def _collect(crm: Any, handle: Mapping[str, Any]) -> Any:  # noqa: ANN401 - Pollable, checked by its traits
    return crm.collect(handle)


def superseded(one: Delivery) -> Settlement:
    """A newer answer of the same target has been accepted: this one must not be written any
    more.
    """
    return Settlement(one.id, "superseded", "newer_answer")


# --- settle ---------------------------------------------------------------------------------------


def _settle(hub: Hub, workspace_id: int, connection_id: int, *, wave: Wave, work: Work) -> int:
    for one in wave.deliveries:
        # Not reached in this wave: nothing was sent for it.
        work.hand_back(one)
    failpoint("created")

    def settle() -> int:
        with hub.database.begin(workspace_id) as connection:
            ours = ledger.record(
                connection, workspace_id, connection_id, token=wave.token, results=work.results
            )
            _rest(connection, workspace_id, connection_id, wave=wave, work=work)
            breaker.judge(connection, workspace_id, work.results, ours=ours, wave=wave)
            _make_tags_anew(connection, workspace_id, connection_id, wave=wave, work=work)
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


def _settle_unreached(
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
        results.settle(*(_awaiting_again(one, wave) for one in settlements))
        ledger.record(connection, workspace_id, connection_id, token=wave.token, results=results)
        rest.rest(connection, workspace_id, connection_id, trouble, calls=0, probe=wave.probe)
    if trouble.reconnect:
        # A reconnect may have come between the refusal and the parking.
        parking.heal(hub.desk, workspace_id, connection_id)


def _settle_unprepared(hub: Hub, workspace_id: int, connection_id: int, wave: Wave) -> None:
    """A failure between the claim and the first call: nothing was sent, nothing is burnt."""
    results = ledger.Results()
    handed = (schedule.handed_back(one, wait_s=5.0, code="internal") for one in wave.deliveries)
    results.settle(*(_awaiting_again(one, wave) for one in handed))
    with hub.database.begin(workspace_id) as connection:
        ledger.record(connection, workspace_id, connection_id, token=wave.token, results=results)


def _settle_broken(
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
    work.trouble.failed = "internal"
    with hub.database.begin(workspace_id) as connection:
        ledger.record(
            connection, workspace_id, connection_id, token=wave.token, results=work.results
        )
        _rest(connection, workspace_id, connection_id, wave=wave, work=work)


def _awaiting_again(settlement: Settlement, wave: Wave) -> Settlement:
    """A poll that could not be asked keeps its handle."""
    one = next(one for one in wave.deliveries if one.id == settlement.delivery_id)
    lost = settlement.burnt or settlement.state != "pending"
    if one.handle is None or lost:
        return settlement
    wait_s = settlement.wait_s or 5.0
    return Settlement(one.id, "awaiting", code=settlement.code, wait_s=wait_s, handle=one.handle)


def provide_tags(hub: Hub, workspace_id: int, connection_id: int) -> None:
    """Create the tag options that deliveries of this connection wait for, and let them go."""
    with hub.database.begin(workspace_id) as connection:
        tags_of = prepare.tags_to_provision(connection, workspace_id)
    provision.provision(hub.desk, workspace_id, connection_id, tags_of=tags_of)
