"""A forgotten password: the link is asked for, and a new password chosen by it."""

from __future__ import annotations

from werkzeug.wrappers import Response

from connector.accounts import passwords
from connector.accounts import resets as story
from connector.admin.account import weak
from connector.admin.language import gettext, language
from connector.admin.page import field, go, page, show, tell, visitor
from connector.api.context import hub
from connector.api.members import by_mail
from connector.problems import Code, Refusal
from schemas.secret import Secret

_LINK = "/password/<key:token>"


@page.get("/password")
def forgotten() -> Response:
    """The form that asks for a link"""
    return show("pages/forgotten/ask.html", by_mail=by_mail(), email="")


@page.post("/password")
def ask_reset() -> Response:
    """One answer, whether somebody has the address or not"""
    email = field("email", most=320)
    if not by_mail():
        return show("pages/forgotten/ask.html", by_mail=False, email="")
    try:
        story.ask(hub().database, email=email, language=language(), visitor=visitor())
    except Refusal as refusal:
        if refusal.code is not Code.RATE_LIMITED:
            raise
        wait = refusal.headers["Retry-After"]
        text = gettext("Too many have been asked for. Try again in %(seconds)s s.", seconds=wait)
        response = show(
            "pages/forgotten/ask.html", status=429, by_mail=True, email=email, fault=text
        )
        response.headers.update(refusal.headers)
        return response
    return show("pages/forgotten/asked.html")


@page.get(_LINK)
def new_password(token: str) -> Response:
    """The form for the new password"""
    return _form(token) if story.found(hub().database, token) else _over()


@page.post(_LINK)
def set_new_password(token: str) -> Response:
    """The new password; one signs in with it anew, with a code where codes are asked for"""
    found = story.found(hub().database, token)
    if found is None:
        return _over()
    environment, password = hub().settings.environment, Secret(field("password"))
    try:
        story.choose(hub().database, environment, found, password=password, visitor=visitor())
    except Refusal as refusal:
        if refusal.code is Code.BODY_INVALID:
            return _form(token, fault=weak(), status=refusal.kind.status)
        return _over()
    return tell(go("pages.sign_in"), gettext("The password is changed. Sign in with it."))


def _form(token: str, *, fault: str = "", status: int = 200) -> Response:
    shown = show(
        "pages/forgotten/choose.html",
        status=status,
        token=token,
        fault=fault,
        shortest=passwords.SHORTEST,
    )
    shown.headers["Cache-Control"] = "no-store"
    return shown


def _over() -> Response:
    """One answer to every link that opens nothing, whatever the reason."""
    return show("pages/people/over.html", status=404)
