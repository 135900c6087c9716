"""Extra fields: which are chosen at a connection, what a contact's hold now, and editing them."""

from __future__ import annotations

from typing import Any

from flask import request

from connector.access import Scope
from connector.api.context import Told, actor, changing, hub, reading
from connector.api.description import Resource
from connector.problems import Refusal
from connector.responses.extras import choosing, editing, showing
from connector.responses.extras.carrying import Edited, Wanted
from connector.responses.hub import Hub
from schemas.extras import (
    ChosenFieldsSchema,
    EditedSchema,
    EditSchema,
    ExtraFieldsSchema,
    PartQuerySchema,
    PartsSchema,
)

_CHOICE = "/connections/<id:connection_id>/extra-fields"
_CONTACT = "/contacts/<id:contact_id>/fields"
resource = Resource("extras", __name__, description="Extra fields beside a contact")


@resource.on("GET", _CHOICE, gives=ChosenFieldsSchema)
def read_extra_fields(connection_id: int) -> dict[str, Any]:
    """Which fields of the CRM's contact are shown beside ours, and whether they can be edited"""
    return reading(lambda c: choosing.read(c, actor().workspace_id, connection_id))


@resource.on("PUT", _CHOICE, takes=ExtraFieldsSchema, gives=ChosenFieldsSchema)
def choose_extra_fields(body: dict[str, Any], connection_id: int) -> dict[str, Any]:
    """Choose the fields that are shown, in their order, instead of those before"""
    return changing(
        lambda c: choosing.save(c, actor().workspace_id, connection_id, body["fields"]),
        lambda row: Told(
            f"connection:{connection_id}", {"fields": [one["field"] for one in row["fields"]]}
        ),
    )


@resource.on("GET", _CONTACT, query=PartQuerySchema, gives=PartsSchema)
def read_contact_fields(asked: dict[str, Any], contact_id: int) -> dict[str, Any]:
    """A contact's extra fields as each CRM holds them now

    A CRM that cannot be read has its `error`; the others are shown.
    """
    parts = showing.show(
        jobs(), actor().workspace_id, contact_id, connection_id=asked["connection_id"]
    )
    return {"contact_id": contact_id, "crms": [showing.shown(one) for one in parts]}


@resource.on("PATCH", _CONTACT, takes=EditSchema, gives=EditedSchema)
def edit_contact_fields(body: dict[str, Any], contact_id: int) -> dict[str, Any]:
    """Write extra fields of a contact, only if the CRM still holds what you saw

    Say what you saw: `was` of each change, or `If-Match` with the `etag` of the connection's part.
    409 or 412 name `yours`, `was` and `now` of each field; then nothing was written.
    """
    seen = request.if_match
    wanted = Wanted(body["connection_id"], body["changes"], seen.contains if seen else None)
    try:
        done = editing.edit(
            jobs(),
            actor().workspace_id,
            contact_id,
            wanted,
            actor=actor().name,
            address=request.remote_addr,
        )
    except Refusal as refusal:
        raise for_eyes(refusal) from refusal
    return {
        "edit_id": done.edit_id,
        "connection_id": done.connection_id,
        "remote_id": done.remote_id,
        "outcome": done.state,
        "fields": written_fields(done),
    }


def written_fields(done: Edited) -> list[dict[str, Any]]:
    """Each field that was written, before and after."""
    return [
        {"field": name, "before": done.before.get(name), "after": value}
        for name, value in done.after.items()
    ]


def jobs() -> Hub:
    """The hub as a job has it."""
    here = hub()
    return Hub(here.settings, here.desk, here.limiter)


def for_eyes(refusal: Refusal) -> Refusal:
    """A key that may not read contacts learns that a field was changed, not what it holds."""
    told = refusal.extra.get("conflicts")
    if not isinstance(told, list) or Scope.CONTACTS_READ in actor().scopes:
        return refusal
    hidden = [{key: value for key, value in one.items() if key != "now"} for one in told]
    return Refusal(refusal.code, refusal.detail, extra={**refusal.extra, "conflicts": hidden})
