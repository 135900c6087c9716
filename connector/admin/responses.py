"""Responses: what was answered, what became of it step by step, and its files."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import make_response, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector import clock
from connector.access import Right
from connector.admin.deliveries import SPANS
from connector.admin.language import gettext, marked
from connector.admin.page import address, page, show
from connector.api.context import member, reading
from connector.api.pages import MAX_ID, id_after, paged
from connector.problems import Code, Place, Refusal
from connector.responses import filestore, tracking, viewing
from connector.responses.extras import forms
from connector.responses.sniffing import shown_name

A_PAGE = 50
EVENTS = {
    "completed": marked("Completed"),
    "partial": marked("Not finished"),
    "updated": marked("Changed"),
    "deleted": marked("Deleted"),
    "disqualified": marked("Screened out"),
}
# state -> (how it is said, the badge's colour); see tracking.state_of.
PROGRESS = {
    "received": (marked("Received"), "azure"),
    "planning_failed": (marked("Could not be planned"), "red"),
    "delivering": (marked("On its way"), "azure"),
    "needs_attention": (marked("Needs attention"), "red"),
    "paused": (marked("Paused"), "yellow"),
    "done": (marked("Done"), "green"),
}
CLASSES = {
    "promoter": (marked("Promoter"), "green"),
    "passive": (marked("Passive"), "yellow"),
    "detractor": (marked("Detractor"), "red"),
}
# What a browser may show inside our page: nothing of these can hold a script.
PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


@page.app_template_filter("event_word")
def event_word(event: str) -> str:
    """What kind of response it is."""
    return gettext(EVENTS.get(event, event))


@page.app_template_filter("progress_word")
def progress_word(state: str) -> str:
    """How far a response is."""
    return gettext(PROGRESS[state][0]) if state in PROGRESS else state


@page.app_template_filter("progress_colour")
def progress_colour(state: str) -> str:
    """The colour of that badge."""
    return PROGRESS[state][1] if state in PROGRESS else "secondary"


@page.app_template_filter("class_word")
def class_word(score_class: str) -> str:
    """What a class of scores is called."""
    return gettext(CLASSES[score_class][0]) if score_class in CLASSES else score_class


@page.app_template_filter("class_colour")
def class_colour(score_class: str) -> str:
    """The colour of a class of scores."""
    return CLASSES[score_class][1] if score_class in CLASSES else "secondary"


@page.get("/w/<key:space>/responses")
def responses() -> Response:
    """Responses, newest first, by filter"""
    chosen = {
        name: value for name, value in request.args.items()
        if name in {"campaign_id", "contact_id", "event", "span"} and value
    }  # fmt: skip
    only = _only(chosen)
    before = id_after(request.args.get("cursor"), start=MAX_ID)
    workspace_id = member().workspace_id

    def story(store: Connection) -> dict[str, Any]:
        rows = viewing.listed(store, workspace_id, only=only, before=before, limit=A_PAGE + 1)
        asked = [*rows, {"campaign_id": only.get("campaign_id")}]
        people = [*rows, {"contact_id": only.get("contact_id")}]
        return {
            "rows": rows,
            "campaigns": viewing.campaigns_of(store, workspace_id, asked),
            "contacts": viewing.contacts_of(store, workspace_id, people),
        }

    found = reading(story)
    found["rows"], following = paged(found["rows"], A_PAGE, lambda row: row["id"])
    return show(
        "pages/responses/list.html", part="pages/responses/rows.html", **found, chosen=chosen,
        only=only, events=[(one, gettext(word)) for one, word in EVENTS.items()],
        spans=[(one, gettext(word)) for one, word in SPANS.items()],
        first=address("pages.responses", **chosen) if "cursor" in request.args else None,
        following=address("pages.responses", **chosen, cursor=following) if following else None,
    )  # fmt: skip


@page.get("/w/<key:space>/responses/<id:response_id>")
def response(response_id: int) -> Response:
    """One response: its answers, and what became of them"""
    workspace_id = member().workspace_id

    def story(store: Connection) -> dict[str, Any]:
        seen = viewing.one(store, workspace_id, response_id)
        return {
            "seen": seen,
            "campaigns": viewing.campaigns_of(store, workspace_id, [seen.row]),
            "contacts": viewing.contacts_of(store, workspace_id, [seen.row]),
            "forms": forms.names(store, workspace_id),
            "named": tracking.named(store, workspace_id, seen.row["steps"]),
        }

    return show(
        "pages/responses/one.html", **reading(story), pictures=PICTURES, response_id=response_id,
        sees_values=member().may(Right.WORK),
    )  # fmt: skip


@page.get("/w/<key:space>/responses/<id:response_id>/files/<id:file_id>")
def response_file(response_id: int, file_id: int) -> Response:
    """A file of an answer: a picture to look at, all else to take away"""

    def story(store: Connection) -> filestore.Kept:
        seen = viewing.one(store, member().workspace_id, response_id)
        kept = filestore.kept(store, file_id)
        if kept is None or file_id not in {one["id"] for one in seen.row["files"]}:
            raise Refusal(Code.NOT_FOUND)
        return kept

    kept = reading(story)
    if kept.content is None:
        raise Refusal(Code.NOT_FOUND, gettext("The file is not kept here any more, or not yet."))
    is_picture = kept.content_type in PICTURES
    answer = make_response(kept.content)
    answer.mimetype = kept.content_type if is_picture else "application/octet-stream"  # type: ignore[assignment]
    # The name that it came with is the respondent's, and proves nothing.
    name = shown_name(kept.name, kept.content_type or "", otherwise=kept.stored_name)
    answer.headers.set(
        "Content-Disposition", "inline" if is_picture else "attachment", filename=name
    )
    return answer


def _only(chosen: dict[str, str]) -> dict[str, Any]:
    """The filter, checked. Refusal(QUERY_INVALID) naming what is wrong."""
    only: dict[str, Any] = {}
    for name in ("campaign_id", "contact_id"):
        given = chosen.get(name, "")
        if given and not (given.isascii() and given.isdigit() and len(given) < 19):
            raise _invalid(name)
        only[name] = int(given) if given else None
    only["event"] = chosen.get("event")
    if only["event"] is not None and only["event"] not in EVENTS:
        msg = "event"
        raise _invalid(msg)
    span = chosen.get("span", "")
    if span and span not in SPANS:
        msg = "span"
        raise _invalid(msg)
    only["since"] = clock.now() - timedelta(days=int(span)) if span else None
    return only


def _invalid(name: str) -> Refusal:
    places = [Place(f"?{name}", "invalid", f"{name} is not valid")]
    return Refusal(Code.QUERY_INVALID, places=places)
