"""Which records a mapping has made of the versions of a response. Set-based SQL.

A mapping that only creates may write these again when the response is edited, and hang its files on
them; what anybody else has made is not touched (decide.py, made.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from connector.responses.steps import Made

# (response id, mapping id, entity): ids of two entities may be the same.
Fed = tuple[int, int, str]


def made_of(connection: Connection, connection_id: int, every: Collection[Fed]) -> dict[Fed, Made]:
    """What each mapping has made of any version of the response, at this connection."""
    if not every:
        return {}
    rows: dict[Fed, list[Mapping[str, Any]]] = {one: [] for one in every}
    asked = {"c": connection_id, "responses": sorted({one[0] for one in every})}
    for row in connection.execute(MADE, asked).mappings():
        fed = row["asked"], row["mapping_id"], row["entity"]
        if fed in rows:
            rows[fed].append(dict(row))
    return {fed: _made(found, fed[0]) for fed, found in rows.items()}


def _made(every: Sequence[Mapping[str, Any]], response_id: int) -> Made:
    return Made(
        frozenset(str(row["remote_id"]) for row in every if row["is_made"]),
        tuple(row["values"] for row in every if row["perhaps"] and row["values"]),
        next((row for row in every if row["response_id"] == response_id and row["live"]), None),
    )


# From each version to the others, to what made their records: every step by an index of its own. A
# backfill puts what an older version of the mapping wrote aside, under another name of its step.
# A claim that superseded a step has sent nothing of it, and one that is under way not yet.
MADE = text(
    """
    SELECT mine.id AS asked, d.id, d.response_id, d.mapping_id, d.entity, d.state, d.remote_id,
           d.reason, d.error_code, d.error, d.payload->'values' AS values,
           d.step = 'feed:' || CAST(d.mapping_id AS text) AS live,
           d.state = 'done' AND d.remote_id IS NOT NULL
           AND (d.payload->>'operation' = 'create'
                OR EXISTS (SELECT FROM ledger l WHERE l.delivery_id = d.id AND l.created))
           AS is_made,
           d.response_id <> mine.id AND d.payload->>'operation' = 'create' AND (
               (d.state IN ('pending', 'parked', 'awaiting') AND d.claims > 0)
            OR (d.state IN ('leased', 'superseded') AND d.claims > 1)
            OR (d.state = 'dead' AND d.reason IN ('attempts', 'crashes', 'perhaps_sent')))
           AS perhaps
      FROM unnest(CAST(:responses AS bigint[])) AS one(id)
      JOIN response mine ON mine.id = one.id
      JOIN response r ON r.workspace_id = mine.workspace_id AND r.response_id = mine.response_id
                     AND r.source = mine.source
      JOIN delivery d ON d.workspace_id = r.workspace_id AND d.response_id = r.id
     WHERE d.connection_id = :c AND d.kind = 'fields'
       AND split_part(d.step, '@', 1) = 'feed:' || CAST(d.mapping_id AS text)
     ORDER BY r.revision, d.id
    """
)
