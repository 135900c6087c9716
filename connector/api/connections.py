"""Connections: make, change, prove, pause and end managed authentications."""

from __future__ import annotations

from typing import Any

from connector.api.context import Told, actor, hub, noting
from connector.api.description import Resource
from connector.connections import closing, connect, oauth, views
from connector.connections.views import View
from schemas.connection import (
    ConnectionChangeSchema,
    ConnectionListSchema,
    ConnectionSchema,
    ConsentSchema,
    EndedSchema,
    NewConnectionSchema,
    ProbedSchema,
)
from schemas.secret import Secret

_ONE = "/connections/<id:connection_id>"
resource = Resource("connections", __name__, description="Managed authentications")


@resource.on("GET", "/connections", gives=ConnectionListSchema)
def list_connections() -> dict[str, Any]:
    """Every connection with its state"""
    return {"connections": views.views(hub().desk, actor().workspace_id)}


@resource.on("POST", "/connections", takes=NewConnectionSchema, gives=ConnectionSchema, status=201)
def create_connection(wanted: dict[str, Any]) -> View:
    """Make a connection

    With a key it is proved at once; an OAuth one is `new` until somebody has followed the address
    that `authorize` gives.
    """
    key = Secret(wanted.pop("key"))
    return connect.create(hub().desk, actor().workspace_id, actor=actor().name, key=key, **wanted)


@resource.on("GET", _ONE, gives=ConnectionSchema)
def read_connection(connection_id: int) -> View:
    """One connection with its state; secrets show only whether they are set"""
    return views.view(hub().desk, actor().workspace_id, connection_id)


@resource.on("PATCH", _ONE, takes=ConnectionChangeSchema, gives=ConnectionSchema)
def change_connection(wanted: dict[str, Any], connection_id: int) -> View:
    """Change the name, the address, settings or the key; an empty secret keeps the one there is"""
    changes = connect.Changes(
        name=wanted.get("name"),
        base_url=wanted.get("base_url"),
        settings=wanted.get("settings", {}),
        key=Secret(wanted.get("key", "")),
    )
    return connect.change(
        hub().desk, actor().workspace_id, connection_id, changes=changes, actor=actor().name
    )


@resource.on("DELETE", _ONE, status=204)
def delete_connection(connection_id: int) -> None:
    """Take a disconnected connection off the list; its history stays"""
    closing.remove(hub().desk, actor().workspace_id, connection_id, actor=actor().name)


@resource.on("POST", f"{_ONE}/authorize", gives=ConsentSchema)
def authorize_connection(connection_id: int) -> oauth.Consent:
    """The address at which a person allows the connection; it works once, for ten minutes"""
    consent = oauth.authorize(
        hub().desk, actor().workspace_id, connection_id, api_key_id=actor().key_id
    )
    noting(Told(f"connection:{connection_id}"))
    return consent


@resource.on("POST", f"{_ONE}/probe", gives=ProbedSchema)
def probe_connection(connection_id: int) -> dict[str, Any]:
    """Prove the connection with one call; what needed attention and has healed goes on"""
    proved = connect.probe(hub().desk, actor().workspace_id, connection_id, actor=actor().name)
    return {
        "account_id": proved.identity.account_id,
        "account_name": proved.identity.account_name,
        "notes": proved.notes,
        "resumed": proved.resumed,
    }


@resource.on("POST", f"{_ONE}/pause", gives=ConnectionSchema)
def pause_connection(connection_id: int) -> View:
    """Stop all work of the connection; what waits stays in order"""
    return closing.pause(hub().desk, actor().workspace_id, connection_id, actor=actor().name)


@resource.on("POST", f"{_ONE}/resume", gives=ConnectionSchema)
def resume_connection(connection_id: int) -> View:
    """Let the connection work again"""
    return closing.unpause(hub().desk, actor().workspace_id, connection_id, actor=actor().name)


@resource.on("POST", f"{_ONE}/disconnect", gives=EndedSchema)
def disconnect_connection(connection_id: int) -> closing.Ended:
    """Wipe the secrets, take the grant back at the CRM, and park what waits"""
    return closing.disconnect(hub().desk, actor().workspace_id, connection_id, actor=actor().name)
