"""What the steps of one wave share: the way to the CRM, what the store knows, and what was found
out.

The steps are read.py (find and decide), write.py, mark.py (tags and notes), in that order. What
one row did wrong settles that row. What a call did wrong settles its rows and, where it concerns
the whole connection, ends the wave: whatever is not settled then is handed back unharmed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from marshmallow import Schema

from adapters.errors import AdapterError, OutcomeUnknown, PauseMapping
from adapters.traits import Traits
from adapters.values import BatchResult, Outcome, Status
from connector.responses import failures
from connector.responses.calling import Caller
from connector.responses.compensation import DELETED
from connector.responses.decide import Change, Decision, same
from connector.responses.fold import Tagging, Target
from connector.responses.ledger import Entry, Link, Results, WrittenTag
from connector.responses.replacing import EDITED
from connector.responses.replacing import KINDS as REPLACED
from connector.responses.schedule import again, handed_back
from connector.responses.steps import FIELDS, NOTE, TAG, UNDO, Delivery, Settlement
from schemas.fields import Entity, FieldValue, canonical

DONE = "done"

Item = TypeVar("Item")
Thread = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class Threads:
    """What the store knows of the notes of a contact and campaign, its (contact id, campaign id).

    `earlier`: the remote id of the newest note that stands. `doubtful`: an earlier try may have
    left one that nobody has told us of.
    """

    earlier: Mapping[Thread, str] = field(default_factory=dict)
    doubtful: frozenset[Thread] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows before the wave: definitions, links of contacts, how tags are spelt.

    `links`: (contact id, entity) -> remote id. `schemas`: entity -> compiled record schema.
    `chance()` gives 0 to 1. `told`: lanes whose message was sent for some revision. `opened`:
    marker -> remote id of the tasks that stand for other revisions. `gone`: versions of responses
    that their platform has deleted.
    """

    traits: Traits
    entities: Mapping[str, Entity]
    schemas: Mapping[str, Schema]
    links: Mapping[tuple[int, str], str]
    tagging: Tagging
    chance: Callable[[], float]
    threads: Threads = field(default_factory=Threads)
    told: frozenset[str] = frozenset()
    opened: Mapping[str, str] = field(default_factory=dict)
    gone: frozenset[int] = frozenset()
    older: frozenset[int] = frozenset()


@dataclass(slots=True)
class Work:
    """One wave's shared state; `results` is written to the store at its end.

    `standing`: the notes that this wave itself has found or written, as `Threads.earlier`.
    `passed_on`: the contact's fields that records of this wave take over; `seen`: what they hold,
    by entity and remote id. `marks_end_at`: the monotonic time from which on no further tag, note
    or file is begun: what is done is settled before more is risked.
    """

    caller: Caller
    known: Known
    standing: dict[Thread, str] = field(default_factory=dict)
    results: Results = field(default_factory=Results)
    passed_on: frozenset[str] = frozenset()
    seen: dict[tuple[str, str], dict[str, FieldValue]] = field(default_factory=dict)
    marks_end_at: float = math.inf

    @property
    def is_over(self) -> bool:
        """Whether nothing more is begun in this wave; what is not settled is handed back."""
        return self.trouble.ends_wave or self.caller.monotonic() >= self.marks_end_at

    @property
    def trouble(self) -> failures.Trouble:
        """What the calls have taught about the connection as a whole."""
        return self.caller.trouble

    def saw(self, entity: str, remote_id: str | None, values: Mapping[str, FieldValue]) -> None:
        """Remember what a contact's record holds of what others take over from it."""
        if remote_id and self.passed_on and entity == self.known.traits.contact_entity:
            self.seen.setdefault((entity, remote_id), {}).update(values)

    def ended(self, one: Delivery) -> bool:
        """Whether its response was deleted meanwhile: then nothing of it is sent any more; or
        edited: then the newer version's notes and files are.
        """
        is_gone = one.kind != UNDO and one.response_id in self.known.gone
        is_older = one.kind in REPLACED and one.response_id in self.known.older
        if is_gone or is_older:
            reason = DELETED if is_gone else EDITED
            self.results.settle(Settlement(one.id, "superseded", reason))
        return is_gone or is_older

    def link_of(self, target: Target) -> str | None:
        """The remote id our contact is linked to, where the target stands for the contact."""
        if not target.linked:
            return None
        return self.known.links.get((target.contact_id, target.entity))

    def contact_record(self, one: Delivery) -> str | None:
        """The record of the delivery's contact, as this wave has found or made it or the store
        knows it.
        """
        entity = self.known.traits.contact_entity
        for link in reversed(self.results.links):
            if (link.contact_id, link.entity) == (one.contact_id, entity):
                return link.remote_id
        return self.known.links.get((one.contact_id, entity))

    def look_for_contact(self, one: Delivery) -> bool:
        """The contact's record is not there: the link leads to the survivor of a merge from now on,
        or is forgotten. False: it is there after all. Raises AdapterError.
        """
        entity, by = self.known.traits.contact_entity, self.known.traits.id_field
        gone = str(self.contact_record(one))
        found = self.caller.ask(lambda crm: crm.find(entity, by, [gone], want=[])).get(gone, ())
        survivor = found[0].remote_id if found else None
        self.results.links.append(Link(one.contact_id, entity, survivor))
        return survivor != gone

    def link(self, target: Target, remote_id: str | None) -> None:
        """Remember the contact's record, or (None) forget it."""
        if target.linked:
            self.results.links.append(Link(target.contact_id, target.entity, remote_id))

    def done(self, one: Delivery, remote_id: str | None, *, code: str | None) -> None:
        """The delivery's effect stands. `unchanged`: it stood already, perhaps from a try whose
        answer was lost.
        """
        self.results.settle(Settlement(one.id, DONE, code=code, remote_id=remote_id))
        if one.about == TAG and self.known.tagging.in_record:
            self.retagged(one, self.known.tagging)

    def retagged(self, one: Delivery, tagging: Tagging, written: str | None = None) -> None:
        """A campaign's tag is another one now, or none."""
        campaign, score = one.payload["campaign"], one.payload["score"]
        if one.kind == UNDO and not one.payload["scores"]:
            return
        if one.kind == UNDO:
            self.results.untagged.append((one.contact_id, one.campaign_id or 0))
        if score is not None:
            self.tagged(one, written if written is not None else tagging.tag(campaign, score))

    def proved(self, one: Delivery, decision: Decision) -> None:
        """Everything stands: where an earlier try's answer was lost, the ledger learns the effect
        now.

        The value before is known where that try lived to tell it; after a kill it is our own.
        """
        if not one.may_have_been_sent or one.about != FIELDS or not decision.remote_id:
            return
        told = (one.sent or {}).get("before", {})
        for name, value in _wanted(one).items():
            after = canonical(value)
            tried = name in told or not one.sent
            if tried and same(after, decision.held.get(name)):
                before = canonical(told.get(name, value))
                self.results.entries.append(
                    Entry(one.id, one.entity, decision.remote_id, name, before, after)
                )

    def tagged(self, one: Delivery, written: str) -> None:
        """A score tag stands on the contact now."""
        self.results.tags.append(
            WrittenTag(
                one.id,
                one.contact_id,
                one.campaign_id or 0,
                one.payload["score"],
                _answered_at(one),
                written,
            )
        )

    def dead(self, one: Delivery, outcome: Outcome, *, reason: str = "validation") -> None:
        """The CRM refuses this delivery for good."""
        self.results.settle(
            Settlement(
                one.id,
                "dead",
                reason,
                code=outcome.code,
                message=outcome.message,
                field=outcome.field,
                remote_id=outcome.remote_id,
            )
        )

    def again(self, one: Delivery, *, code: str, message: str) -> None:
        """By the retry schedule, an attempt burnt."""
        chance = self.known.chance()
        self.results.settle(again(one, code=code, message=message, chance=chance))

    def gone(self, one: Delivery, outcome: Outcome) -> None:
        """The contact's record was deleted or merged away since it was read. The link is kept: read
        by it, the next try learns of the survivor, or looks by the match where there is none.
        """
        self.again(one, code="link_lost", message=outcome.message)

    def hand_back(self, *every: Delivery, wait_s: float = 0.0) -> None:
        """Nothing was sent for these."""
        self.results.settle(*(handed_back(one, wait_s=wait_s) for one in every))

    def not_begun(self, *every: Delivery) -> None:
        """This claim only found out about their contact: no note of theirs can have been sent."""
        self.results.settle(*(replace(handed_back(one), unsent=True) for one in every))

    def not_reached(self, one: Delivery) -> None:
        """The wave ended before this one: nothing was sent for it, and no note that this claim has
        begun need be looked for.
        """
        begun = one.kind != NOTE or "note" in (one.handle or {})
        (self.hand_back if begun else self.not_begun)(one)

    def not_sent(self, one: Delivery, outcome: Outcome) -> None:
        """A fault met this or an earlier row of the same call: handed back, and the connection
        pauses where it was the CRM's wish.
        """
        wait_s = outcome.detail.get("wait_s")
        if outcome.code == failures.HandBack.code:
            self.trouble.held_back = True
        elif outcome.detail.get("throttled") and outcome.code != failures.Queued.code:
            self.trouble.throttle(wait_s, code=outcome.code or "")
            self.caller.pause(wait_s)
        self.hand_back(one, wait_s=float(wait_s or 0))

    def failed(self, deliveries: Sequence[Delivery], exc: AdapterError) -> None:
        """A call failed as a whole."""
        chance = self.known.chance
        self.results.settle(*failures.settled(deliveries, exc, self.trouble, chance=chance))

    def lost(self, changes: Sequence[Change], exc: OutcomeUnknown) -> None:
        """A write whose answer was lost: what the records held before it is kept for the ledger."""
        before = {
            one.id: dict(change.before) for change in changes for one in change.target.deliveries
        }
        chance = self.known.chance
        deliveries = [one for change in changes for one in change.target.deliveries]
        for settled in failures.settled(deliveries, exc, self.trouble, chance=chance):
            sent = {"before": before[settled.delivery_id]}
            self.results.settle(replace(settled, sent=sent))

    def park(self, targets: Sequence[Target], exc: PauseMapping) -> frozenset[int]:
        """Park the deliveries that need what the CRM has lost; their ids."""
        tagging = self.known.tagging
        every = [one for target in targets for one in target.deliveries]
        hit = [one for one in every if failures.is_hit(one, exc, tag_field=tagging.field_for(one))]
        hit = hit or every
        self.results.settle(*failures.parked(hit, exc))
        return frozenset(one.id for one in hit)

    def in_record(self, one: Delivery) -> bool:
        """Whether this delivery's effect travels in the record's own fields."""
        return one.about == FIELDS or (one.about == TAG and self.known.tagging.in_record)

    def is_done(self, one: Delivery) -> bool:
        """Whether the delivery's effect stands."""
        settlement = self.results.settlements.get(one.id)
        return settlement is not None and settlement.state == DONE

    def is_open(self, one: Delivery) -> bool:
        """Whether nothing is settled about this delivery yet."""
        return one.id not in self.results.settlements


def _wanted(one: Delivery) -> Mapping[str, Any]:
    """The values that a delivery of fields writes, or restores."""
    if one.kind == UNDO:
        return {name: told["to"] for name, told in (one.payload.get("back") or {}).items()}
    values: Mapping[str, Any] = one.payload["values"]
    return values


def _answered_at(one: Delivery) -> datetime:
    """When the score was given; one that is valid again keeps its own time."""
    told = one.payload.get("answered_at")
    return datetime.fromisoformat(told) if told else one.rank.answered_at


def without(target: Target, ids: frozenset[int]) -> Target:
    """The target without these deliveries."""
    return replace(target, deliveries=tuple(one for one in target.deliveries if one.id not in ids))


def chunks(every: Sequence[Item], size: int) -> Iterable[Sequence[Item]]:
    """The sequence in parts of at most `size`."""
    return (every[start : start + size] for start in range(0, len(every), size))


def each_outcome(
    work: Work,
    deliveries: Sequence[Delivery],
    send: Callable[[], BatchResult],
    take: Callable[[Delivery, Outcome], None],
) -> None:
    """Send a part; a row's fault settles the row, a call's fault all of them."""
    if work.is_over:
        return
    try:
        result = send()
    except PauseMapping as exc:
        work.results.settle(*failures.parked(deliveries, exc))
        return
    except AdapterError as exc:
        work.failed(deliveries, exc)
        return
    work.results.learnt |= result.learnt
    for one, outcome in zip(deliveries, result.outcomes, strict=True):
        if outcome.status in {Status.WRITTEN, Status.UNCHANGED}:
            take(one, outcome)
        else:
            not_done(work, one, outcome)


def not_done(work: Work, one: Delivery, outcome: Outcome) -> None:
    """Take the outcome of what was meant for a record and does not stand there."""
    if outcome.status is Status.RETRY and outcome.detail.get("sent") is False:
        work.not_sent(one, outcome)
    elif outcome.status is Status.RETRY:
        work.again(one, code=outcome.code or "crm_retry", message=outcome.message)
    elif outcome.code == "not_found" and one.payload.get("linked"):
        work.gone(one, outcome)
    else:
        work.dead(one, outcome)
