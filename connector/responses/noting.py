"""Step 5 of a wave: notes.

doubtful  what an earlier try may have sent is looked for by its marker (creating notes is not
          idempotent anywhere), and written right behind the look where it is not there
begin     what is certainly the first of its contact and campaign, many as one batch that the CRM
          works on by itself (awaiting.py)
write     the others
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

from adapters.base import NoteStarter, NoteTaker
from adapters.errors import AdapterError
from adapters.values import BatchResult, Note, Outcome, Started, Status
from connector.responses import awaiting
from connector.responses.ledger import Entry
from connector.responses.steps import Delivery, Settlement
from connector.responses.work import DONE, Thread, Work, chunks, each_outcome

Asked = tuple[Delivery, Note]


def note_of(one: Delivery, remote_id: str) -> Note:
    """The note that a delivery asks for, on that record."""
    payload = one.payload
    return Note(
        key=str(one.id),
        remote_id=remote_id,
        marker=payload["marker"],
        title=payload["title"],
        text=payload["text"],
        html=payload["html"],
        at=one.rank.answered_at,
        thread=payload["thread"],
    )


def note(work: Work, notes: Sequence[Asked]) -> None:
    """Write the notes: first ones in batches where the CRM takes such, the others each."""
    groups = _by_thread(notes)
    # Before anything is begun: a look may have to wait until no batch is at work any more.
    _write_doubtful(work, [group for group in groups if _is_doubtful(group)])
    fresh = [group for group in groups if _is_first(work, group)]
    for batch in chunks(fresh, work.known.traits.write_batch):
        _begin(work, batch)
    _write(work, [group for group in groups if not _is_doubtful(group)])


def _by_thread(notes: Sequence[Asked]) -> list[list[Asked]]:
    by_thread: dict[Thread, list[Asked]] = defaultdict(list)
    for one, asked in notes:
        by_thread[_thread_of(one)].append((one, asked))
    return list(by_thread.values())


def collected(work: Work, notes: Sequence[tuple[Delivery, str]], result: BatchResult) -> None:
    """Take the outcomes of a batch that the CRM has worked on: (delivery, its record's remote id).

    What the batch refused is sent alone: the answer then says why, or it succeeds.
    """
    work.results.learnt |= result.learnt
    refused: list[list[Asked]] = []
    for (one, remote_id), outcome in zip(notes, result.outcomes, strict=True):
        if outcome.status in {Status.WRITTEN, Status.UNCHANGED}:
            _noted(work, one, outcome)
        else:
            refused.append([(one, note_of(one, remote_id))])
    _write_doubtful(work, refused)


def _thread_of(one: Delivery) -> Thread:
    return one.contact_id, one.campaign_id


def _is_first(work: Work, group: Sequence[Asked]) -> bool:
    """Whether certainly nothing of the thread was ever sent."""
    thread, threads = _thread_of(group[0][0]), work.known.threads
    if thread in threads.earlier or thread in threads.doubtful or thread in work.standing:
        return False
    return not any(one.may_have_been_sent for one, _ in group)


# --- doubtful -------------------------------------------------------------------------------------


def _is_doubtful(group: Sequence[Asked]) -> bool:
    return any(one.may_have_been_sent for one, _ in group)


def _write_doubtful(work: Work, groups: Sequence[Sequence[Asked]]) -> None:
    """Look and write, some threads at a time: had all been looked for first, a wave that ends in
    the middle would have looked for nothing.
    """
    traits = work.known.traits
    parts = chunks(groups, traits.look_batch or traits.read_batch)
    work.caller.each(parts, lambda part: _look_and_write(work, part))


def _look_and_write(work: Work, groups: Sequence[Sequence[Asked]]) -> None:
    asked = [pair for group in groups for pair in group]
    doubtful = [pair for pair in asked if pair[0].may_have_been_sent]
    if not doubtful or _look_for(work, doubtful):
        _write_parts(work, asked)


def _look_for(work: Work, part: Sequence[Asked]) -> bool:
    """Settle what stands already; whether it could be looked for. What could not is settled as that
    call's fault.
    """
    found = None if work.is_over else standing(work, part)
    if found is None:
        return False
    for one, asked in part:
        if asked.key in found:
            _noted(work, one, Outcome(asked.key, Status.UNCHANGED, remote_id=found[asked.key]))
    return True


def standing(work: Work, part: Sequence[Asked]) -> Mapping[str, str] | None:
    """Which of these notes the CRM has: key -> its remote id; None where it could not be asked, and
    what was not settled before is settled as that call's fault.
    """
    entity, notes = part[0][0].entity, [asked for _, asked in part]
    try:
        return work.caller.ask(lambda crm: _note_taker(crm).noted(entity, notes))
    except AdapterError as exc:
        work.failed([one for one, _ in part], exc)
        return None


# --- batches --------------------------------------------------------------------------------------


def _begin(work: Work, groups: Sequence[Sequence[Asked]]) -> None:
    """Begin a batch of the groups' first notes; the later ones of a thread wait for it."""
    if work.trouble.ends_wave:
        return
    firsts = [group[0] for group in groups]
    deliveries = [one for one, _ in firsts]
    notes = [replace(asked, is_first=True) for _, asked in firsts]
    try:
        result = _started(work, deliveries[0].entity, notes)
    except AdapterError as exc:
        work.failed(deliveries, exc)
        return
    work.results.learnt |= result.learnt
    if isinstance(result, Started):
        sent = [(one, asked.remote_id) for one, asked in firsts]
        work.results.settle(*awaiting.parked_notes(sent, result, job=str(uuid4())))
        work.not_begun(*(one for group in groups for one, _ in group[1:]))


def _started(work: Work, entity: str, notes: Sequence[Note]) -> Started | BatchResult:
    def start(crm: object) -> Started | BatchResult:
        return crm.start_notes(entity, notes) if isinstance(crm, NoteStarter) else BatchResult(())

    with work.caller.writing():
        return work.caller.call(start)


# --- write ----------------------------------------------------------------------------------------


def _write(work: Work, groups: Sequence[Sequence[Asked]]) -> None:
    # Notes of one thread stay in one part, in their order: two threads would both open it.
    waiting = [[pair for pair in group if work.is_open(pair[0])] for group in groups]
    size = work.known.traits.note_batch
    parts = [
        [pair for group in part for pair in group]
        for part in chunks([group for group in waiting if group], size)
    ]
    work.caller.each(parts, lambda part: _write_parts(work, part))


def _write_parts(work: Work, part: Sequence[Asked]) -> None:
    waiting = [pair for pair in part if work.is_open(pair[0])]
    for batch in chunks(waiting, work.known.traits.note_batch):
        # One behind a note that may or may not stand would open the thread a second time.
        if ready := [pair for pair in batch if not _is_stuck(work, pair[0], part)]:
            _write_part(work, ready)


def _is_stuck(work: Work, one: Delivery, part: Sequence[Asked]) -> bool:
    """Whether a note of the same thread is tried again: those behind it wait for it."""
    settled = work.results.settlements
    others = (other for other, _ in part if _thread_of(other) == _thread_of(one))
    return any(other.id in settled and settled[other.id].state == "pending" for other in others)


def _write_part(work: Work, part: Sequence[Asked]) -> None:
    entity = part[0][0].entity
    notes = [_placed(work, one, asked) for one, asked in part]
    each_outcome(
        work,
        [one for one, _ in part],
        lambda: _written(work, entity, notes),
        lambda one, outcome: _noted(work, one, outcome),
    )


def _placed(work: Work, one: Delivery, asked: Note) -> Note:
    """The note with what is known of its thread."""
    thread = _thread_of(one)
    earlier = work.standing.get(thread) or work.known.threads.earlier.get(thread)
    return replace(asked, earlier=earlier, is_first=_is_first(work, [(one, asked)]))


def _written(work: Work, entity: str, notes: Sequence[Note]) -> BatchResult:
    with work.caller.writing():
        return work.caller.call(lambda crm: _note_taker(crm).note(entity, notes))


def _noted(work: Work, one: Delivery, outcome: Outcome) -> None:
    unchanged = "unchanged" if outcome.status is Status.UNCHANGED else None
    remote_id = outcome.remote_id or ""
    marker = one.payload["marker"]
    work.standing[_thread_of(one)] = remote_id
    work.results.entries.append(
        Entry(one.id, one.entity, remote_id, "note", None, marker, created=True)
    )
    work.results.settle(Settlement(one.id, DONE, code=unchanged, remote_id=remote_id))


def _note_taker(crm: object) -> NoteTaker:
    """The adapter as one that takes notes; plan makes no step that its app cannot take."""
    if not isinstance(crm, NoteTaker):
        message = "the adapter takes no notes"
        raise TypeError(message)
    return crm
