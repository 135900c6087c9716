"""Automations: WHEN an event IF a condition THEN actions."""

from __future__ import annotations

from typing import Any

from connector.api.context import Told, actor, changing, reading
from connector.api.description import Resource
from connector.problems import Code, Place, Refusal
from connector.responses.configuration import automations as story
from connector.responses.configuration.matching import tried
from connector.responses.rules import ExpressionInvalid
from schemas.config import AutomationSchema
from schemas.configuration import (
    AutomationListSchema,
    AutomationOrderSchema,
    AutomationShownSchema,
    MatchedSchema,
    MatchSchema,
    VersionListSchema,
)

_ONE = "/automations/<id:automation_id>"
resource = Resource("automations", __name__, description="What follows a response")


@resource.on("GET", "/automations", gives=AutomationListSchema)
def list_automations() -> dict[str, Any]:
    """Every automation with its newest version, in the order in which they run"""
    return {"automations": reading(lambda c: story.listed(c, actor().workspace_id))}


@resource.on(
    "POST", "/automations", takes=AutomationSchema, gives=AutomationShownSchema, status=201
)
def save_automation(body: dict[str, Any]) -> dict[str, Any]:
    """Save a draft under its name; an automation of that name gets a new version"""
    return _saved(body, None)


@resource.on("PUT", "/automations/order", takes=AutomationOrderSchema, gives=AutomationListSchema)
def order_automations(wanted: dict[str, Any]) -> dict[str, Any]:
    """Run the named ones first, in this order, and then the others as before"""
    ids = wanted["automations"]
    every = changing(
        lambda c: story.put_in_order(c, actor().workspace_id, ids),
        lambda _: Told("automations", {"automations": ids}),
    )
    return {"automations": every}


@resource.on("POST", "/automations/matches", takes=MatchSchema, gives=MatchedSchema)
def count_matches(asked: dict[str, Any]) -> dict[str, Any]:
    """How many of the last 1,000 responses a condition would have let through; nothing is saved"""
    try:
        found = reading(
            lambda c: tried(
                c,
                actor().workspace_id,
                source=asked["if_"] or "",
                campaign=asked["campaign"],
                when=asked["when"],
            )
        )
    except ExpressionInvalid as exc:
        place = Place("/if", "expression_invalid", str(exc))
        raise Refusal(Code.BODY_INVALID, places=[place]) from exc
    return {
        "matched": found.matched,
        "looked_at": found.looked_at,
        "missing": found.missing,
        "broken": found.broken,
    }


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


@resource.on("GET", f"{_ONE}/versions", gives=VersionListSchema)
def read_automation_versions(automation_id: int) -> dict[str, Any]:
    """Every version, newest first"""
    return {"versions": reading(lambda c: story.versions(c, actor().workspace_id, automation_id))}


@resource.on("POST", f"{_ONE}/switch-on", gives=AutomationShownSchema)
def switch_automation_on(automation_id: int) -> dict[str, Any]:
    """Let it work again from the next response on"""
    return _switched(automation_id, enabled=True)


@resource.on("POST", f"{_ONE}/switch-off", gives=AutomationShownSchema)
def switch_automation_off(automation_id: int) -> dict[str, Any]:
    """Let it do nothing; what comes meanwhile is not made up for"""
    return _switched(automation_id, enabled=False)


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


def _switched(automation_id: int, *, enabled: bool) -> dict[str, Any]:
    return changing(
        lambda c: story.switch(c, actor().workspace_id, automation_id, enabled=enabled), _told
    )
