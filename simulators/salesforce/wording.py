"""How the simulated org words a refusal: a list of errors, as a whole request's or a row's."""

from __future__ import annotations

from typing import Any

from simulators.kit.messages import Answer, Refused
from simulators.salesforce.values import Complaint, RowRefused


def said(status: int, code: str, message: str) -> Answer:
    """A whole-request error: a list of one."""
    return Answer(status, [{"message": message, "errorCode": code}])


def not_found() -> Answer:
    """What is said of a path that leads nowhere."""
    return said(404, "NOT_FOUND", "The requested resource does not exist")


def refusal(refused: RowRefused) -> Refused:
    """A row's complaints as the refusal of a single-record call."""
    gone = {"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"}
    whole = [one for one in refused.complaints if not one.fields]
    status = 404 if any(one.code in gone for one in whole) else 400
    return Refused(Answer(status, [one.in_request() for one in refused.complaints]))


def complaint(error: Any) -> Complaint:
    """The complaint a row fault orders: a code, or an entry of `errors`."""
    told = {"statusCode": error} if isinstance(error, str) else dict(error or {})
    code = str(told.pop("statusCode", "UNABLE_TO_LOCK_ROW"))
    message = str(told.pop("message", "unable to obtain exclusive access to this record"))
    return Complaint(code, message, tuple(told.pop("fields", ())), told)
