"""What a mapping makes, where it only creates: its files hang on nothing but the record that it has
made of their response, and an edit changes no other. One that was there before is somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from connector.responses.leases import Wave
from connector.responses.schedule import handed_back
from connector.responses.steps import FILE, Delivery, Made, Settlement
from connector.responses.versions import Fed, made_of
from connector.responses.work import DONE, Work

# The step that makes the record is in the same lane: soon.
WAIT_S = 2.0
NEVER = "the mapping has made no record of this response"
OTHER = "the record there is not the one that the mapping has made"
ENDED = frozenset({"dead", "cancelled"})


def with_made(connection: Connection, connection_id: int, wave: Wave) -> Wave:
    """The wave, its files that may only hang on what was made, and what only creates, with that,
    under "made".
    """
    asking = [one for one in wave.deliveries if one.only_creates or _asks(one)]
    if not asking:
        return wave
    found = made_of(connection, connection_id, {_fed(one) for one in asking})
    ids = {one.id for one in asking}
    deliveries = tuple(
        replace(one, payload={**one.payload, "made": found[_fed(one)]}) if one.id in ids else one
        for one in wave.deliveries
    )
    return replace(wave, deliveries=deliveries)


def _fed(one: Delivery) -> Fed:
    return one.response_id, one.mapping_id or 0, one.entity


def on_what_was_made(
    work: Work, every: Sequence[tuple[Delivery, str]]
) -> list[tuple[Delivery, str]]:
    """Those of these (delivery, remote id of its record) that may be sent; the others are settled,
    as the step that makes their record was.
    """
    return [(one, remote_id) for one, remote_id in every if _may_hang(work, one, remote_id)]


def _asks(one: Delivery) -> bool:
    return one.kind == FILE and bool(one.payload.get("only_made"))


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
