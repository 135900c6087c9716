"""What to tell who asked for something at the CRM that failed."""

from __future__ import annotations

import math

from adapters.errors import AdapterError, PauseMapping, TryLater
from connector.connections.parking import what_to_do
from connector.problems import Code, Refusal


def refusal_of(exc: AdapterError) -> Refusal:
    """The problem for an error of the adapter port; `extra["reason"]` is its stable code."""
    extra = {"reason": exc.code}
    if exc.code == "not_connected":
        return Refusal(Code.NOT_CONNECTED)
    if isinstance(exc, TryLater):
        wait_s = exc.wait_s or 0
        again = {"Retry-After": str(math.ceil(wait_s))} if wait_s > 0 else {}
        return Refusal(Code.CRM_UNAVAILABLE, _said(exc), extra=extra, headers=again)
    if isinstance(exc, PauseMapping):
        return Refusal(Code.CRM_REFUSED, _missing(exc), extra=extra)
    return Refusal(Code.CRM_REFUSED, what_to_do(exc.code), extra=extra)


def _said(exc: AdapterError) -> str:
    """The error's own sentence, where it has one: by the port's promise it holds no value."""
    text = str(exc)
    return "" if text == exc.code else f"{text[:1].upper()}{text[1:]}."


def _missing(exc: PauseMapping) -> str:
    if exc.scope:
        return f"The CRM does not give us the scope {exc.scope}."
    if exc.field:
        return f"The CRM has no field {exc.field} any more, or hides it from the connected user."
    return ""
