"""The catalogue of apps, and the way to connect one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from adapters.traits import MACHINE_SETTINGS, SettingField, TagPlace, Traits
from connector.admin.language import gettext, said
from connector.admin.page import field, go, page, problem_words, show, tell
from connector.api.apps import available
from connector.api.context import hub, member, reading
from connector.connections import connect, machine, oauth, oauth_clients, views
from connector.problems import Code, Refusal, not_found
from schemas.secret import Secret

# What a form of ours can be mended by; all else is a page of its own.
MENDED_HERE = {Code.SETTING_INVALID, Code.HOST_REFUSED, Code.NAME_TAKEN}
_CHOICE = re.compile(r"\w+(?:\|\w+)+")
_MACHINE = {one.name for one in MACHINE_SETTINGS}


@page.get("/w/<key:space>/apps")
def apps() -> Response:
    """Every app that can be connected, and the connections there are"""
    wanted = request.args.get("search", "")[:100]
    found = [one for one in available() if wanted.casefold() in _named(one)]
    connections = reading(lambda store: views.summaries(store, member().workspace_id))
    return show(
        "pages/apps/catalogue.html",
        part="pages/apps/cards.html",
        apps=found,
        search=wanted,
        connections=connections,
        badges=badges,
    )


@page.get("/w/<key:space>/apps/<key:app>")
def app_form(app: str) -> Response:
    """What to make at the vendor, what to fill in here"""
    traits = traits_of(app)
    names = {one.name for one in _summaries()}
    label = said(traits.label)
    free = label if label not in names else f"{label} {len(names) + 1}"
    return _form(traits, filled={"name": free})


@page.post("/w/<key:space>/apps/<key:app>")
def connect_app(app: str) -> Response:
    """Make the connection; on to the CRM's consent page where it has one"""
    traits = traits_of(app)
    try:
        _save_client(traits)
        made = connect.create(
            hub().desk,
            member().workspace_id,
            app=app,
            name=field("name"),
            auth=_auth(traits),
            base_url=field("base_url") or None,
            settings=settings_of(traits),
            key=Secret(field("key", most=4_096)),
            actor=member().name,
        )
    except Refusal as refusal:
        if refusal.code not in MENDED_HERE:
            raise
        return _form(traits, filled=request.form, faults=faults_of(refusal), status=422)
    if made.auth == "oauth" and machine.kind_of(traits, made.settings) is None:
        return consent_page(made.id, said(traits.label))
    text = (
        gettext("Connected.")
        if made.state == "connected"
        else gettext("It is saved, but not connected yet.")
    )
    kind = "success" if made.state == "connected" else "warning"
    return tell(go("pages.connection", connection_id=made.id), text, kind=kind)


def consent_page(connection_id: int, label: str) -> Response:
    """The link to the CRM's consent page: our policy lets no form lead to another site."""
    try:
        consent = oauth.authorize(
            hub().desk,
            member().workspace_id,
            connection_id,
            account_id=member().account_id,
        )
    except Refusal as refusal:
        if refusal.code not in MENDED_HERE:
            raise
        back = go("pages.connection", connection_id=connection_id)
        return tell(back, said(refusal.detail), kind="danger")
    return show(
        "pages/apps/consent.html", consent=consent, label=label, connection_id=connection_id
    )


def traits_of(app: str) -> Traits:
    """The app of that name; Refusal(NOT_FOUND) for one that is not offered."""
    for one in available():
        if one.app == app:
            return one
    raise not_found()


def badges(traits: Traits) -> list[str]:
    """What the app can do, in words."""
    can = [
        (True, gettext("Fields")),
        (traits.tags.place is not TagPlace.NONE, gettext("Score tags")),
        (traits.note_limit is not None, gettext("Notes")),
        (traits.file_limit is not None, gettext("Files")),
        (traits.record is not None, gettext("Response records")),
        (traits.list_field is not None, gettext("Lists")),
        (traits.card is not None, gettext("Card in the CRM")),
    ]
    return [word for given, word in can if given]


def settings_of(traits: Traits) -> dict[str, Any]:
    """The settings of the form; one that was not shown is not among them."""
    return {
        one.name: field(f"set-{one.name}", most=one.longest + 1)
        for one in traits.settings
        if f"set-{one.name}" in request.form
    }


def faults_of(refusal: Refusal) -> dict[str, str]:
    """What is said beside the fields, and above the form ("" ) where no field is named."""
    words = dict(problem_words(refusal))
    return words or {"": said(refusal.detail or refusal.kind.title)}


def choices_of(one: SettingField) -> list[str]:
    """The words that a setting chooses from, where its pattern lists them."""
    return one.pattern.split("|") if one.pattern and _CHOICE.fullmatch(one.pattern) else []


def parts_of(traits: Traits) -> dict[str, list[SettingField]]:
    """The settings everybody needs, and those for few."""
    needed = [one for one in traits.settings if one.required]
    others = [one for one in traits.settings if not one.required]
    return {"needed": needed, "others": others}


def _form(
    traits: Traits,
    *,
    filled: Mapping[str, str],
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    return show(
        "pages/apps/connect.html",
        status=status,
        traits=traits,
        filled=filled,
        faults=faults or {},
        parts=parts_of(traits),
        choices_of=choices_of,
        has_client=_has_client(traits),
        redirect_url=f"{hub().settings.public_url}/oauth/callback/{traits.app}",
        scopes=" ".join(traits.oauth.scopes) if traits.oauth else "",
    )


def _named(traits: Traits) -> str:
    """What an app is searched by: its name, and what it is called here and in English."""
    return f"{traits.app} {traits.label} {said(traits.label)}".casefold()


def _has_client(traits: Traits) -> bool:
    """Whether the operator or the workspace has registered with the CRM already."""
    own = oauth_clients.clients(hub().desk, member().workspace_id)
    return traits.app in hub().desk.operator_clients or any(one.app == traits.app for one in own)


def _save_client(traits: Traits) -> None:
    client_id = field("client_id", most=500).strip()
    if traits.oauth and client_id:
        oauth_clients.save_client(
            hub().desk,
            member().workspace_id,
            app=traits.app,
            client_id=client_id,
            client_secret=field("client_secret", most=4_096),
            actor=member().name,
        )


def _auth(traits: Traits) -> str:
    """OAuth where the app has it, unless a key was chosen."""
    wants_key = field("auth") == "key" or traits.oauth is None
    return "key" if wants_key and traits.key_label else "oauth"


def _summaries() -> tuple[views.Summary, ...]:
    return reading(lambda store: views.summaries(store, member().workspace_id))
