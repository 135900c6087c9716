"""Signing in by the operator's provider: there, and back with whoever it says it is."""

from __future__ import annotations

from flask import current_app, request, url_for
from werkzeug.wrappers import Response

from connector.accounts import oidc as story
from connector.accounts.provider import Provider, SignInFailed
from connector.admin.language import gettext, marked
from connector.admin.page import own_path, page, show, to, visitor, with_session
from connector.api.context import hub
from connector.api.cookies import cookie, drop_cookie, set_cookie
from connector.api.gate import REFUSED
from connector.log import get_logger
from connector.problems import Refusal, not_found

BACK = "/sign-in/provider/back"
_EXTENSION = "answerback_provider"
_LIVES_S = int(story.LIVES.total_seconds())
_NOT_INVITED = marked(
    "Nobody has invited this address yet. An owner or admin of a workspace can invite you."
)
_AWAY = marked("The provider does not answer as it should just now. Try again in a while.")
WORDS = {
    "not_invited": _NOT_INVITED,
    "address_unverified": marked("The provider has not verified your e-mail address."),
    "address_missing": marked("The provider does not tell your e-mail address."),
    "other_subject": marked(
        "Another person signs in here by this address. Ask whoever runs this installation."
    ),
    "access_denied": marked("You were not signed in at the provider."),
    "provider_away": _AWAY,
    "provider_unreadable": _AWAY,
}
_ANEW = marked("This sign-in was used, has expired, or was begun elsewhere. Begin it again.")


@page.get("/sign-in/provider")
def sign_in_by_provider() -> Response:
    """On to the provider"""
    # Whoever asks leaves a row for ten minutes: one address not without end.
    hub().gate.pass_through(REFUSED, request.remote_addr or "")
    following = own_path(request.args.get("next", "/"))
    try:
        begun = story.begin(hub().database, _provider(), following=following)
    except SignInFailed as failed:
        return _failed(failed.code)
    response = to(begun.url)
    set_cookie(response, "provider", begun.cookie.reveal(), lives_s=_LIVES_S)
    return response


@page.get(BACK)
def back_from_provider() -> Response:
    """Back, with a code for the one who signed in there"""
    query = {name: value for name, value in request.args.items() if len(value) < 4_096}
    try:
        claims, following = story.complete(hub().database, _provider(), cookie("provider"), query)
        token, code_is_asked = story.enter(hub().database, claims, visitor())
    except SignInFailed as failed:
        return _without_round(_failed(failed.code))
    except Refusal:
        # Somebody else has just used or withdrawn the invitation.
        return _without_round(_failed("not_invited"))
    following = url_for("pages.code", next=following) if code_is_asked else following
    return _without_round(with_session(to(following), token))


def _provider() -> Provider:
    """The process's one, made at its first use. Refusal(NOT_FOUND) where none is set."""
    settings = hub().settings
    if settings.oidc is None:
        raise not_found()
    made = current_app.extensions.get(_EXTENSION)
    if made is None:
        made = Provider(settings.oidc, f"{settings.public_url}{BACK}")
        current_app.extensions[_EXTENSION] = made
    return made


def _failed(code: str) -> Response:
    get_logger(__name__).warning("sign_in_by_provider_failed", code=code)
    text = gettext(WORDS.get(code, _ANEW))
    return show("pages/sign_in.html", status=401, fault=text, next="/", email="")


def _without_round(response: Response) -> Response:
    """The round is over: its secret is of no use any more."""
    drop_cookie(response, "provider")
    return response
