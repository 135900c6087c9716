"""Steps 4 and 5 of a wave: score tags with endpoints of their own, then notes (noting.py), then
files (attach.py), then what is taken back of notes and files (retracting.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from adapters.base import TagTaker
from adapters.errors import AdapterError
from adapters.traits import TagPlace
from adapters.values import Outcome, Status, TagChange
from connector.responses import made, noting
from connector.responses.attach import attach
from connector.responses.fold import Tagging, Target, names_of
from connector.responses.ledger import Entry
from connector.responses.noting import note_of
from connector.responses.retracting import take_back
from connector.responses.steps import FILE, NOTE, TAG, TASK, UNDO, Delivery, Settlement
from connector.responses.tasking import task
from connector.responses.work import DONE, Work, chunks, each_outcome
from schemas.fields import FieldValue

# Each mark may be a call of its own. After this share of the lease what is done is settled: the
# longer a wave, the more a crash leaves in doubt, and all of that has to be looked for.
MARKS_SHARE = 1 / 3


def mark(work: Work, targets: Sequence[Target], remote_ids: Mapping[str, str | None]) -> None:
    """Tags and notes for every target whose record is there; the others' share their record's
    fate.
    """
    now = work.caller.monotonic()
    work.marks_end_at = now + (work.caller.ends_at - now) * MARKS_SHARE
    there = [(one, str(remote_ids[one.key])) for one in targets if remote_ids.get(one.key)]
    if work.known.traits.tags.place is TagPlace.ENDPOINT:
        undone = [pair for pair in _open(work, there, UNDO) if pair[0].about == TAG]
        retag(work, [*_open(work, there, TAG), *undone])
    noting.note(
        work, [(one, note_of(one, remote_id)) for one, remote_id in _open(work, there, NOTE)]
    )
    attach(work, made.on_what_was_made(work, _open(work, there, FILE)))
    task(work, _open(work, there, TASK))
    take_back(work, _open(work, there, UNDO))
    for one in targets:
        if one.key in remote_ids and not remote_ids[one.key]:
            _share_fate(work, one)


def _open(work: Work, there: Sequence[tuple[Target, str]], kind: str) -> list[tuple[Delivery, str]]:
    return [
        (one, remote_id)
        for target, remote_id in there
        for one in target.deliveries
        if one.kind == kind and work.is_open(one)
    ]


def _share_fate(work: Work, target: Target) -> None:
    """The record could not be made: what was meant for it waits or dies with it."""
    settled = work.results.settlements
    fates = [settled[one.id] for one in target.deliveries if one.id in settled]
    # One that is tried again may still make the record.
    waiting = [one for one in fates if one.state == "pending"]
    fate = next(iter(waiting or fates), None)
    for one in target.deliveries:
        if fate is None or not work.is_open(one):
            continue
        if fate.state == "pending":
            work.hand_back(one, wait_s=fate.wait_s or 0)
        else:
            work.results.settle(replace(fate, delivery_id=one.id, burnt=False))


# --- tags ---------------------------------------------------------------------------------------


def retag(work: Work, every: Sequence[tuple[Delivery, str]]) -> None:
    """Write the score tags of these records: (delivery, its record's remote id)."""
    # One record's tags stay in one part: two threads would read and write its list at once.
    by_record: dict[str, list[tuple[Delivery, str]]] = defaultdict(list)
    for one, remote_id in every:
        by_record[remote_id].append((one, remote_id))
    for batch in chunks(list(by_record.values()), work.known.traits.read_batch):
        held = held_tags(work, [pair for group in batch for pair in group])
        if held is not None:
            groups = chunks(batch, work.known.traits.tag_batch)
            parts = [[pair for group in part for pair in group] for part in groups]
            work.caller.each(parts, partial(_retag_part, work, held))


def held_tags(
    work: Work, every: Sequence[tuple[Delivery, str]]
) -> Mapping[str, tuple[str, ...]] | None:
    """The tags that these records have now, by remote id; None when they could not be read."""
    if work.is_over:
        return None
    entity, ids = every[0][0].entity, list(dict.fromkeys(remote_id for _, remote_id in every))
    try:
        return work.caller.ask(lambda crm: _tag_taker(crm).tagged(entity, ids))
    except AdapterError as exc:
        work.failed([one for one, _ in every], exc)
        return None


def _retag_part(
    work: Work, held: Mapping[str, tuple[str, ...]], part: Sequence[tuple[Delivery, str]]
) -> None:
    tagging = _as_learnt(work)
    part = [pair for pair in part if not _stands_otherwise(work, pair, held, tagging)]
    if not part:
        return
    changes = tag_changes(held, part, tagging)
    entity = part[0][0].entity
    each_outcome(
        work,
        [one for one, _ in part],
        lambda: work.caller.call(lambda crm: _tag_taker(crm).retag(entity, changes)),
        lambda one, outcome: _retagged(work, one, outcome, tagging=tagging),
    )


def tag_changes(
    held: Mapping[str, tuple[str, ...]], part: Sequence[tuple[Delivery, str]], tagging: Tagging
) -> list[TagChange]:
    """What the CRM is asked for: one change per tag, with what its record holds now."""
    return [
        TagChange(
            str(one.id),
            remote_id,
            _spellings(one, tagging),
            tagging.owned(names_of(one)),
            held.get(remote_id),
        )
        for one, remote_id in part
    ]


def _spellings(one: Delivery, tagging: Tagging) -> tuple[str, ...]:
    score = one.payload["score"]
    return () if score is None else tagging.all_spellings(one.payload["campaign"], score)


def _stands_otherwise(
    work: Work,
    pair: tuple[Delivery, str],
    held: Mapping[str, tuple[str, ...]],
    tagging: Tagging,
) -> bool:
    """Whether a tag that is to be taken back is not there (any more): then all is as it should
    be.
    """
    one, remote_id = pair
    if one.kind != UNDO or remote_id not in held or tagging.is_ours(one, held[remote_id]):
        return False
    work.results.settle(Settlement(one.id, DONE, code="unchanged", remote_id=remote_id))
    return True


def _as_learnt(work: Work) -> Tagging:
    """How tags are spelt by now: what the first contact of the wave taught holds for the others."""
    tagging, style = work.known.tagging, work.results.learnt.get("tag_style")
    return replace(tagging, style=tagging.spelling.styles.index(style)) if style else tagging


def _retagged(work: Work, one: Delivery, outcome: Outcome, *, tagging: Tagging) -> None:
    tag = str(outcome.detail.get("tag", ""))
    if outcome.status is Status.WRITTEN:
        before, after = _list(outcome, "before"), _list(outcome, "after")
        after = (tag,) if after is None else after
        entry = Entry(one.id, one.entity, outcome.remote_id or "", "tags", before, after)
        work.results.entries.append(entry)
    unchanged = "unchanged" if outcome.status is Status.UNCHANGED else None
    work.results.settle(Settlement(one.id, DONE, code=unchanged, remote_id=outcome.remote_id))
    work.retagged(one, tagging, tag)
    lower = int(outcome.detail.get("style") or 0)
    if lower:
        # The account does not keep the preferred spelling: the next tag begins with the one it
        # keeps.
        styles = tagging.spelling.styles
        work.results.learnt["tag_style"] = styles[min(tagging.style + lower, len(styles) - 1)]


def _list(outcome: Outcome, name: str) -> FieldValue:
    told = outcome.detail.get(name)
    return None if told is None else tuple(str(one) for one in told)


def _tag_taker(crm: object) -> TagTaker:
    """The adapter as one that takes tags; plan makes no step that its app cannot take."""
    if not isinstance(crm, TagTaker):
        message = "the adapter has no tag endpoint"
        raise TypeError(message)
    return crm
