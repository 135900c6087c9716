"""Partners' keys: let one of another workspace in, see them, shut one out."""

from __future__ import annotations

from typing import Any

from connector import partners as story
from connector import workspaces
from connector.access import Role
from connector.api.context import Told, actor, changing, hub, reading
from connector.api.description import Resource
from schemas.partner import (
    GrantedListSchema,
    GrantListSchema,
    MadeGrantSchema,
    NewGrantSchema,
)

resource = Resource("grants", __name__, description="Partners' keys over many workspaces")


@resource.on("GET", "/workspaces", gives=GrantedListSchema)
def list_workspaces() -> dict[str, Any]:
    """The workspaces that have let this key in"""
    return {"workspaces": story.granted_to(hub().database, actor().public_id)}


@resource.on("GET", "/grants", gives=GrantListSchema)
def list_grants() -> dict[str, Any]:
    """Every key of another workspace that is, or was, let in"""
    return {"grants": reading(lambda c: story.listed(c, actor().workspace_id))}


@resource.on("POST", "/grants", takes=NewGrantSchema, gives=MadeGrantSchema, status=201)
def create_grant(wanted: dict[str, Any]) -> dict[str, Any]:
    """Let a key of another workspace act in this one"""
    role, scopes = Role(wanted["role"]), wanted["scopes"]
    workspaces.refuse_beyond(role, scopes, holder=actor().role, held=actor().scopes)
    grant_id = changing(
        lambda c: story.grant(
            c,
            actor().workspace_id,
            key=wanted["key"],
            name=wanted["name"],
            role=role,
            scopes=scopes,
            granted_by=actor().name,
        ),
        lambda made: Told(f"grant:{made}", {"key": wanted["key"], "role": role.value}),
    )
    return {"id": grant_id}


@resource.on("DELETE", "/grants/<id:grant_id>", status=204)
def revoke_grant(grant_id: int) -> None:
    """Shut a partner's key out from now on"""
    changing(
        lambda c: story.revoke(c, actor().workspace_id, grant_id),
        lambda _: Told(f"grant:{grant_id}"),
    )
