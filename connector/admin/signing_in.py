"""Signing in and out, and what a browser prefers."""

from __future__ import annotations

from flask import request, url_for
from werkzeug.wrappers import Response

from connector import clock
from connector.accounts import sessions
from connector.accounts import sign_in as story
from connector.admin.language import COOKIE_KEY, LANGUAGES, gettext
from connector.admin.page import (
    field,
    go,
    own_path,
    page,
    session,
    show,
    to,
    visitor,
    with_session,
)
from connector.admin.shown import THEMES
from connector.api.context import hub
from connector.api.cookies import cookie, drop_cookie, set_cookie
from connector.problems import Code, Refusal
from schemas.secret import Secret

A_YEAR_S = 365 * 86_400


@page.get("/")
def start() -> Response:
    """On to the workspace that was open last, or to the sign-in."""
    here = session()
    if here is None or here.step != "full":
        return go("pages.sign_in")
    if not here.spaces:
        return go("pages.account")
    found = here.space(cookie("space")) or here.spaces[0]
    return go("pages.home", space=found.slug)


@page.get("/sign-in")
def sign_in() -> Response:
    """The form"""
    return show("pages/sign_in.html", next=own_path(request.args.get("next", "/")), email="")


@page.post("/sign-in")
def sign_in_sent() -> Response:
    """Sign in, or say that it is not right"""
    following, email = own_path(field("next") or "/"), field("email", most=320)
    try:
        token, code_is_asked = story.sign_in(
            hub().database,
            hub().settings.environment,
            email=email,
            password=Secret(field("password")),
            visitor=visitor(),
        )
    except Refusal as refusal:
        if refusal.code not in {Code.SIGN_IN_REFUSED, Code.RATE_LIMITED}:
            raise
        return _again("pages/sign_in.html", refusal, next=following, email=email)
    following = url_for("pages.code", next=following) if code_is_asked else following
    return with_session(to(following), token)


@page.get("/sign-in/code")
def code() -> Response:
    """The form for the one-time code"""
    here = session()
    if here is None:
        return go("pages.sign_in")
    return show("pages/sign_in_code.html", next=own_path(request.args.get("next", "/")))


@page.post("/sign-in/code")
def code_sent() -> Response:
    """The second factor"""
    here, following = session(), own_path(field("next") or "/")
    if here is None or here.step != "code":
        return go("pages.sign_in")
    try:
        token = story.show_code(
            hub().database,
            hub().desk.keyring,
            here,
            code=field("code", most=50),
            visitor=visitor(),
            now=clock.now(),
        )
    except Refusal as refusal:
        if refusal.code not in {Code.SIGN_IN_REFUSED, Code.RATE_LIMITED}:
            raise
        return _again("pages/sign_in_code.html", refusal, next=following)
    return with_session(to(following), token)


@page.post("/sign-out")
def sign_out() -> Response:
    """End the session"""
    here = session()
    if here is not None:
        with hub().database.begin(here.home) as connection:
            sessions.end(connection, here.home, here.person_id, here.id)
    response = go("pages.sign_in")
    drop_cookie(response, "session")
    return response


@page.post("/preferences")
def preferences() -> Response:
    """Language and colours of this browser"""
    response = to(own_path(field("next") or "/"))
    if field("language") in LANGUAGES:
        set_cookie(response, COOKIE_KEY, field("language"), lives_s=A_YEAR_S)
    if field("theme") in THEMES:
        set_cookie(response, "theme", field("theme"), lives_s=A_YEAR_S)
    return response


def _again(template: str, refusal: Refusal, **values: str) -> Response:
    wait = refusal.headers.get("Retry-After")
    if wait:
        text = gettext("Too many attempts have failed. Try again in %(seconds)s s.", seconds=wait)
    elif "code" in template:
        text = gettext("The code is not right, or it was used already. Wait for the next one.")
    else:
        text = gettext("The e-mail address or the password is not right.")
    response = show(template, status=refusal.kind.status, fault=text, **values)
    response.headers.update(refusal.headers)
    return response
