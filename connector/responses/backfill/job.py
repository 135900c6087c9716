"""The job: what backfills have asked for is planned, batch by batch."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, text

from connector import stopping
from connector.db import DatabaseAway, retried
from connector.failpoints import failpoint
from connector.log import get_logger
from connector.responses import outbox, planner
from connector.responses.backfill.outcomes import Looked, looked_at
from connector.responses.backfill.span import MAPPING, OF_SPAN, READ, Span
from connector.responses.hub import Hub
from schemas.priority import Priority

BATCH = 200
JOB_S = 45.0
# Why a backfill has stopped by itself.
CHANGED = "mapping_changed"


def plan_due(hub: Hub, workspace_id: int, *, for_s: float = JOB_S) -> frozenset[int]:
    """Plan what backfills have asked for, for a while; the connections that got work."""
    ends_at = time.monotonic() + for_s
    touched: set[int] = set()
    size = BATCH
    while not stopping.is_stopping() and time.monotonic() < ends_at:
        try:
            connections = retried(partial(_plan_batch, hub, workspace_id, size=size))
        except DatabaseAway:
            raise
        except Exception as exc:  # noqa: BLE001 - found singly, counted as broken, and logged
            get_logger(__name__).error("backfill_failed", kind=type(exc).__name__, size=size)
            if size == 1:
                _skip_one(hub, workspace_id)
            size = 1
            continue
        if connections is None:
            break
        touched |= connections
    return frozenset(touched)


def _plan_batch(hub: Hub, workspace_id: int, *, size: int) -> frozenset[int] | None:
    """Plan the next responses of the oldest backfill; None when none is due."""
    with hub.database.begin(workspace_id) as connection:
        run = connection.execute(CLAIM, {"w": workspace_id}).one_or_none()
        if run is None:
            return None
        mapping = connection.execute(
            MAPPING, {"w": workspace_id, "m": run.mapping_id}
        ).one_or_none()
        if mapping is None or mapping.published != run.mapping_version:
            connection.execute(END, {"id": run.id, "state": "stopped", "reason": CHANGED})
            return frozenset()
        rows = _taken(connection, workspace_id, run, size=size)
        found = looked_at(
            connection, hub.desk, workspace_id, rows, mapping=mapping, notes=run.notes,
            linger_s=hub.settings.linger_s,
        )  # fmt: skip
        _keep(connection, workspace_id, mapping, found)
        at_id = rows[-1].id if rows else run.last_id
        counts = Counter(run.counts) + found.counts
        connection.execute(ADVANCE, {"id": run.id, "at": at_id, "counts": json.dumps(counts)})
        failpoint("backfill_kept")
        if len(rows) < size:
            connection.execute(END, {"id": run.id, "state": "done", "reason": None})
        return frozenset(step.connection_id for _, _, step in found.steps)


def _taken(
    connection: Connection, workspace_id: int, run: Row[Any], *, size: int
) -> Sequence[Row[Any]]:
    span = Span(run.since, run.until, run.campaigns and tuple(run.campaigns))
    options = {"w": workspace_id, "at": run.at_id, "last": run.last_id, "n": size, **span.options()}
    return connection.execute(TAKE, options).all()


def _keep(connection: Connection, workspace_id: int, mapping: Row[Any], found: Looked) -> None:
    """The steps into the outbox. What older versions of the mapping have settled gives way."""
    if not found.steps:
        return
    aside = {"w": workspace_id, "m": mapping.id, "v": mapping.published, "ids": list(found.written)}
    connection.execute(MOVE_ASIDE, aside)
    steps = planner.provisioned(connection, workspace_id, found.steps)
    outbox.enqueue(connection, workspace_id, steps, priority=Priority.BACKFILL)


def _skip_one(hub: Hub, workspace_id: int) -> None:
    """The next response cannot be planned or stored: it is left out, and the backfill goes on."""
    with hub.database.begin(workspace_id) as connection:
        run = connection.execute(CLAIM, {"w": workspace_id}).one_or_none()
        rows = _taken(connection, workspace_id, run, size=1) if run else ()
        if run and rows:
            counts = Counter(run.counts) + Counter(broken=1)
            options = {"id": run.id, "at": rows[0].id, "counts": json.dumps(counts)}
            connection.execute(ADVANCE, options)


# One planner a backfill: its place and its counts are the row's own.
CLAIM = text(
    "SELECT * FROM backfill WHERE workspace_id = :w AND state = 'running'"
    " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
)
# Locked: a response that is being planned just now is seen as planned, with what it got.
TAKE = text(
    f"""
    SELECT {READ} {OF_SPAN} AND r.id > :at AND r.id <= :last
     ORDER BY r.id LIMIT :n FOR SHARE OF r
    """
)
# The key of a live step is free again; what the older version wrote keeps its lines and its state.
# What it could not write is not wanted any more.
MOVE_ASIDE = text(
    """
    WITH settled AS (
      SELECT d.id, d.response_id, d.step, d.step || '@' || d.mapping_version AS aside
        FROM delivery d
       WHERE d.workspace_id = :w AND d.response_id = ANY(:ids)
         AND d.step IN ('feed:' || :m, 'link:' || :m) AND d.mapping_version <> :v
         AND d.state IN ('done', 'superseded', 'dead', 'cancelled')
    ), moved AS (
      UPDATE step_key k SET step = s.aside FROM settled s
       WHERE k.response_id = s.response_id AND k.step = s.step
    )
    UPDATE delivery d
       SET step = s.aside,
           state = CASE WHEN d.state = 'dead' THEN 'superseded' ELSE d.state END,
           reason = CASE WHEN d.state = 'dead' THEN 'backfilled' ELSE d.reason END
      FROM settled s WHERE d.id = s.id
    """
)
ADVANCE = text("UPDATE backfill SET at_id = :at, counts = CAST(:counts AS jsonb) WHERE id = :id")
END = text("UPDATE backfill SET state = :state, reason = :reason, ended_at = now() WHERE id = :id")
PERSONS = text(
    """
    SELECT id, email, external_id, phone, name, first_name, last_name, company, country, language,
           attributes, origin_connection_id, opted_out_at
      FROM contact WHERE id = ANY(:ids) AND state = 'active'
    """
)
END = text("UPDATE backfill SET state = :state, reason = :reason, ended_at = now() WHERE id = :id")
PERSONS = text(
    """
    SELECT id, email, external_id, phone, name, first_name, last_name, company, country, language,
           attributes, origin_connection_id, opted_out_at
      FROM contact WHERE id = ANY(:ids) AND state = 'active'
    """
)
