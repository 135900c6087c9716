"""Where a CRM sends the browser back to: /oauth/callback/<app>. The one-use state authenticates."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from connector.api.context import hub
from connector.connections import oauth as story
from connector.problems import Refusal

callback = Blueprint("oauth", __name__)


@callback.get("/oauth/callback/<app>")
def oauth_callback(app: str) -> tuple[str, int]:
    """A page for the person who has just allowed, or not allowed, the connection."""
    try:
        done = story.complete(hub().desk, app, request.args)
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
    return render_template("oauth_result.html", title="Connected", text=text, mend=""), 200
