"""The standard integration of a connection: what it does for this app, and one switch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response, request
from marshmallow import ValidationError
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from adapters.traits import TagPlace, Traits
from connector.admin.language import gettext, marked, said
from connector.admin.page import field, go, page, problem_words, show, tell
from connector.api.context import Told, changing, member, reading
from connector.campaigns import register
from connector.connections.profile import Profile, load
from connector.problems import Code, Refusal, places_of
from connector.responses import pulse
from connector.responses.configuration import standard as story
from schemas.config import StandardIntegrationSchema

_ONE = "/w/<key:space>/connections/<id:connection_id>/standard"
MOST_CAMPAIGNS = 200
# What can be ticked, in the order of the page; `_offered` says what an app has.
CHOICES = {
    "fields": marked("Name, company, phone number and address into their standard fields"),
    "note": marked("Questions and answers as a note at the contact"),
    "tag": marked("The score as a tag"),
    "files": marked("Files and signatures"),
    "record": marked("A record of its own for each response"),
    "record_inherits": marked("The record's company and owner from its deal or contact"),
    "create": marked("Make contacts that the CRM does not have"),
    "overwrite": marked("Write over fields that are filled"),
    "default": marked("Also for contacts that came from no connection"),
}
COMPANIES = {
    "name": marked("by its name"),
    "domain": marked("by its web domain"),
    "external_id": marked("by its own number"),
}


@page.get(_ONE)
def standard_integration(connection_id: int) -> Response:
    """What it does, and the switch"""
    return _shown(connection_id)


@page.post(_ONE)
def change_standard(connection_id: int) -> AnyResponse:
    """Keep what is ticked; a button may switch it on or off besides"""
    workspace_id, typed = member().workspace_id, _typed()

    def story_of(store: Connection) -> dict[str, Any]:
        here = load(store, workspace_id, connection_id)
        before = story.read(store, workspace_id, connection_id)
        enabled = {"on": True, "off": False}.get(field("act"), before["enabled"])
        # What this app's page does not offer stays as it was.
        kept = {name: before[name] for name in CHOICES if name not in _offered(here.traits)}
        return story.save(
            store, workspace_id, connection_id, _shaped({**typed, **kept, "enabled": enabled})
        )

    try:
        row = changing(story_of, lambda row: Told(f"connection:{connection_id}",
                                                  {"enabled": row["enabled"]}))  # fmt: skip
    except Refusal as refusal:
        if not refusal.places:
            raise
        return _shown(connection_id, typed=typed, faults=problem_words(refusal))
    words = (
        gettext("Switched on. It works from the next response on.")
        if row["enabled"]
        else gettext("Switched off. What comes meanwhile is not made up for.")
        if field("act") == "off"
        else gettext("Saved.")
    )
    return tell(go("pages.standard_integration", connection_id=connection_id), words)


def _typed() -> dict[str, Any]:
    form = request.form
    return {
        **{name: name in form for name in CHOICES},
        "company": form.get("company") or None,
        "campaigns": [one for one in form.getlist("campaigns") if one],
    }


def _shaped(body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        shaped: dict[str, Any] = StandardIntegrationSchema().load(dict(body))
    except ValidationError as exc:
        raise Refusal(Code.BODY_INVALID, places=places_of(exc.messages)) from exc
    return shaped


def _shown(connection_id: int, *, typed: Any = None, faults: Any = None) -> Response:  # noqa: ANN401 - what was typed, words by field
    workspace_id = member().workspace_id

    def story_of(
        store: Connection,
    ) -> tuple[Profile, dict[str, Any], list[dict[str, Any]], pulse.FirstSteps]:
        return (
            load(store, workspace_id, connection_id),
            story.proposed(store, workspace_id, connection_id),
            register.listed(store, workspace_id, after=0, limit=MOST_CAMPAIGNS),
            pulse.first_steps(store, workspace_id),
        )

    here, kept, campaigns, steps = reading(story_of)
    chosen = {**kept, **(typed or {})}
    return show(
        "pages/connections/standard.html", status=400 if faults else 200, connection=here,
        traits=here.traits, chosen=chosen, kept=kept, campaigns=campaigns, faults=faults or {},
        choices={name: CHOICES[name] for name in _offered(here.traits)},
        companies={name: COMPANIES[name] for name in here.traits.company_fields},
        does=list(_does(here.traits, kept)), nothing_came=not steps.received,
    )  # fmt: skip


def _offered(traits: Traits) -> list[str]:
    lacks = {
        "note": traits.note_limit is None,
        "tag": traits.tags.place is TagPlace.NONE,
        "record": traits.record is None,
        "record_inherits": traits.record is None or not traits.inherited,
        "fields": not traits.standard_fields,
    }
    return [name for name in CHOICES if not lacks.get(name)]


def _does(traits: Traits, standard: Mapping[str, Any]) -> Iterator[str]:
    """What it does for each response, in whole sentences."""
    app, offered = said(traits.label), _offered(traits)
    if standard["campaigns"]:
        yield gettext("Each complete response of the chosen campaigns goes to %(app)s.", app=app)
    else:
        yield gettext("Each complete response goes to %(app)s.", app=app)
    yield (
        gettext("It takes contacts that came from this connection, and those that came from none.")
        if standard["default"]
        else gettext("It takes contacts that came from this connection, and no others.")
    )
    yield (
        gettext("A contact that is not found is made.")
        if standard["create"]
        else gettext("A contact that is not found is left out; nobody is made.")
    )
    if standard["fields"] and "fields" in offered:
        yield (
            gettext("Standard fields are written, also where they are filled.")
            if standard["overwrite"]
            else gettext("Standard fields are filled only where they are empty.")
        )
    if standard["company"]:
        way = COMPANIES[standard["company"]]
        yield gettext("The contact's company is found %(how)s.", how=gettext(way))
    for name in ("tag", "note", "record", "files"):
        if standard[name] and name in offered:
            yield f"{gettext(CHOICES[name])}."
