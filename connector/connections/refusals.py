"""What to tell who asked for something at the CRM that failed."""

from adapters.errors import AdapterError, PauseMapping, TryLater
from connector.connections.parking import what_to_do
from connector.problems import Code, Refusal


def refusal_of(exc: AdapterError) -> Refusal:
    """The problem for an error of the adapter port; `extra["reason"]` is its stable code."""
    extra = {"reason": exc.code}
    if exc.code == "not_connected":
        return Refusal(Code.NOT_CONNECTED)
    if isinstance(exc, TryLater):
        return Refusal(Code.CRM_UNAVAILABLE, extra=extra)
    if isinstance(exc, PauseMapping):
        missing = f"The CRM does not give us the scope {exc.scope}." if exc.scope else ""
        return Refusal(Code.CRM_REFUSED, missing, extra=extra)
    return Refusal(Code.CRM_REFUSED, what_to_do(exc.code), extra=extra)
