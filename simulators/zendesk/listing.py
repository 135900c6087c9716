"""Pages of records: by offset, by cursor, and the incremental exports. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from simulators.zendesk.refusals import bad_request
from simulators.zendesk.state import Record

Query = dict[str, list[str]]
PAGE = 100


def one(query: Query, name: str) -> str | None:
    """The parameter's first value."""
    return next(iter(query.get(name, ())), None)


def page(name: str, records: Sequence[Record], query: Query, address: str) -> Record:
    """A list by cursor when the caller asks for `page[size]` or a cursor, by offset else."""
    if any(key in query for key in ("page[size]", "page[after]", "page[before]")):
        return _cursor_page(name, records, query, address)
    return _offset_page(name, records, query, address)


def _offset_page(name: str, records: Sequence[Record], query: Query, address: str) -> Record:
    size, at = _size(query, "per_page"), int(one(query, "page") or 1)
    start = (at - 1) * size
    after = start + size < len(records)
    links = {
        "next_page": f"{address}?{urlencode({'page': at + 1, 'per_page': size})}"
        if after
        else None,
        "previous_page": f"{address}?{urlencode({'page': at - 1, 'per_page': size})}"
        if at > 1
        else None,
    }
    return {name: list(records[start : start + size]), "count": len(records), **links}


def _cursor_page(name: str, records: Sequence[Record], query: Query, address: str) -> Record:
    size, start = _size(query, "page[size]"), 0
    cursor = one(query, "page[after]")
    if cursor:
        start = _opened(cursor)
    shown = list(records[start : start + size])
    after, before = _cursor(start + len(shown)), _cursor(start)
    return {
        name: shown,
        "meta": {
            "has_more": start + size < len(records),
            "after_cursor": after,
            "before_cursor": before,
        },
        "links": {
            "next": f"{address}?{urlencode({'page[after]': after, 'page[size]': size})}",
            "prev": f"{address}?{urlencode({'page[before]': before, 'page[size]': size})}",
        },
    }


def export_page(records: Sequence[Record], query: Query, address: str) -> Record:
    """A page of search/export: a cursor, no way back, and facets."""
    shown = _cursor_page("results", records, query, address)
    kept = {key: value[0] for key, value in query.items() if not key.startswith("page[after")}
    after = shown["meta"]["after_cursor"]
    shown["links"] = {"next": f"{address}?{urlencode(kept | {'page[after]': after})}", "prev": None}
    shown["meta"]["before_cursor"] = None
    return {"facets": None, **shown}


def incremental(
    name: str, records: Sequence[tuple[int, Record]], query: Query, address: str
) -> Record:
    """An incremental export, from a time or a cursor on.

    `records` are (place, record) in the order of change; the cursor is the last place told.
    """
    size = min(int(one(query, "per_page") or 1000), 1000)
    cursor = one(query, "cursor")
    seen = _opened(cursor) if cursor else 0
    waiting = [(place, record) for place, record in records if place > seen]
    shown = waiting[:size]
    last = _cursor(shown[-1][0] if shown else seen)
    told = urlencode({"cursor": last, "per_page": size})
    return {
        name: [record for _, record in shown],
        "after_url": f"{address}?{told}",
        "after_cursor": last,
        "before_url": None,
        "before_cursor": None,
        "end_of_stream": len(waiting) <= size,
    }


def incremental_by_time(
    name: str, records: Sequence[tuple[int, Record]], query: Query, address: str
) -> Record:
    """The older incremental export, by time only."""
    size = min(int(one(query, "per_page") or 1000), 1000)
    shown = [record for _, record in records[:size]]
    end = max(
        (int(record["generated_timestamp"]) for record in shown),
        default=int(one(query, "start_time") or 0),
    )
    return {
        name: shown,
        "count": len(records),
        "end_of_stream": len(records) <= size,
        "end_time": end,
        "next_page": f"{address}?{urlencode({'per_page': size, 'start_time': end})}",
    }


def _size(query: Query, name: str) -> int:
    try:
        wanted = int(one(query, name) or PAGE)
    except ValueError as exc:
        raise bad_request(told=f"{name} must be a number") from exc
    return max(1, min(wanted, PAGE))


def _cursor(at: int) -> str:
    return base64.b64encode(json.dumps({"o": "id", "v": at}).encode()).decode()


def _opened(cursor: str) -> int:
    try:
        told: Any = json.loads(base64.b64decode(cursor, validate=True))
        return int(told["v"])
    except (binascii.Error, ValueError, KeyError, TypeError) as exc:
        raise bad_request(told="The cursor is invalid") from exc
