"""Step 6 of a wave: the files of answers, one after the other, onto records that are there.

A file that an earlier try may have sent is looked for by its marker first. Its content is read in a
transaction of its own, which has ended when the CRM is called. Where the CRM stores a file apart
from what carries it, the carriers are made in batches when all are stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from adapters.base import FileEncloser, FileTaker
from adapters.errors import AdapterError, PauseMapping
from adapters.values import Attachment, BatchResult, Outcome, Status, Uploaded
from connector.failpoints import failpoint
from connector.responses import failures, filestore
from connector.responses.filestore import Kept
from connector.responses.ledger import Entry
from connector.responses.schedule import handed_back
from connector.responses.sniffing import shown_name
from connector.responses.steps import Delivery, Settlement
from connector.responses.work import DONE, Work, chunks, each_outcome, not_done

Stored = tuple[Delivery, Uploaded]

# A step that somebody replayed before its file has come.
NOT_YET_S = 5.0


def attach(work: Work, every: Sequence[tuple[Delivery, str]]) -> None:
    """File every one of these (delivery, remote id of its record)."""
    # Files of one thread stay in one part, in their order: two threads would both open it.
    by_thread: dict[str, list[tuple[Delivery, str]]] = defaultdict(list)
    for one, remote_id in every:
        by_thread[one.payload["thread"]].append((one, remote_id))
    stored: list[Stored] = []
    work.caller.each(by_thread.values(), lambda part: _attach_part(work, part, stored))
    # Contacts and records of responses apart: a call is about one kind.
    by_entity: dict[str, list[Stored]] = defaultdict(list)
    for pair in stored:
        by_entity[pair[0].entity].append(pair)
    for group in by_entity.values():
        for batch in chunks(group, work.known.traits.note_batch):
            _enclose(work, batch)


def _attach_part(work: Work, part: Sequence[tuple[Delivery, str]], stored: list[Stored]) -> None:
    """One file after the other, so that few are in memory. What is stored and hangs on nothing yet
    is added to `stored`.
    """
    for one, remote_id in part:
        if work.is_over:
            return
        kept = _kept(work, one)
        if kept is not None and _can_be_sent(work, one, kept):
            uploaded = _file(work, one, attachment_of(one, remote_id, kept))
            if uploaded is not None:
                stored.append((one, uploaded))


def attachment_of(one: Delivery, remote_id: str, kept: Kept) -> Attachment:
    """The file of a delivery as its adapter takes it."""
    payload, kind = one.payload, kept.content_type or "application/octet-stream"
    return Attachment(
        key=str(one.id),
        remote_id=remote_id,
        marker=f"answerback-{kept.stored_name}",
        name=shown_name(kept.name, kind, otherwise=kept.answer),
        content_type=kind,
        question=payload["question"],
        title=payload["title"],
        at=one.rank.answered_at,
        thread=payload["thread"],
        content=kept.content or b"",
    )


def _kept(work: Work, one: Delivery) -> Kept | None:
    caller = work.caller
    with caller.desk.database.begin(caller.workspace_id) as connection:
        kept = filestore.kept(connection, int(one.payload["file"]))
    if kept is None:
        _bury(work, one, code="file_removed", message="the file is not here any more")
    return kept


def _can_be_sent(work: Work, one: Delivery, kept: Kept) -> bool:
    """Whether the file is here and this CRM takes its size; the delivery is settled if not."""
    limit = work.known.traits.file_limit or 0
    if kept.state == "pending":
        waits = handed_back(one, wait_s=NOT_YET_S, code="file_pending")
        work.results.settle(replace(waits, unsent=True))
    elif kept.state == "failed":
        _bury(work, one, code=kept.reason or "file_failed", message=kept.error or "")
    elif kept.content is None:
        _bury(work, one, code="file_removed", message="the file is not here any more")
    elif len(kept.content) > limit:
        message = f"this CRM takes files of {limit} bytes at the most"
        _bury(work, one, code="file_too_large_for_crm", message=message)
    else:
        return True
    return False


def _bury(work: Work, one: Delivery, *, code: str, message: str) -> None:
    answer = one.payload.get("answer")
    told = Settlement(one.id, "dead", "file", code=code, message=message, field=answer)
    work.results.settle(told)


def _file(work: Work, one: Delivery, file: Attachment) -> Uploaded | None:
    """File this one; what came of it where it hangs on nothing yet."""
    try:
        outcome = _looked_up(work, one, file) or _sent(work, one.entity, file)
    except PauseMapping as exc:
        work.results.settle(*failures.parked([one], exc))
    except AdapterError as exc:
        work.failed([one], exc)
    else:
        if isinstance(outcome, Uploaded):
            return outcome
        _take(work, one, file.marker, outcome)
    return None


def _enclose(work: Work, batch: Sequence[Stored]) -> None:
    """Attach what is stored: one call."""
    markers = {one.id: uploaded.file.marker for one, uploaded in batch}
    entity, files = batch[0][0].entity, [uploaded for _, uploaded in batch]

    def send() -> BatchResult:
        with work.caller.writing():
            result = work.caller.call(lambda crm: _encloser(crm).enclose(entity, files))
        failpoint("file_sent")
        return result

    each_outcome(
        work,
        [one for one, _ in batch],
        send,
        lambda one, outcome: _take(work, one, markers[one.id], outcome),
    )


def _looked_up(work: Work, one: Delivery, file: Attachment) -> Outcome | None:
    """What an earlier try has left at the CRM."""
    if not one.may_have_been_sent:
        return None
    found = work.caller.ask(lambda crm: _taker(crm).filed(one.entity, file))
    return None if found is None else Outcome(file.key, Status.UNCHANGED, remote_id=found)


def _sent(work: Work, entity: str, file: Attachment) -> Outcome | Uploaded:
    failpoint("file_looked_up")
    with work.caller.writing():
        outcome = work.caller.call(lambda crm: _taker(crm).file(entity, file))
    if isinstance(outcome, Outcome):
        failpoint("file_sent")
    return outcome


def _take(work: Work, one: Delivery, marker: str, outcome: Outcome) -> None:
    if outcome.status in {Status.WRITTEN, Status.UNCHANGED}:
        unchanged = "unchanged" if outcome.status is Status.UNCHANGED else None
        remote_id = outcome.remote_id or ""
        work.results.entries.append(
            Entry(one.id, one.entity, remote_id, "file", None, marker, created=True)
        )
        work.results.settle(Settlement(one.id, DONE, code=unchanged, remote_id=remote_id))
    else:
        not_done(work, one, outcome)


def _taker(crm: object) -> FileTaker:
    """The adapter as one that takes files; plan makes no step that its app cannot take."""
    if not isinstance(crm, FileTaker):
        message = "the adapter takes no files"
        raise TypeError(message)
    return crm


def _encloser(crm: object) -> FileEncloser:
    """The adapter as one that attaches what it has stored: only such a one answers Uploaded."""
    if not isinstance(crm, FileEncloser):
        message = "the adapter attaches no uploaded files"
        raise TypeError(message)
    return crm
