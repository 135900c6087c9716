"""/events/<app>/<client id>: what a CRM tells of its records. The address only says whose app it
is, the signature authenticates, and each message counts once.

Every answer to a genuine message is 2xx, whatever of it was of use: else it would be sent again.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from adapters.cards import CardRequest
from adapters.events import RecordEvent, Teller, Unreadable
from adapters.registry import UnknownApp, event_teller, traits_of
from connector import clock
from connector.api.bodies import KIB, raw_body
from connector.api.context import hub
from connector.api.gate import EVENTS, REFUSED
from connector.connections import events as story
from connector.db import retried
from connector.log import get_logger
from connector.problems import Code, Place, Refusal, not_found
from schemas.strict import decode

MAX_BODY = 256 * KIB
crm_events = Blueprint("crm_events", __name__)


@crm_events.post("/events/<app>/<key:client>")
def hear_events(app: str, client: str) -> dict[str, Any]:
    """Records that were merged or deleted in the CRM: the links to them follow, or end"""
    if not _tells(app):
        hub().gate.pass_through(REFUSED, request.remote_addr or "")
        raise not_found()
    teller, came = event_teller(app), _came()
    accounts, events = _read(teller, came)
    believed = story.believed(hub().desk, app, client, teller, came, accounts=accounts)
    shown = f"{app}:{client}:{teller.mark(came)}"
    if not believed.genuine or not hub().gate.is_new(EVENTS, shown, within_s=teller.fresh_s):
        get_logger(__name__).warning("crm_events_refused", app=app, genuine=believed.genuine)
        hub().gate.pass_through(REFUSED, request.remote_addr or "")
        raise Refusal(Code.SIGNATURE_INVALID)
    hub().gate.pass_through(EVENTS, f"{app}:{client}")
    moved = sum(_heard(one, app, events) for one in believed.workspaces)
    # Remembered last: a CRM that tries again because we failed is no replay.
    hub().gate.is_first(EVENTS, shown, within_s=teller.fresh_s)
    return {"events": len(events), "links": moved}


def _tells(app: str) -> bool:
    try:
        return traits_of(app).tells
    except (UnknownApp, ImportError):
        return False


def _came() -> CardRequest:
    query = request.environ.get("QUERY_STRING", "")
    return CardRequest(
        method=request.method,
        url=f"{hub().settings.public_url}{request.path}{'?' if query else ''}{query}",
        headers={name.lower(): value for name, value in request.headers.items()},
        body=raw_body(MAX_BODY),
        now_ms=int(clock.now().timestamp() * 1000),
    )


def _read(teller: Teller, came: CardRequest) -> tuple[tuple[str, ...], tuple[RecordEvent, ...]]:
    """Read before it is believed, because it names the accounts; nothing is done with it yet."""
    message = decode(came.body)
    try:
        return teller.accounts(message), teller.events(message)
    except Unreadable as exc:
        raise Refusal(Code.BODY_INVALID, places=[Place("", "invalid", str(exc))]) from exc


def _heard(workspace_id: int, app: str, events: tuple[RecordEvent, ...]) -> int:
    def story_of() -> int:
        with hub().database.begin(workspace_id) as connection:
            return story.heard(connection, workspace_id, app, events)

    return retried(story_of)
