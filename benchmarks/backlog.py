"""Outbox rows by the million, made inside the database: settled history and a pending burst."""

from __future__ import annotations

from sqlalchemy import Connection, text

STEPS = 3


def contact_and_response(connection: Connection, workspace_id: int) -> dict[str, int]:
    """One contact and one response that all rows stand for: the claim looks at neither."""
    contact = connection.execute(CONTACT, {"w": workspace_id}).scalar_one()
    response = connection.execute(RESPONSE, {"w": workspace_id, "contact": contact}).scalar_one()
    return {"contact": contact, "response": response}


def fill(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    *,
    state: str,
    lanes: int,
    after: int = 0,
) -> None:
    """`lanes` contacts, numbered after `after`, with three rows each in this state."""
    one = contact_and_response(connection, workspace_id)
    settled = state != "pending"
    options = {"w": workspace_id, "c": connection_id, "state": state, "settled": settled}
    numbers = {"steps": STEPS, "first": after + 1, "last": after + lanes}
    connection.execute(FILL, {**options, **one, **numbers})


CONTACT = text("INSERT INTO contact (workspace_id) VALUES (:w) RETURNING id")
RESPONSE = text(
    """
    INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous, contact_id,
                          body, answered_at, planned_at)
    VALUES (:w, 'api', 'backlog', 1, 'completed', false, :contact, '{}', now(), now())
    RETURNING id
    """
)
FILL = text(
    """
    INSERT INTO delivery (workspace_id, connection_id, response_id, contact_id, lane, step, kind,
                          entity, payload, answered_at, revision, state, due_at, settled_at)
    SELECT :w, :c, :response, :contact, 'contact:' || lane, 'step:' || step,
           (ARRAY['fields', 'tag', 'note'])[step], 'contacts',
           jsonb_build_object('match', jsonb_build_object('field', 'email', 'value',
                                                          'c' || lane || '@example.test'),
                              'linked', true, 'operation', 'upsert',
                              'values', jsonb_build_object('nps_score', lane % 11)),
           now(), 1, :state, now() - make_interval(secs => 10),
           CASE WHEN :settled THEN now() END
      FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS lane,
           generate_series(1, CAST(:steps AS int)) AS step
    """
)
