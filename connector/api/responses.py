"""Responses: push them, and ask what became of one by your own id."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Response, jsonify

from connector.api import batches
from connector.api.context import actor, hub, reading
from connector.api.description import Resource
from connector.problems import Code, Place, Refusal, places_of
from connector.queues import PLAN
from connector.responses import tracking
from connector.responses.intake import FROM_API, FROM_TEST, MAX_ITEMS, Accepted, accept
from schemas.priority import Priority
from schemas.tracking import (
    AcceptedSchema,
    ProgressSchema,
    PushedResponseSchema,
    PushQuerySchema,
    PushSchema,
    ResponseQuerySchema,
)

_SCHEMA = PushedResponseSchema()
_DURABLE = ("accepted", "duplicate")
resource = Resource("responses", __name__, description="Survey responses")


@resource.on(
    "POST",
    "/responses",
    query=PushQuerySchema,
    body=batches.described(PushedResponseSchema, MAX_ITEMS, (AcceptedSchema, PushSchema)),
    status=202,
)
def push_responses(asked: dict[str, Any]) -> Response:
    """Push one response, an array of up to 1,000, or one object a line

    202 means: stored for good. The same content again is a duplicate and answers the same; other
    content under the same revision is a conflict (409) unless `submitted_at` is later. A bad item
    refuses no neighbour: read `items`. When no item at all could be taken, the answer is a refusal.
    `lane=backfill` is for old answers in great number: they let new ones pass. What a test key
    pushes is checked, kept and planned, and reaches no CRM: `verdicts` say what would be done.
    """
    batch = batches.pushed(max_items=MAX_ITEMS)
    places = list(batch.items)
    taken = accept(
        hub().database,
        actor().workspace_id,
        source=FROM_TEST if actor().is_test else FROM_API,
        items=[batch.items[place] for place in places],
        priority=Priority[asked["lane"].upper()],
        limits=hub().settings.files,
    )
    hub().bell.ring(PLAN, actor().workspace_id)
    items = [_shown(place, one) for place, one in zip(places, taken, strict=True)]
    items += [_unread(place, fault) for place, fault in batch.faults.items()]
    items.sort(key=lambda one: one["place"])
    if not any(one["status"] in _DURABLE for one in items):
        _refuse(items, single=batch.single)
    return _answer(items[0] if batch.single else _counted(items))


@resource.on("GET", "/responses/<whole:response>", query=ResponseQuerySchema, gives=ProgressSchema)
def read_response(asked: dict[str, Any], response: str) -> dict[str, Any]:
    """What became of a response, step by step, by the id under which you pushed it"""
    source = FROM_TEST if actor().is_test else asked["source"]
    versions = reading(
        lambda connection: tracking.progress(
            connection, actor().workspace_id, response_id=response, source=source
        )
    )
    return {"response_id": response, "state": versions[0]["state"], "versions": versions}


def _shown(place: int, one: Accepted) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "place": place,
        "status": one.status,
        "duplicate": one.status == "duplicate",
        "response_id": one.response_id,
        "revision": one.revision,
        "id": one.id,
        "digest": one.digest,
    }
    if one.errors:
        shown["errors"] = batches.told(places_of(one.errors, f"/{place}", schema=_SCHEMA))
    return shown


def _unread(place: int, fault: Place) -> dict[str, Any]:
    nothing = Accepted(place, "invalid")
    return {**_shown(place, nothing), "errors": batches.told((fault,))}


def _counted(items: list[dict[str, Any]]) -> dict[str, Any]:
    accepted, duplicates = (sum(one["status"] == status for one in items) for status in _DURABLE)
    refused = len(items) - accepted - duplicates
    return {"accepted": accepted, "duplicates": duplicates, "refused": refused, "items": items}


def _refuse(items: list[dict[str, Any]], *, single: bool) -> NoReturn:
    """Nothing was stored: a refusal that names each place, and for a conflict the stored digest."""
    told = [error for one in items for error in one.get("errors", ())][:50]
    cut = len("/0") if single else 0
    places = [Place(one["pointer"][cut:], one["code"], one["text"]) for one in told]
    conflicts = [one for one in items if one["status"] == "conflict"]
    code = Code.RESPONSE_CONFLICT if conflicts else Code.BODY_INVALID
    digest = {"digest": items[0]["digest"]} if single and conflicts else {}
    extra: dict[str, object] = digest if single else {"items": items}
    raise Refusal(code, places=places, extra=extra)


def _answer(body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.status_code = 202
    return answer
