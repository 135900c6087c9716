"""Fetch the responses that platforms have told of, soon after they did.

    claim     notices that are due, leased; committed before anything is asked for
    get       outside any transaction, at the platform's own address, judged anew each time
    accept    the response like a pushed one; then the notice is settled

A crash in between fetches again, which is a duplicate. What cannot be had is tried for a day, with
its reason shown, and then waits for a person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from connector import clock, stopping
from connector.connections.hosts import HostNotAllowed
from connector.connections.outbound import Answer, NotReached, Rules, TooLarge, get
from connector.db import refuse_inside_transaction, retried
from connector.failpoints import failpoint
from connector.problems import Refusal
from connector.responses import notices, sources
from connector.responses.hub import Hub
from connector.responses.intake import Accepted, accept
from connector.responses.notices import Claimed
from connector.responses.sources import Source
from schemas.sources.base import JSON, Ask, Envelope, Fetch, Unreadable
from schemas.strict import NotStrict, decode

WAITS_S = (5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200)
AT_ONCE = 6
LEASE_S = 90.0
GATHER_S = 8.0
MAX_BYTES = 8 * 1024 * 1024
_REASONS = {
    401: ("source_forbidden", "the platform refuses the token: bring a new one"),
    403: ("source_forbidden", "the platform refuses the token, or it lacks a right"),
    404: ("source_unknown", "the platform does not know this response (yet)"),
    429: ("source_throttled", "the platform asks to be called less often"),
}


class _NotNow(Exception):
    """A try failed: `reason` is a stable word. `final`: another one would fail alike."""

    def __init__(
        self, reason: str, *, why: str, final: bool = False, wait_s: float | None = None
    ) -> None:
        super().__init__(why)
        self.reason = reason
        self.final = final
        self.wait_s = wait_s


@dataclass(slots=True)
class _Round:
    """One run of the job: the words of surveys are asked for once in it."""

    hub: Hub
    workspace_id: int
    kept: dict[tuple[int, str], JSON] = field(default_factory=dict)


def gather_due(hub: Hub, workspace_id: int, *, for_s: float = GATHER_S) -> int:
    """Fetch until nothing is due or `for_s` seconds are over; how many responses came."""
    ends_at, came = clock.monotonic() + for_s, 0
    round_ = _Round(hub, workspace_id)
    while clock.monotonic() < ends_at and not stopping.is_stopping():
        with hub.database.begin(workspace_id) as connection:
            claimed = notices.claim(connection, count=AT_ONCE, lease_s=LEASE_S)
        if not claimed:
            break
        failpoint("notice_claimed")
        came += sum(_gather(round_, one) for one in claimed)
    return came


def _gather(round_: _Round, one: Claimed) -> bool:
    try:
        stored = _stored(round_, one)
    except _NotNow as exc:
        retried(partial(_later, round_, one, exc))
        return False
    failpoint("notice_accepted")
    retried(partial(_settle, round_, one, stored))
    return True


def _stored(round_: _Round, one: Claimed) -> Accepted:
    """The response, fetched and accepted. Raises _NotNow."""
    source = _source(round_, one)
    fetch = source.platform.fetch
    if fetch is None or source.token is None or not source.base_url:
        reason, why = "source_incomplete", "the source lacks its token or its address"
        raise _NotNow(reason, why=why)
    found = {ask.name: _got(round_, source, fetch, ask) for ask in fetch.asks(one.notice)}
    try:
        response = fetch.read(one.notice, found, source.wishes, Envelope(clock.now()))
    except Unreadable as exc:
        reason, why = "source_unreadable", f"{exc.pointer} {exc.text}"
        raise _NotNow(reason, why=why, final=True) from exc
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
        raise _NotNow(reason, why=why, final=True)
    return stored


def _source(round_: _Round, one: Claimed) -> Source:
    with round_.hub.database.begin(round_.workspace_id) as connection:
        try:
            return sources.of_id(connection, round_.hub.desk, round_.workspace_id, one.source_id)
        except Refusal as exc:
            reason, why = "source_deleted", "the source is not there any more"
            raise _NotNow(reason, why=why, final=True) from exc


def _got(round_: _Round, source: Source, fetch: Fetch, ask: Ask) -> JSON:
    """What the platform answers. Raises _NotNow."""
    key = (source.id, ask.path)
    if key in round_.kept:
        return round_.kept[key]
    answer = _asked(round_.hub, source, fetch, ask)
    try:
        body = decode(answer.body)
    except NotStrict as exc:
        reason, why = "source_unreadable", f"the platform's answer is not JSON: {exc.text}"
        raise _NotNow(reason, why=why) from exc
    if ask.keeps:
        round_.kept[key] = body
    return body


def _asked(hub: Hub, source: Source, fetch: Fetch, ask: Ask) -> Answer:
    refuse_inside_transaction()
    rules = Rules(max_bytes=MAX_BYTES, allowed=hub.desk.allowed)
    token = source.token.reveal() if source.token else ""
    headers = {fetch.header: f"{fetch.prefix}{token}", "Accept": "application/json"}
    try:
        answer = get(f"{source.base_url}{ask.path}", rules=rules, headers=headers)
    except HostNotAllowed as exc:
        raise _NotNow(exc.code, why=str(exc)) from exc
    except TooLarge as exc:
        reason, why = "source_too_large", f"the answer is larger than {MAX_BYTES} bytes"
        raise _NotNow(reason, why=why, final=True) from exc
    except NotReached as exc:
        raise _NotNow(exc.code, why=str(exc).replace("the CRM", "the platform")) from exc
    if answer.status != 200:
        raise _refused(answer)
    return answer


def _refused(answer: Answer) -> _NotNow:
    otherwise = ("source_failed", f"the platform answered {answer.status}")
    reason, why = _REASONS.get(answer.status, otherwise)
    asked = answer.headers.get("retry-after", "")
    return _NotNow(reason, why=why, wait_s=float(asked) if asked.isdigit() else None)


def _later(round_: _Round, one: Claimed, why: _NotNow) -> None:
    with round_.hub.database.begin(round_.workspace_id) as connection:
        if why.final or one.attempts > len(WAITS_S):
            notices.give_up(connection, one, reason=why.reason, error=str(why))
        else:
            wait_s = max(WAITS_S[one.attempts - 1], min(why.wait_s or 0, WAITS_S[-1]))
            notices.again(connection, one, wait_s=wait_s, reason=why.reason, error=str(why))


def _settle(round_: _Round, one: Claimed, stored: Accepted) -> None:
    with round_.hub.database.begin(round_.workspace_id) as connection:
        notices.settle(connection, one, response=stored.id)
