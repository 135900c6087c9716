"""What went wrong, as a page for people: the API's own answers stay problem documents."""

from __future__ import annotations

import json

from flask import Flask, Response, g, make_response, render_template, request, url_for
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as AnyResponse

from connector.admin import page
from connector.admin.language import gettext, marked, said
from connector.api import errors
from connector.db import DatabaseAway
from connector.problems import Code, Refusal

# What people see most, in their language: what happened, and what to do.
WORDS = {
    Code.NOT_FOUND: (
        marked("There is nothing here"),
        marked("The address is wrong, or what it led to is gone, or it belongs to a workspace "
               "that you are no member of."),
    ),
    Code.SCOPE_MISSING: (
        marked("You may not do this"),
        marked("Your role in this workspace does not include it. An owner or admin can change "
               "your role."),
    ),
    Code.RATE_LIMITED: (
        marked("That was a little too fast"),
        marked("Wait a moment, then try again."),
    ),
    Code.FORM_EXPIRED: (
        marked("This form has expired"),
        marked("You have signed in or out since it was shown. Go back, reload the page, and send "
               "it again: nothing was changed."),
    ),
    Code.DATABASE_AWAY: (
        marked("The store does not answer just now"),
        marked("Nothing was changed. Try again in a moment."),
    ),
    Code.INTERNAL_ERROR: (
        marked("Something went wrong on our side"),
        marked("Tell whoever runs this installation the number below: it leads to what happened."),
    ),
}  # fmt: skip


def install(app: Flask) -> None:
    """Answer an address that leads nowhere; what goes wrong inside pages is the blueprint's own."""
    app.register_error_handler(NotFound, not_found)


@page.page.errorhandler(page.SignInFirst)
def sign_in_first(_: page.SignInFirst) -> AnyResponse:
    """To the sign-in, and back to what was asked for."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    if page.is_htmx():
        wanted = None
    return page.to(url_for("pages.sign_in", next=wanted))


@page.page.errorhandler(page.CodesFirst)
def codes_first(_: page.CodesFirst) -> AnyResponse:
    """To the page where one-time codes are set up."""
    return page.to(url_for("pages.codes"))


@page.page.errorhandler(Refusal)
def refused(refusal: Refusal) -> Response:
    """The page of a refusal; for htmx a message that the page shows."""
    return _page_of(errors.refused(refusal), refusal)


@page.page.errorhandler(DatabaseAway)
def database_away(error: DatabaseAway) -> Response:
    """The page while the store is away."""
    return _page_of(errors.database_away(error), Refusal(Code.DATABASE_AWAY))


@page.page.errorhandler(HTTPException)
def http_exception(error: HTTPException) -> Response:
    """The page of what Flask itself refuses."""
    answer = errors.http_exception(error)
    return _page_of(answer, Refusal(json.loads(answer.get_data())["code"]))


@page.page.errorhandler(Exception)
def unforeseen(error: Exception) -> Response:
    """The page of a bug of ours; its number is in the log."""
    return _page_of(errors.unforeseen(error), Refusal(Code.INTERNAL_ERROR))


def not_found(error: NotFound) -> Response:
    """An address that leads nowhere: a page to whoever reads pages, a problem document to all
    else.
    """
    accepts = request.accept_mimetypes
    # Browsers accept anything as well, after HTML; whoever names neither gets the problem document.
    reads_pages = accepts["text/html"] > accepts["application/json"]
    if reads_pages and not request.path.startswith(("/api/", "/hooks/", "/cards/", "/events/")):
        return http_exception(error)
    return errors.http_exception(error)


def _page_of(answer: Response, refusal: Refusal) -> Response:
    """The problem document's status, headers and number, in a form for people."""
    number = json.loads(answer.get_data())["instance"].removeprefix("urn:uuid:")
    title, text = WORDS.get(refusal.code, (refusal.kind.title, refusal.kind.mend))
    values = {
        "title": gettext(title),
        "text": said(refusal.detail) if refusal.code not in WORDS else "",
        "mend": gettext(text),
        "places": refusal.places,
        "number": number if answer.status_code >= 500 else "",
    }
    template = "pages/refused_toast.html" if page.is_htmx() else "pages/refused.html"
    g.setdefault("session", None)
    shown = make_response(render_template(template, **values), answer.status_code)
    shown.headers.update(refusal.headers)
    if page.is_htmx():
        shown.headers["HX-Retarget"], shown.headers["HX-Reswap"] = "#toasts", "beforeend"
    return shown
