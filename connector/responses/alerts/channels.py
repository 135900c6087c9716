"""Whom alerts are told to: connections that take messages, a mail server with its addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select, text

from adapters.traits import MessageTraits
from connector.connections.profile import Profile, load, load_all
from connector.problems import Code, Place, Refusal, not_found
from connector.tables import alert_channel
from schemas.phrases import phrase

MOST_CHANNELS = 20


def listed(connection: Connection, workspace_id: int) -> list[Mapping[str, Any]]:
    """Every channel with its connection, and when it was last told, or could not be."""
    return [dict(row) for row in connection.execute(LISTED, {"w": workspace_id}).mappings()]


def choosable(connection: Connection, workspace_id: int) -> list[Profile]:
    """The connections that alerts can go to."""
    every = load_all(connection, workspace_id)
    return [one for one in every if one.traits.messages and not one.traits.messages.respondent]


def save(
    connection: Connection, workspace_id: int, *, connection_id: int, recipients: Sequence[str]
) -> int:
    """Tell alerts by this connection from now on; a repeat changes its addresses. The channel's id.

    Refusal(NOT_FOUND); Refusal(BODY_INVALID) where it takes no messages, or the addresses do not
    fit it.
    """
    messages = load(connection, workspace_id, connection_id).traits.messages
    fault = _fault(messages, recipients)
    if fault is None and _others(connection, workspace_id, connection_id) >= MOST_CHANNELS:
        fault = Place(
            "/connection_id",
            "invalid",
            phrase("there are %(most_channels)s channels already", most_channels=MOST_CHANNELS),
        )
    if fault is not None:
        raise Refusal(Code.BODY_INVALID, places=[fault])
    options = {"w": workspace_id, "c": connection_id, "to": list(recipients)}
    return int(connection.execute(SAVE, options).scalar_one())


def remove(connection: Connection, workspace_id: int, channel_id: int) -> None:
    """Tell nothing there any more. Raises Refusal(NOT_FOUND)."""
    gone = connection.execute(
        delete(alert_channel).where(
            alert_channel.c.workspace_id == workspace_id, alert_channel.c.id == channel_id
        )
    )
    if gone.rowcount != 1:
        raise not_found()


def _fault(messages: MessageTraits | None, recipients: Sequence[str]) -> Place | None:
    """What keeps a connection from being a channel with these addresses."""
    if messages is None or messages.respondent:
        return Place("/connection_id", "not_offered", phrase("takes no messages"))
    if messages.addressed and not recipients:
        return Place("/recipients", "required", phrase("say whom the mails are for"))
    if not messages.addressed and recipients:
        return Place("/recipients", "not_offered", phrase("it has one place that messages go to"))
    return None


def _others(connection: Connection, workspace_id: int, connection_id: int) -> int:
    asked = select(func.count()).where(
        alert_channel.c.workspace_id == workspace_id,
        alert_channel.c.connection_id != connection_id,
    )
    return int(connection.execute(asked).scalar_one())


LISTED = text(
    """
    SELECT a.id, a.connection_id, a.recipients, a.told_at, a.failed_at, a.error_code,
           c.name AS connection, c.app, c.state
      FROM alert_channel a JOIN connection c ON c.id = a.connection_id
     WHERE a.workspace_id = :w AND c.deleted_at IS NULL ORDER BY c.name, a.id
    """
)
SAVE = text(
    """
    INSERT INTO alert_channel (workspace_id, connection_id, recipients) VALUES (:w, :c, :to)
    ON CONFLICT (workspace_id, connection_id) DO UPDATE SET recipients = EXCLUDED.recipients
    RETURNING id
    """
)
