"""The score tag and the note of a test: written to the record that a person has named, where they
asked for it, and read back.

A tag in a field has travelled with the record's other fields; what has calls of its own is written
behind them, by what deliveries write it by (mark.py, noting.py). A test's note has a marker and a
thread of its own, so that no real note joins it, and the same test is not noted twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import uuid5

from connector.responses import mark, noting, planner
from connector.responses.configuration.bench import Bench, Why
from connector.responses.configuration.marks import (
    NO_OPTIONS,
    REFUSED,
    STANDS,
    WAITS,
    Marks,
    MarkSeen,
    in_field,
    refused,
    seen,
)
from connector.responses.configuration.seeing import NOTE, TAG
from connector.responses.decide import Decision
from connector.responses.fold import names_of
from connector.responses.ledger import Entry
from connector.responses.steps import Delivery
from connector.responses.work import DONE, Threads
from schemas.fields import FieldValue
from schemas.phrases import phrase

AS_SENT, NOT_TAKEN, OTHER, UNREAD, NEWER = "as_sent", "not_taken", "other", "unread", "newer"
ELSEWHERE, NOT_MADE = "elsewhere", "not_made"
_ELSEWHERE = phrase("it belongs on the contact's record, which is not the one that you have named")
_NOT_MADE = phrase("the response makes none at this connection")


@dataclass(slots=True)
class Marking:
    """What a test writes besides the fields. `left_out`: what was asked for and is not written."""

    marks: Marks
    left_out: tuple[MarkSeen, ...] = ()

    def is_open(self, decision: Decision) -> bool:
        """Whether something of it is written by calls of its own."""
        in_record = self.marks.tagging.in_record
        return any(
            one.kind == NOTE or (one.kind == TAG and not in_record)
            for one in decision.target.deliveries
        )

    def sent(
        self, decision: Decision, remote_id: str, after: Mapping[str, FieldValue] | None
    ) -> Iterator[MarkSeen]:
        """Write what has calls of its own, and read it back. `after`: the record's fields as they
        are now, None where they could not be read.
        """
        live = {one.id for one in decision.target.deliveries}
        for one in self.marks.here():
            settled = next((each for each in decision.settled if each.delivery_id == one.id), None)
            if settled is not None:
                yield refused(one, settled)
            elif one.id not in live:
                yield seen(one, remote_id, NEWER)
            elif one.kind == NOTE:
                yield self._noted(one, remote_id)
            elif self.marks.tagging.in_record:
                yield self._in_field(one, decision, after)
            else:
                yield self._tagged(one, remote_id)
        yield from self.left_out

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What was written by calls of its own, for the ledger."""
        return tuple(self.marks.work.results.entries)

    def _in_field(
        self, one: Delivery, decision: Decision, after: Mapping[str, FieldValue] | None
    ) -> MarkSeen:
        told = in_field(self.marks, one, decision)
        if after is None:
            return replace(told, state=UNREAD)
        held = after.get(str(self.marks.tagging.field_for(one)))
        tags = frozenset(map(str, held)) if isinstance(held, tuple) else frozenset({str(held)})
        found = tags & ({*told.comes} | self.marks.tagging.owned(names_of(one)))
        return replace(told, found=tuple(sorted(found)), state=_made_of(told, found))

    def _tagged(self, one: Delivery, remote_id: str) -> MarkSeen:
        marks, pair = self.marks, (one, remote_id)
        marks.recorder.about = TAG
        with marks.work.caller.writing():
            mark.retag(marks.work, [pair])
        settled = marks.work.results.settlements.get(one.id)
        if settled is None or settled.state != DONE:
            return _unsettled(one) if settled is None else refused(one, settled)
        entry = next((each for each in self.entries if each.delivery_id == one.id), None)
        before, after = (_listed(entry.before), _listed(entry.after)) if entry else (_NONE, _NONE)
        told = seen(one, remote_id, STANDS, comes=after - before, goes=before - after)
        held = mark.held_tags(marks.work, [pair])
        if held is None:
            return replace(told, state=UNREAD)
        found = frozenset(held.get(remote_id, ())) & (marks.tagging.owned(names_of(one)) | after)
        return replace(told, found=tuple(sorted(found)), state=_made_of(told, found))

    def _noted(self, one: Delivery, remote_id: str) -> MarkSeen:
        marks = self.marks
        marks.recorder.about = NOTE
        asked = noting.note_of(one, remote_id)
        noting.note(marks.work, [(one, asked)])
        settled = marks.work.results.settlements.get(one.id)
        if settled is None or settled.state != DONE:
            return _unsettled(one) if settled is None else refused(one, settled)
        found = (settled.remote_id,) if settled.remote_id else ()
        if settled.code == STANDS:
            return seen(one, remote_id, STANDS, found=found)
        there = noting.standing(marks.work, [(one, asked)])
        state = UNREAD if there is None else AS_SENT if asked.key in there else NOT_TAKEN
        return seen(one, remote_id, state, found=found if state == AS_SENT else ())


_NONE: frozenset[str] = frozenset()


def marking_of(marks: Marks, bench: Bench, asked: frozenset[str], *, remote_id: str) -> Marking:
    """What of the asked is written to this record, and why the rest is not."""
    left_out = [
        MarkSeen(kind, bench.entity.name, None, NOT_MADE, why=Why(NOT_MADE, _NOT_MADE))
        for kind in sorted(asked - {one.kind for one in marks.every})
    ]
    left_out += [
        seen(one, None, ELSEWHERE, why=Why(ELSEWHERE, _ELSEWHERE)) for one in marks.apart()
    ]
    waiting = {one.id for one in marks.lost()} | marks.waiting
    left_out += [
        seen(one, remote_id, WAITS, why=Why(WAITS, NO_OPTIONS))
        for one in marks.every
        if one.id in waiting and marks.is_here(one)
    ]
    marks.every = tuple(
        _as_test(one, bench, remote_id)
        for one in marks.every
        if one.id not in waiting and marks.is_here(one)
    )
    # Nothing of a thread that real notes have opened is joined.
    marks.work.known = replace(marks.work.known, threads=Threads())
    return Marking(marks, tuple(left_out))


def _as_test(one: Delivery, bench: Bench, remote_id: str) -> Delivery:
    """A note as the test's own. It is looked for before it is written: a repeat finds it."""
    if one.kind != NOTE:
        return one
    payload, was = one.payload, str(one.payload["marker"])
    name = f"trial:{bench.desk.mapping['id']}:{remote_id}:{was}"
    own = str(uuid5(planner.MARKERS, name))
    told = {part: str(payload[part]).replace(was, own) for part in ("marker", "text", "html")}
    return replace(one, payload={**payload, **told, "thread": f"trial-{own}"}, claims=2)


def _made_of(told: MarkSeen, found: frozenset[str]) -> str:
    """What the CRM made of a tag."""
    if not told.comes and not told.goes:
        return STANDS
    if set(told.comes) <= found and found.isdisjoint(told.goes):
        return AS_SENT
    return OTHER if set(told.comes) & found else NOT_TAKEN


def _listed(value: FieldValue) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, tuple) else _NONE


def _unsettled(one: Delivery) -> MarkSeen:
    """The CRM asked for a pause, or the time was over, before it was begun."""
    why = phrase("there was no time left for it: try again")
    return seen(one, None, REFUSED, why=Why("not_begun", why))
