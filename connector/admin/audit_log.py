"""The audit log as people read it: newest first, by filter, and taken away as a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, timedelta
from typing import Any

from flask import Response, request, stream_with_context
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from connector import audit, clock, workspaces
from connector.access import ACCESS
from connector.admin.deliveries import SPANS
from connector.admin.language import gettext
from connector.admin.page import address, page, show
from connector.api.context import member, reading
from connector.api.pages import MAX_ID, id_after, paged
from connector.documents import plain_cell

A_PAGE, A_READ = 50, 1_000
# The newest; older ones by a narrower filter, or by the API.
MOST_EXPORTED = 50_000
COLUMNS = (
    "number", "at", "who", "who_name", "address", "action", "object", "detail", "hash",
)  # fmt: skip
ASKED = ("area", "who", "object", "span")


@page.get("/w/<key:space>/settings/audit")
def audit_log() -> AnyResponse:
    """Who did what, when and from where"""
    chosen = _chosen()
    cursor = request.args.get("cursor")
    rows, names = reading(
        lambda store: (
            _read(store, _wanted(chosen), before=id_after(cursor, start=MAX_ID), limit=A_PAGE + 1),
            workspaces.actors(store, member().workspace_id),
        )
    )
    entries, following = paged(rows, A_PAGE, lambda entry: entry.seq)
    return show(
        "pages/settings/audit.html",
        entries=entries,
        named=_naming(names),
        chosen=chosen,
        areas=[(one, one) for one in areas()],
        people=[one for one in _naming(names).items() if not one[0].startswith("person:")],
        spans=[(one, gettext(word)) for one, word in SPANS.items()],
        first=address("pages.audit_log", **chosen) if cursor else None,
        following=address("pages.audit_log", **chosen, cursor=following) if following else None,
        most=MOST_EXPORTED,
        written=written,
    )


@page.get("/w/<key:space>/settings/audit/csv")
def audit_csv() -> Response:
    """The same as a table, with the hashes that chain the entries"""
    wanted = _wanted(_chosen())
    # What is wrong is found before the answer has begun.
    first, names = reading(
        lambda store: (
            _read(store, wanted, before=MAX_ID, limit=A_READ),
            workspaces.actors(store, member().workspace_id),
        )
    )
    table = stream_with_context(_table(first, wanted, _naming(names)))
    answer = Response(table, mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return answer


def areas() -> list[str]:
    """What actions are about, by the access table's own words."""
    named = (rule.audited.partition(".")[0] for rule in ACCESS.values() if rule.audited)
    return sorted({*named, "access"})


def written(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an entry says besides, name by name."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in detail.items()
    ]


def _chosen() -> dict[str, str]:
    """The filter as the address says it, without what is empty."""
    told = {name: request.args.get(name, "")[:200].replace("\0", "") for name in ASKED}
    return {name: value for name, value in told.items() if value}


def _wanted(chosen: Mapping[str, str]) -> audit.Wanted:
    days = chosen.get("span", "")
    return audit.Wanted(
        area=chosen.get("area", ""),
        actor=chosen.get("who", ""),
        object=chosen.get("object", ""),
        since=clock.now() - timedelta(days=int(days)) if days in SPANS else None,
    )


def _read(store: Connection, wanted: audit.Wanted, *, before: int, limit: int) -> list[audit.Entry]:
    return audit.newest(store, member().workspace_id, only=wanted, before=before, limit=limit)


def _table(
    read: list[audit.Entry], wanted: audit.Wanted, named: Mapping[str, str]
) -> Iterator[str]:
    """Part by part, each read in a transaction of its own: the log only grows, and a slow line
    keeps none open. No cell begins a formula.
    """
    yield _lines([COLUMNS])
    left = MOST_EXPORTED
    while read:
        yield _lines(_cells(entry, named.get(entry.actor, "")) for entry in read[:left])
        left -= len(read)
        read = _further(wanted, before=read[-1].seq, limit=min(A_READ, left)) if left > 0 else []


def _further(wanted: audit.Wanted, *, before: int, limit: int) -> list[audit.Entry]:
    return reading(lambda store: _read(store, wanted, before=before, limit=limit))


def _lines(rows: Iterable[Iterable[str]]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerows(map(plain_cell, row) for row in rows)
    return made.getvalue()


def _cells(entry: audit.Entry, name: str) -> Iterable[str]:
    at = entry.at.astimezone(UTC).isoformat(timespec="milliseconds")
    detail = json.dumps(entry.detail, ensure_ascii=False) if entry.detail else ""
    yield from (str(entry.seq), at, entry.actor, name, entry.address or "", entry.action)
    yield from (entry.object or "", detail, entry.hash.hex())


def _naming(names: Mapping[str, str]) -> dict[str, str]:
    return {"operator": gettext("Whoever runs the installation"), **names}
