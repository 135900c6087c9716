"""The mapping breaker: a mapping whose every record fails stops, and a person is told once.

Fifty failures in a row, or ten minutes of nothing but failures, ten at least, open it (G10): the
mapping is paused with the reason `breaker`, its waiting deliveries are parked. One success closes
the count.
"""

from __future__ import annotations

import json
from collections import defaultdict

from sqlalchemy import Connection, text

from connector import audit
from connector.log import get_logger
from connector.responses.leases import Wave
from connector.responses.ledger import Results

OPENS_AFTER, OPENS_AFTER_S = 50, 600
# Two refusals a quarter of an hour apart are no broken mapping.
AT_LEAST = 10
BREAKER = "breaker"


def judge(
    connection: Connection,
    workspace_id: int,
    results: Results,
    *,
    ours: frozenset[int],
    wave: Wave,
) -> None:
    """Count this wave's outcomes by mapping, and open the breaker of those that only fail."""
    counted: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for one in wave.deliveries:
        if one.mapping_id is not None and one.id in ours:
            state = results.settlements[one.id].state
            counted[one.mapping_id][0] += state == "dead"
            counted[one.mapping_id][1] += state == "done"
    rows = [
        {"id": mapping_id, "dead": dead, "done": done}
        for mapping_id, (dead, done) in counted.items()
        if dead or done
    ]
    if not rows:
        return
    limits = {"most": OPENS_AFTER, "some": AT_LEAST, "most_s": OPENS_AFTER_S}
    for row in connection.execute(COUNT, {"rows": json.dumps(rows), **limits}).all():
        if row.opens:
            _open(connection, workspace_id, row.id)


def _open(connection: Connection, workspace_id: int, mapping_id: int) -> None:
    parked = connection.execute(PARK, {"id": mapping_id}).rowcount
    get_logger(__name__).warning("mapping_breaker_opened", mapping_id=mapping_id, parked=parked)
    audit.record(
        connection,
        workspace_id,
        actor="system",
        action="mapping.breaker_opened",
        object=f"mapping:{mapping_id}",
        detail={"parked": parked},
    )


COUNT = text(
    """
    UPDATE mapping m
       SET failures = s.failures,
           failing_since = CASE WHEN s.failures = 0 THEN NULL
                                ELSE coalesce(m.failing_since, now()) END,
           paused_at = CASE WHEN s.opens THEN now() ELSE m.paused_at END,
           paused_reason = CASE WHEN s.opens THEN 'breaker' ELSE m.paused_reason END
      FROM (
        SELECT k.id, k.failures, k.paused_at IS NULL AND k.failures > 0 AND (
                 k.failures >= :most
                 OR k.failures >= :some
                    AND k.failing_since < now() - make_interval(secs => :most_s)) AS opens
          FROM (SELECT h.id, h.paused_at, h.failing_since,
                       CASE WHEN r.done > 0 THEN 0 ELSE h.failures + r.dead END AS failures
                  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id bigint, dead int, done int)
                  JOIN mapping h ON h.id = r.id) k
      ) s
     WHERE m.id = s.id AND (s.failures > 0 OR m.failures > 0)
    RETURNING m.id, s.opens
    """
)
PARK = text(
    """
    UPDATE delivery d SET state = 'parked', reason = 'breaker'
      FROM mapping m
     WHERE m.id = :id AND d.connection_id = m.connection_id AND d.mapping_id = m.id
       AND d.state = 'pending'
    """
)
