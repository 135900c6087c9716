"""A survey that seems emptied at its CRM: what a look has found is held until a person confirms it.

Many responses gone at once may be a database that was restored, so vanished.py takes none back. A
person who knows that they were deleted says so, of the number that they were shown: then the next
looks do, one round from the beginning, for no longer than CONFIRMED_FOR.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from connector.problems import Code, Refusal, not_found
from connector.responses import sources
from connector.responses.notices import Claimed
from schemas.phrases import phrase
from schemas.sources.base import Notice

CONFIRMED_FOR = timedelta(days=1)
# What the poll's notice keeps of it, beside the last response that was asked for.
HELD, CONFIRMED, LOOKED = "held", "confirmed", "looked"


@dataclass(frozen=True, slots=True)
class Held:
    """What a look has found: so many `gone` of those that were `asked` for, and when."""

    gone: int
    asked: int
    at: datetime


def hold(connection: Connection, one: Claimed, held: Held) -> None:
    """Keep what a look has found, in place of what an earlier one has."""
    told = json.dumps({"gone": held.gone, "asked": held.asked, "at": held.at.isoformat()})
    asked = {"id": one.id, "token": one.token, "what": json.dumps({HELD: told})}
    # What somebody confirms while this look is under way is meant for the next.
    connection.execute(HOLD, asked | {"confirmed": one.notice.what.get(CONFIRMED)})


def held(connection: Connection, workspace_id: int) -> dict[int, Held]:
    """What is held of each source, by its id; none that is confirmed already."""
    rows = connection.execute(ALL_HELD, {"w": workspace_id})
    return {row.source_id: _held(json.loads(row.held)) for row in rows}


def confirm(
    connection: Connection, workspace_id: int, source_id: int, *, gone: int, now: datetime
) -> Held:
    """A person says that so many were deleted there: the next looks take them back. What was held.
    Raises Refusal: NOT_FOUND; CONFLICT where nothing is held, or another number of them.
    """
    if all(one["id"] != source_id for one in sources.listed(connection, workspace_id)):
        raise not_found()
    found = held(connection, workspace_id).get(source_id)
    if found is None:
        raise Refusal(Code.CONFLICT, phrase("Nothing of this source is held."))
    if found.gone != gone:
        why = phrase("Meanwhile %(count)s are gone: look again first.", count=found.gone)
        raise Refusal(Code.CONFLICT, why)
    what = {CONFIRMED: now.isoformat(), LOOKED: ""}
    connection.execute(CONFIRM, {"w": workspace_id, "s": source_id, "what": json.dumps(what)})
    return found


def confirmed_at(notice: Notice, now: datetime) -> datetime | None:
    """When a person has confirmed what these looks find; None where nobody has, or long ago."""
    told = notice.what.get(CONFIRMED)
    at = datetime.fromisoformat(told) if told else None
    return at if at is not None and now - at < CONFIRMED_FOR else None


def _held(told: Mapping[str, Any]) -> Held:
    return Held(int(told["gone"]), int(told["asked"]), datetime.fromisoformat(told["at"]))


HOLD = text(
    """
    UPDATE hook_notice SET what = (what - 'confirmed') || CAST(:what AS jsonb)
     WHERE id = :id AND state = 'pending' AND lease_token = :token
       AND what->>'confirmed' IS NOT DISTINCT FROM :confirmed
    """
)
ALL_HELD = text(
    """
    SELECT n.source_id, n.what->>'held' AS held
      FROM hook_notice n JOIN hook_source s ON s.id = n.source_id
     WHERE n.workspace_id = :w AND n.key = 'poll' AND n.state = 'pending'
       AND n.what ? 'held' AND NOT n.what ? 'confirmed' AND s.disabled_at IS NULL
     ORDER BY n.source_id
    """
)
CONFIRM = text(
    """
    UPDATE hook_notice SET what = what || CAST(:what AS jsonb), due_at = now(), attempts = 0
     WHERE workspace_id = :w AND source_id = :s AND key = 'poll' AND state = 'pending'
    """
)
