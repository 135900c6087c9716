"""Home: is everything well?"""

from __future__ import annotations

from werkzeug.wrappers import Response

from connector.admin.cookies import set_cookie
from connector.admin.page import page, show, space


@page.get("/w/<key:space>/")
def home() -> Response:
    """What works, what waits, what needs a person"""
    response = show("pages/home.html")
    set_cookie(response, "space", space().slug, lives_s=365 * 86_400)
    return response
