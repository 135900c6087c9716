"""/go/...: a respondent's browser comes from the survey's last page and is led on.

Where to was decided when the response was planned. The platform may push it a moment after its page
is shown, so the browser is asked to wait and come again, a few times.
"""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request

from connector.api.context import hub
from connector.api.gate import HOOK
from connector.responses import redirects
from schemas.phrases import phrase

MOST_VISITS, WAIT_S = 5, 2
go = Blueprint("go", __name__)


@go.get("/go/<id:workspace_id>/<key:source>/<key:token>/<whole:response>")
def lead_on(workspace_id: int, source: str, token: str, response: str) -> Response:
    """302 to where an automation leads, else a page that says thank you"""
    hub().gate.pass_through(HOOK, request.remote_addr or "")
    found = redirects.led(
        hub().desk, workspace_id, source=source, token=token, response_id=response
    )
    if found.url is not None:
        return make_response(redirect(found.url, 302))
    visit = _visit()
    if found.waits and visit < MOST_VISITS:
        again = f"{request.path}?visit={visit + 1}"
        page = _page(phrase("One moment, please"), again=again)
        # Browsers know this header as they know the tag; who has scripts and tags off has the link.
        page.headers["Refresh"] = f"{WAIT_S}; url={again}"
        return page
    return _page(phrase("Thank you for your answers"))


def _page(title: str, **options: str) -> Response:
    page = make_response(render_template("led_on.html", title=title, **options))
    page.vary.add("Accept-Language")
    return page


def _visit() -> int:
    told = request.args.get("visit", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 3 else 1
