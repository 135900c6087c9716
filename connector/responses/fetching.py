"""Fetch the files of answers soon after they were accepted: their addresses expire.

    claim     files that are due, leased; committed before anything is asked for
    get       outside any transaction, several at a time, each to an address judged anew
    settle    the content and the steps that wait for it; or the next try; or the reason in words

A file that cannot be had never holds up its neighbours: it is given up by a schedule of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from connector import clock, stopping
from connector.connections.hosts import AllowedHosts, HostNotAllowed
from connector.connections.outbound import Answer, NotReached, Rules, TooLarge, get
from connector.db import refuse_inside_transaction, retried
from connector.failpoints import failpoint
from connector.responses import filequeue, filestore
from connector.responses.filefacts import Verdict, verdict_on
from connector.responses.filequeue import Claimed
from connector.responses.hub import Hub
from connector.settings import FileLimits

# Short: the addresses expire, and what does not come within three hours will not come.
WAITS_S = (5, 30, 120, 600, 1_800, 7_200)
AT_ONCE = 6
LEASE_S = 60.0
FETCH_S = 8.0
# Statuses that another try may mend; every other refusal is final.
PASSING = frozenset({408, 425, 429})
GONE = frozenset({404, 410})
FORBIDDEN = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a try failed. `final`: another try would fail alike."""

    reason: str
    message: str
    final: bool = True


def fetch_due(hub: Hub, workspace_id: int, *, for_s: float = FETCH_S) -> frozenset[int]:
    """Fetch until nothing is due or `for_s` seconds are over; the connections that got work."""
    ends_at = clock.monotonic() + for_s
    touched: set[int] = set()
    while clock.monotonic() < ends_at and not stopping.is_stopping():
        with hub.database.begin(workspace_id) as connection:
            claimed = filequeue.claim(connection, count=AT_ONCE, lease_s=LEASE_S)
        if not claimed:
            break
        failpoint("file_claimed")
        touched.update(_each(hub, workspace_id, claimed))
    return frozenset(touched)


def is_due(hub: Hub, workspace_id: int) -> bool:
    """Whether a fetch has something to do."""
    with hub.database.begin(workspace_id) as connection:
        return filequeue.is_due(connection)


def judged(content: bytes, *, limits: FileLimits) -> Verdict:
    """Whether this content may be kept, by the operator's limits."""
    return verdict_on(content, types=limits.types, max_bytes=limits.max_bytes)


def remove_delivered(hub: Hub, workspace_id: int) -> int:
    """Delete contents that have been delivered for long enough; how many."""
    keep_days = hub.settings.files.keep_days
    with hub.database.begin(workspace_id) as connection:
        return filestore.remove_delivered(connection, workspace_id, keep_days=keep_days)


def _each(hub: Hub, workspace_id: int, claimed: Iterable[Claimed]) -> Iterable[int]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for connections in pool.map(partial(_fetch, hub, workspace_id), claimed):
            yield from connections


def _fetch(hub: Hub, workspace_id: int, one: Claimed) -> tuple[int, ...]:
    limits = hub.settings.files
    found = _got(one, limits)
    if isinstance(found, bytes):
        failpoint("file_got")
        verdict = judged(found, limits=limits)
        if verdict.content_type is not None:
            kept = partial(_keep, hub, workspace_id, one, found, verdict.content_type)
            return retried(kept)
        found = _Fault(verdict.reason, verdict.message)
    retried(partial(_failed, hub, workspace_id, one, found))
    return ()


def _got(one: Claimed, limits: FileLimits) -> bytes | _Fault:
    """The content, or why there is none."""
    refuse_inside_transaction()
    rules = Rules(max_bytes=limits.max_bytes, allowed=AllowedHosts.of(limits.hosts))
    try:
        answer = get(one.url, rules=rules)
    except HostNotAllowed as exc:
        return _Fault(exc.code, str(exc))
    except TooLarge:
        return _Fault("file_too_large", f"the file is larger than {limits.max_bytes} bytes")
    except NotReached as exc:
        return _Fault(exc.code, str(exc).replace("the CRM", "the file's host"), final=False)
    return answer.body if answer.status == 200 else _refused(answer)


def _refused(answer: Answer) -> _Fault:
    status = answer.status
    if status in GONE:
        return _Fault("file_gone", "the file is not there any more: its address has expired")
    if status in FORBIDDEN:
        return _Fault("file_forbidden", "the file's host refuses to hand it out")
    if 300 <= status < 400:
        return _Fault("file_redirected", "the file's host points elsewhere, which is not followed")
    if status in PASSING or status >= 500:
        return _Fault("file_host_failed", "the file's host cannot answer now", final=False)
    return _Fault("file_refused", f"the file's host answered {status}")


def _keep(
    hub: Hub, workspace_id: int, one: Claimed, content: bytes, content_type: str
) -> tuple[int, ...]:
    most = hub.settings.files.response_max_bytes
    with hub.database.begin(workspace_id) as connection:
        if filequeue.bytes_kept(connection, one.response_id) + len(content) > most:
            message = f"the files of this response are larger than {most} bytes together"
            filequeue.give_up(
                connection, workspace_id, one, reason="files_too_large", error=message
            )
            return ()
        touched = filequeue.keep(connection, workspace_id, one, content, content_type=content_type)
    failpoint("file_kept")
    return touched


def _failed(hub: Hub, workspace_id: int, one: Claimed, fault: _Fault) -> None:
    with hub.database.begin(workspace_id) as connection:
        if fault.final or one.attempts > len(WAITS_S) or _expired(connection, one):
            filequeue.give_up(
                connection, workspace_id, one, reason=fault.reason, error=fault.message
            )
        else:
            filequeue.again(
                connection,
                one,
                wait_s=WAITS_S[one.attempts - 1],
                reason=fault.reason,
                error=fault.message,
            )


def _expired(connection: Connection, one: Claimed) -> bool:
    """Whether the platform itself said that the address ends before the next try."""
    return one.expires_at is not None and filequeue.has_passed(connection, one.expires_at)
