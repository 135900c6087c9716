"""Hook sources: an address at which one survey platform pushes, signed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from connector import clock
from connector.api.context import Told, actor, changing, hub, noting, reading
from connector.api.description import Resource
from connector.queues import GATHER, PLAN
from connector.responses import emptied, notices, surveydues, trial
from connector.responses import sources as story
from connector.responses.emptied import Held
from connector.responses.sources import FreshSource
from schemas.source import (
    AskedSurveysSchema,
    ChangeSourceSchema,
    ConfirmEmptiedSchema,
    EmptiedSchema,
    HeldSchema,
    NewSourceSchema,
    NoticeListSchema,
    RetriedNoticesSchema,
    RotateSchema,
    ShownSourceSchema,
    SourceListSchema,
    TriedSourceSchema,
    TrySourceSchema,
)

_ONE = "/sources/<id:source_id>"
resource = Resource("sources", __name__, description="Addresses for signed webhooks")


@resource.on("GET", "/sources", gives=SourceListSchema)
def list_sources() -> dict[str, Any]:
    """Every source, without its address and secret"""
    rows, held = reading(
        lambda c: (
            story.listed(c, actor().workspace_id),
            emptied.held(c, actor().workspace_id),
        )
    )
    return {"sources": [{**row, "emptied": held.get(row["id"])} for row in rows]}


@resource.on("POST", "/sources", takes=NewSourceSchema, gives=ShownSourceSchema, status=201)
def create_source(wanted: dict[str, Any]) -> dict[str, Any]:
    """Make a source; this answer is the only one that shows its address and its signing secret"""
    made = changing(lambda c: story.create(c, hub().desk, actor().workspace_id, **wanted), _told)
    return _shown(made)


@resource.on("POST", f"{_ONE}/rotate", takes=RotateSchema, gives=ShownSourceSchema)
def rotate_source(wanted: dict[str, Any], source_id: int) -> dict[str, Any]:
    """A new secret (the one before counts until the next rotation) or a new address (at once)"""

    def rotated(connection: Connection) -> FreshSource:
        if wanted["what"] == "address":
            return story.rotate_address(connection, actor().workspace_id, source_id)
        return story.rotate_secret(connection, hub().desk, actor().workspace_id, source_id)

    return _shown(changing(rotated, _told))


@resource.on("PATCH", _ONE, takes=ChangeSourceSchema, gives=ShownSourceSchema)
def change_source(wanted: dict[str, Any], source_id: int) -> dict[str, Any]:
    """Other settings, or the secret that the platform has made; what is not named stays"""

    def changed(connection: Connection) -> FreshSource:
        return story.change(connection, hub().desk, actor().workspace_id, source_id, **wanted)

    return _shown(changing(changed, _told))


@resource.on("POST", f"{_ONE}/test", takes=TrySourceSchema, gives=TriedSourceSchema, status=202)
def send_test(wanted: dict[str, Any], source_id: int) -> dict[str, Any]:
    """Send a test response through the source, all the way to the CRM"""
    workspace_id = actor().workspace_id
    source = reading(lambda c: story.of_id(c, hub().desk, workspace_id, source_id))
    limits = hub().settings.files
    sent = trial.send(hub().database, source, **wanted, at=clock.now(), limits=limits)
    noting(Told(f"source:{source_id}", {"response": sent.id}))
    hub().bell.ring(PLAN, workspace_id)
    return {"response_id": sent.response_id, "status": sent.status, "id": sent.id}


@resource.on("GET", f"{_ONE}/notices", gives=NoticeListSchema)
def list_notices(source_id: int) -> dict[str, Any]:
    """The newest responses that the platform has told of, and what became of fetching them"""

    def found(connection: Connection) -> list[Any]:
        story.of_id(connection, hub().desk, actor().workspace_id, source_id)
        return [dict(one) for one in notices.listed(connection, source_id, limit=200)]

    return {"notices": reading(found)}


@resource.on("POST", f"{_ONE}/notices/retry", gives=RetriedNoticesSchema)
def retry_notices(source_id: int) -> dict[str, Any]:
    """Fetch now what waits for its next try, and again what could not be had"""

    def retried(connection: Connection) -> int:
        story.of_id(connection, hub().desk, actor().workspace_id, source_id)
        return notices.retry(connection, source_id)

    count = changing(retried, lambda n: Told(f"source:{source_id}", {"count": n}))
    hub().bell.ring(GATHER, actor().workspace_id)
    return {"retried": count}


@resource.on("POST", f"{_ONE}/surveys", gives=AskedSurveysSchema, status=202)
def fetch_surveys(source_id: int) -> dict[str, Any]:
    """Fetch how the platform defines its surveys: all of them soon, each night what has changed"""
    changing(
        lambda c: surveydues.ask_for(c, hub().desk, actor().workspace_id, source_id),
        lambda _: Told(f"source:{source_id}"),
    )
    hub().bell.ring(GATHER, actor().workspace_id)
    return {"asked": True}


@resource.on("POST", f"{_ONE}/pause", gives=HeldSchema)
def pause_source(source_id: int) -> dict[str, Any]:
    """Accept and keep what the source brings, and plan none of it until it is resumed"""
    count = changing(
        lambda c: story.pause(c, actor().workspace_id, source_id),
        lambda n: Told(f"source:{source_id}", {"waiting": n}),
    )
    return {"paused": True, "responses": count}


@resource.on("POST", f"{_ONE}/resume", gives=HeldSchema)
def resume_source(source_id: int) -> dict[str, Any]:
    """Plan what has waited, in the order of its acceptance, and what comes"""
    count = changing(
        lambda c: story.resume(c, actor().workspace_id, source_id),
        lambda n: Told(f"source:{source_id}", {"released": n}),
    )
    hub().bell.ring(PLAN, actor().workspace_id)
    return {"paused": False, "responses": count}


@resource.on("POST", f"{_ONE}/emptied", takes=ConfirmEmptiedSchema, gives=EmptiedSchema)
def confirm_emptied(wanted: dict[str, Any], source_id: int) -> Held:
    """Confirm that responses which are gone were deleted: what they have written goes back"""
    found = changing(
        lambda c: emptied.confirm(c, actor().workspace_id, source_id, **wanted, now=clock.now()),
        lambda held: Told(f"source:{source_id}", {"gone": held.gone, "asked": held.asked}),
    )
    hub().bell.ring(GATHER, actor().workspace_id)
    return found


@resource.on("DELETE", _ONE, status=204)
def delete_source(source_id: int) -> None:
    """Take a source off the list; its address answers as one that never was"""
    changing(
        lambda c: story.delete(c, actor().workspace_id, source_id),
        lambda _: Told(f"source:{source_id}"),
    )


def _told(made: FreshSource) -> Told:
    return Told(f"source:{made.id}", {"platform": made.platform})


def _shown(made: FreshSource) -> dict[str, Any]:
    at = f"{hub().settings.public_url}/hooks/{made.platform}"
    return {
        "id": made.id,
        "name": made.name,
        "url": f"{at}/{made.token.reveal()}" if made.token else None,
        "secret": made.secret.reveal() if made.secret else None,
    }
