"""Step 7 of a wave: notes and files of deleted responses are taken back, as far as the CRM permits.

A note or file whose answer was lost is looked for by its marker first: perhaps it never stood. One
delivery may take back several, one for each version of its response: it is done when all are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from adapters.base import FileTaker, NoteTaker, Retractor
from adapters.errors import AdapterError, PauseMapping
from adapters.values import BatchResult, Outcome, Retraction, Status
from connector.failpoints import failpoint
from connector.responses import failures, filestore
from connector.responses.attach import attachment_of
from connector.responses.ledger import Entry
from connector.responses.noting import note_of
from connector.responses.steps import FILE, NOTE, Delivery, Settlement
from connector.responses.work import DONE, Work, chunks, not_done

Taken = tuple[Delivery, Retraction]
MOST = 100
NOT_RETRACTABLE = "not_retractable"
STAYS_BESIDE = "stays_beside"


@dataclass(slots=True)
class _Fate:
    """What became of everything that one delivery takes back."""

    outcomes: list[tuple[Retraction, Outcome]]

    @property
    def bad(self) -> Outcome | None:
        return next((one for _, one in self.outcomes if not _stands(one)), None)


def take_back(work: Work, every: Sequence[tuple[Delivery, str]]) -> None:
    """Take back the notes and files of these (delivery, remote id of its record)."""
    asked = [pair for pair in every if pair[0].about in {NOTE, FILE} and work.is_open(pair[0])]
    if not asked or work.is_over:
        return
    deliveries = [one for one, _ in asked]
    try:
        found = [pair for one, remote_id in asked for pair in _standing(work, one, remote_id)]
        outcomes = _retracted(work, found)
    except PauseMapping as exc:
        work.results.settle(*failures.parked(deliveries, exc))
        return
    except AdapterError as exc:
        work.failed(deliveries, exc)
        return
    for one in deliveries:
        _settle(work, one, _Fate(outcomes.get(one.id, [])))


def _standing(work: Work, one: Delivery, remote_id: str) -> Iterator[Taken]:
    """What of it stands in the CRM, as far as we know or can find."""
    for number, made in enumerate(one.payload.get("made") or ()):
        key = f"{one.id}-{number}"
        told = _told(work, one, made, remote_id=remote_id, key=key)
        if told is not None:
            yield one, told


def _told(
    work: Work, one: Delivery, made: Mapping[str, Any], *, remote_id: str, key: str
) -> Retraction | None:
    written = replace(one, payload=made["payload"], rank=replace(one.rank, answered_at=made["at"]))
    known = str(made["remote_id"] or "")
    if one.about == NOTE:
        note = replace(note_of(written, remote_id), key=key)
        found = known or work.caller.ask(
            lambda crm: crm.noted(one.entity, [note]).get(key) if isinstance(crm, NoteTaker) else ""
        )
        return Retraction(key, note, str(found)) if found else None
    kept = _kept(work, int(made["payload"]["file"]))
    if kept is None:
        return None
    file = replace(attachment_of(written, remote_id, kept), key=key, content=b"")
    found = known or work.caller.ask(
        lambda crm: crm.filed(one.entity, file) if isinstance(crm, FileTaker) else ""
    )
    return Retraction(key, file.note, str(found), is_file=True) if found else None


def _kept(work: Work, file_id: int) -> filestore.Kept | None:
    caller = work.caller
    with caller.desk.database.begin(caller.workspace_id) as connection:
        return filestore.kept(connection, file_id)


def _retracted(work: Work, found: Sequence[Taken]) -> dict[int, list[tuple[Retraction, Outcome]]]:
    outcomes: dict[int, list[tuple[Retraction, Outcome]]] = defaultdict(list)
    for part in _parts(found):
        entity, things = part[0][0].entity, [thing for _, thing in part]

        with work.caller.writing():
            result = work.caller.call(partial(_taken_back, entity=entity, things=things))
        failpoint("retracted")
        for (one, thing), outcome in zip(part, result.outcomes, strict=True):
            outcomes[one.id].append((thing, outcome))
    return outcomes


def _parts(found: Sequence[Taken]) -> Iterator[Sequence[Taken]]:
    """What one call takes back: of one kind of record."""
    by_entity: dict[str, list[Taken]] = defaultdict(list)
    for pair in found:
        by_entity[pair[0].entity].append(pair)
    for every in by_entity.values():
        yield from chunks(every, MOST)


def _settle(work: Work, one: Delivery, fate: _Fate) -> None:
    for thing, outcome in fate.outcomes:
        if outcome.status is Status.WRITTEN:
            name, marker = one.about, thing.note.marker
            entry = Entry(one.id, one.entity, thing.found, name, marker, outcome.detail.get("left"))
            work.results.entries.append(entry)
    if fate.bad is not None and fate.bad.code == NOT_RETRACTABLE:
        if one.payload.get("edited"):
            # Nobody has to do anything: the newer one says what counts.
            work.results.settle(Settlement(one.id, "superseded", STAYS_BESIDE))
            return
        work.dead(one, fate.bad, reason=NOT_RETRACTABLE)
        return
    if fate.bad is not None:
        not_done(work, one, fate.bad)
        return
    did = any(outcome.status is Status.WRITTEN for _, outcome in fate.outcomes)
    work.results.settle(Settlement(one.id, DONE, code=None if did else "unchanged"))


def _stands(outcome: Outcome) -> bool:
    return outcome.status in {Status.WRITTEN, Status.UNCHANGED}


def _taken_back(crm: object, *, entity: str, things: Sequence[Retraction]) -> BatchResult:
    if isinstance(crm, Retractor):
        return crm.retract(entity, things)
    text = "this app removes no notes or files: remove it there"
    told = (Outcome(one.key, Status.REJECTED, code=NOT_RETRACTABLE, message=text) for one in things)
    return BatchResult(tuple(told))
