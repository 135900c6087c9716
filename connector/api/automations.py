"""Automations: WHEN an event IF a condition THEN actions."""

from __future__ import annotations

from typing import Any

from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from connector.responses.configuration import automations as story
from schemas.config import AutomationSchema
from schemas.configuration import AutomationListSchema, AutomationShownSchema

_ONE = "/automations/<id:automation_id>"
resource = Resource("automations", __name__, description="What follows a response")


@resource.on("GET", "/automations", gives=AutomationListSchema)
def list_automations() -> dict[str, Any]:
    """Every automation with its newest version"""
    return {"automations": reading(lambda c: story.listed(c, actor().workspace_id))}


@resource.on(
    "POST", "/automations", takes=AutomationSchema, gives=AutomationShownSchema, status=201
)
def save_automation(body: dict[str, Any]) -> dict[str, Any]:
    """Save a draft under its name; an automation of that name gets a new version"""
    return _saved(body, None)


@resource.on("GET", _ONE, gives=AutomationShownSchema)
def read_automation(automation_id: int) -> dict[str, Any]:
    """One automation"""
    return reading(lambda c: story.read(c, actor().workspace_id, automation_id))


@resource.on("PUT", _ONE, takes=AutomationSchema, gives=AutomationShownSchema)
def change_automation(body: dict[str, Any], automation_id: int) -> dict[str, Any]:
    """Save a draft of this automation, under a new name if it has one"""
    return _saved(body, automation_id)


@resource.on("POST", f"{_ONE}/publish", gives=AutomationShownSchema)
def publish_automation(automation_id: int) -> dict[str, Any]:
    """Let the newest version work from the next response on"""
    return changing(lambda c: story.publish(c, actor().workspace_id, automation_id), _told)


@resource.on("DELETE", _ONE, status=204)
def delete_automation(automation_id: int) -> None:
    """Take an automation off the list; it triggers nothing from now on"""
    changing(
        lambda connection: story.delete(connection, actor().workspace_id, automation_id),
        lambda _: Told(f"automation:{automation_id}"),
    )


def _saved(body: dict[str, Any], automation_id: int | None) -> dict[str, Any]:
    return changing(
        lambda connection: story.save(
            connection,
            actor().workspace_id,
            body=body,
            actor=actor().name,
            automation_id=automation_id,
        ),
        _told,
    )


def _told(row: dict[str, Any]) -> Told:
    return Told(f"automation:{row['id']}", {"version": row["latest"]})
