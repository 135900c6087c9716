"""Where a CRM sends the browser back to: the one-use state authenticates, and leads on."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from connector.access import Right
from connector.accounts.sessions import Space
from connector.admin.apps import traits_of
from connector.admin.language import gettext
from connector.admin.page import go, page, session, show, tell
from connector.api.context import hub
from connector.connections import oauth as story
from connector.connections.establish import Established
from connector.problems import Refusal
from connector.responses.configuration import standard


@page.get("/oauth/callback/<app>")
def oauth_callback(app: str) -> Response:
    """For the person who has just allowed, or not allowed, the connection"""
    here = session()
    spaces = here.spaces if here and here.step == "full" else ()
    accounts = frozenset(one.member.account_id for one in spaces)
    try:
        done = story.complete(hub().desk, app, request.args, accounts=accounts)
    except Refusal as refusal:
        # A page and no problem document: a person looks at it. The code stands in the log already.
        return show("pages/apps/not_consented.html", status=refusal.kind.status, refusal=refusal)
    account = done.identity.account_name or done.identity.account_id
    told = gettext("The account “%(name)s” is connected.", name=account)
    slug = _slug(spaces, done)
    if not slug:
        return show("pages/apps/consented.html", said=told)
    return tell(_onward(app, slug, done), told)


def _slug(spaces: tuple[Space, ...], done: Established) -> str:
    """The connection's workspace, for a member who may see its settings; "" for all others."""
    slugs = [
        one.slug
        for one in spaces
        if one.workspace_id == done.workspace_id and one.member.may(Right.SETTINGS)
    ]
    return slugs[0] if slugs else ""


def _onward(app: str, slug: str, done: Established) -> Response:
    """To what is to be said next: what it writes, unless that was said, or the app has no contacts
    to write to.
    """
    with hub().database.begin(done.workspace_id) as store:
        chosen = standard.is_chosen(store, done.workspace_id, done.connection_id)
    is_next = traits_of(app).contact_entity and not chosen
    endpoint = "pages.standard_integration" if is_next else "pages.connection"
    return go(endpoint, space=slug, connection_id=done.connection_id)
