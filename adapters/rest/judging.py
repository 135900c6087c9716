"""What an answer means, by the document's rules and else by its status. Pure.

2xx and `success` holds    taken
a rule of `errors`         what it says, the first that holds
401                        the token is refused
403                        a permission is missing
404, 409, 400/422          the row: not found, a duplicate, refused
429                        wait, as long as a header says
5xx                        later; a write may have been applied (503 was not)
2xx without success        nobody knows: it is looked up before anything is sent again
anything else              a broken contract
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    ReconnectNeeded,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.rest.templates import JSON, Unfillable, is_true, picked
from adapters.values import Outcome, Status
from schemas.phrases import phrase

Document = Mapping[str, Any]
# Unless the document says otherwise: who keeps records answers with JSON or with nothing at all:
# a page with 200 is somebody else's. Who is only told may answer as it likes.
RECEIVED = "status >= `200` && status < `300`"
TOLD = f"{RECEIVED} && (status == `204` || type(body) == 'object' || type(body) == 'array')"
_OF_A_ROW = {404: "not_found", 409: "duplicate", 400: "refused", 422: "refused"}
_WORDS = {
    "refused": "the value was refused",
    "duplicate": "such a record exists already",
    "not_found": "there is no such record",
}
_CODES = {"refused": "invalid_value", "duplicate": "duplicate", "not_found": "not_found"}


class RowRefused(Exception):
    """The app refused what was said of one record. `means`: refused, duplicate or not_found."""

    def __init__(self, means: str, code: str, field: str | None = None) -> None:
        super().__init__(means)
        self.means, self.code, self.field = means, code, field


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as rules see it: `body` is JSON, or the text of what is none."""

    status: int
    headers: Mapping[str, str]
    body: JSON

    @property
    def scope(self) -> Mapping[str, JSON]:
        """What rules and picks look at."""
        return {"status": self.status, "headers": dict(self.headers), "body": self.body}


def is_taken(document: Document, success: str | None, answer: Answer) -> bool:
    """Whether the call did what it should."""
    own = document.get("success", RECEIVED if "push" in document else TOLD)
    return is_true(success or own, answer.scope)


def refusal_of(
    document: Document, answer: Answer, *, writes: bool, known: Sequence[str] = ()
) -> AdapterError | RowRefused:
    """What to raise for an answer that is no success. `known`: the names of fields."""
    for rule in document["errors"]:
        if is_true(rule["when"], answer.scope):
            return _meant(document, rule, answer, known=known)
    return _by_status(document, answer, writes=writes)


def _meant(
    document: Document, rule: Mapping[str, Any], answer: Answer, *, known: Sequence[str]
) -> AdapterError | RowRefused:
    means, field = rule["means"], _field(rule.get("field"), answer, known)
    label, code = document["label"], rule.get("code")
    if means in _CODES:
        return RowRefused(means, code or _CODES[means], field)
    if means == "field_gone":
        message = f"{label} does not have {field or 'this field'} any more"
        return PauseMapping(message, code="field_gone", field=field)
    if means == "permission":
        return PauseMapping(
            phrase("%(app)s does not let this key do that", app=label),
            code="missing_scope",
            scope="the key's rights",
        )
    return _for_the_call(document, means, answer, code=code)


def _for_the_call(
    document: Document, means: str, answer: Answer, *, code: str | None
) -> AdapterError:
    label, wait_s = document["label"], wait_of(answer.headers, document["wait_headers"])
    if means == "token":
        return TokenExpired(f"{label} refuses the key")
    if means == "reconnect":
        return ReconnectNeeded(f"{label} refuses the key for good", code=code or "key_refused")
    if means == "wait":
        return Throttled(f"{label} asked for a pause", wait_s=wait_s, code=code)
    kind = OutcomeUnknown if means == "unknown" else TryLater
    return kind(f"{label} answered {answer.status}", wait_s=wait_s, code=code or "crm_failed")


def _by_status(document: Document, answer: Answer, *, writes: bool) -> AdapterError | RowRefused:
    status = answer.status
    if status in _OF_A_ROW:
        means = _OF_A_ROW[status]
        return RowRefused(means, _CODES[means])
    named = {401: "token", 403: "permission", 429: "wait"}
    if status in named:
        return _meant(document, {"means": named[status]}, answer, known=())
    if status >= 500:
        # 503 comes from who has not passed the call on; after the others it may have been applied.
        means = "unknown" if writes and status != 503 else "later"
        return _for_the_call(document, means, answer, code="crm_failed")
    if 200 <= status < 300:
        message = f"{document['label']}'s answer is not what it should be"
        return OutcomeUnknown(message, code="answer_unreadable")
    return BrokenContract(f"{document['label']} answered {status}", code=f"crm_{status}")


def _field(expression: str | None, answer: Answer, known: Sequence[str]) -> str | None:
    """The field that an answer names: only one that we know, for the rest may hold values."""
    if expression is None:
        return None
    try:
        found = picked(expression, answer.scope)
    except Unfillable:
        return None
    return found if isinstance(found, str) and found in known else None


def outcome_of(document: Document, key: str, refused: RowRefused) -> Outcome:
    """The outcome of a refused row; it holds no value."""
    text = _WORDS[refused.means]
    message = f"{document['label']}: {text}" + (f" ({refused.field})" if refused.field else "")
    return Outcome(key, Status.REJECTED, code=refused.code, message=message, field=refused.field)


def wait_of(headers: Mapping[str, str], names: Sequence[str] = ()) -> float | None:
    """Seconds that the app asks for by one of its headers or Retry-After; None for none."""
    for name in (*names, "retry-after"):
        told = headers.get(name.lower(), "").strip()
        if re.fullmatch(r"\d{1,9}(?:\.\d{1,6})?", told):
            return float(told)
    try:
        # The server's own clock is the one its date is measured by.
        until, now = (parsedate_to_datetime(headers[one]) for one in ("retry-after", "date"))
    except (ValueError, TypeError, KeyError):
        return None
    return max(0.0, (until - now).total_seconds())
