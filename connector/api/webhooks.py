"""Webhooks to the customer's own systems: where to, which events, what became of each message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from connector.api.context import Told, actor, changing, hub, noting, reading
from connector.api.description import Resource
from connector.api.pages import MAX_ID, id_after, paged
from connector.queues import TELL
from connector.webhooks import endpoints as story
from connector.webhooks import sending, trail
from connector.webhooks.endpoints import FreshWebhook
from schemas.webhook import (
    ChangeWebhookSchema,
    MessageListSchema,
    MessageQuerySchema,
    MessageSchema,
    NewWebhookSchema,
    RotateWebhookSchema,
    ShownWebhookSchema,
    TriedWebhookSchema,
    WebhookListSchema,
    WebhookSchema,
    WholeMessageSchema,
)

_ONE = "/webhooks/<id:webhook_id>"
_MESSAGE = "/webhook-messages/<id:message_id>"
resource = Resource("webhooks", __name__, description="Webhooks to your own systems")


@resource.on("GET", "/webhooks", gives=WebhookListSchema)
def list_webhooks() -> dict[str, Any]:
    """Every webhook, without its address and secret"""
    return {"webhooks": reading(lambda c: story.listed(c, actor().workspace_id))}


@resource.on("POST", "/webhooks", takes=NewWebhookSchema, gives=ShownWebhookSchema, status=201)
def create_webhook(wanted: dict[str, Any]) -> FreshWebhook:
    """Make a webhook; this answer is the only one that shows its secret"""
    story.check_url(hub().desk, wanted["url"])
    return changing(
        lambda c: story.create(c, hub().desk, actor().workspace_id, **wanted),
        lambda made: Told(f"webhook:{made.id}", {"events": wanted["events"]}),
    )


@resource.on("GET", _ONE, gives=WebhookSchema)
def read_webhook(webhook_id: int) -> Mapping[str, Any]:
    """One webhook with its state, and why it is disabled"""
    return reading(lambda c: story.shown(c, actor().workspace_id, webhook_id))


@resource.on("PATCH", _ONE, takes=ChangeWebhookSchema, gives=WebhookSchema)
def change_webhook(wanted: dict[str, Any], webhook_id: int) -> Mapping[str, Any]:
    """Another name, address or other events; what is not named stays"""
    if "url" in wanted:
        reading(lambda c: story.shown(c, actor().workspace_id, webhook_id))
        story.check_url(hub().desk, wanted["url"])
    changing(
        lambda c: story.change(c, hub().desk, actor().workspace_id, webhook_id, **wanted),
        lambda _: Told(f"webhook:{webhook_id}", {"changed": sorted(wanted)}),
    )
    return read_webhook(webhook_id)


@resource.on("DELETE", _ONE, status=204)
def remove_webhook(webhook_id: int) -> None:
    """End a webhook, with its messages and their log"""
    changing(
        lambda c: story.remove(c, actor().workspace_id, webhook_id),
        lambda _: Told(f"webhook:{webhook_id}"),
    )


@resource.on("POST", f"{_ONE}/rotate", takes=RotateWebhookSchema, gives=ShownWebhookSchema)
def rotate_webhook(wanted: dict[str, Any], webhook_id: int) -> FreshWebhook:
    """A new secret; the one before signs beside it until the overlap is over"""
    overlap_s = wanted["overlap_hours"] * 3_600
    return changing(
        lambda c: story.rotate(
            c, hub().desk, actor().workspace_id, webhook_id, overlap_s=overlap_s
        ),
        lambda _: Told(f"webhook:{webhook_id}", wanted),
    )


@resource.on("POST", f"{_ONE}/pause", gives=WebhookSchema)
def pause_webhook(webhook_id: int) -> Mapping[str, Any]:
    """Send nothing until it is resumed; what happens meanwhile waits"""
    changing(
        lambda c: story.pause(c, actor().workspace_id, webhook_id),
        lambda _: Told(f"webhook:{webhook_id}"),
    )
    return read_webhook(webhook_id)


@resource.on("POST", f"{_ONE}/resume", gives=WebhookSchema)
def resume_webhook(webhook_id: int) -> Mapping[str, Any]:
    """Send what waits, also where failures had disabled it"""
    changing(
        lambda c: story.resume(c, actor().workspace_id, webhook_id),
        lambda _: Told(f"webhook:{webhook_id}"),
    )
    hub().bell.ring(TELL, actor().workspace_id, webhook_id)
    return read_webhook(webhook_id)


@resource.on("POST", f"{_ONE}/test", gives=TriedWebhookSchema)
def try_webhook(webhook_id: int) -> dict[str, Any]:
    """Send a test message now, and tell what the receiver answered"""
    tried = sending.try_out(hub().desk, actor().workspace_id, webhook_id)
    noting(Told(f"webhook:{webhook_id}", {"code": tried.code}))
    return {
        "delivered": tried.code is None,
        "status": tried.status,
        "ms": tried.ms,
        "code": tried.code,
        "error": tried.error,
    }


@resource.on("GET", f"{_ONE}/messages", query=MessageQuerySchema, gives=MessageListSchema)
def list_messages(asked: dict[str, Any], webhook_id: int) -> dict[str, Any]:
    """The messages of the last thirty days, newest first"""

    def found(connection: Connection) -> list[dict[str, Any]]:
        story.shown(connection, actor().workspace_id, webhook_id)
        return trail.messages(
            connection,
            actor().workspace_id,
            webhook_id,
            state=asked["state"],
            before=id_after(asked["cursor"], start=MAX_ID),
            limit=asked["limit"] + 1,
        )

    page, following = paged(reading(found), asked["limit"], lambda row: row["id"])
    return {"messages": page, "next": following}


@resource.on("GET", _MESSAGE, gives=WholeMessageSchema)
def read_message(message_id: int) -> dict[str, Any]:
    """One message with what it tells and every try"""
    return reading(lambda c: trail.message(c, actor().workspace_id, message_id))


@resource.on("POST", f"{_MESSAGE}/resend", gives=MessageSchema, status=202)
def resend_message(message_id: int) -> dict[str, Any]:
    """Send a message again under its own id, whatever became of it"""
    webhook_id = changing(
        lambda c: trail.resend(c, actor().workspace_id, message_id),
        lambda _: Told(f"webhook_message:{message_id}"),
    )
    hub().bell.ring(TELL, actor().workspace_id, webhook_id)
    return read_message(message_id)
