"""Where a CRM sends the browser back to: /oauth/callback/<app>. The one-use state authenticates."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from connector import clock
from connector.accounts import sessions
from connector.accounts.sessions import Session
from connector.api.context import hub
from connector.api.cookies import cookie
from connector.connections import oauth as story
from connector.connections.establish import Established
from connector.problems import Refusal

callback = Blueprint("oauth", __name__)


@callback.get("/oauth/callback/<app>")
def oauth_callback(app: str) -> tuple[str, int]:
    """A page for the person who has just allowed, or not allowed, the connection."""
    here = _session()
    accounts = frozenset(one.member.account_id for one in here.spaces) if here else frozenset()
    try:
        done = story.complete(hub().desk, app, request.args, accounts=accounts)
    except Refusal as refusal:
        # A page and no problem document: a person looks at it. The code stands in the log already.
        shown = render_template(
            "oauth_result.html",
            title="Not connected",
            text=refusal.detail or refusal.kind.title,
            mend=refusal.kind.mend,
        )
        return shown, refusal.kind.status
    name = done.identity.account_name or done.identity.account_id
    text = f"The account “{name}” is connected."
    back = _way_back(here, done) if here else ""
    shown = render_template("oauth_result.html", title="Connected", text=text, back=back)
    return shown, 200


def _session() -> Session | None:
    """The person whose browser it is, if they are signed in."""
    token = cookie("session")
    found = sessions.find(hub().database, token, now=clock.now()) if token else None
    return found if found and found.step == "full" else None


def _way_back(here: Session, done: Established) -> str:
    """The address of the connection's page, for a member of its workspace."""
    slugs = [one.slug for one in here.spaces if one.workspace_id == done.workspace_id]
    return f"/w/{slugs[0]}/connections/{done.connection_id}" if slugs else ""
