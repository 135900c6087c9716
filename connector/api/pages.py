"""Pages of a list: `limit` and an opaque `cursor`, which says where the page before ended."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from connector.contacts.timeline import KINDS, Spot
from connector.problems import Code, Place, Refusal

MAX_ID = 10**18
Row = TypeVar("Row")


def paged(
    rows: Sequence[Row], limit: int, spot: Callable[[Row], object]
) -> tuple[list[Row], str | None]:
    """The page and the next cursor, from one row more than the page holds."""
    page = list(rows[:limit])
    return page, cursor_of(spot(page[-1])) if len(rows) > limit else None


def cursor_of(spot: object) -> str:
    """The cursor that says `spot`, an id or a list of plain values."""
    raw = json.dumps(spot, separators=(",", ":"), default=_plain).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def id_after(cursor: str | None, *, start: int = 0) -> int:
    """The id that a cursor says; `start` without one."""
    if cursor is None:
        return start
    spot = _said(cursor)
    if isinstance(spot, bool) or not isinstance(spot, int) or not 0 <= spot <= MAX_ID:
        raise _invalid()
    return spot


def spot_after(cursor: str | None) -> Spot | None:
    """The spot in a timeline that a cursor says, None without one."""
    if cursor is None:
        return None
    try:
        at, kind, number = _said(cursor)
        spot = Spot(datetime.fromisoformat(at), kind, number)
    except (TypeError, ValueError) as exc:
        raise _invalid() from exc
    if spot.kind not in KINDS or spot.at.tzinfo is None or not isinstance(spot.id, int):
        raise _invalid()
    if not 0 <= spot.id <= MAX_ID:
        raise _invalid()
    return spot


def _said(cursor: str) -> Any:  # noqa: ANN401 - whatever somebody wrote into a cursor
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return json.loads(raw)
    except (binascii.Error, ValueError, RecursionError) as exc:
        raise _invalid() from exc


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    message = f"a cursor holds no {type(value).__name__}"
    raise TypeError(message)


def _invalid() -> Refusal:
    text = "is not a cursor that this list has given"
    return Refusal(Code.CURSOR_INVALID, places=[Place("?cursor", "invalid", text)])
