"""What contacts' answers wanted and wrote at a connection, read when something is taken back. SQL
only; restoring.py judges it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, text

from connector.responses.restoring import Answer, History, Line, fields_back, tag_back
from connector.responses.steps import FIELDS, TAG, UNDO, Delivery, Rank
from connector.responses.withdrawn import NOT_TAKEN_BACK, gone_among
from schemas.fields import Entity


def with_backs(
    connection: Connection,
    connection_id: int,
    deliveries: Sequence[Delivery],
    *,
    entities: Mapping[str, Entity],
) -> tuple[Delivery, ...]:
    """The deliveries, those that take something back with what goes back."""
    undoing = [one for one in deliveries if one.kind == UNDO]
    if not undoing:
        return tuple(deliveries)
    told = _backs(connection, connection_id, undoing, entities=entities)
    return tuple(
        replace(one, payload={**one.payload, **told[one.id]}) if one.id in told else one
        for one in deliveries
    )


def _backs(
    connection: Connection,
    connection_id: int,
    undoing: Sequence[Delivery],
    *,
    entities: Mapping[str, Entity],
) -> dict[int, dict[str, Any]]:
    versions: dict[int, set[int]] = defaultdict(set)
    for row in connection.execute(VERSIONS, {"ids": [one.response_id for one in undoing]}):
        versions[row.deletion].add(row.id)
    histories = _histories(connection, connection_id, [one.contact_id for one in undoing])
    made = _made(connection, connection_id, undoing)
    backs = {}
    for one in undoing:
        lines, answers = histories.get(one.contact_id, ((), ()))
        history = History(lines, answers, versions[one.response_id])
        if one.about == FIELDS:
            backs[one.id] = fields_back(one, history, entities.get(one.entity))
        elif one.about == TAG:
            backs[one.id] = tag_back(one, history)
        else:
            backs[one.id] = {"made": made.get((one.response_id, one.payload["step"]), [])}
    return backs


def _histories(
    connection: Connection, connection_id: int, contacts: Sequence[int]
) -> dict[int, tuple[list[Line], list[Answer]]]:
    """What each contact's answers wanted and wrote at this connection."""
    found: dict[int, tuple[list[Line], list[Answer]]] = defaultdict(lambda: ([], []))
    asked = {"c": connection_id, "contacts": sorted(set(contacts))}
    answers = list(connection.execute(ANSWERS, asked))
    gone = gone_among(connection, sorted({row.response_id for row in answers}))
    for row in answers:
        found[row.contact_id][1].append(_answer(row, gone))
    for row in connection.execute(LINES, asked):
        line = Line(
            row.id,
            row.response_id,
            row.step,
            row.entity,
            row.remote_id,
            row.field,
            row.before,
            row.after,
            row.written_at,
            row.response_id in gone,
        )
        found[row.contact_id][0].append(line)
    return found


def _answer(row: Row[Any], gone: frozenset[int]) -> Answer:
    return Answer(
        response_id=row.response_id,
        step=row.step,
        kind=row.kind,
        entity=row.entity,
        lane=row.lane,
        campaign_id=row.campaign_id,
        rank=Rank(row.answered_at, row.revision, row.response_id),
        state=row.state,
        payload=row.payload,
        settled_at=row.settled_at,
        claimed=row.claims > 0,
        crashed=row.crashes > 0,
        sent=row.sent,
        gone=row.response_id in gone,
    )


def _made(
    connection: Connection, connection_id: int, undoing: Sequence[Delivery]
) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """The notes and files of the versions before, by (deletion, step): their payloads, and their
    remote ids where they were told.
    """
    asked = [
        {"deletion": one.response_id, "step": one.payload["step"]}
        for one in undoing
        if one.about not in {FIELDS, TAG}
    ]
    found: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    if asked:
        options = {"c": connection_id, "rows": json.dumps(asked)}
        for row in connection.execute(MADE, options):
            told = {"payload": row.payload, "remote_id": row.remote_id, "at": row.answered_at}
            found[row.deletion, row.step].append(told)
    return found


VERSIONS = text(
    """
    SELECT g.id AS deletion, r.id
      FROM response g
      JOIN response r ON r.workspace_id = g.workspace_id AND r.response_id = g.response_id
                     AND r.source = g.source AND r.revision < g.revision
     WHERE g.id = ANY(:ids)
    """
)
# Each contact's rows are looked up by its own index, whatever the statistics say.
ANSWERS = text(
    """
    SELECT d.*
      FROM unnest(CAST(:contacts AS bigint[])) AS one(contact_id)
      CROSS JOIN LATERAL (
           SELECT id, response_id, contact_id, step, kind, entity, lane, campaign_id, answered_at,
                  revision, state, payload, settled_at, claims, crashes, sent
             FROM delivery
            WHERE workspace_id = nullif(current_setting('app.workspace_id', true), '')::bigint
              AND delivery.contact_id = one.contact_id AND connection_id = :c
              AND kind IN ('fields', 'tag')
           OFFSET 0) d
     ORDER BY d.id
    """
)
LINES = text(
    """
    SELECT l.*, d.step
      FROM unnest(CAST(:contacts AS bigint[])) AS one(contact_id)
      CROSS JOIN LATERAL (
           SELECT id, contact_id, response_id, delivery_id, entity, remote_id, field, before,
                  after, written_at
             FROM ledger
            WHERE workspace_id = nullif(current_setting('app.workspace_id', true), '')::bigint
              AND ledger.contact_id = one.contact_id AND connection_id = :c
              AND delivery_id IS NOT NULL
           OFFSET 0) l
      JOIN delivery d ON d.id = l.delivery_id
     ORDER BY l.id
    """
)
MADE = text(
    f"""
    WITH asked AS (
      SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS a(deletion bigint, step text)
    )
    SELECT a.deletion, a.step, d.payload, d.remote_id, d.answered_at
      FROM asked a
      JOIN response g ON g.id = a.deletion
      JOIN response r ON r.workspace_id = g.workspace_id AND r.response_id = g.response_id
                     AND r.source = g.source AND r.revision < g.revision
      JOIN delivery d ON d.workspace_id = r.workspace_id AND d.response_id = r.id
                     AND d.step = a.step AND d.connection_id = :c AND d.claims > 0
     WHERE {NOT_TAKEN_BACK}
     ORDER BY d.id
    """  # noqa: S608 - a constant
)
