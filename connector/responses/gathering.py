"""Fetch the responses that platforms have told of, soon after they did, and their surveys.

    claim     notices that are due, leased; committed before anything is asked for
    get       outside any transaction, at the platform's own address, judged anew each time
    accept    the response like a pushed one; then the notice is settled

A crash in between fetches again, which is a duplicate. What cannot be had is tried for a day, with
its reason shown, and then waits for a person.
"""

from __future__ import annotations

from functools import partial

from connector import clock, stopping
from connector.db import retried
from connector.failpoints import failpoint
from connector.responses import defining, notices, polling
from connector.responses.asking import NotNow, Round, got, source_of
from connector.responses.hub import Hub
from connector.responses.intake import Accepted, accept
from connector.responses.notices import Claimed
from schemas.sources.base import Envelope, Unreadable

WAITS_S = (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200)
AT_ONCE = 6
LEASE_S = 90.0
GATHER_S = 8.0


def gather_due(hub: Hub, workspace_id: int, *, for_s: float = GATHER_S) -> int:
    """Fetch until nothing is due or `for_s` seconds are over; how many responses came."""
    ends_at, came = clock.monotonic() + for_s, 0
    round_ = Round(hub, workspace_id)
    while clock.monotonic() < ends_at and not stopping.is_stopping():
        with hub.database.begin(workspace_id) as connection:
            claimed = notices.claim(connection, count=AT_ONCE, lease_s=LEASE_S)
        if not claimed:
            break
        failpoint("notice_claimed")
        came += sum(_gather(round_, one) for one in claimed)
    return came


def _gather(round_: Round, one: Claimed) -> int:
    """How many responses came."""
    if polling.is_poll(one.notice):
        return polling.poll(round_, one)
    stored: Accepted | None = None
    try:
        if defining.is_of_surveys(one.notice):
            defining.fetch(round_, one)
        else:
            stored = _stored(round_, one)
    except NotNow as exc:
        retried(partial(_later, round_, one, exc))
        return 0
    failpoint("notice_accepted")
    retried(partial(_settle, round_, one, stored))
    return int(stored is not None)


def _stored(round_: Round, one: Claimed) -> Accepted:
    """The response, fetched and accepted. Raises NotNow."""
    source = source_of(round_, one)
    fetch = source.platform.fetch
    if fetch is None:
        reason, why = "source_incomplete", "this platform's responses are not fetched"
        raise NotNow(reason, why=why, final=True)
    found = {ask.name: got(round_, source, ask) for ask in fetch.asks(one.notice)}
    try:
        response = fetch.read(one.notice, found, source.wishes, Envelope(clock.now()))
    except Unreadable as exc:
        reason, why = "source_unreadable", f"{exc.pointer} {exc.text}"
        raise NotNow(reason, why=why, final=True) from exc
    (stored,) = accept(
        round_.hub.database,
        round_.workspace_id,
        source=source.key,
        items=[response],
        limits=round_.hub.settings.files,
        edits=source.platform.edits,
    )
    if stored.status == "invalid":
        reason, why = "response_invalid", f"not valid: {', '.join(map(str, stored.errors or ()))}"
        raise NotNow(reason, why=why, final=True)
    return stored


def _later(round_: Round, one: Claimed, why: NotNow) -> None:
    with round_.hub.database.begin(round_.workspace_id) as connection:
        if why.final or one.attempts > len(WAITS_S):
            notices.give_up(connection, one, reason=why.reason, error=str(why))
        else:
            wait_s = max(WAITS_S[one.attempts - 1], min(why.wait_s or 0, WAITS_S[-1]))
            notices.again(connection, one, wait_s=wait_s, reason=why.reason, error=str(why))


def _settle(round_: Round, one: Claimed, stored: Accepted | None) -> None:
    with round_.hub.database.begin(round_.workspace_id) as connection:
        notices.settle(connection, one, response=stored.id if stored else None)
