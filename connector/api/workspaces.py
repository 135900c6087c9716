"""The asker's own workspace: read it, change it, pause everything in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector import workspaces as story
from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from connector.responses.configuration import preferences
from schemas.workspace import WorkspaceChangeSchema, WorkspaceSchema

Row = Mapping[str, Any]
resource = Resource("workspace", __name__, description="Your workspace")


@resource.on("GET", "/workspace", gives=WorkspaceSchema)
def read_workspace() -> Row:
    """Your workspace"""
    return reading(lambda connection: story.read(connection, actor().workspace_id))


@resource.on("PATCH", "/workspace", takes=WorkspaceChangeSchema, gives=WorkspaceSchema)
def change_workspace(changes: Row) -> Row:
    """Change the name, the time zone, the country or the settings

    What is not named stays, settings too; null puts a setting back to its default.
    """
    return changing(
        lambda connection: preferences.change(connection, actor().workspace_id, changes),
        lambda row: Told(f"workspace:{row['id']}", {"changed": sorted(changes)}),
    )


@resource.on("POST", "/workspace/pause", gives=WorkspaceSchema)
def pause_workspace() -> Row:
    """Stop all deliveries; pushes are still taken, and wait"""
    return changing(lambda connection: story.pause(connection, actor().workspace_id), _told)


@resource.on("POST", "/workspace/resume", gives=WorkspaceSchema)
def resume_workspace() -> Row:
    """Deliver again; what waited goes on in order"""
    return changing(lambda connection: story.resume(connection, actor().workspace_id), _told)


def _told(row: Row) -> Told:
    return Told(f"workspace:{row['id']}")
