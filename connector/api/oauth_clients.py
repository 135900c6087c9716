"""OAuth clients: a workspace's own registration at an app, instead of the operator's."""

from __future__ import annotations

from typing import Any

from connector.api.context import actor, hub
from connector.api.description import Resource
from connector.connections import oauth_clients as story
from connector.problems import not_found
from schemas.connection import ClientListSchema, ClientSchema, NewClientSchema

resource = Resource("oauth_clients", __name__, description="Your own OAuth clients")


@resource.on("GET", "/oauth-clients", gives=ClientListSchema)
def list_clients() -> dict[str, Any]:
    """Your own OAuth clients; an app without one uses the operator's"""
    return {"clients": story.clients(hub().desk, actor().workspace_id)}


@resource.on("PUT", "/oauth-clients/<key:app>", takes=NewClientSchema, gives=ClientSchema)
def save_client(wanted: dict[str, Any], app: str) -> story.ClientView:
    """Save your own client of an app; an empty secret keeps the one there is"""
    return story.save_client(
        hub().desk, actor().workspace_id, app=app, actor=actor().name, **wanted
    )


@resource.on("DELETE", "/oauth-clients/<key:app>", status=204)
def delete_client(app: str) -> None:
    """Forget your own client, so that the operator's serves again"""
    if not story.remove_client(hub().desk, actor().workspace_id, app=app, actor=actor().name):
        raise not_found()
