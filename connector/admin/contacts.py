"""Contacts: searched for, and all that is known of one: facts, tags, what we wrote and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector.access import Right
from connector.admin.language import gettext
from connector.admin.page import address, go, page, show, tell
from connector.api.context import Told, changing, member, reading
from connector.api.pages import MAX_ID, id_after, paged, spot_after
from connector.connections.profile import Profile, load_all
from connector.contacts import people, timeline
from connector.problems import Code, Place, Refusal
from connector.responses import optouts, viewing
from connector.responses.extras import forms

A_PAGE, LONGEST_SEARCH, LONGEST_FIELD = 50, 200, 320
ONE = "/w/<key:space>/contacts/<id:contact_id>"


@page.app_template_filter("called")
def called(contact: Mapping[str, Any] | None) -> str:
    """What a contact is called: by name, else by what else is known."""
    if contact is None:
        return gettext("anonymous")
    parts = (contact.get("first_name"), contact.get("last_name"))
    name = contact.get("name") or " ".join(part for part in parts if part)
    return str(name or address_shown(contact.get("email")) or f"#{contact['id']}")


@page.app_template_filter("address_shown")
def address_shown(told: str | None) -> str:
    """An address or number; whoever may only look sees as much as tells two people apart."""
    if not told or member().may(Right.WORK):
        return told or ""
    name, at, host = told.rpartition("@")
    return f"{name[:1]}…{at}{host}" if at else f"…{told[-2:]}"


@page.get("/w/<key:space>/contacts")
def contacts() -> Response:
    """Contacts, newest first, or those that a search finds"""
    search = request.args.get("search", "")[:LONGEST_SEARCH].replace("\x00", "")
    before = id_after(request.args.get("cursor"), start=MAX_ID)
    workspace_id = member().workspace_id

    def story(store: Connection) -> tuple[list[dict[str, Any]], dict[int, list[dict[str, Any]]]]:
        found = people.newest(store, workspace_id, search=search, before=before, limit=A_PAGE + 1)
        return found, people.tags_of(store, workspace_id, [one["id"] for one in found])

    rows, tags = reading(story)
    rows, following = paged(rows, A_PAGE, lambda row: row["id"])
    chosen = {"search": search} if search else {}
    return show(
        "pages/contacts/list.html", part="pages/contacts/rows.html", rows=rows, tags=tags,
        search=search,
        first=address("pages.contacts", **chosen) if "cursor" in request.args else None,
        following=address("pages.contacts", **chosen, cursor=following) if following else None,
    )  # fmt: skip


@page.get(ONE)
def contact(contact_id: int) -> Response:
    """All that is known of one contact"""
    field = request.args.get("field") or None
    if field and (len(field) > LONGEST_FIELD or "\x00" in field):
        raise Refusal(Code.QUERY_INVALID, places=[Place("?field", "invalid", "it is no field")])
    after = spot_after(request.args.get("cursor"))
    workspace_id = member().workspace_id

    def story(store: Connection) -> dict[str, Any]:
        one = people.one(store, workspace_id, contact_id)
        events = timeline.timeline(
            store, workspace_id, contact_id, field=field, after=after, limit=A_PAGE + 1
        )
        tags = people.tags_of(store, workspace_id, [contact_id]).get(contact_id, [])
        held = timeline.held(store, workspace_id, contact_id)
        rows = [*tags, *({"campaign_id": one.detail.get("campaign_id")} for one in events)]
        return {
            "one": one,
            "events": events,
            "tags": tags,
            "held": held,
            "forms": forms.names(store, workspace_id),
            "campaigns": viewing.campaigns_of(store, workspace_id, rows),
            "connections": {one.id: one for one in load_all(store, workspace_id)},
        }

    found = reading(story)
    found["events"], following = paged(
        found["events"], A_PAGE, lambda event: [event.at, event.kind, event.id]
    )
    here: dict[str, Any] = {"contact_id": contact_id, **({"field": field} if field else {})}
    return show(
        "pages/contacts/one.html", part="pages/contacts/timeline.html", **found,
        field=field, links=_links(found["one"], found["connections"]),
        sees_values=member().may(Right.WORK),
        first=address("pages.contact", **here) if after else None,
        following=address("pages.contact", **here, cursor=following) if following else None,
    )  # fmt: skip


@page.post(f"{ONE}/opt-out")
def opt_out(contact_id: int) -> Response:
    """The contact wants no more surveys"""

    def done(store: Connection) -> None:
        people.one(store, member().workspace_id, contact_id)
        optouts.record(store, member().workspace_id, [contact_id], by=optouts.BY_PERSON)

    changing(done, lambda _: Told(f"contact:{contact_id}"))
    return tell(
        go("pages.contact", contact_id=contact_id), gettext("No more surveys, from now on.")
    )


@page.post(f"{ONE}/opt-in")
def opt_in(contact_id: int) -> Response:
    """The contact may be asked again"""

    def done(store: Connection) -> None:
        people.one(store, member().workspace_id, contact_id)
        optouts.take_back(store, member().workspace_id, [contact_id])

    changing(done, lambda _: Told(f"contact:{contact_id}"))
    return tell(go("pages.contact", contact_id=contact_id), gettext("May be asked again."))


def _links(one: Mapping[str, Any], connections: Mapping[int, Profile]) -> list[dict[str, Any]]:
    """The contact's records, each with its page in the CRM where that is known."""
    return [
        {
            **link,
            "connection": connections[link["connection_id"]],
            "page": connections[link["connection_id"]].record_page(
                link["entity"], link["remote_id"]
            ),
        }
        for link in one["links"]
        if link["connection_id"] in connections
    ]
