"""Deliveries and the ledger: what is on its way, what was written, and trying again."""

from __future__ import annotations

from typing import Any

from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from connector.api.pages import MAX_ID, id_after, paged
from connector.responses import replay, tracking
from schemas.tracking import (
    DeliveryListSchema,
    DeliveryQuerySchema,
    LedgerQuerySchema,
    LedgerSchema,
    ReplayedSchema,
    ReplayFilterSchema,
    WholeDeliverySchema,
)

resource = Resource("deliveries", __name__, description="Deliveries and the ledger")


@resource.on("GET", "/deliveries", query=DeliveryQuerySchema, gives=DeliveryListSchema)
def list_deliveries(asked: dict[str, Any]) -> dict[str, Any]:
    """Deliveries, newest first, all or those that the filter describes"""
    rows = reading(
        lambda connection: tracking.deliveries(
            connection,
            actor().workspace_id,
            only=asked,
            before=id_after(asked["cursor"], start=MAX_ID),
            limit=asked["limit"] + 1,
        )
    )
    page, following = paged(rows, asked["limit"], lambda row: row["id"])
    return {"deliveries": page, "next": following}


@resource.on("GET", "/deliveries/<id:delivery_id>", gives=WholeDeliverySchema)
def read_delivery(delivery_id: int) -> dict[str, Any]:
    """One delivery with its payload, its attempts and what it wrote"""
    return reading(
        lambda connection: tracking.one_delivery(connection, actor().workspace_id, delivery_id)
    )


@resource.on("POST", "/deliveries/<id:delivery_id>/replay", gives=WholeDeliverySchema)
def replay_delivery(delivery_id: int) -> dict[str, Any]:
    """Try a dead or parked delivery again"""
    return changing(
        lambda connection: replay.replay_one(connection, actor().workspace_id, delivery_id),
        lambda _: Told(f"delivery:{delivery_id}"),
    )


@resource.on("POST", "/deliveries/replay", takes=ReplayFilterSchema, gives=ReplayedSchema)
def replay_deliveries(only: dict[str, Any]) -> dict[str, int]:
    """Try every dead or parked delivery again that the filter describes"""
    count = changing(
        lambda connection: replay.replay_all(connection, actor().workspace_id, only),
        lambda count: Told(detail={"count": count, "filter": sorted(only)}),
    )
    return {"replayed": count}


@resource.on("GET", "/ledger", query=LedgerQuerySchema, gives=LedgerSchema)
def read_ledger(asked: dict[str, Any]) -> dict[str, Any]:
    """What was written, before -> after, newest first; of a contact or a response"""
    rows = reading(
        lambda connection: tracking.written(
            connection,
            actor().workspace_id,
            contact_id=asked["contact_id"],
            response_id=asked["response_id"],
            before=id_after(asked["cursor"], start=MAX_ID),
            limit=asked["limit"] + 1,
        )
    )
    page, following = paged(rows, asked["limit"], lambda row: row["id"])
    return {"lines": page, "next": following}
