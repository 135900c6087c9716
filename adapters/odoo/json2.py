"""`/json/2` of Odoo 19 and later: a call is a POST to its model and method with named arguments and
the key as bearer, an error has a status of its own and Odoo's exception as its body.

Source: the vendor's page "External JSON-2 API" (19.0, read 2026-11); which names the methods'
arguments have is from their source (unverified). JSON-RPC is served beside it until Odoo 22.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import requests
import urllib3

from adapters.calls import Body, by_method
from adapters.errors import OutcomeUnknown, TokenExpired
from adapters.http import Wire, failure, origin_of, requests_session
from adapters.odoo.refusals import fault_of
from adapters.odoo.traits import TRAITS
from adapters.odoo.transport import COMMON, JSON, QUESTIONS, json_in, refused
from adapters.values import Account

PATH, VERSION_PATH = "/json/2", "/web/version"
# What JSON-RPC sends by place. The ids of a method of records come first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "check_access_rights": ("operation",),
    "create": ("vals_list",),
    "default_get": ("fields",),
    "fields_get": ("allfields", "attributes"),
    "has_access": ("ids", "operation"),
    "load": ("fields", "data"),
    "message_post": ("ids",),
    "read": ("ids", "fields"),
    "search_read": ("domain", "fields"),
    "unlink": ("ids",),
    "write": ("ids", "vals"),
}


def asks(method: str, path: str, body: Body) -> bool:
    """Every call of a model is a POST: what it does stands at the end of its path."""
    return path.rpartition("/")[2] in QUESTIONS or by_method(method, path, body)


class JSON2:
    """Calls to one server, asked for as JSON-RPC's are."""

    def __init__(self, account: Account, wire: Wire) -> None:
        self._origin = origin_of(account.base_url or TRAITS.base_url.format_map(account.settings))
        self._session = requests_session(wire, self._origin, asks=asks)
        self._session.headers["Authorization"] = f"bearer {account.token}"
        self._session.headers["X-Odoo-Database"] = str(account.settings.get("database") or "")

    def call(self, service: str, method: str, arguments: Sequence[Any], *, changes: bool) -> Any:
        """The result. Raises Fault for an error of Odoo's, which is certainly not applied, and
        AdapterError; `changes`: a failing server leaves the outcome unknown.
        """
        if service == COMMON:
            return self._version() if method == "version" else self._user()
        model, name, placed, named = arguments[3:7]
        return self._posted(model, name, {**_named(name, placed), **named}, changes=changes)

    def _version(self) -> Mapping[str, Any]:
        told = self._sent("GET", VERSION_PATH, None, changes=False)
        return {"server_version": told.get("version")} if isinstance(told, dict) else {}

    def _user(self) -> Any:
        """The number of the key's user, False where Odoo does not take the key."""
        try:
            told = self._posted("res.users", "context_get", {}, changes=False)
        except TokenExpired:
            return False
        return told.get("uid") if isinstance(told, dict) else None

    def _posted(self, model: str, method: str, body: Mapping[str, Any], *, changes: bool) -> Any:
        return self._sent("POST", f"{PATH}/{model}/{method}", body, changes=changes)

    def _sent(self, verb: str, path: str, body: Any, *, changes: bool) -> Any:
        try:
            answer = self._session.request(verb, self._origin + path, json=body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise failure(exc) from exc
        return _result(answer, changes=changes)


def _named(method: str, placed: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(NAMES[method], placed, strict=False))


def _result(answer: requests.Response, *, changes: bool) -> Any:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    told = json_in(answer.content) if kind == JSON else None
    if answer.status_code == 200:
        # Nothing here is answered with null but by broken JSON.
        if told is None and answer.content.strip() != b"null":
            message = "Odoo's answer is not the JSON it should be"
            raise OutcomeUnknown(message, code="answer_unreadable")
        return told
    if answer.status_code == 401:
        message = "Odoo does not take the key"
        raise TokenExpired(message)
    if isinstance(told, dict) and told.get("name"):
        # Odoo's own exception: what the call did was undone.
        raise fault_of({"data": told})
    raise refused(answer, changes=changes)
