"""The drift watch: definitions are downloaded again nightly, and once when a field was found lost.

    schedule   a check for every connection whose workspace has reached the night of its local date
    ask        a check because a delivery met a lost field; one at a time, one an hour
    ask_after_connecting   a check of what was just connected
    check      the job: download, compare, tell; tried again when the CRM does not answer

A check never uses the reserve of the account's day: it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, text

from adapters.errors import AdapterError
from connector import clock
from connector.connections import discover, findings, quota
from connector.connections.budget import Light
from connector.connections.changes import changes_of
from connector.connections.desk import Desk
from connector.connections.discover import Snapshot
from connector.connections.impact import mappings_hit
from connector.connections.profile import load
from connector.problems import Refusal, not_found

NIGHT, ERROR, CONNECTED = "nightly", discover.BY_ERROR, "connected"
# Local hour from which on the night's check is due; spread over an hour by the connection's id.
HOUR, SPREAD_S = 2, 3_600
LEASE_S, AGAIN_S, MOST_TRIES, REST_S = 300, 900, 5, 3_600


def _nothing(_desk: Desk, _workspace_id: int, _connection_id: int) -> None:
    """Nobody wants to know."""


def schedule(connection: Connection, workspace_id: int) -> int:
    """Plan the night's checks of the workspace; how many were new. A repeat does nothing."""
    options = {"w": workspace_id, "hour": HOUR, "spread": SPREAD_S}
    return connection.execute(SCHEDULE, options).rowcount


def ask(connection: Connection, workspace_id: int, connection_id: int) -> None:
    """A delivery has met a lost field or permission: look at the definitions once, soon."""
    options = {"w": workspace_id, "c": connection_id, "rest": REST_S}
    connection.execute(ASK, options)


def ask_after_connecting(connection: Connection, workspace_id: int, connection_id: int) -> None:
    """It has just been connected: look at definitions and rights once, within a minute."""
    connection.execute(ASK_CONNECTED, {"w": workspace_id, "c": connection_id})


def check(
    desk: Desk,
    workspace_id: int,
    connection_id: int,
    *,
    after_connecting: Callable[[Desk, int, int], None] = _nothing,
) -> int:
    """Do what checks of the connection are due, with one download; how many changes break
    something. `after_connecting` is called where it was for a connection just made.
    """
    with desk.database.begin(workspace_id) as connection:
        claimed = connection.execute(CLAIM, {"c": connection_id, "lease": LEASE_S}).all()
        if not claimed:
            return 0
        if _must_wait(connection, workspace_id, connection_id):
            return 0
    causes = {one.cause for one in claimed}
    cause = next(one for one in (ERROR, NIGHT, CONNECTED) if one in causes)
    ids = {"ids": [one.id for one in claimed]}
    try:
        done = discover.look(desk, workspace_id, connection_id, cause=cause)
    except (AdapterError, Refusal) as exc:
        code = {"code": str(exc.code), "again": AGAIN_S, "most": MOST_TRIES}
        with desk.database.begin(workspace_id) as connection:
            connection.execute(FAILED, {**ids, **code})
        return 0
    with desk.database.begin(workspace_id) as connection:
        connection.execute(FINISHED, ids)
    if CONNECTED in causes:
        after_connecting(desk, workspace_id, connection_id)
    return done.broken


def compared(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    *,
    before: int | None = None,
    after: int | None = None,
) -> dict[str, Any]:
    """What changed between two snapshots of one entity, by their ids, and the published `mappings`
    that it hits; without them between the contact's newest and the one before it, nothing where
    there is only one. Refusal not_found.
    """
    contact = load(connection, workspace_id, connection_id).traits.contact_entity
    history = discover.history(connection, workspace_id, connection_id)
    newest = [one for one in history if one.entity.name == contact][:2]
    if before is None and after is None and len(newest) < 2:
        return {"changes": [], "mappings": []}
    known = {one.id: one for one in history}
    then = newest[-1] if before is None and newest else known.get(before or 0)
    now = newest[0] if after is None and newest else known.get(after or 0)
    if then is None or now is None or then.entity.name != now.entity.name:
        raise not_found()
    changes = changes_of(then.entity, now.entity)
    breaking = [one for one in changes if one.breaks]
    hit = mappings_hit(connection, connection_id, breaking, entity=then.entity.name)
    return {"changes": [one.told() for one in changes], "mappings": list(hit)}


def shown(connection: Connection, workspace_id: int, connection_id: int) -> dict[str, Any]:
    """What has drifted, when it was looked at last, and the snapshots that can be compared."""
    load(connection, workspace_id, connection_id)
    asked = {"w": workspace_id, "c": connection_id}
    last = connection.execute(LAST, asked).one_or_none()
    history = discover.history(connection, workspace_id, connection_id)
    return {
        "drift": findings.shown(connection, workspace_id, connection_id),
        "checked_at": last.finished_at if last else None,
        "check_failed": last.code if last else None,
        "snapshots": [_snapshot(one) for one in history],
    }


def _snapshot(one: Snapshot) -> Mapping[str, Any]:
    return {
        "id": one.id,
        "entity": one.entity.name,
        "fields": len(one.entity.fields),
        "taken_at": one.taken_at,
        "seen_at": one.seen_at,
    }


def _must_wait(connection: Connection, workspace_id: int, connection_id: int) -> bool:
    budget = quota.budget(connection, load(connection, workspace_id, connection_id))
    if budget.light(clock.now()) is not Light.RED:
        return False
    connection.execute(WAIT, {"c": connection_id, "until": budget.again_at})
    return True


# The local date of now: a row for each, whatever restarts or summer time do.
SCHEDULE = text(
    """
    INSERT INTO drift_check (workspace_id, connection_id, cause, local_date, due_at)
    SELECT c.workspace_id, c.id, 'nightly', (now() AT TIME ZONE w.timezone)::date,
           now() + make_interval(secs => (c.id * 97) % :spread)
      FROM connection c JOIN workspace w ON w.id = c.workspace_id
     WHERE c.workspace_id = :w AND c.state = 'connected' AND c.deleted_at IS NULL
       AND c.paused_at IS NULL AND w.paused_at IS NULL
       AND extract(hour FROM now() AT TIME ZONE w.timezone) >= :hour
       AND EXISTS (SELECT FROM entity_snapshot s WHERE s.connection_id = c.id AND s.current)
    ON CONFLICT DO NOTHING
    """
)
ASK = text(
    """
    INSERT INTO drift_check (workspace_id, connection_id, cause, local_date)
    SELECT :w, :c, 'error', current_date
     WHERE NOT EXISTS (
           SELECT FROM drift_check k WHERE k.connection_id = :c AND k.cause = 'error'
              AND k.finished_at > now() - make_interval(secs => :rest))
    ON CONFLICT DO NOTHING
    """
)
ASK_CONNECTED = text(
    """
    INSERT INTO drift_check (workspace_id, connection_id, cause, local_date)
    VALUES (:w, :c, 'connected', current_date) ON CONFLICT DO NOTHING
    """
)
CLAIM = text(
    """
    UPDATE drift_check SET lease_until = now() + make_interval(secs => :lease), tries = tries + 1
     WHERE id IN (SELECT id FROM drift_check
                   WHERE connection_id = :c AND finished_at IS NULL AND due_at <= now()
                     AND (lease_until IS NULL OR lease_until < now())
                     FOR UPDATE SKIP LOCKED)
    RETURNING id, cause
    """
)
WAIT = text(
    """
    UPDATE drift_check SET due_at = :until, lease_until = NULL, tries = tries - 1
     WHERE connection_id = :c AND finished_at IS NULL
    """
)
FAILED = text(
    """
    UPDATE drift_check
       SET code = :code, lease_until = NULL, due_at = now() + make_interval(secs => :again),
           finished_at = CASE WHEN tries >= :most THEN now() END
     WHERE id = ANY(:ids)
    """
)
FINISHED = text(
    "UPDATE drift_check SET finished_at = now(), lease_until = NULL, code = NULL"
    " WHERE id = ANY(:ids)"
)
LAST = text(
    """
    SELECT finished_at, code FROM drift_check
     WHERE workspace_id = :w AND connection_id = :c AND finished_at IS NOT NULL
     ORDER BY finished_at DESC LIMIT 1
    """
)
