"""Deliver: one drain empties a connection's due rows, wave by wave, until nothing is due or its
time is up.

    take back   rows whose worker died
    claim       lanes with all their due rows; committed before anything is sent
    prepare     one transaction: links, clocks, definitions
    work        at the CRM, outside any transaction: read, write, mark
    settle      one transaction: outbox, ledger, links, tags, the connection's pauses
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.errors import AdapterError, OutcomeUnknown, TryLater
from adapters.values import Started
from connector import clock, stopping
from connector.connections import provision, quota
from connector.connections.tokens import reach
from connector.failpoints import failpoint
from connector.responses import (
    awaiting,
    failures,
    leases,
    linking,
    made,
    noting,
    patience,
    prepare,
    rest,
)
from connector.responses.awaiting import Job
from connector.responses.calling import Caller
from connector.responses.claiming import claimed
from connector.responses.decide import Decision
from connector.responses.fold import Clocks, Target, fold
from connector.responses.hub import Hub
from connector.responses.inherit import passed_on
from connector.responses.leases import Wave
from connector.responses.mark import mark
from connector.responses.read import decisions
from connector.responses.settling import (
    awaiting_again,
    settle_broken,
    settle_unprepared,
    settle_unreached,
    settle_wave,
)
from connector.responses.steps import Delivery, Settlement
from connector.responses.telling import tell
from connector.responses.work import Work
from connector.responses.write import Writing
from schemas.priority import Priority

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
        leases.take_back_abandoned(connection, connection_id)
        rest.wake(connection, connection_id)
        leases.park_paused(connection, connection_id)
        slowest = patience.least_urgent(connection, workspace_id, connection_id)
    waves = settled = calls = 0
    while clock.monotonic() < ends_at and not stopping.is_stopping():
        done = _one_wave(hub, workspace_id, connection_id, number=waves, slowest=slowest)
        if done is None:
            break
        waves, settled, calls = waves + 1, settled + done.settled, calls + done.calls
        if done.waves == 0:  # the connection must rest
            break
    return Drained(waves, settled, calls)


def _one_wave(
    hub: Hub,
    workspace_id: int,
    connection_id: int,
    *,
    number: int,
    slowest: Priority = Priority.BACKFILL,
) -> Drained | None:
    """Claim and work on one wave; None when nothing is due."""
    # Before the claim: the lease counts from the claim's own transaction, which may have to wait.
    ends_at = clock.monotonic() + hub.settings.lease_s
    wave = claimed(hub, workspace_id, connection_id, number=number, slowest=slowest)
    if wave is None:
        return None
    failpoint("claimed")
    try:
        reached = reach(hub.desk, workspace_id, connection_id)
        with hub.database.begin(workspace_id) as connection:
            wave = prepare.as_named_now(connection, wave)
            known, clocks = prepare.known_of(connection, workspace_id, reached, wave)
            wave = prepare.with_what_goes_back(
                connection, connection_id, wave, entities=known.entities
            )
            home = known.traits.contact_entity
            wave = linking.with_files(connection, connection_id, wave, home=home)
            wave = made.with_made(connection, connection_id, wave)
            budget = quota.budget(connection, reached.profile)
            if wave.probe is not None:
                # The one call after a pause is the look at what the account has left.
                budget = budget.without_day()
    except AdapterError as exc:
        settle_unreached(hub, workspace_id, connection_id, wave, exc)
        return Drained(waves=0)
    except Exception:
        settle_unprepared(hub, workspace_id, connection_id, wave)
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
            budget=budget,
        ),
        known,
    )
    try:
        _work(work, wave, clocks)
    except Exception as exc:
        settle_broken(hub, workspace_id, connection_id, wave=wave, work=work, exc=exc)
        raise
    settled = settle_wave(hub, workspace_id, connection_id, wave=wave, work=work)
    return Drained(0 if work.trouble.ends_drain else 1, settled, work.caller.calls)


# --- work -----------------------------------------------------------------------------------------


def _work(work: Work, wave: Wave, clocks: Clocks) -> None:
    if awaiting.is_poll(wave.deliveries):
        _poll(work, wave)
        return
    living = [one for every in wave.by_lane().values() for one in every if not work.ended(one)]
    if work.known.traits.messages is not None:
        tell(work, living)
        return
    folded = fold(linking.linked(work, living), clocks)
    for one in folded.superseded:
        work.results.settle(superseded(one))
    writing = Writing(work)
    work.passed_on = passed_on(work, folded.targets)
    decided = _written(work, [one for one in folded.targets if not one.follows], writing)
    failpoint("between")
    mark(work, [one.target for one in decided], writing.remote_ids)
    # What refers to a contact comes after it: its record may just have been made.
    if following := [one for one in folded.targets if one.follows]:
        decided = _written(work, following, writing)
        # Files that hang on the record itself.
        mark(work, [one.target for one in decided], writing.remote_ids)


def _written(work: Work, targets: Sequence[Target], writing: Writing) -> list[Decision]:
    """Look at the targets' records and write what differs; what was decided about each."""
    linking = [one for one in targets if _links_by_write(work, one)]
    decided = decisions(work, [one for one in targets if one not in linking])
    failpoint("looked_up")
    for decision in decided:
        work.results.settle(*decision.settled)
        if decision.change is None:
            writing.remote_ids[decision.target.key] = decision.remote_id
            _stands_already(work, decision)
    writing.link_by_writing(linking)
    writing.write_all([one.change for one in decided if one.change is not None])
    for decision in decided:
        _stood_in_part(work, decision)
    return decided


def _stands_already(work: Work, decision: Decision) -> None:
    for one in decision.target.deliveries:
        if work.in_record(one):
            work.done(one, decision.remote_id, code="unchanged")
            work.proved(one, decision)


def _stood_in_part(work: Work, decision: Decision) -> None:
    """Where a write takes several calls, an earlier try may have applied some of them."""
    for one in decision.target.deliveries:
        if decision.change is not None and one.sent and work.is_done(one):
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
        _poll_failed(work, wave, exc, job)
        return
    if isinstance(result, Started):
        work.results.settle(*awaiting.still(wave.deliveries, result))
        return
    if isinstance(job, awaiting.NoteJob):
        noting.collected(work, job.notes, result)
        return
    writing = Writing(work)
    writing.take(job.changes, result, writing.linked if job.linking else writing.apply)
    failpoint("between")
    if not job.linking:
        mark(work, [one.target for one in job.changes], writing.remote_ids)


def _poll_failed(work: Work, wave: Wave, exc: AdapterError, job: Job | awaiting.NoteJob) -> None:
    """A poll that could not be asked says nothing about the job: it is asked again, and nobody
    works on its lanes before it has ended. After anything else the outcome is looked up.
    """
    if isinstance(exc, OutcomeUnknown):
        if isinstance(job, awaiting.NoteJob):
            work.failed(wave.deliveries, exc)
        else:
            work.lost(job.changes, exc)
        return
    settlements = failures.settled(wave.deliveries, exc, work.trouble, chance=work.known.chance)
    if isinstance(exc, TryLater):
        settlements = tuple(replace(one, burnt=False, state="pending") for one in settlements)
    work.results.settle(*awaiting_again(settlements, wave))


def _collect(crm: Any, handle: Mapping[str, Any]) -> Any:  # noqa: ANN401 - Pollable, checked by its traits
    return crm.collect(handle)


def superseded(one: Delivery) -> Settlement:
    """A newer answer of the same target has been accepted: this one must not be written any
    more.
    """
    return Settlement(one.id, "superseded", "newer_answer")


def provide_tags(hub: Hub, workspace_id: int, connection_id: int) -> None:
    """Create the tag options that deliveries of this connection wait for, and let them go."""
    with hub.database.begin(workspace_id) as connection:
        tags_of = prepare.tags_to_provision(connection, workspace_id)
    provision.provision(hub.desk, workspace_id, connection_id, tags_of=tags_of)
