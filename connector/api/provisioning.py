"""What the hub needs at a CRM: looked through, and made on request."""

from __future__ import annotations

from typing import Any

from adapters.provisioning import Part
from connector.api.context import actor, hub, reading
from connector.api.description import Resource
from connector.connections import furnishing
from connector.connections.furnishing import Furnished
from connector.responses.configuration import preflight
from connector.responses.prepare import wanted_at
from schemas.provisioning import (
    ChosenPartsSchema,
    PreflightQuerySchema,
    PreflightSchema,
    ProvisioningSchema,
)

_ONE = "/connections/<id:connection_id>/provisioning"
resource = Resource("provisioning", __name__, description="What the hub needs at a CRM")


@resource.on("GET", _ONE, gives=ProvisioningSchema)
def preview_provisioning(connection_id: int) -> dict[str, Any]:
    """What exists at the CRM, what is missing, what has drifted; nothing is changed"""
    seen = furnishing.preview(hub().desk, actor().workspace_id, connection_id, wanted_at=wanted_at)
    return _shown(seen)


@resource.on("POST", _ONE, takes=ChosenPartsSchema, gives=ProvisioningSchema)
def make_provisioning(chosen: dict[str, Any], connection_id: int) -> dict[str, Any]:
    """Make what is missing of the chosen parts; what is there is left as it is"""
    done = furnishing.furnish(
        hub().desk,
        actor().workspace_id,
        connection_id,
        parts=[Part(one) for one in chosen["parts"]],
        wanted_at=wanted_at,
        actor=actor().name,
    )
    return _shown(done)


@resource.on(
    "GET",
    "/connections/<id:connection_id>/preflight",
    query=PreflightQuerySchema,
    gives=PreflightSchema,
)
def read_preflight(asked: dict[str, Any], connection_id: int) -> preflight.Preflight:
    """What the connected user may do at the CRM, against what is published; nothing is changed"""
    desk, workspace_id = hub().desk, actor().workspace_id
    if asked["ask"]:
        return preflight.preflight(desk, workspace_id, connection_id)
    return reading(lambda store: preflight.known(store, desk, workspace_id, connection_id))


def _shown(one: Furnished) -> dict[str, Any]:
    return {"app": one.app, "things": one.plan.things, "hints": one.plan.hints}
