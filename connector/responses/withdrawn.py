"""Which responses their platforms have deleted, and what they have left behind. Set-based SQL.

A version is gone when a deletion of a higher revision is known: nothing of it is planned or sent
any more, whatever the order of arrival. In the deletion's own transaction its open steps end and
the order guard's clocks step back to the newest answer that still counts, so that a late answer is
not held back by one that is not there any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, text

from connector.responses.compensation import DELETED, WrittenStep

EVENT = "deleted"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Of a batch of responses that is planned: `gone` are versions of deleted responses; `waiting`
    are deletions that come again, because somebody else is still planning an earlier version;
    `written` is what the earlier versions of a deletion may have left at the CRMs; `about` is whom
    and what they were about, by the deletion: rows with contact_id, campaign_id, survey_id.
    """

    gone: frozenset[int] = frozenset()
    waiting: frozenset[int] = frozenset()
    written: Mapping[int, Sequence[WrittenStep]] = field(default_factory=dict)
    about: Mapping[int, Row[Any]] = field(default_factory=dict)


def of_batch(connection: Connection, rows: Sequence[Row[Any]]) -> Withdrawn:
    """What deletions mean for these responses. Those that are due end what they end."""
    ids = [row.id for row in rows]
    gone = gone_among(connection, ids)
    deletions = [row.id for row in rows if row.event == EVENT]
    if not deletions:
        return Withdrawn(gone)
    waiting = frozenset(
        connection.execute(WAITING, {"ids": deletions, "batch": ids}).scalars().all()
    )
    if waiting:
        connection.execute(POSTPONE, {"ids": list(waiting)})
    due = [one for one in deletions if one not in waiting]
    if not due:
        return Withdrawn(gone, waiting)
    about = {row.deletion: row for row in connection.execute(ABOUT, {"ids": due})}
    return Withdrawn(gone, waiting, _ended(connection, due), about)


def _ended(connection: Connection, ids: Sequence[int]) -> dict[int, list[WrittenStep]]:
    """End the open steps of the versions before these deletions; what may have been written.

    In this order: a step that is being claimed meanwhile is either ended or seen as claimed.
    """
    connection.execute(END, {"ids": list(ids), "reason": DELETED})
    connection.execute(STEP_BACK, {"ids": list(ids)})
    written: dict[int, list[WrittenStep]] = defaultdict(list)
    for row in connection.execute(WRITTEN, {"ids": list(ids)}):
        written[row.deletion].append(
            WrittenStep(
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
        )
    return dict(written)


def gone_among(connection: Connection, response_ids: Sequence[int]) -> frozenset[int]:
    """Those of these versions whose response has been deleted since."""
    return frozenset(connection.execute(GONE, {"ids": list(response_ids)}).scalars().all())


# Deletions are few: their own index is read, whatever the size of the batch.
GONE = text(
    f"""
    SELECT DISTINCT r.id
      FROM response g
      JOIN response r ON r.workspace_id = g.workspace_id AND r.response_id = g.response_id
                     AND r.source = g.source AND r.revision < g.revision
     WHERE g.event = '{EVENT}' AND r.id = ANY(:ids)
    """  # noqa: S608 - a constant of this file
)
# Of a delivery `d` of a version `r`: a later version, or the deletion, has not taken it back yet.
NOT_TAKEN_BACK = """
       NOT EXISTS (
           SELECT FROM response t
             JOIN delivery u ON u.workspace_id = t.workspace_id AND u.response_id = t.id
            WHERE t.workspace_id = r.workspace_id AND t.response_id = r.response_id
              AND t.source = r.source AND t.revision > r.revision
              AND u.kind = 'undo' AND u.state = 'done' AND u.payload->>'step' = d.step
              AND u.contact_id = d.contact_id)
"""
_BEFORE = """
      FROM response g
      JOIN response r ON r.workspace_id = g.workspace_id AND r.response_id = g.response_id
                     AND r.source = g.source AND r.revision < g.revision
     WHERE g.id = ANY(:ids)
"""
WAITING = text(
    f"SELECT DISTINCT g.id {_BEFORE} AND r.planned_at IS NULL AND NOT r.id = ANY(:batch)"
)
POSTPONE = text(
    "UPDATE response SET plan_due_at = now() + interval '1 second' WHERE id = ANY(:ids)"
)
# Who reads the newest version of a contact's or campaign's responses must meet the deletion there.
ABOUT = text(
    f"""
    SELECT DISTINCT ON (g.id) g.id AS deletion, r.contact_id, r.campaign_id, r.survey_id {_BEFORE}
     ORDER BY g.id, r.revision DESC, r.id DESC
    """
)
# Oldest version first. What nobody has had in hand cannot stand anywhere.
WRITTEN = text(
    f"""
    WITH versions AS (SELECT g.id AS deletion, r.id AS response_id, r.workspace_id {_BEFORE})
    SELECT v.deletion, d.step, d.kind, d.connection_id, d.contact_id, d.entity, d.lane,
           d.campaign_id, d.mapping_id, d.mapping_version,
           d.payload - '{{values,keep,create,refs,text,html}}'::text[] AS payload
      FROM versions v
      JOIN delivery d ON d.workspace_id = v.workspace_id AND d.response_id = v.response_id
     WHERE d.kind <> 'undo' AND d.claims > 0
     ORDER BY d.answered_at, d.revision, d.response_id, d.id
    """  # noqa: S608 - a constant of this file
)
# What a worker has in hand it settles; it is ended at its next claim.
END = text(
    f"""
    WITH versions AS (SELECT r.id AS response_id, r.workspace_id {_BEFORE})
    UPDATE delivery d
       SET state = 'superseded', reason = :reason, settled_at = now()
      FROM versions v
     WHERE d.workspace_id = v.workspace_id AND d.response_id = v.response_id
       AND d.state IN ('pending', 'parked', 'dead')
    """  # noqa: S608 - a constant of this file
)
# The clocks that these responses hold go to the newest answer that still counts, or end. In key
# order, as they are raised.
STEP_BACK = text(
    f"""
    WITH versions AS (SELECT r.id AS response_id, r.workspace_id {_BEFORE}),
    places AS (
      SELECT DISTINCT d.workspace_id, d.connection_id, d.lane, d.contact_id
        FROM versions v
        JOIN delivery d ON d.workspace_id = v.workspace_id AND d.response_id = v.response_id
    ), held AS MATERIALIZED (
      SELECT k.connection_id, k.lane, k.target, p.workspace_id, p.contact_id
        FROM places p
        JOIN target_clock k ON k.connection_id = p.connection_id AND k.lane = p.lane
       WHERE k.response_id IN (SELECT response_id FROM versions)
       ORDER BY 1, 2, 3 FOR UPDATE OF k
    ), newest AS (
      SELECT DISTINCT ON (h.connection_id, h.lane, h.target)
             h.connection_id, h.lane, h.target, d.answered_at, d.revision, d.response_id
        FROM held h
        JOIN delivery d ON d.workspace_id = h.workspace_id AND d.contact_id = h.contact_id
                       AND d.connection_id = h.connection_id AND d.lane = h.lane
       WHERE d.response_id NOT IN (SELECT response_id FROM versions)
         AND NOT EXISTS (
             SELECT FROM response r
               JOIN response g ON g.workspace_id = r.workspace_id AND g.source = r.source
                              AND g.response_id = r.response_id AND g.revision > r.revision
              WHERE r.id = d.response_id AND g.event = '{EVENT}')
         AND ((d.kind = 'tag' AND h.target = 'tag:' || d.campaign_id)
              OR (d.kind = 'fields' AND EXISTS (
                  SELECT FROM jsonb_object_keys(coalesce(d.payload->'values', '{{}}')
                                                || coalesce(d.payload->'refs', '{{}}')) AS name
                   WHERE h.target = 'field:' || d.entity || '.' || name)))
       ORDER BY h.connection_id, h.lane, h.target,
                d.answered_at DESC, d.revision DESC, d.response_id DESC
    ), ended AS (
      DELETE FROM target_clock k USING held h
       WHERE (k.connection_id, k.lane, k.target) = (h.connection_id, h.lane, h.target)
         AND NOT EXISTS (SELECT FROM newest n
                          WHERE (n.connection_id, n.lane, n.target)
                              = (h.connection_id, h.lane, h.target))
    )
    UPDATE target_clock k
       SET answered_at = n.answered_at, revision = n.revision, response_id = n.response_id
      FROM newest n
     WHERE (k.connection_id, k.lane, k.target) = (n.connection_id, n.lane, n.target)
    """  # noqa: S608 - a constant of this file
)
