"""/hooks/<source>/<token>: the token only routes, the signature over the raw body authenticates."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from connector import clock
from connector.api.batches import Batch, read_batch, told
from connector.api.bodies import NDJSON, raw_body
from connector.api.context import hub
from connector.problems import Code, Place, Refusal, not_found, places_of
from connector.queues import GATHER, PLAN
from connector.responses import hooks as story
from connector.responses.intake import MAX_ITEMS, Accepted
from connector.responses.sources import Source, found
from schemas.sources.base import Told
from schemas.strict import NotStrict
from schemas.tracking import PushedResponseSchema

_SCHEMA = PushedResponseSchema()
_ANSWERED = ("accepted", "duplicate", "conflict")
hooks = Blueprint("hooks", __name__)


@hooks.get("/hooks/<source>/<token>")
def look_at_hook(source: str, token: str) -> dict[str, str]:
    """Platforms look whether the address exists before they subscribe."""
    _known(source, token)
    return {"status": "ok"}


@hooks.post("/hooks/<source>/<token>")
def receive_hook(source: str, token: str) -> tuple[dict[str, Any], int]:
    """Verify the raw bytes, then parse, then store; 202 means stored for good."""
    known = _known(source, token)
    raw = raw_body(known.max_bytes)
    _refuse_unsigned(known, raw)
    batch, told_of = _heard(known, raw)
    places = list(batch.items)
    done = story.receive(
        hub().database,
        known,
        message_id=told_of.message_id,
        raw=raw,
        items=[batch.items[place] for place in places],
        told_of=told_of.notices,
        limits=hub().settings.files,
    )
    if done.duplicate:
        return {"duplicate": True, "items": []}, 202
    hub().bell.ring(GATHER if told_of.notices else PLAN, known.workspace_id)
    items = [_shown(place, one) for place, one in zip(places, done.results, strict=True)]
    unread = [
        {"place": at, "status": "invalid", "errors": told((why,))}
        for at, why in batch.faults.items()
    ]
    return _answer(sorted([*items, *unread], key=lambda one: int(one["place"])))


def _known(source: str, token: str) -> Source:
    known = found(hub().desk, source, token)
    if known is None:
        raise not_found()
    return known


def _heard(source: Source, raw: bytes) -> tuple[Batch, Told]:
    """What the message says, item by item, and what else it tells.

    A platform sends the same again whatever we answer, so that the admin is told too.
    """
    named = request.headers.get(source.scheme.id) if source.scheme and source.scheme.id else None
    try:
        if source.platform.parse is None:
            lines = request.mimetype == NDJSON
            return read_batch(raw, lines=lines, max_items=MAX_ITEMS), Told(message_id=named)
        kind, now = request.headers.get("Content-Type", ""), clock.now()
        told = story.read(source, raw, message_id=named, at=now, content_type=kind)
    except NotStrict as exc:
        place = Place(exc.pointer, exc.fault.value, exc.text)
        story.unread(hub().database, source, [place])
        raise
    except Refusal as exc:
        story.unread(hub().database, source, exc.places)
        raise
    return Batch(single=False, items=dict(enumerate(told.responses))), told


def _refuse_unsigned(source: Source, raw: bytes) -> None:
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not story.is_verified(source, headers, raw, now_s=clock.now().timestamp()):
        story.refused(hub().database, source, address=request.remote_addr)
        raise Refusal(Code.SIGNATURE_INVALID)


def _shown(place: int, one: Accepted) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "place": place,
        "status": one.status,
        "response_id": one.response_id,
        "id": one.id,
    }
    if one.errors:
        shown["errors"] = told(places_of(one.errors, f"/{place}", schema=_SCHEMA))
    return shown


def _answer(items: list[dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """202 unless nothing at all could be read: then the sender is told. A message may say nothing,
    as when a platform tries the address.
    """
    answered = [one for one in items if one["status"] in _ANSWERED]
    if items and not answered:
        raise Refusal(Code.BODY_INVALID, extra={"items": items})
    duplicate = bool(answered) and all(one["status"] == "duplicate" for one in answered)
    return {"duplicate": duplicate, "items": items}, 202
