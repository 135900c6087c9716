"""What every page shares: the blueprint, who asks, forms that are ours, and where one is sent next.

A cookie holds the session's token; a form holds a proof made of it. A browser that is not signed in
has a cookie of its own for that, so that nobody can sign it in as somebody else (login CSRF).
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from marshmallow import Schema, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from connector import audit, clock
from connector.access import Door, Member, Right, Rule
from connector.accounts import sessions
from connector.accounts.sessions import Session, Space
from connector.accounts.sign_in import Visitor
from connector.admin.language import said
from connector.api.context import Told, hub
from connector.api.cookies import cookie, drop_cookie, set_cookie
from connector.problems import Code, Refusal, not_found, places_of
from connector.settings import Environment
from schemas.secret import Secret

page = Blueprint("pages", __name__)

PROOF = "form_proof"
TOLD_LIVES_S, MOST_TOLD = 60, 600
# A mapping's spreadsheet is the largest thing that a form brings.
MOST_FORM = 5 * 1024 * 1024
_SAFE = {"GET", "HEAD"}
# A form of ours, an address that a person typed, or a browser too old to say.
_OWN_SITES = {"same-origin", "none", None}


class SignInFirst(Exception):
    """Nobody is signed in: lead to the sign-in, and back afterwards."""


class CodesFirst(Exception):
    """The person may change settings of a real installation: one-time codes are to be set up."""


@page.url_value_preprocessor
def take_space(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """The workspace of the address is for the judge; views get the rest."""
    g.slug = values.pop("space", None) if values else None


@page.url_defaults
def give_space(endpoint: str, values: dict[str, Any]) -> None:
    """A link leads to the workspace that is open."""
    found: Space | None = g.get("space")
    if found is not None and current_app.url_map.is_endpoint_expecting(endpoint, "space"):
        values.setdefault("space", found.slug)


@page.before_request
def refuse_foreign_forms() -> None:
    """Nothing changes but by a form that a page of ours showed to this browser."""
    if request.method in _SAFE:
        return
    request.max_content_length = MOST_FORM
    shown = request.form.get(PROOF, "") or request.headers.get("X-Form-Proof", "")
    is_ours = request.headers.get("Sec-Fetch-Site") in _OWN_SITES
    if not is_ours or not hmac.compare_digest(shown.encode(), proof().encode()):
        raise Refusal(Code.FORM_EXPIRED)


@page.after_request
def keep_visit(response: Response) -> Response:
    """Whoever is not signed in gets the cookie that their forms are proved by."""
    if g.get("new_visit"):
        set_cookie(response, "visit", g.new_visit)
    if g.get("told_was_shown"):
        drop_cookie(response, "told")
    return response


def judged(rule: Rule) -> Member | None:
    """The member who asks for a page of a workspace; None for a page about oneself.

    Raises SignInFirst, CodesFirst; Refusal(NOT_FOUND) for a workspace that one is no member of.
    """
    here = session()
    if here is None or here.step != "full":
        raise SignInFirst
    if rule.door is Door.PERSON:
        return None
    if hub().settings.environment is Environment.PRODUCTION and must_have_codes(here):
        raise CodesFirst
    found = here.space(str(g.slug))
    if found is None:
        raise not_found()
    g.space = found
    return found.member


def must_have_codes(here: Session) -> bool:
    """Whether the person may change settings anywhere and has no second factor (S14)."""
    return not here.has_codes and any(one.member.may(Right.SETTINGS) for one in here.spaces)


def session() -> Session | None:
    """Whose browser it is; looked up once a request."""
    if "session" not in g:
        token = cookie("session")
        g.session = sessions.find(hub().database, token, now=clock.now()) if token else None
    found: Session | None = g.session
    return found


def myself() -> Session:
    """The signed-in person: only where the access table asks for one."""
    found = session()
    assert found is not None  # noqa: S101 - judged() has refused otherwise
    return found


def space() -> Space:
    """The workspace of the page."""
    found = g.space
    assert isinstance(found, Space)  # noqa: S101 - judged() put it there
    return found


def visitor() -> Visitor:
    """Where the request comes from."""
    return Visitor(request.remote_addr, request.headers.get("User-Agent", ""))


def note_self(connection: Any, told: Told) -> None:  # noqa: ANN401 - a connection
    """The audit entry of an act about oneself, in the workspace where the person lives."""
    here, rule = myself(), g.rule
    audit.record(
        connection,
        here.home,
        actor=f"person:{here.person_id}",
        action=rule.audited or "unnamed",
        object=told.object or f"person:{here.person_id}",
        detail=told.detail,
        address=request.remote_addr,
    )


# --- forms -----------------------------------------------------------------------------------


def proof() -> str:
    """What a form carries, so that only pages of ours can send it."""
    token = cookie("session") if session() is not None else cookie("visit") or _new_visit()
    return sessions.proof_of(token)


def _new_visit() -> str:
    if not g.get("new_visit"):
        g.new_visit = secrets.token_urlsafe(32)
    return str(g.new_visit)


def with_session(response: AnyResponse, token: Secret) -> AnyResponse:
    """The answer that signs the browser in; what its forms were proved by before is void."""
    set_cookie(response, "session", token.reveal())
    drop_cookie(response, "visit")
    return response


# --- answers ----------------------------------------------------------------------------------


def is_htmx() -> bool:
    """Whether a part of a page is asked for; a browser going back asks for the whole."""
    headers = request.headers
    return "HX-Request" in headers and "HX-History-Restore-Request" not in headers


def show(
    template: str, *, part: str | None = None, status: int = 200, **values: object
) -> Response:
    """The page, or the part of it that htmx asked for."""
    name = part if part and is_htmx() else template
    response = make_response(render_template(name, **values), status)
    response.headers["Vary"] = "HX-Request, Cookie, Accept-Language"
    return response


def go(endpoint: str, **values: str | int | None) -> AnyResponse:
    """After a form: on to a page, so that reloading sends nothing twice."""
    return to(address(endpoint, **values))


def address(endpoint: str, **values: str | int | None) -> str:
    """The address of a page, in the workspace that is open."""
    return url_for(endpoint, **values)  # type: ignore[arg-type]


def to(address: str) -> AnyResponse:
    """On to one of our own addresses."""
    if is_htmx():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = address
        return response
    return redirect(address, 303)


def tell(response: AnyResponse, text: str, *, kind: str = "success") -> AnyResponse:
    """The next page says this once. `kind`: success, info, warning or danger."""
    value = quote(json.dumps([kind, text[:MOST_TOLD]], ensure_ascii=False))
    set_cookie(response, "told", value, lives_s=TOLD_LIVES_S)
    return response


def told() -> tuple[str, str] | None:
    """What the page before asked to be said: its kind and text."""
    kept = cookie("told")
    if not kept:
        return None
    g.told_was_shown = True
    try:
        kind, text = json.loads(unquote(kept))
    except ValueError:
        return None
    is_known = kind in {"success", "info", "warning", "danger"} and isinstance(text, str)
    return (kind, text[:MOST_TOLD]) if is_known else None


def own_path(wanted: str) -> str:
    """The path, if it is one of ours: nobody is led elsewhere by a link to us."""
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_ours and wanted.isprintable() and "\\" not in wanted else "/"


def field(name: str, *, most: int = 2_000) -> str:
    """A field of the form; Refusal(BODY_INVALID) for what nobody types."""
    value = request.form.get(name, "")
    if len(value) > most or "\x00" in value:
        raise Refusal(Code.BODY_INVALID, f"The field {name} is too long.")
    return value


def loaded(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a form says, checked by the schema of the API's body. Raises Refusal(BODY_INVALID)."""
    try:
        found: dict[str, Any] = schema.load(values)
    except ValidationError as exc:
        places = places_of(exc.messages_dict, schema=schema)
        raise Refusal(Code.BODY_INVALID, places=places) from exc
    return found


def whole_number(value: str) -> int | None:
    """The number that an address or form gives; None for anything else."""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None


def problem_words(refusal: Refusal) -> Mapping[str, str]:
    """What a form says beside its fields: the text by the last part of each place's pointer."""
    return {place.pointer.rpartition("/")[2]: said(place.text) for place in refusal.places}
