"""Responses that are gone at a CRM where surveys are taken: nobody tells of a deletion there.

After each whole poll some of those of the last SPAN_DAYS are asked for by their ids, further each
time and then from the beginning. One counts as deleted when it was not there at two looks that are
AGAIN apart, and then ends as any deleted response (ADR 0030).

What looks like a mistake is held, with a reason that a person sees: a right that is lost is an
error of the call and no absence; and where more than MOST_GONE are gone, and more than half of what
was asked for, the CRM was restored or replaced, or a survey emptied, and nothing is taken back.
Where a person has confirmed that they were deleted (emptied.py), one round of looks from the
beginning takes back at once what is gone of all that had come by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, text

from connector import audit, clock
from connector.db import retried
from connector.failpoints import failpoint
from connector.responses import emptied
from connector.responses.asking import NotNow, Round, asked_there
from connector.responses.intake import accept
from connector.responses.notices import Claimed
from connector.responses.sources import Source

AT_ONCE, SPAN_DAYS, MOST_GONE = 200, 90, 10
AGAIN = timedelta(hours=1)
# What the poll's notice keeps between looks: since when which response was not there.
MISSING = "missing"


def look(round_: Round, one: Claimed, source: Source) -> bool:
    """One look; whether the next one need not wait. Raises NotNow where nothing can be said."""
    polls = source.platform.polls
    if polls is None:
        return False
    after = one.notice.what.get(emptied.LOOKED, "")
    every = retried(partial(_asked_for, round_, source, after))
    rows = [row for row in every if row.counts]
    numbers = {row.response_id: polls.own_id(row.response_id) for row in rows}
    asked = sorted({number for number in numbers.values() if number is not None})
    there = asked_there(round_, source, lambda crm: crm.standing(asked)) if asked else frozenset()
    gone = [row for row in rows if (n := numbers[row.response_id]) is not None and n not in there]
    known = _since(one)
    now = clock.now()
    confirmed_at = emptied.confirmed_at(one.notice, now)
    if len(gone) > MOST_GONE and len(gone) * 2 > len(asked) and confirmed_at is None:
        retried(partial(_hold, round_, one, emptied.Held(len(gone), len(asked), now)))
        reason = "source_suspicious"
        why = f"{len(gone)} of {len(asked)} responses are not there any more: none is taken back"
        raise NotNow(reason, why=why)
    sure = [
        row
        for row in gone
        if _is_old(known.get(row.response_id), now)
        or (confirmed_at is not None and row.received_at <= confirmed_at)
    ]
    if sure:
        _end(round_, source, sure, now)
    seen = {row.response_id for row in every}
    missing = {key: at for key, at in known.items() if key not in seen}
    missing |= {row.response_id: known.get(row.response_id) or now.isoformat() for row in gone}
    ended = {row.response_id for row in sure}
    kept = {key: at for key, at in missing.items() if key not in ended}
    # Fewer than were asked for: the end. The next look begins anew.
    last = every[-1].response_id if len(every) == AT_ONCE else ""
    is_whole = not last or confirmed_at is None
    retried(partial(_keep, round_, one, last, kept, is_whole=is_whole))
    return not is_whole


def _since(one: Claimed) -> dict[str, str]:
    told: Any = json.loads(one.notice.what.get(MISSING, "{}"))
    return dict(told) if isinstance(told, Mapping) else {}


def _is_old(first: str | None, now: datetime) -> bool:
    return first is not None and now - datetime.fromisoformat(first) >= AGAIN


def _asked_for(round_: Round, source: Source, after: str) -> Sequence[Row[Any]]:
    options = {
        "w": round_.workspace_id,
        "source": source.key,
        "after": after,
        "days": SPAN_DAYS,
        "n": AT_ONCE,
    }
    with round_.hub.database.begin(round_.workspace_id) as connection:
        return connection.execute(ASKED_FOR, options).all()


def _end(round_: Round, source: Source, gone: Sequence[Row[Any]], now: datetime) -> None:
    """As if the platform had told of each deletion; a repeat is a duplicate."""
    items = [
        {
            "response_id": row.response_id,
            "event": "deleted",
            "revision": row.revision + 1,
            "submitted_at": now.astimezone(UTC).isoformat(),
            "answers": {},
        }
        for row in gone
    ]
    accept(
        round_.hub.database,
        round_.workspace_id,
        source=source.key,
        items=items,
        limits=round_.hub.settings.files,
        edits=source.platform.edits,
    )
    failpoint("vanished_accepted")
    with round_.hub.database.begin(round_.workspace_id) as connection:
        audit.record(
            connection,
            round_.workspace_id,
            actor=source.key,
            action="responses.vanished",
            object=f"source:{source.id}",
            detail={"count": len(items), "response_ids": [row.response_id for row in gone][:20]},
        )


def _keep(
    round_: Round, one: Claimed, last: str, missing: Mapping[str, str], *, is_whole: bool
) -> None:
    """Where looking stands. What was confirmed counts no further than for its round."""
    what = {emptied.LOOKED: last, MISSING: json.dumps(missing)}
    done = [emptied.HELD, emptied.CONFIRMED] if is_whole else [emptied.HELD]
    asked = {"id": one.id, "token": one.token, "what": json.dumps(what), "done": done}
    asked["confirmed"] = one.notice.what.get(emptied.CONFIRMED)
    with round_.hub.database.begin(round_.workspace_id) as connection:
        connection.execute(KEEP, asked)


def _hold(round_: Round, one: Claimed, held: emptied.Held) -> None:
    """A person is shown what this look has found."""
    with round_.hub.database.begin(round_.workspace_id) as connection:
        emptied.hold(connection, one, held)


# By the key under which each response was accepted, so that a look reads no more than AT_ONCE.
ASKED_FOR = text(
    """
    SELECT k.response_id, r.revision, r.received_at,
           r.received_at > now() - make_interval(days => :days) AND r.event <> 'deleted' AS counts
      FROM (SELECT response_id, max(response) AS newest FROM response_key
             WHERE workspace_id = :w AND source = :source AND response_id > :after
             GROUP BY response_id ORDER BY response_id LIMIT :n) k
      JOIN response r ON r.id = k.newest
     ORDER BY k.response_id
    """
)
# What somebody confirms while a look is under way is meant for the next.
KEEP = text(
    """
    UPDATE hook_notice SET what = (what - CAST(:done AS text[])) || CAST(:what AS jsonb)
     WHERE id = :id AND state = 'pending' AND lease_token = :token
       AND what->>'confirmed' IS NOT DISTINCT FROM :confirmed
    """
)
