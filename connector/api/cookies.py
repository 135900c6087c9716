"""Cookies: for this host and path / alone, never told to scripts or to other sites' requests."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from connector.api.context import hub


def cookie(name: str) -> str:
    """The value of a cookie of ours, empty when there is none."""
    return request.cookies.get(cookie_name(name), "")


def cookie_name(name: str) -> str:
    """`__Host-` lets no other host of the domain set it; browsers ask for https then."""
    return f"__Host-{name}" if _is_https() else f"ab-{name}"


def set_cookie(response: AnyResponse, name: str, value: str, *, lives_s: int | None = None) -> None:
    """For this host and path / alone, never told to scripts or other sites' requests."""
    response.set_cookie(
        cookie_name(name),
        value,
        max_age=lives_s,
        path="/",
        secure=_is_https(),
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: AnyResponse, name: str) -> None:
    """Let the browser forget it. The attributes are those it was set with: a browser takes a
    __Host- cookie no other way.
    """
    response.delete_cookie(
        cookie_name(name), path="/", secure=_is_https(), httponly=True, samesite="Lax"
    )


def _is_https() -> bool:
    return hub().settings.public_url.startswith("https://")
