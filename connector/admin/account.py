"""One's own account: password, one-time codes, sessions."""

from __future__ import annotations

import segno
from werkzeug.wrappers import Response

from connector import clock
from connector.accounts import codes as factor
from connector.accounts import passwords, people, sessions
from connector.admin.language import gettext
from connector.admin.page import (
    field,
    go,
    must_have_codes,
    myself,
    note_self,
    page,
    show,
    tell,
)
from connector.api.context import Told, hub
from connector.problems import Refusal
from connector.settings import Environment
from schemas.secret import Secret


@page.get("/account")
def account() -> Response:
    """Password, codes and sessions"""
    return _account()


@page.post("/account/password")
def change_password() -> Response:
    """Change the password; sessions elsewhere end"""
    here, environment = myself(), hub().settings.environment
    with hub().database.begin(here.home) as connection:
        kept = people.password_of(connection, here.home, here.person_id)
    if not passwords.is_right(environment, kept, Secret(field("current"))):
        return _account(fault=gettext("The present password is not right."))
    new = Secret(field("password"))
    try:
        passwords.check(new, email=here.email)
    except Refusal:
        return _account(fault=weak())
    with hub().database.begin(here.home) as connection:
        people.set_password(
            connection, environment, here.home, here.person_id, password=new, keep_session=here.id
        )
        note_self(connection, Told())
    return tell(go("pages.account"), gettext("The password is changed. Other sessions have ended."))


@page.get("/account/codes")
def codes() -> Response:
    """Where one-time codes are set up"""
    return _codes()


@page.post("/account/codes")
def begin_codes() -> Response:
    """A fresh secret for the app on the phone"""
    here = myself()
    with hub().database.begin(here.home) as connection:
        factor.begin(connection, hub().desk.keyring, here.home, here.person_id)
        note_self(connection, Told())
    return go("pages.codes")


@page.post("/account/codes/confirm")
def confirm_codes() -> Response:
    """Codes are asked for from now on; the recovery codes are shown this once"""
    here = myself()
    with hub().database.begin(here.home) as connection:
        shown = factor.confirm(
            connection,
            hub().desk.keyring,
            here.home,
            here.person_id,
            code="".join(field("code", most=50).split()),
            now=clock.now(),
        )
        if shown:
            note_self(connection, Told())
    if shown is None:
        return _codes(fault=gettext("The code is not right. Wait for the next one."))
    return show("pages/recovery_codes.html", codes=shown)


@page.post("/account/codes/remove")
def remove_codes() -> Response:
    """No code is asked for any more, if the password is right"""
    here = myself()
    with hub().database.begin(here.home) as connection:
        kept = people.password_of(connection, here.home, here.person_id)
    if not passwords.is_right(hub().settings.environment, kept, Secret(field("current"))):
        return _account(fault=gettext("The present password is not right."))
    with hub().database.begin(here.home) as connection:
        factor.take_off(connection, here.home, here.person_id)
        note_self(connection, Told())
    return tell(go("pages.account"), gettext("One-time codes are off."), kind="warning")


@page.post("/account/sessions/end")
def end_sessions() -> Response:
    """End one session, or all but this one"""
    here, wanted = myself(), field("session", most=20)
    with hub().database.begin(here.home) as connection:
        if wanted.isascii() and wanted.isdigit():
            sessions.end(connection, here.home, here.person_id, int(wanted))
        else:
            sessions.end_all(connection, here.home, here.person_id, but=here.id)
        note_self(connection, Told())
    return tell(go("pages.account"), gettext("Ended."))


def weak() -> str:
    """What is said of a password that is guessed first."""
    return gettext(
        "Choose another password: at least %(count)s characters, without your e-mail address, and"
        " none of those that are guessed first.",
        count=passwords.SHORTEST,
    )


def _account(fault: str = "") -> Response:
    here = myself()
    with hub().database.begin(here.home) as connection:
        alive = sessions.listed(connection, here.home, here.person_id)
        kept = people.password_of(connection, here.home, here.person_id)
    return show(
        "pages/account.html",
        status=422 if fault else 200,
        fault=fault,
        sessions=alive,
        has_password=kept is not None,
        shortest=passwords.SHORTEST,
    )


def _codes(fault: str = "") -> Response:
    here = myself()
    with hub().database.begin(here.home) as connection:
        secret = factor.pending_secret(connection, hub().desk.keyring, here.home, here.person_id)
    drawn = (
        segno.make(factor.address_of(secret, here.email)).svg_data_uri(scale=5) if secret else ""
    )
    is_asked_for = hub().settings.environment is Environment.PRODUCTION and must_have_codes(here)
    return show(
        "pages/codes.html",
        status=422 if fault else 200,
        fault=fault,
        secret=secret,
        drawn=drawn,
        is_asked_for=is_asked_for,
    )
