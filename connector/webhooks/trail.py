"""The messages of a webhook and each try, as people look at them; and one sent again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select, text

from connector.problems import not_found
from connector.tables import webhook_attempt, webhook_message

_SHOWN = tuple(
    webhook_message.c[name]
    for name in (
        "id", "webhook_id", "message_id", "event", "occurred_at", "state", "attempts", "due_at",
        "settled_at",
    )
)  # fmt: skip


def messages(
    connection: Connection,
    workspace_id: int,
    webhook_id: int,
    *,
    state: str | None,
    before: int,
    limit: int,
) -> list[dict[str, Any]]:
    """Messages with an id below `before`, newest first, without what they tell."""
    asked = select(*_SHOWN).where(
        webhook_message.c.workspace_id == workspace_id,
        webhook_message.c.webhook_id == webhook_id,
        webhook_message.c.id < before,
    )
    if state is not None:
        asked = asked.where(webhook_message.c.state == state)
    rows = connection.execute(asked.order_by(webhook_message.c.id.desc()).limit(limit))
    return [_named(row) for row in rows.mappings()]


def message(connection: Connection, workspace_id: int, number: int) -> dict[str, Any]:
    """A message with what it tells and every try, oldest first. Raises Refusal(NOT_FOUND)."""
    asked = select(*_SHOWN, webhook_message.c.data).where(
        webhook_message.c.workspace_id == workspace_id, webhook_message.c.id == number
    )
    row = connection.execute(asked).mappings().one_or_none()
    if row is None:
        raise not_found()
    tries = (
        select(webhook_attempt)
        .where(
            webhook_attempt.c.workspace_id == workspace_id, webhook_attempt.c.message_id == number
        )
        .order_by(webhook_attempt.c.id)
    )
    return {**_named(row), "tries": [dict(one) for one in connection.execute(tries).mappings()]}


def resend(connection: Connection, workspace_id: int, number: int) -> int:
    """The same message, under its own id, is due now, whatever became of it; its webhook. A repeat
    does nothing. Raises Refusal(NOT_FOUND).
    """
    row = connection.execute(RESEND, {"w": workspace_id, "id": number}).one_or_none()
    if row is None:
        raise not_found()
    return int(row.webhook_id)


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    """With the id as its receiver reads it."""
    return {**row, "message_id": f"msg_{row['message_id'].hex}"}


# A message that somebody has in hand is left to them: it is being sent this moment.
RESEND = text(
    """
    UPDATE webhook_message
       SET state = 'pending', due_at = now(), settled_at = NULL,
           attempts = CASE WHEN lease_until >= now() THEN attempts ELSE 0 END
     WHERE workspace_id = :w AND id = :id
    RETURNING webhook_id
    """
)
