"""The links of files that a wave's fields wait for: where the files are delivered, the CRM's links
take their places; where one cannot be had, its field says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, text

from adapters.base import FileLinker
from adapters.errors import AdapterError, PauseMapping
from connector.responses import failures
from connector.responses.filelinks import with_links
from connector.responses.leases import Wave
from connector.responses.schedule import handed_back
from connector.responses.steps import Delivery, Settlement
from connector.responses.work import Work

# Its file is here and goes in the same lane: soon.
WAIT_S = 2.0
GONE = "the file is not here any more"


def with_files(connection: Connection, connection_id: int, wave: Wave, *, home: str) -> Wave:
    """The wave, its fields that wait for links with what became of their files: under "filed"
    answer -> {state, remote_id, code, error}. An edit that has not changed a file sends none: then
    the one of the version before counts.
    """
    waiting = [one for one in wave.deliveries if one.payload.get("links")]
    if not waiting:
        return wave
    asked = {
        "c": connection_id,
        "home": home,
        "responses": sorted({one.response_id for one in waiting}),
    }
    found: dict[tuple[int, str], Mapping[str, Any]] = {}
    # The version's own comes last, and counts.
    for row in connection.execute(FILED, asked):
        found[row.asked, row.answer] = {
            "state": row.state,
            "remote_id": row.remote_id,
            "code": row.error_code,
            "error": row.error,
        }
    deliveries = tuple(
        _with(one, found) if one.payload.get("links") else one for one in wave.deliveries
    )
    return replace(wave, deliveries=deliveries)


def _with(one: Delivery, found: Mapping[tuple[int, str], Mapping[str, Any]]) -> Delivery:
    filed = {
        answer: found[one.response_id, answer]
        for answer in one.payload["links"]
        if (one.response_id, answer) in found
    }
    return replace(one, payload={**one.payload, "filed": filed})


def linked(work: Work, deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Those that can go on, with the links in their values; the others are settled."""
    return list(_linked(work, deliveries))


def _linked(work: Work, deliveries: Iterable[Delivery]) -> Iterator[Delivery]:
    for one in deliveries:
        if not one.payload.get("links"):
            yield one
        elif work.trouble.ends_wave:
            # Handed back with the rest of the wave.
            continue
        elif (ready := _ready(work, one)) is not None:
            values = with_links(one.payload["values"], ready)
            work.results.values[one.id] = values
            yield replace(one, payload={**one.payload, "values": values})


def _ready(work: Work, one: Delivery) -> Mapping[str, str] | None:
    """Answer -> the file's link; None where it has to wait or cannot be had."""
    filed = one.payload.get("filed") or {}
    links: dict[str, str] = {}
    for answer in one.payload["links"]:
        told = filed.get(answer)
        if told is None or told["state"] in {"dead", "superseded", "cancelled"}:
            _bury(work, one, told or {}, answer=answer)
            return None
        if told["state"] != "done":
            waits = handed_back(one, wait_s=WAIT_S, code="file_pending")
            work.results.settle(replace(waits, unsent=True))
            return None
        links[answer] = str(told["remote_id"])
    return _asked(work, one, links)


def _asked(work: Work, one: Delivery, filed: Mapping[str, str]) -> Mapping[str, str] | None:
    home = work.known.traits.contact_entity
    links: dict[str, str] = {}
    try:
        for answer, remote_id in filed.items():
            link = work.caller.ask(lambda crm, r=remote_id: _linker(crm).file_link(home, r))  # type: ignore[misc]
            if not link:
                _bury(work, one, {}, answer=answer)
                return None
            links[answer] = link
    except PauseMapping as exc:
        work.results.settle(*failures.parked([one], exc))
        return None
    except AdapterError as exc:
        work.failed([one], exc)
        return None
    return links


def _bury(work: Work, one: Delivery, told: Mapping[str, Any], *, answer: str) -> None:
    code, message = told.get("code") or "file_removed", told.get("error") or GONE
    work.results.settle(
        Settlement(one.id, "dead", "file", code=code, message=message, field=answer)
    )


def _linker(crm: object) -> FileLinker:
    """The adapter as one that tells links: whoever takes files does."""
    if not isinstance(crm, FileLinker):
        message = "the adapter tells no links of files"
        raise TypeError(message)
    return crm


# From each version to the others, to what they filed: every step by an index of its own. Of the
# versions before only a file that stands counts.
FILED = text(
    """
    SELECT mine.id AS asked, d.payload->>'answer' AS answer, d.state, d.remote_id, d.error_code,
           d.error
      FROM unnest(CAST(:responses AS bigint[])) AS one(id)
      JOIN response mine ON mine.id = one.id
      JOIN response r ON r.workspace_id = mine.workspace_id AND r.response_id = mine.response_id
                     AND r.source = mine.source AND r.revision <= mine.revision
      JOIN delivery d ON d.workspace_id = r.workspace_id AND d.response_id = r.id
     WHERE d.connection_id = :c AND d.kind = 'file' AND d.entity = :home
       AND d.step = 'file:' || CAST(:c AS text) || ':0:' || (d.payload->>'answer')
       AND (r.id = mine.id OR d.state = 'done')
     ORDER BY r.revision, d.id
    """
)
