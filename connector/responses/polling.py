"""Answers of surveys that are taken at a CRM, asked for every few minutes: nobody pushes them.

    newest    when an answer was changed last, by the CRM's own clock
    pages     finished responses by id, of which something was changed since the mark of the last
              poll, less OVERLAP: what was committed late is seen then
    accept    each page like a push, then where the poll stands; a repeat is a duplicate
    mark      after the last page: what was the newest before the first

A whole poll ends with a look at which earlier responses are gone (vanished.py).

A crash repeats a page at the most. Pages go by id, which never changes, so that nothing moves from
one page to another meanwhile. A poll is one notice that is never done with: it waits, with the
reason of the last failure, and goes on where it stood.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

from connector import audit, clock
from connector.db import retried
from connector.failpoints import failpoint
from connector.responses import notices, vanished
from connector.responses.asking import NotNow, Round, asked_there, source_of
from connector.responses.intake import Accepted, accept
from connector.responses.notices import Claimed
from connector.responses.sources import Source
from schemas.sources.base import Envelope, Notice, Response, Unreadable

POLL = "poll"
EVERY_S, MOST_WAIT_S = 300.0, 600.0
PAGE, MOST_PAGES = 100, 5
# Longer than a transaction of the CRM may be under way behind the time that it writes down.
OVERLAP = timedelta(minutes=10)
STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Mark:
    """Where polling stands: `since` is what the last whole poll had seen, `until` and `after` tell
    how far the one under way has come.
    """

    since: str
    until: str | None = None
    after: int = 0


def is_poll(notice: Notice) -> bool:
    """Whether it asks for whatever is new."""
    return POLL in notice.what


def schedule(connection: Connection, workspace_id: int) -> int:
    """See that each source that is polled has its turns; how many had none. A repeat does
    nothing.
    """
    return connection.execute(SCHEDULE, {"w": workspace_id, "key": POLL}).rowcount


def poll(round_: Round, one: Claimed) -> int:
    """Fetch some pages of what is new; how many responses were. What fails is tried again."""
    came, more = 0, False
    try:
        source = source_of(round_, one)
        mark = _begun(round_, source)
        for _ in range(MOST_PAGES):
            if mark.until is None:
                break
            fresh, mark = _page(round_, source, mark)
            came += fresh
            retried(partial(_keep, round_, source, mark))
        if mark.until is None:
            more = vanished.look(round_, one, source)
    except NotNow as exc:
        retried(partial(_later, round_, one, exc))
        return came
    wait_s = EVERY_S if mark.until is None and not more else 0.0
    retried(partial(_rest, round_, one, wait_s))
    return came


def _begun(round_: Round, source: Source) -> Mark:
    """Where this poll begins, or goes on."""
    with round_.hub.database.begin(round_.workspace_id) as connection:
        row = connection.execute(MARK, {"s": source.id}).one()
    held = row.polled
    # What was answered before the source was made stays where it is.
    mark = Mark(**held) if held else Mark(row.created_at.astimezone(UTC).strftime(STAMP))
    if mark.until is not None:
        return mark
    newest = asked_there(round_, source, lambda crm: crm.newest_answer())
    return mark if newest is None or newest < mark.since else replace(mark, until=newest)


def _page(round_: Round, source: Source, mark: Mark) -> tuple[int, Mark]:
    """One page, accepted; how many of it were new, and where the poll stands now."""
    since = (datetime.strptime(mark.since, STAMP).replace(tzinfo=UTC) - OVERLAP).strftime(STAMP)
    page = asked_there(
        round_, source, lambda crm: crm.answered(since, after=mark.after, limit=PAGE)
    )
    failpoint("poll_answered")
    told = accept(
        round_.hub.database,
        round_.workspace_id,
        source=source.key,
        items=_read(round_, source, page.responses),
        limits=round_.hub.settings.files,
        edits=source.platform.edits,
    )
    failpoint("poll_accepted")
    _tell(round_, source, [one for one in told if one.status == "invalid"])
    if page.last is None:
        following = Mark(since=max(mark.since, mark.until or mark.since))
    else:
        following = replace(mark, after=page.last)
    return sum(one.status == "accepted" for one in told), following


def _read(round_: Round, source: Source, told: Sequence[Mapping[str, Any]]) -> list[Response]:
    """The responses; one that cannot be read is audited and does not stop its neighbours."""
    polls, found = source.platform.polls, list[Response]()
    if polls is None:
        return found
    for one in told:
        try:
            found.append(polls.read(Notice(POLL, {}), one, source.wishes, Envelope(clock.now())))
        except Unreadable as exc:
            _audit(round_, source, action="hook.unreadable", detail={"at": exc.pointer})
    return found


def _tell(round_: Round, source: Source, invalid: Sequence[Accepted]) -> None:
    for one in invalid:
        detail = {"response_id": one.response_id, "at": sorted(map(str, one.errors or ()))}
        _audit(round_, source, action="response.invalid", detail=detail)


def _audit(round_: Round, source: Source, *, action: str, detail: Mapping[str, Any]) -> None:
    with round_.hub.database.begin(round_.workspace_id) as connection:
        audit.record(
            connection,
            round_.workspace_id,
            actor=source.key,
            action=action,
            object=f"source:{source.id}",
            detail=detail,
        )


def _later(round_: Round, one: Claimed, why: NotNow) -> None:
    """A poll is never given up: what is mended at the CRM is noticed within minutes."""
    wait_s = min(MOST_WAIT_S, max(15.0 * 2 ** min(one.attempts, 6), why.wait_s or 0))
    with round_.hub.database.begin(round_.workspace_id) as connection:
        notices.again(connection, one, wait_s=wait_s, reason=why.reason, error=str(why))


def _rest(round_: Round, one: Claimed, wait_s: float) -> None:
    with round_.hub.database.begin(round_.workspace_id) as connection:
        notices.rest(connection, one, wait_s=wait_s)


def _keep(round_: Round, source: Source, mark: Mark) -> None:
    held = {"since": mark.since, "until": mark.until, "after": mark.after}
    with round_.hub.database.begin(round_.workspace_id) as connection:
        connection.execute(KEEP, {"s": source.id, "mark": json.dumps(held)})


MARK = text("SELECT polled, created_at FROM hook_source WHERE id = :s")
KEEP = text("UPDATE hook_source SET polled = CAST(:mark AS jsonb) WHERE id = :s")
# Beside the sources themselves: whoever makes one need not think of it.
SCHEDULE = text(
    """
    INSERT INTO hook_notice (workspace_id, source_id, key, what)
    SELECT s.workspace_id, s.id, :key, jsonb_build_object(CAST(:key AS text), 'new')
      FROM hook_source s
     WHERE s.workspace_id = :w AND s.disabled_at IS NULL AND s.settings ? 'connection'
       AND NOT EXISTS (SELECT FROM hook_notice n
                        WHERE n.source_id = s.id AND n.key = :key AND n.state = 'pending')
    ON CONFLICT (workspace_id, source_id, key) WHERE state = 'pending' AND lease_until IS NULL
    DO NOTHING
    """
)
