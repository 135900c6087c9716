"""`/json/2` as Odoo 19 serves it: named arguments in, exceptions with a status of their own out."""

from __future__ import annotations

from typing import Any

from simulators.kit.messages import Answer, BadBody, Request
from simulators.odoo.errors import OdooError
from simulators.odoo.store import Record

FROM = 19
JSON = "application/json; charset=utf-8"
# Methods of records take `ids`; the others refuse what they do not know.
PLACED: dict[str, tuple[str, ...]] = {
    "create": ("vals_list",),
    "default_get": ("fields",),
    "fields_get": (),
    "has_access": ("ids", "operation"),
    "load": ("fields", "data"),
    "message_post": ("ids",),
    "read": ("ids", "fields"),
    "search_read": (),
    "unlink": ("ids",),
    "write": ("ids", "vals"),
}
# The exception's class -> status (documented: errors have statuses of their own; which, U).
STATUSES = {
    "Unauthorized": 401, "AccessDenied": 401, "AccessError": 403, "MissingError": 404,
    "UserError": 422, "ValidationError": 422, "TypeError": 422, "AttributeError": 404,
}  # fmt: skip


def body_of(request: Request) -> Record:
    told = request.json()
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise BadBody
    if not isinstance(told, dict):
        raise BadBody
    return told


def arguments(method: str, body: Record) -> tuple[list[Any], Record]:
    """By place what every version takes by place, the rest by name."""
    named = dict(body)
    placed = []
    for name in PLACED.get(method, ()):
        if name not in named:
            text = f"{method}() missing a required argument: '{name}'"
            raise OdooError(text, "TypeError")
        placed.append(named.pop(name))
    return placed, named


def error(exc: OdooError) -> Answer:
    """The exception as the answer's body."""
    body = {
        "name": exc.name,
        "message": exc.text,
        "arguments": [exc.text],
        "context": {},
        "debug": f"Traceback (most recent call last):\n{exc.name}: {exc.text}\n",
    }
    return Answer(STATUSES.get(exc.name.rpartition(".")[2], 500), body, {}, JSON)
