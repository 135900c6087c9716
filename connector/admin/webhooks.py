"""Webhooks to the customer's own systems: made, tried, paused, and what became of each message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector.admin.language import gettext, marked, said
from connector.admin.page import address, field, go, loaded, page, show, tell
from connector.api.context import Told, changing, hub, member, noting, reading
from connector.api.pages import MAX_ID, id_after, paged
from connector.problems import Code, Refusal
from connector.queues import TELL
from connector.webhooks import endpoints, sending, trail
from connector.webhooks.endpoints import FreshWebhook
from schemas.webhook import (
    DEFAULT_OVERLAP_HOURS,
    MESSAGE_STATES,
    ChangeWebhookSchema,
    NewWebhookSchema,
)

_ALL = "/w/<key:space>/settings/webhooks"
_ONE = f"{_ALL}/<id:webhook_id>"
_MESSAGE = "/w/<key:space>/settings/webhook-messages/<id:message_id>"
A_PAGE = 50
EVENTS = {
    "response.delivered": marked("Every step of a response has ended well"),
    "response.failed": marked("A step has failed for good, or a response could not be planned"),
    "contact.opted_out": marked("A contact wants no more surveys"),
}
STATES = {
    "active": (marked("On"), "green"),
    "paused": (marked("Paused"), "yellow"),
    "disabled": (marked("Ended by failures"), "red"),
}
MESSAGES = {
    "pending": (marked("On its way"), "azure"),
    "delivered": (marked("Taken"), "green"),
    "failed": (marked("Given up"), "red"),
}
_MENDED_HERE = {Code.BODY_INVALID, Code.SETTING_INVALID, Code.NAME_TAKEN}


@page.app_template_filter("event_told")
def event_told(event: str) -> str:
    """When the event is told."""
    return gettext(EVENTS.get(event, event))


@page.app_template_filter("webhook_word")
def webhook_word(state: str) -> str:
    """What the state of a webhook or message is called."""
    return gettext((STATES | MESSAGES).get(state, (state, ""))[0])


@page.app_template_filter("webhook_colour")
def webhook_colour(state: str) -> str:
    """The colour of that badge."""
    return (STATES | MESSAGES).get(state, ("", "secondary"))[1]


@page.get(_ALL)
def webhooks() -> Response:
    """Every webhook, without its address and secret"""
    return _listed()


@page.post(_ALL)
def create_webhook() -> Response:
    """Make a webhook; the answer is the only page that shows its secret"""
    try:
        wanted = loaded(NewWebhookSchema(), _typed())
        endpoints.check_url(hub().desk, wanted["url"])
        made = changing(
            lambda c: endpoints.create(c, hub().desk, member().workspace_id, **wanted),
            lambda made: Told(f"webhook:{made.id}", {"events": wanted["events"]}),
        )
    except Refusal as refusal:
        if refusal.code not in _MENDED_HERE:
            raise
        return _listed(faults=_faults(refusal))
    return _shown(made.id, fresh=made)


@page.get(_ONE)
def webhook(webhook_id: int) -> Response:
    """One webhook and the log of its messages"""
    return _shown(webhook_id)


@page.post(_ONE)
def change_webhook(webhook_id: int) -> Response:
    """Another name, other events, or another address; an empty one keeps the one there is"""
    try:
        typed = _typed()
        if not typed["url"]:
            del typed["url"]
        wanted = loaded(ChangeWebhookSchema(), typed)
        if "url" in wanted:
            endpoints.check_url(hub().desk, wanted["url"])
        changing(
            lambda c: endpoints.change(
                c, hub().desk, member().workspace_id, webhook_id, **wanted
            ),
            lambda _: Told(f"webhook:{webhook_id}", {"changed": sorted(wanted)}),
        )  # fmt: skip
    except Refusal as refusal:
        if refusal.code not in _MENDED_HERE:
            raise
        return _shown(webhook_id, faults=_faults(refusal))
    return tell(_back(webhook_id), gettext("Saved."))


@page.post(f"{_ONE}/rotate")
def rotate_webhook(webhook_id: int) -> Response:
    """A new secret, shown this once; the one before signs beside it for a day"""
    hours = DEFAULT_OVERLAP_HOURS
    made = changing(
        lambda c: endpoints.rotate(
            c, hub().desk, member().workspace_id, webhook_id, overlap_s=hours * 3_600
        ),
        lambda _: Told(f"webhook:{webhook_id}", {"overlap_hours": hours}),
    )
    return _shown(webhook_id, fresh=made)


@page.post(f"{_ONE}/pause")
def pause_webhook(webhook_id: int) -> Response:
    """Send nothing until it is resumed"""
    changing(lambda c: endpoints.pause(c, member().workspace_id, webhook_id), _named(webhook_id))
    text = gettext("Paused. What happens meanwhile waits.")
    return tell(_back(webhook_id), text, kind="warning")


@page.post(f"{_ONE}/resume")
def resume_webhook(webhook_id: int) -> Response:
    """Send what waits"""
    changing(lambda c: endpoints.resume(c, member().workspace_id, webhook_id), _named(webhook_id))
    hub().bell.ring(TELL, member().workspace_id, webhook_id)
    return tell(_back(webhook_id), gettext("It goes on: what waited is sent."))


@page.post(f"{_ONE}/test")
def try_webhook(webhook_id: int) -> Response:
    """Send a test message now"""
    tried = sending.try_out(hub().desk, member().workspace_id, webhook_id)
    noting(Told(f"webhook:{webhook_id}", {"code": tried.code}))
    if tried.code is None:
        text = gettext("Taken: it answered %(status)s after %(ms)s ms.",
                       status=tried.status, ms=tried.ms)  # fmt: skip
        return tell(_back(webhook_id), text)
    text = gettext("It was not taken (%(code)s): %(error)s", code=tried.code,
                   error=tried.error or "")  # fmt: skip
    return tell(_back(webhook_id), text, kind="danger")


@page.post(f"{_ONE}/remove")
def remove_webhook(webhook_id: int) -> Response:
    """End it, with its messages and their log"""
    changing(lambda c: endpoints.remove(c, member().workspace_id, webhook_id), _named(webhook_id))
    return tell(go("pages.webhooks"), gettext("The webhook is removed."))


@page.get(_MESSAGE)
def webhook_message(message_id: int) -> Response:
    """One message: what it tells, and every try"""
    one = reading(lambda c: trail.message(c, member().workspace_id, message_id))
    return show("pages/settings/webhook_message.html", one=one)


@page.post(f"{_MESSAGE}/resend")
def resend_message(message_id: int) -> Response:
    """The same message again, under its own id"""
    webhook_id = changing(
        lambda c: trail.resend(c, member().workspace_id, message_id),
        lambda _: Told(f"webhook_message:{message_id}"),
    )
    hub().bell.ring(TELL, member().workspace_id, webhook_id)
    text = gettext("It is sent again, under its own id.")
    return tell(go("pages.webhook_message", message_id=message_id), text)


def _typed() -> dict[str, Any]:
    return {
        "name": field("name").strip(),
        "url": field("url").strip(),
        "events": request.form.getlist("events"),
    }


def _faults(refusal: Refusal) -> Mapping[str, str]:
    if refusal.places:
        words = {one.pointer.split("/")[1]: said(one.text) for one in refusal.places}
        # Only what is not on the page could be wrong with the boxes, but for that none is ticked.
        return words | ({"events": gettext("Tick at least one.")} if "events" in words else {})
    return {"name": said(refusal.detail or refusal.kind.mend)}


def _named(webhook_id: int) -> Any:  # noqa: ANN401 - an audit entry of any result
    return lambda _: Told(f"webhook:{webhook_id}")


def _back(webhook_id: int) -> Any:  # noqa: ANN401 - an answer
    return go("pages.webhook", webhook_id=webhook_id)


def _listed(*, faults: Mapping[str, str] | None = None) -> Response:
    rows = reading(lambda c: endpoints.listed(c, member().workspace_id))
    return show(
        "pages/settings/webhooks.html",
        status=422 if faults else 200,
        rows=rows,
        filled=_typed() if faults else {"events": ["response.delivered", "response.failed"]},
        events=list(EVENTS),
        faults=faults or {},
        full=len(rows) >= endpoints.MOST,
    )


def _shown(
    webhook_id: int,
    *,
    fresh: FreshWebhook | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    state = request.args.get("state") if request.args.get("state") in MESSAGE_STATES else None
    workspace_id, before = member().workspace_id, id_after(request.args.get("cursor"), start=MAX_ID)

    def story(store: Connection) -> dict[str, Any]:
        return {
            "one": endpoints.shown(store, workspace_id, webhook_id),
            "messages": trail.messages(
                store, workspace_id, webhook_id, state=state, before=before, limit=A_PAGE + 1
            ),
        }

    found = reading(story)
    found["messages"], following = paged(found["messages"], A_PAGE, lambda row: row["id"])
    here: dict[str, Any] = {"webhook_id": webhook_id, **({"state": state} if state else {})}
    return show(
        "pages/settings/webhook.html", status=422 if faults else 200, **found,
        fresh=fresh, faults=faults or {}, filled=_typed() if faults else found["one"],
        state=state, states=[(one, gettext(MESSAGES[one][0])) for one in MESSAGE_STATES],
        events=list(EVENTS), overlap_hours=DEFAULT_OVERLAP_HOURS, kept_days=sending.KEPT_DAYS,
        first=address("pages.webhook", **here) if "cursor" in request.args else None,
        following=address("pages.webhook", **here, cursor=following) if following else None,
    )  # fmt: skip
