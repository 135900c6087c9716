"""/hooks/<source>/<token>: the token only routes, the signature over the raw body authenticates."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from connector import clock
from connector.api.batches import read_batch, told
from connector.api.bodies import NDJSON, raw_body
from connector.api.context import hub
from connector.problems import Code, Refusal, not_found, places_of
from connector.queues import PLAN
from connector.responses import hooks as story
from connector.responses.intake import MAX_ITEMS, Accepted
from connector.responses.signatures import is_signed
from connector.responses.sources import Source, found
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
    batch = read_batch(raw, lines=request.mimetype == NDJSON, max_items=MAX_ITEMS)
    places = list(batch.items)
    message_id = request.headers.get(known.scheme.id) if known.scheme.id else None
    done = story.receive(
        hub().database,
        known,
        message_id=message_id,
        raw=raw,
        items=[batch.items[place] for place in places],
        limits=hub().settings.files,
    )
    if done.duplicate:
        return {"duplicate": True, "items": []}, 202
    hub().bell.ring(PLAN, known.workspace_id)
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


def _refuse_unsigned(source: Source, raw: bytes) -> None:
    headers = {name.lower(): value for name, value in request.headers.items()}
    secrets = [one.reveal() for one in source.secrets]
    now_s = clock.now().timestamp()
    if not is_signed(source.scheme, headers, raw, secrets=secrets, now_s=now_s):
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
    """202 unless nothing at all could be read: then the sender is told."""
    answered = [one for one in items if one["status"] in _ANSWERED]
    if not answered:
        raise Refusal(Code.BODY_INVALID, extra={"items": items})
    duplicate = all(one["status"] == "duplicate" for one in answered)
    return {"duplicate": duplicate, "items": items}, 202
