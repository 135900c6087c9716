"""What has changed in a CRM's field definitions, and what that breaks here."""

from __future__ import annotations

from typing import Any

from connector.api.context import actor, reading
from connector.api.description import Resource
from connector.connections import drift
from schemas.drift import ComparedQuerySchema, ComparedSchema, DriftSchema

_ONE = "/connections/<id:connection_id>/drift"
resource = Resource("drift", __name__, description="What has changed in the CRM's definitions")


@resource.on("GET", _ONE, gives=DriftSchema)
def read_drift(connection_id: int) -> dict[str, Any]:
    """What has changed in the CRM, newest first, with the mappings hit and the answers at risk"""
    return reading(lambda store: drift.shown(store, actor().workspace_id, connection_id))


@resource.on("GET", f"{_ONE}/compare", query=ComparedQuerySchema, gives=ComparedSchema)
def compare_snapshots(asked: dict[str, Any], connection_id: int) -> dict[str, Any]:
    """What changed between two snapshots of one entity, and the published mappings it hits"""
    return reading(
        lambda store: drift.compared(store, actor().workspace_id, connection_id, **asked)
    )
