"""Events: each becomes one message for every webhook that wants it, in the transaction of what it
tells. So none is lost, and none tells of what was rolled back.

    response.delivered   every step of a response version is settled, and none has failed
    response.failed      a step has failed for good, or the response could not be planned
    contact.opted_out    a contact wants no more surveys

A replay that mends a failed response ends in `response.delivered`. What a test key has pushed is
never told. A message holds ids, states and words of ours: no answer, no name, no address.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

DELIVERED, FAILED, OPTED_OUT = "response.delivered", "response.failed", "contact.opted_out"
EVENTS = (DELIVERED, FAILED, OPTED_OUT)
# Sent by the test button alone; every webhook takes it.
TEST = "webhook.test"


def planned(connection: Connection, workspace_id: int, response_ids: Iterable[int]) -> None:
    """These have been planned in this transaction: tell of those that have ended already (nothing
    is to be written, or all of it was refused), and of those that cannot be planned.
    """
    ids = list(response_ids)
    if ids and is_told(connection, workspace_id):
        connection.execute(PLANNED, {"w": workspace_id, "ids": ids})


def settled(connection: Connection, workspace_id: int, delivery_ids: Iterable[int]) -> None:
    """These deliveries were settled in this transaction: tell of the responses that this ends.

    The responses are locked, so that of two connections which settle the last two steps of one at
    the same moment the later sees the earlier. Call it after the last delivery is written.
    """
    ids = list(delivery_ids)
    if ids and is_told(connection, workspace_id):
        options = {"w": workspace_id, "ids": ids}
        # A statement of its own: what the next one sees must have begun after the lock.
        connection.execute(LOCK, options)
        connection.execute(SETTLED, options)


def opted_out(connection: Connection, workspace_id: int, contact_ids: Iterable[int]) -> None:
    """These contacts want no more surveys since this transaction."""
    ids = list(contact_ids)
    if ids and is_told(connection, workspace_id):
        connection.execute(OPT_OUTS, {"w": workspace_id, "ids": ids, "event": OPTED_OUT})


def is_told(connection: Connection, workspace_id: int) -> bool:
    """Whether the workspace has a webhook: most have none, and pay nothing for those that do."""
    return connection.execute(ANY, {"w": workspace_id}).scalar_one_or_none() is not None


ANY = text("SELECT 1 FROM webhook WHERE workspace_id = :w LIMIT 1")
# In the order of their ids, whoever locks: else two waves could wait for each other.
LOCK = text(
    """
    SELECT r.id FROM response r
     WHERE r.workspace_id = :w AND r.id IN (
           SELECT response_id FROM delivery
            WHERE workspace_id = :w AND id = ANY(:ids)
              AND state IN ('done', 'superseded', 'cancelled', 'dead'))
     ORDER BY r.id FOR NO KEY UPDATE OF r
    """
)
# `ended`: (response_id, failed), of which each becomes one event; what is told is what stands now.
# 'api-test' is what a test key has pushed, as intake.py calls it, which stands above this module.
_TELL = """
    , told AS (
      SELECT CASE WHEN e.failed THEN 'response.failed' ELSE 'response.delivered' END AS event,
             jsonb_build_object(
               'response_id', r.response_id, 'source', r.source, 'revision', r.revision,
               'event', r.event, 'id', r.id, 'verdict', r.verdicts->'response',
               'state', CASE WHEN r.plan_error IS NOT NULL THEN 'planning_failed'
                             WHEN e.failed THEN 'failed' ELSE 'delivered' END,
               'steps', coalesce((
                 SELECT jsonb_agg(jsonb_build_object(
                          'id', d.id, 'step', d.step, 'kind', d.kind, 'app', c.app,
                          'connection', c.name, 'entity', d.entity, 'state', d.state,
                          'reason', d.reason, 'error_code', d.error_code, 'error', d.error,
                          'error_field', d.error_field) ORDER BY d.id)
                   FROM delivery d JOIN connection c ON c.id = d.connection_id
                  WHERE d.workspace_id = :w AND d.response_id = r.id), '[]')) AS data
        FROM ended e JOIN response r ON r.workspace_id = :w AND r.id = e.response_id
       WHERE r.source <> 'api-test'
         AND (e.failed OR (r.planned_at IS NOT NULL AND NOT EXISTS (
              SELECT FROM delivery d WHERE d.workspace_id = :w AND d.response_id = r.id
                 AND d.state NOT IN ('done', 'superseded', 'cancelled'))))
    )
    INSERT INTO webhook_message (workspace_id, webhook_id, event, data)
    SELECT :w, h.id, t.event, t.data
      FROM told t JOIN webhook h ON h.workspace_id = :w AND t.event = ANY(h.events)
    """
SETTLED = text(
    f"""
    WITH ended AS (
      SELECT response_id, bool_or(state = 'dead') AS failed FROM delivery
       WHERE workspace_id = :w AND id = ANY(:ids)
         AND state IN ('done', 'superseded', 'cancelled', 'dead')
       GROUP BY response_id
    ) {_TELL}
    """  # noqa: S608 - a constant of this file
)
PLANNED = text(
    f"""
    WITH ended AS (
      SELECT r.id AS response_id, r.plan_error IS NOT NULL OR EXISTS (
             SELECT FROM delivery d WHERE d.workspace_id = :w AND d.response_id = r.id
                AND d.state = 'dead') AS failed
        FROM response r
       WHERE r.workspace_id = :w AND r.id = ANY(:ids) AND r.planned_at IS NOT NULL
    ) {_TELL}
    """  # noqa: S608 - a constant of this file
)
OPT_OUTS = text(
    """
    INSERT INTO webhook_message (workspace_id, webhook_id, event, data)
    SELECT :w, h.id, :event, jsonb_build_object('id', c.id, 'external_id', c.external_id)
      FROM contact c JOIN webhook h ON h.workspace_id = :w AND :event = ANY(h.events)
     WHERE c.workspace_id = :w AND c.id = ANY(:ids)
    """
)
