"""Which responses have been edited, and which notes and files their earlier versions have left.
Set-based SQL.

A whole version is older when a later whole one of the same response is known, whatever the order of
arrival. When the later one is planned, the open notes and files of those before it end, in the same
transaction; what a worker has had in hand is taken back (replacing.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, text

from connector.responses.compensation import WrittenStep
from connector.responses.replacing import EDITED, Standing
from connector.responses.withdrawn import NOT_TAKEN_BACK


@dataclass(frozen=True, slots=True)
class Edits:
    """Of a batch that is planned: `older` are versions with a later one; `waiting` are edits that
    come again, because somebody else is planning an earlier version; `standing` is what those
    before an edit may have left at the CRMs.
    """

    older: frozenset[int] = frozenset()
    waiting: frozenset[int] = frozenset()
    standing: Mapping[int, Sequence[Standing]] = field(default_factory=dict)


def of_batch(connection: Connection, rows: Sequence[Row[Any]]) -> Edits:
    """What edits mean for these responses. Those that are due end what they replace."""
    ids = [row.id for row in rows]
    older = older_among(connection, ids)
    edits = [row.id for row in rows if row.revision > 1 and row.id not in older]
    if not edits:
        return Edits(older)
    waiting = _waiting(connection, edits, batch=ids)
    if waiting:
        connection.execute(POSTPONE, {"ids": sorted(waiting)})
    due = [one for one in edits if one not in waiting]
    return Edits(older, waiting, _standing(connection, due) if due else {})


def older_among(connection: Connection, response_ids: Sequence[int]) -> frozenset[int]:
    """Those of these versions that a later whole version has replaced."""
    if not response_ids:
        return frozenset()
    return frozenset(connection.execute(OLDER, {"ids": list(response_ids)}).scalars().all())


def _waiting(
    connection: Connection, edits: Sequence[int], *, batch: Sequence[int]
) -> frozenset[int]:
    """Edits of which an earlier version is in another planner's hands: locked, and unplanned.

    What is only unplanned meets the edit when its turn comes.
    """
    unplanned: dict[int, set[int]] = defaultdict(set)
    for row in connection.execute(UNPLANNED, {"ids": list(edits), "batch": list(batch)}):
        unplanned[row.edit].add(row.id)
    if not unplanned:
        return frozenset()
    every = sorted(set().union(*unplanned.values()))
    free = set(connection.execute(FREE, {"ids": every}).scalars().all())
    return frozenset(edit for edit, ids in unplanned.items() if ids - free)


def _standing(connection: Connection, edits: Sequence[int]) -> dict[int, list[Standing]]:
    """End the open notes and files of the versions before; what of the others may stand.

    In this order: one that is being claimed meanwhile is either ended or seen as claimed.
    """
    connection.execute(END, {"ids": list(edits), "reason": EDITED})
    found: dict[int, list[Standing]] = defaultdict(list)
    for row in connection.execute(STANDING, {"ids": list(edits)}):
        step = WrittenStep(
            key=row.step,
            kind=row.kind,
            connection_id=row.connection_id,
            contact_id=row.contact_id,
            entity=row.entity,
            lane=row.lane,
            payload=row.payload,
            campaign_id=row.campaign_id,
            mapping_id=row.mapping_id,
            mapping_version=row.mapping_version,
        )
        found[row.edit].append(Standing(step, row.state == "done", bool(row.same_file)))
    return dict(found)


_WHOLE = "('completed', 'updated')"
# A lateral LIMIT: each version looks its own response up by the index, whatever the statistics say.
OLDER = text(
    f"""
    SELECT r.id
      FROM response r
      CROSS JOIN LATERAL (
           SELECT 1 FROM response n
            WHERE n.workspace_id = r.workspace_id AND n.response_id = r.response_id
              AND n.source = r.source AND n.revision > r.revision AND n.event IN {_WHOLE}
            LIMIT 1) newer
     WHERE r.id = ANY(:ids) AND r.event IN {_WHOLE}
    """  # noqa: S608 - a constant of this file
)
_BEFORE = f"""
      FROM response e
      CROSS JOIN LATERAL (
           SELECT o.* FROM response o
            WHERE o.workspace_id = e.workspace_id AND o.response_id = e.response_id
              AND o.source = e.source AND o.revision < e.revision
           OFFSET 0) r
     WHERE e.id = ANY(:ids) AND e.event IN {_WHOLE}
"""  # noqa: S608 - a constant of this file
UNPLANNED = text(
    f"SELECT e.id AS edit, r.id {_BEFORE} AND r.planned_at IS NULL AND NOT r.id = ANY(:batch)"
)
FREE = text(
    "SELECT id FROM response WHERE id = ANY(:ids) AND planned_at IS NULL"
    " ORDER BY id FOR UPDATE SKIP LOCKED"
)
POSTPONE = text(
    "UPDATE response SET plan_due_at = now() + interval '1 second' WHERE id = ANY(:ids)"
)
# What a worker has in hand it settles; it is ended at its next claim.
END = text(
    f"""
    WITH versions AS (SELECT r.id AS response_id, r.workspace_id {_BEFORE})
    UPDATE delivery d
       SET state = 'superseded', reason = :reason, settled_at = now()
      FROM versions v
     WHERE d.workspace_id = v.workspace_id AND d.response_id = v.response_id
       AND d.kind IN ('note', 'file') AND d.state IN ('pending', 'parked', 'dead')
    """  # noqa: S608 - a constant of this file
)
# Oldest version first, without what a later version has taken back already. A file is the same
# where the whole answer is, and its content where that came along.
STANDING = text(
    f"""
    SELECT e.id AS edit, d.step, d.kind, d.connection_id, d.contact_id, d.entity, d.lane,
           d.campaign_id, d.mapping_id, d.mapping_version, d.payload, d.state,
           r.body->'answers'->(d.payload->>'answer') = e.body->'answers'->(d.payload->>'answer')
           AND EXISTS (
               SELECT FROM answer_file o
                 JOIN answer_file f ON f.workspace_id = o.workspace_id AND f.response_id = e.id
                                   AND f.answer = o.answer AND f.place = o.place
                WHERE o.id = (d.payload->>'file')::bigint
                  AND (f.url IS NOT NULL OR f.digest = o.digest)) AS same_file
      FROM response e
      CROSS JOIN LATERAL (
           SELECT o.* FROM response o
            WHERE o.workspace_id = e.workspace_id AND o.response_id = e.response_id
              AND o.source = e.source AND o.revision < e.revision
           OFFSET 0) r
      JOIN delivery d ON d.workspace_id = r.workspace_id AND d.response_id = r.id
     WHERE e.id = ANY(:ids) AND e.event IN {_WHOLE}
       AND d.kind IN ('note', 'file') AND d.claims > 0 AND {NOT_TAKEN_BACK}
     ORDER BY d.answered_at, d.revision, d.response_id, d.id
    """  # noqa: S608 - constants
)
