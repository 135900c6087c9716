"""Files on what a mapping makes, where it only creates: they hang on nothing but the record that it
has made of their response. One that was there before is somebody else's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, text

from connector.responses.leases import Wave
from connector.responses.schedule import handed_back
from connector.responses.steps import FILE, Delivery, Settlement
from connector.responses.work import DONE, Work

# The step that makes the record is in the same lane: soon.
WAIT_S = 2.0
NEVER = "the mapping has made no record of this response"
OTHER = "the record there is not the one that the mapping has made"
ENDED = frozenset({"dead", "cancelled"})


@dataclass(frozen=True, slots=True)
class Made:
    """What became of the steps that make a file's record: `records` were made for some version of
    its response; `own` is the step of its own version, as the store had it before the wave.
    """

    records: frozenset[str] = field(default_factory=frozenset)
    own: Mapping[str, Any] | None = None


def with_made(connection: Connection, connection_id: int, wave: Wave) -> Wave:
    """The wave, its files that may only hang on what was made with that, under "made"."""
    asking = [one for one in wave.deliveries if _asks(one)]
    if not asking:
        return wave
    rows: dict[tuple[int, int], list[Mapping[str, Any]]] = defaultdict(list)
    asked = {"c": connection_id, "responses": sorted({one.response_id for one in asking})}
    for row in connection.execute(MADE, asked).mappings():
        rows[row["asked"], row["mapping_id"]].append(dict(row))
    deliveries = tuple(
        _with(one, rows[one.response_id, one.mapping_id or 0]) if _asks(one) else one
        for one in wave.deliveries
    )
    return replace(wave, deliveries=deliveries)


def on_what_was_made(
    work: Work, every: Sequence[tuple[Delivery, str]]
) -> list[tuple[Delivery, str]]:
    """Those of these (delivery, remote id of its record) that may be sent; the others are settled,
    as the step that makes their record was.
    """
    return [(one, remote_id) for one, remote_id in every if _may_hang(work, one, remote_id)]


def _asks(one: Delivery) -> bool:
    return one.kind == FILE and bool(one.payload.get("only_made"))


def _with(one: Delivery, rows: Sequence[Mapping[str, Any]]) -> Delivery:
    records = frozenset(str(row["remote_id"]) for row in rows if row["state"] == DONE)
    own = next((row for row in rows if row["response_id"] == one.response_id), None)
    return replace(one, payload={**one.payload, "made": Made(records, own)})


def _may_hang(work: Work, one: Delivery, remote_id: str) -> bool:
    if not _asks(one):
        return True
    made: Made = one.payload["made"]
    told = work.results.settlements.get(int(made.own["id"])) if made.own else None
    now = {told.remote_id} if told is not None and told.state == DONE else set()
    if remote_id in made.records | now:
        return True
    work.results.settle(_fate(one, made, told))
    return False


def _fate(one: Delivery, made: Made, told: Settlement | None) -> Settlement:
    """What becomes of a file whose record is not (yet) one that was made: what became of that."""
    if told is None and made.own is not None:
        own = made.own
        told = Settlement(0, own["state"], own["reason"], code=own["error_code"],
                          message=own["error"])  # fmt: skip
    if told is None:
        return _dead(one, "not_found", NEVER)
    if told.state == DONE:
        return _dead(one, "exists", OTHER)
    if told.state == "parked":
        return Settlement(one.id, "parked", told.reason, told.code, told.message, unsent=True)
    if told.state == "superseded":
        return Settlement(one.id, told.state, told.reason)
    if told.state in ENDED:
        return _dead(one, told.reason or "not_found", told.message or NEVER, code=told.code)
    return replace(handed_back(one, wait_s=max(WAIT_S, told.wait_s or 0.0)), unsent=True)


def _dead(one: Delivery, reason: str, message: str, *, code: str | None = None) -> Settlement:
    answer = one.payload.get("answer")
    return Settlement(one.id, "dead", reason, code=code or reason, message=message, field=answer)


# From each version to the others, to what made their records: every step by an index of its own.
MADE = text(
    """
    SELECT mine.id AS asked, d.id, d.response_id, d.mapping_id, d.state, d.remote_id, d.reason,
           d.error_code, d.error
      FROM unnest(CAST(:responses AS bigint[])) AS one(id)
      JOIN response mine ON mine.id = one.id
      JOIN response r ON r.workspace_id = mine.workspace_id AND r.response_id = mine.response_id
                     AND r.source = mine.source
      JOIN delivery d ON d.workspace_id = r.workspace_id AND d.response_id = r.id
     WHERE d.connection_id = :c AND d.kind = 'fields'
       AND d.step = 'feed:' || CAST(d.mapping_id AS text)
     ORDER BY r.revision, d.id
    """
)
