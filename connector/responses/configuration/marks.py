"""The score tag and the note of a response that a mapping is tried with: which tags would go and
come, what the note says, on which record, and the calls that would do it.

They are written by what deliveries write them by: a tag that lives in a field travels in the
record's own row (decide.py), the others by mark.py, notes by noting.py, on the trial's wire.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from adapters.base import TagTaker
from adapters.errors import TAG_OPTION_MISSING, NotSent, PauseMapping
from adapters.values import Batch, Operation, Row, TagChange
from connector.responses import mark, noting, prepare
from connector.responses.configuration.bench import MADE_UP, Bench, Why
from connector.responses.configuration.seeing import MADE, NEW_ID, NOTE, TAG, TAKEN, Eyes, Recorder
from connector.responses.decide import EMPTY, Decision
from connector.responses.extras.live import Line
from connector.responses.failures import PROVISION
from connector.responses.fold import Tagging, fold
from connector.responses.hub import Hub
from connector.responses.leases import Wave
from connector.responses.read import decisions
from connector.responses.steps import Delivery, Rank, Settlement, contact_lane
from connector.responses.work import Work
from schemas.fields import FieldValue
from schemas.phrases import phrase
from schemas.secret import MASK

# Beside the step of the fields, which is 0; no row of the outbox has such a number.
IDS = {TAG: -1, NOTE: -2}
CHANGES, STANDS, WAITS, LATER, REFUSED = "changed", "unchanged", "waits", "later", "refused"
NO_OPTIONS = phrase("it waits until the CRM has the tags of the campaign as options")
NO_RECORD = phrase("it comes once the record is made: the record's id is not known yet")


@dataclass(frozen=True, slots=True)
class MarkSeen:
    """A tag or note against its record. `state`: changed (it would come), unchanged, waits (for
    its options), later (the record has to be made first), refused.
    """

    kind: str
    entity: str
    remote_id: str | None
    state: str
    comes: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()
    title: str | None = None
    text: str | None = None
    found: tuple[str, ...] = ()
    why: Why | None = None


@dataclass(slots=True)
class Marks:
    """The tag and note of a trial as if they were claimed, with all that deliveries know of them.
    `fields`: those of the record that hold tags, as far as the CRM has them.
    """

    bench: Bench
    work: Work
    recorder: Recorder
    every: tuple[Delivery, ...]
    waiting: frozenset[int] = frozenset()
    fields: set[str] = field(default_factory=set)

    @property
    def tagging(self) -> Tagging:
        return self.work.known.tagging

    def here(self) -> tuple[Delivery, ...]:
        """Those that go on the very record that the mapping writes."""
        return tuple(one for one in self.every if self.is_here(one) and not self._is_lost(one))

    def lost(self) -> tuple[Delivery, ...]:
        """Those whose field the record does not have (yet)."""
        return tuple(one for one in self.every if self.is_here(one) and self._is_lost(one))

    def apart(self) -> tuple[Delivery, ...]:
        """Those that go on the contact's own record."""
        return tuple(one for one in self.every if not self.is_here(one))

    def is_here(self, one: Delivery) -> bool:
        """Whether it goes on the very record that the mapping writes."""
        own = self.bench.tried.row
        match = {"field": own.match_field, "value": own.match_value or ""}
        return self.bench.is_linked and one.payload["match"] == match

    def _is_lost(self, one: Delivery) -> bool:
        name = self.tagging.field_for(one)
        return name is not None and name not in self.fields


def marks_of(hub: Hub, line: Line, bench: Bench, recorder: Recorder, *, now: datetime) -> Marks:
    """What the bench's steps have beside the fields; read in a transaction of its own."""
    steps = [one for one in bench.steps if one.kind in IDS]
    claimed = tuple(
        Delivery(
            id=IDS[one.kind], response_id=bench.rank.response_id, contact_id=bench.contact_id or 0,
            campaign_id=one.campaign_id, mapping_id=None, kind=one.kind, entity=one.entity,
            lane=contact_lane(bench.contact_id or 0), payload=one.payload,
            rank=Rank(now, 0, 0) if bench.rank is MADE_UP else bench.rank, claims=1, attempts=0,
        )
        for one in steps
    )  # fmt: skip
    profile = bench.profile
    with hub.database.begin(profile.workspace_id) as connection:
        wave = prepare.as_named_now(connection, Wave(uuid4(), claimed))
        known, _ = prepare.known_of(connection, profile.workspace_id, line.caller.reached, wave)
    line.caller.entities = known.entities
    marks = Marks(
        bench, Work(line.caller, known), recorder, wave.deliveries,
        frozenset(IDS[one.kind] for one in steps if one.reason == PROVISION),
    )  # fmt: skip
    marks.fields = set(marks.tagging.fields_for(one for one in marks.every if marks.is_here(one)))
    return marks


# --- look -----------------------------------------------------------------------------------------


def looked(marks: Marks, decision: Decision) -> Iterator[MarkSeen]:
    """Each tag and note against its record, its calls built and kept back. `decision`: what becomes
    of the mapping's own record. Raises AdapterError.
    """
    for one in marks.lost():
        yield seen(one, None, WAITS, comes=tag_of(marks, one))
    for one in marks.here():
        yield _against(marks, one, decision)
    for found in decisions(marks.work, fold(marks.apart(), {}).targets):
        _build(marks, found)
        for one in found.target.deliveries:
            yield _against(marks, one, found)
    for one in marks.apart():
        if (settled := marks.work.results.settlements.get(one.id)) and settled.code != NotSent.code:
            yield refused(one, settled)


def _against(marks: Marks, one: Delivery, decision: Decision) -> MarkSeen:
    settled = next((each for each in decision.settled if each.delivery_id == one.id), None)
    if settled is not None:
        return refused(one, settled)
    if one.kind == NOTE:
        return _note_at(marks, one, decision.remote_id)
    if marks.tagging.in_record:
        return in_field(marks, one, decision)
    return _tag_at(marks, one, decision.remote_id)


def in_field(marks: Marks, one: Delivery, decision: Decision) -> MarkSeen:
    """The tag in a field of the record: what goes and comes there."""
    name = str(marks.tagging.field_for(one))
    before, change = decision.held.get(name), decision.change
    after = change.values.get(name, before) if change is not None else before
    comes, goes = _listed(after) - _listed(before), _listed(before) - _listed(after)
    state = _state(marks, one, changes=bool(comes or goes))
    return seen(one, decision.remote_id, state, comes=comes, goes=goes)


def _tag_at(marks: Marks, one: Delivery, remote_id: str | None) -> MarkSeen:
    """The tag with calls of its own."""
    marks.recorder.about = TAG
    if remote_id is None:
        (change,) = mark.tag_changes({NEW_ID: ()}, [(one, NEW_ID)], marks.tagging)
        state = WAITS if one.id in marks.waiting else LATER
        if not _is_built(marks, one, change, builds_on=MADE):
            state = WAITS
        return seen(one, None, state, comes=tag_of(marks, one), why=Why(LATER, NO_RECORD))
    held = mark.held_tags(marks.work, [(one, remote_id)])
    if held is None:
        return refused(one, marks.work.results.settlements[one.id])
    (change,) = mark.tag_changes(held, [(one, remote_id)], marks.tagging)
    before = frozenset(held.get(remote_id, ()))
    stands = next((tag for tag in change.spellings if tag in before), None)
    comes = frozenset(change.spellings[:1] if stands is None else ())
    goes = (change.owned & before) - {stands}
    state = _state(marks, one, changes=bool(comes or goes))
    if not _is_built(marks, one, change):
        state = WAITS
    elif comes:
        # Where the new tag is a call of its own, the old ones go by the next.
        taken = replace(change, held=tuple(sorted(before | comes)))
        _is_built(marks, one, taken, builds_on=TAKEN)
    return seen(one, remote_id, state, comes=comes, goes=goes)


def _is_built(
    marks: Marks, one: Delivery, change: TagChange, *, builds_on: str | None = None
) -> bool:
    """Build the calls of a tag; False: the CRM lacks it as an option."""
    try:
        with marks.recorder.keeping_back(builds_on=builds_on), suppress(NotSent):
            marks.work.caller.call(lambda crm: tag_taker(crm).retag(one.entity, [change]))
    except PauseMapping as exc:
        if exc.code != TAG_OPTION_MISSING:
            raise
        return False
    return True


def _note_at(marks: Marks, one: Delivery, remote_id: str | None) -> MarkSeen:
    marks.recorder.about = NOTE
    builds_on = MADE if remote_id is None else None
    with marks.recorder.keeping_back(builds_on=builds_on):
        noting.note(marks.work, [(one, noting.note_of(one, remote_id or NEW_ID))])
    settled = marks.work.results.settlements.get(one.id)
    if settled is not None and settled.code != NotSent.code:
        return refused(one, settled)
    if remote_id is None:
        return seen(one, None, LATER, why=Why(LATER, NO_RECORD))
    return seen(one, remote_id, CHANGES)


def _build(marks: Marks, found: Decision) -> None:
    """The call that writes the tag in a field of the contact's record."""
    marks.recorder.about = TAG
    if found.change is not None:
        batch = batch_of(found)
        with marks.recorder.keeping_back(), suppress(NotSent):
            marks.work.caller.call(lambda crm: crm.write(batch))


def tag_of(marks: Marks, one: Delivery) -> tuple[str, ...]:
    """The tag that comes, as this account spells it."""
    return (marks.tagging.tag(one.payload["campaign"], one.payload["score"]),)


def _state(marks: Marks, one: Delivery, *, changes: bool) -> str:
    if not changes:
        return STANDS
    return WAITS if one.id in marks.waiting else CHANGES


def _listed(value: FieldValue) -> frozenset[str]:
    """The tags in a field; of a campaign's own field its score."""
    if value in EMPTY:
        return frozenset()
    return frozenset(map(str, value)) if isinstance(value, tuple) else frozenset({str(value)})


def refused(one: Delivery, settled: Settlement) -> MarkSeen:
    """The tag or note, with why it does not come."""
    why = Why(settled.code or settled.reason or REFUSED, settled.message or "", settled.field)
    return seen(one, settled.remote_id, REFUSED, why=why)


def seen(
    one: Delivery,
    remote_id: str | None,
    state: str,
    *,
    comes: Collection[str] = (),
    goes: Collection[str] = (),
    found: Collection[str] = (),
    why: Why | None = None,
) -> MarkSeen:
    """The tag or note as people see it."""
    if state == WAITS and why is None:
        why = Why(PROVISION, NO_OPTIONS)
    return MarkSeen(
        one.kind, one.entity, remote_id, state, tuple(sorted(comes)), tuple(sorted(goes)),
        one.payload.get("title"), one.payload.get("text"), tuple(sorted(found)), why,
    )  # fmt: skip


def tag_taker(crm: object) -> TagTaker:
    """The adapter as one that takes tags."""
    assert isinstance(crm, TagTaker)  # noqa: S101 - planned only where the app is one
    return crm


def batch_of(decision: Decision) -> Batch:
    """What the adapter is given, as a delivery would give it."""
    change = decision.change
    assert change is not None  # noqa: S101 - the caller has looked
    creating = change.operation is Operation.CREATE
    return Batch(
        change.target.entity,
        change.operation,
        (Row("trial", change.values, change.remote_id),),
        match_field=change.target.match_field if creating else None,
    )


# --- tell -----------------------------------------------------------------------------------------


def shown(one: MarkSeen, eyes: Eyes) -> dict[str, Any]:
    """A tag or note as the API tells it: a tag tells the score, a note the answers."""
    return {
        "kind": one.kind,
        "entity": one.entity,
        "remote_id": one.remote_id,
        "state": one.state,
        "comes": list(_veiled(one.comes, may_see=eyes.answers)),
        "goes": list(_veiled(one.goes, may_see=eyes.records)),
        "title": one.title and (one.title if eyes.answers else MASK),
        "text": one.text and (one.text if eyes.answers else MASK),
        "why": None if one.why is None else asdict(one.why),
    }


def found_shown(one: MarkSeen, eyes: Eyes) -> list[str]:
    """What was found of it when it was read back."""
    may_see = eyes.records and (eyes.answers or one.kind == NOTE)
    return list(_veiled(one.found, may_see=may_see))


def _veiled(tags: Sequence[str], *, may_see: bool) -> Sequence[str]:
    return tags if may_see else [MASK] * len(tags)
