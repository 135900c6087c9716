"""What a connection's account has left of its calls, and when the backlog will be done."""

from __future__ import annotations

from typing import Any

from connector.api.context import Told, actor, hub, noting, reading
from connector.api.description import Resource
from connector.connections import quotas
from schemas.quota import QuotaSchema

_ONE = "/connections/<id:connection_id>/quota"
resource = Resource("quota", __name__, description="What a connection's account has left")


@resource.on("GET", _ONE, gives=QuotaSchema)
def read_quota(connection_id: int) -> dict[str, Any]:
    """What the account has left of its calls, what waits and when it will be done; asks nobody"""
    return _shown(connection_id)


@resource.on("POST", _ONE, gives=QuotaSchema)
def refresh_quota(connection_id: int) -> dict[str, Any]:
    """The same, after asking the CRM with one call where it has one for it"""
    quotas.refreshed(hub().desk, actor().workspace_id, connection_id)
    noting(Told(f"connection:{connection_id}"))
    return _shown(connection_id)


def _shown(connection_id: int) -> dict[str, Any]:
    share, workspace_id = hub().settings.rate_share, actor().workspace_id
    return reading(lambda store: quotas.shown(store, workspace_id, connection_id, share=share))
