"""The ledger: what was written, before -> after, in one transaction with settling the outbox rows.

Only rows that are still ours by their lease token leave a trace: what a stalled worker brings late
is dropped here, and the worker that took over finds the effect by looking.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, TextClause, text

from connector.responses import outbox
from connector.responses.steps import Settlement
from connector.webhooks import events
from schemas.fields import FieldValue


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of one CRM record that a delivery changed. A note has the field `note`."""

    delivery_id: int
    entity: str
    remote_id: str
    field: str
    before: FieldValue
    after: FieldValue
    created: bool = False


@dataclass(frozen=True, slots=True)
class WrittenTag:
    """A score tag that stands on the contact now, as the CRM spells it."""

    delivery_id: int
    contact_id: int
    campaign_id: int
    score: int
    answered_at: datetime
    written: str


@dataclass(frozen=True, slots=True)
class Link:
    """Our contact and its record in the CRM; `remote_id` None forgets a link that leads nowhere."""

    contact_id: int
    entity: str
    remote_id: str | None


@dataclass(slots=True)
class Results:
    """Everything one wave found out, collected while it works and written at once.

    `untagged`: (contact id, campaign id) whose score was taken back. `values`: by delivery, its
    values with the links of files in their placeholders' places.
    """

    settlements: dict[int, Settlement] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    tags: list[WrittenTag] = field(default_factory=list)
    untagged: list[tuple[int, int]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    learnt: dict[str, Any] = field(default_factory=dict)
    values: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def settle(self, *settlements: Settlement) -> None:
        """Take what became of deliveries; the first word about one counts."""
        for one in settlements:
            self.settlements.setdefault(one.delivery_id, one)


def record(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    *,
    token: UUID,
    results: Results,
) -> frozenset[int]:
    """Settle the wave's rows and write what was done; the ids that were still ours."""
    ours = outbox.settle(connection, token, tuple(results.settlements.values()))
    here = {"w": workspace_id, "c": connection_id}
    _run(connection, ATTEMPTS, _attempts(results, ours), here)
    _run(
        connection,
        ENTRIES,
        [_entry(one) for one in results.entries if one.delivery_id in ours],
        here,
    )
    gone = [{"contact_id": contact, "campaign_id": one} for contact, one in results.untagged]
    _run(connection, UNTAG, gone, here)
    _run(connection, TAGS, [_tag(one) for one in results.tags if one.delivery_id in ours], here)
    keep_links(connection, workspace_id, connection_id, results.links)
    keep_learnt(connection, connection_id, results.learnt)
    told = [
        {"id": one, "values": dict(all_)} for one, all_ in results.values.items() if one in ours
    ]
    _run(connection, VALUES, told, {"w": workspace_id})
    events.settled(connection, workspace_id, ours)
    return ours


def record_edit(
    connection: Connection,
    workspace_id: int,
    edit_id: int,
    *,
    before: Mapping[str, FieldValue],
    after: Mapping[str, FieldValue],
    created: bool = False,
) -> None:
    """Write what a person's edit has changed, or the record that it has `created`."""
    rows = [
        {"field": name, "before": before.get(name), "after": value} for name, value in after.items()
    ]
    _run(connection, EDITED, rows, {"w": workspace_id, "edit": edit_id, "created": created})


def keep_links(
    connection: Connection, workspace_id: int, connection_id: int, every: Sequence[Link]
) -> None:
    """Remember which records stand for contacts, and forget those that lead nowhere; the last word
    about a contact counts.
    """
    here = {"w": workspace_id, "c": connection_id}
    links = {(one.contact_id, one.entity): one for one in every}
    # In one order for everybody: two that lock the same rows the other way round deadlock.
    in_order = [links[one] for one in sorted(links)]
    _run(connection, LINKS, [_link(one) for one in in_order if one.remote_id], here)
    _run(connection, UNLINK, [_link(one) for one in in_order if not one.remote_id], here)


def keep_learnt(connection: Connection, connection_id: int, learnt: Mapping[str, Any]) -> None:
    """Remember what an adapter found out about the account."""
    if learnt:
        connection.execute(LEARN, {"c": connection_id, "learnt": json.dumps(learnt)})


def _run(
    connection: Connection,
    statement: TextClause,
    rows: Sequence[Mapping[str, Any]],
    here: Mapping[str, int],
) -> None:
    for start in range(0, len(rows), outbox.AT_ONCE):
        part = json.dumps(rows[start : start + outbox.AT_ONCE])
        connection.execute(statement, {"rows": part, **here})


def _attempts(results: Results, ours: frozenset[int]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.delivery_id,
            "outcome": one.state,
            "code": one.code or one.reason,
            "message": one.message,
        }
        for one in results.settlements.values()
        if one.delivery_id in ours
    ]


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "id": one.delivery_id,
        "entity": one.entity,
        "remote_id": one.remote_id,
        "field": one.field,
        "before": one.before,
        "after": one.after,
        "created": one.created,
    }


def _tag(one: WrittenTag) -> dict[str, Any]:
    return {
        "contact_id": one.contact_id,
        "campaign_id": one.campaign_id,
        "score": one.score,
        "answered_at": one.answered_at.isoformat(),
        "written": one.written,
    }


def _link(one: Link) -> dict[str, Any]:
    return {"contact_id": one.contact_id, "entity": one.entity, "remote_id": one.remote_id}


# Each row looks its delivery up by its id: without OFFSET the join may be turned round, and a wave
# of three hundred then reads the whole outbox (statistics know nothing of a burst).
ATTEMPTS = text(
    """
    INSERT INTO attempt (workspace_id, delivery_id, claim, outcome, code, message)
    SELECT :w, d.id, d.claims, r.outcome, r.code, r.message
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           id bigint, outcome text, code text, message text)
      CROSS JOIN LATERAL (
           SELECT id, claims FROM delivery WHERE id = r.id AND connection_id = :c OFFSET 0) d
    """
)
ENTRIES = text(
    """
    INSERT INTO ledger (workspace_id, connection_id, delivery_id, contact_id, response_id, entity,
                        remote_id, field, before, after, created)
    SELECT :w, :c, d.id, d.contact_id, d.response_id, r.entity, r.remote_id, r.field,
           r.before, r.after, r.created
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           id bigint, entity text, remote_id text, field text, before jsonb, after jsonb,
           created boolean)
      CROSS JOIN LATERAL (
           SELECT id, contact_id, response_id FROM delivery WHERE id = r.id OFFSET 0) d
    """
)
# What a later look takes back or compares is what was written, not its placeholder.
VALUES = text(
    """
    UPDATE delivery d
       SET payload = jsonb_set(d.payload - 'links', '{values}', r.values)
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id bigint, values jsonb)
     WHERE d.workspace_id = :w AND d.id = r.id
    """
)
EDITED = text(
    """
    INSERT INTO ledger (workspace_id, connection_id, edit_id, contact_id, entity, remote_id, field,
                        before, after, created)
    SELECT :w, e.connection_id, e.id, e.contact_id, e.entity, e.remote_id, r.field, r.before,
           r.after, :created
      FROM edit e, jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           field text, before jsonb, after jsonb)
     WHERE e.workspace_id = :w AND e.id = :edit
    """
)
TAGS = text(
    """
    INSERT INTO score_tag AS t (workspace_id, connection_id, contact_id, campaign_id, score,
                                answered_at, written)
    SELECT DISTINCT ON (r.contact_id, r.campaign_id)
           :w, :c, r.contact_id, r.campaign_id, r.score, r.answered_at, r.written
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           contact_id bigint, campaign_id bigint, score int, answered_at timestamptz, written text)
     ORDER BY r.contact_id, r.campaign_id, r.answered_at DESC
    ON CONFLICT (connection_id, contact_id, campaign_id) DO UPDATE
       SET score = excluded.score, answered_at = excluded.answered_at, written = excluded.written,
           written_at = now()
     WHERE excluded.answered_at >= t.answered_at
    """
)
UNTAG = text(
    """
    DELETE FROM score_tag t USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           contact_id bigint, campaign_id bigint)
     WHERE t.workspace_id = :w AND t.connection_id = :c
       AND t.contact_id = r.contact_id AND t.campaign_id = r.campaign_id
    """
)
LINKS = text(
    """
    INSERT INTO link (workspace_id, connection_id, contact_id, entity, remote_id)
    SELECT :w, :c, r.contact_id, r.entity, r.remote_id
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           contact_id bigint, entity text, remote_id text)
     ORDER BY 3, 4
    ON CONFLICT (connection_id, contact_id, entity) DO UPDATE
       SET remote_id = excluded.remote_id, linked_at = now()
     WHERE link.remote_id <> excluded.remote_id
    """
)
UNLINK = text(
    """
    DELETE FROM link USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
           contact_id bigint, entity text)
     WHERE link.workspace_id = :w AND link.connection_id = :c
       AND link.contact_id = r.contact_id AND link.entity = r.entity
    """
)
LEARN = text(
    "UPDATE connection SET learnt = learnt || CAST(:learnt AS jsonb), updated_at = now()"
    " WHERE id = :c AND NOT learnt @> CAST(:learnt AS jsonb)"
)
