"""Replays and backfills wait when an account's day runs low, so that what has just been answered
still finds its way.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from connector import clock
from connector.connections import quota
from connector.connections.budget import Budget, Light
from connector.connections.profile import load
from connector.responses.failures import Reserved
from schemas.priority import PATIENT, Priority

# As many as one drain puts off: the others are not claimed meanwhile, and the next drain's turn.
AT_ONCE = 5_000
WHY = "the account's calls of the day run low: replays and backfills wait for the next"


def least_urgent(connection: Connection, workspace_id: int, connection_id: int) -> Priority:
    """The least urgent deliveries that may be claimed now; those that may not are put off until
    the account's day is worth another look.
    """
    if connection.execute(WAITING, _of(connection_id)).scalar_one_or_none() is None:
        return Priority.BACKFILL
    budget = quota.budget(connection, load(connection, workspace_id, connection_id))
    if budget.light(clock.now()) in {Light.UNKNOWN, Light.GREEN}:
        return Priority.BACKFILL
    _put_off(connection, connection_id, budget)
    return Priority.LIVE


def _put_off(connection: Connection, connection_id: int, budget: Budget) -> None:
    until = {"until": budget.again_at, "code": Reserved.code, "why": WHY, "most": AT_ONCE}
    connection.execute(PUT_OFF, {**_of(connection_id), **until})


def _of(connection_id: int) -> dict[str, object]:
    return {"c": connection_id, "patient": [int(one) for one in PATIENT]}


WAITING = text(
    """
    SELECT 1 FROM delivery WHERE connection_id = :c AND state = 'pending'
       AND priority = ANY(CAST(:patient AS smallint[])) AND due_at <= now() LIMIT 1
    """
)
PUT_OFF = text(
    """
    UPDATE delivery SET due_at = greatest(:until, now() + interval '1 minute'),
           error_code = :code, error = :why
     WHERE id = ANY(ARRAY(
           SELECT id FROM delivery WHERE connection_id = :c AND state = 'pending'
              AND priority = ANY(CAST(:patient AS smallint[])) AND due_at <= now()
            LIMIT :most FOR UPDATE SKIP LOCKED))
       AND state = 'pending'
    """
)
