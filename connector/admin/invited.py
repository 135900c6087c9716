"""Where an invitation leads: somebody new chooses a password, somebody known accepts."""

from __future__ import annotations

from werkzeug.wrappers import Response

from connector.accounts import invitations as story
from connector.accounts import passwords
from connector.accounts.invitations import Open
from connector.admin.account import weak
from connector.admin.language import gettext
from connector.admin.page import (
    field,
    go,
    own_path,
    page,
    session,
    show,
    tell,
    visitor,
    with_session,
)
from connector.admin.people import roles
from connector.api.context import hub
from connector.problems import Code, Refusal
from schemas.secret import Secret

_LINK = "/invitation/<key:token>"
NEW, SIGN_IN, ACCEPT, OTHER = "new", "sign_in", "accept", "other"


@page.get(_LINK)
def invitation(token: str) -> Response:
    """Who invites, into what, and how one comes in"""
    found = story.found(hub().database, token)
    return _shown(token, found) if found else _over()


@page.post(_LINK)
def accept_invitation(token: str) -> Response:
    """Come in; the link serves no second time"""
    found = story.found(hub().database, token)
    if found is None:
        return _over()
    way = _way(found)
    try:
        if way == NEW:
            return _came_in(found)
        if way == ACCEPT:
            return _accepted(found)
    except Refusal as refusal:
        return _refused(token, refusal)
    return _shown(token, found)


def _came_in(found: Open) -> Response:
    cookie = story.accept_as_new(
        hub().database,
        hub().settings.environment,
        found,
        name=field("name", most=200),
        password=Secret(field("password")),
        visitor=visitor(),
    )
    return with_session(go("pages.home", space=found.slug), cookie)


def _accepted(found: Open) -> Response:
    here = session()
    assert here is not None  # noqa: S101 - _way() has seen it
    story.accept_as_known(hub().database, found, here, visitor=visitor())
    text = gettext("You are a member of %(workspace)s now.", workspace=found.workspace)
    return tell(go("pages.home", space=found.slug), text)


def _way(found: Open) -> str:
    """How whoever has opened the link comes in."""
    here = session()
    if here is not None and here.step == "full":
        return ACCEPT if here.email.casefold() == found.email.casefold() else OTHER
    return SIGN_IN if found.is_known else NEW


def _shown(token: str, found: Open, *, fault: str = "", status: int = 200) -> Response:
    shown = show(
        "pages/people/invitation.html",
        status=status,
        token=token,
        invitation=found,
        role=roles()[found.standing.role],
        way=_way(found),
        fault=fault,
        name=field("name", most=200),
        shortest=passwords.SHORTEST,
        following=own_path(f"/invitation/{token}"),
    )
    shown.headers["Cache-Control"] = "no-store"
    return shown


def _refused(token: str, refusal: Refusal) -> Response:
    """A weak password is told; where somebody else was faster, the page says how things stand."""
    found = story.found(hub().database, token)
    if found is None:
        return _over()
    fault = weak() if refusal.code is Code.BODY_INVALID else ""
    return _shown(token, found, fault=fault, status=refusal.kind.status)


def _over() -> Response:
    """One answer to every link that opens nothing, whatever the reason."""
    return show("pages/people/over.html", status=404)
