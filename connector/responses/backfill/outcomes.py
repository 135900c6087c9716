"""What each response of a backfill's span is for the mapping, and the steps that it gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, text

from connector.connections.desk import Desk
from connector.responses import edited, planner, withdrawn
from connector.responses.case import Person, Planned
from connector.responses.intake import FROM_TEST
from connector.responses.people import person_of
from connector.responses.plan import TRIGGERS
from connector.responses.steps import FILE, NOTE, Rank, Step

OPEN = ("pending", "leased", "awaiting", "parked")
# What a response of the span is, for the mapping. Every response is one of these.
OUTCOMES = (
    "to_write",  # gets its steps
    "refused",  # the mapping refuses a value: a dead delivery says which
    "already",  # this version of the mapping has its step already
    "under_way",  # so has an older version, and it is not settled
    "not_fed",  # no automation feeds the mapping with it
    "nobody",  # anonymous, or nobody is known who gave it
    "removed",  # its answers were deleted, for they had been kept for long enough
    "replaced",  # a newer version of the response is known, or it was deleted or only a test
    "waiting",  # it is not planned yet: the mapping gets it as any other
    "broken",  # planning it breaks
)


@dataclass(frozen=True, slots=True)
class Looked:
    """A batch of responses: what each is for the mapping, and the steps to be."""

    counts: Counter[str]
    steps: Sequence[tuple[Rank, int, Step]]
    written: Sequence[int]


def looked_at(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    rows: Sequence[Row[Any]],
    *,
    mapping: Row[Any],
    notes: bool,
    linger_s: Mapping[str, float],
) -> Looked:
    ids = [row.id for row in rows]
    gone = edited.older_among(connection, ids) | withdrawn.gone_among(connection, ids)
    had = {row.response_id: row for row in connection.execute(HAD, {
        "w": workspace_id, "ids": ids, "step": f"feed:{mapping.id}"})}  # fmt: skip
    persons = _persons(connection, rows)
    outcomes = {
        row.id: _without_planning(
            row, had.get(row.id), gone=gone, known=row.id in persons, version=mapping.published
        )
        for row in rows
    }
    asked = [row for row in rows if outcomes[row.id] is None]
    plans = planner.replanned(
        connection, desk, workspace_id, asked, persons=persons, linger_s=linger_s
    ) if asked else {}  # fmt: skip
    counts = Counter(one for one in outcomes.values() if one is not None)
    steps: list[tuple[Rank, int, Step]] = []
    written = []
    for row in asked:
        wanted = _wanted(plans[row.id], mapping, notes=notes)
        counts[_outcome(plans[row.id], wanted)] += 1
        rank = Rank(row.answered_at, row.revision, row.id)
        steps += [(rank, persons[row.id].id, step) for step in wanted]
        written += [row.id] if wanted else []
    return Looked(counts, steps, written)


def _without_planning(
    row: Row[Any],
    had: Row[Any] | None,
    *,
    gone: Collection[int],
    known: bool,
    version: int,
) -> str | None:
    """What the response is, where that needs no planning; else None."""
    if row.planned_at is None:
        return "waiting"
    if row.id in gone or row.source == FROM_TEST or row.event not in TRIGGERS:
        return "replaced"
    if row.removed_at is not None:
        return "removed"
    if not known:
        return "nobody"
    if had is None:
        return None
    if had.mapping_version == version:
        return "already"
    return "under_way" if had.state in OPEN else None


def _wanted(planned: Planned | None, mapping: Row[Any], *, notes: bool) -> tuple[Step, ...]:
    """Of a plan the steps that the mapping brings: its fields, where it writes to contacts their
    score tag, and notes and files where they were asked for.
    """
    if planned is None:
        return ()
    fed = next((one for one in planned.steps if one.key == f"feed:{mapping.id}"), None)
    if fed is None:
        return ()
    own = {fed.key, f"link:{mapping.id}"}
    beside = {f"tag:{fed.connection_id}"} if fed.payload["linked"] else set()
    kinds = {NOTE, FILE} if notes else set()
    return tuple(
        one
        for one in planned.steps
        if one.key in own | beside or (one.kind in kinds and one.connection_id == fed.connection_id)
    )


def _outcome(planned: Planned | None, wanted: Sequence[Step]) -> str:
    if planned is None:
        return "broken"
    if not wanted:
        return "not_fed"
    return "refused" if wanted[0].state == "dead" else "to_write"


def _persons(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, Person]:
    """Who gave each response, as they were matched when it was planned."""
    contacts = sorted({row.contact_id for row in rows if row.contact_id and not row.anonymous})
    found = {row.id: person_of(row) for row in connection.execute(PERSONS, {"ids": contacts})}
    return {
        row.id: replace(found[row.contact_id], crm_ids=_crm_ids(row.body))
        for row in rows
        if row.contact_id in found
    }


def _crm_ids(body: Mapping[str, Any]) -> Mapping[str, str]:
    return (body.get("respondent") or {}).get("crm_ids") or {}


HAD = text(
    "SELECT response_id, mapping_version, state FROM delivery"
    " WHERE workspace_id = :w AND response_id = ANY(:ids) AND step = :step"
)
PERSONS = text(
    """
    SELECT id, email, external_id, phone, name, first_name, last_name, company, country, language,
           attributes, origin_connection_id, opted_out_at
      FROM contact WHERE id = ANY(:ids) AND state = 'active'
    """
)
