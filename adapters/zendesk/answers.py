"""What Zendesk's answers mean, as the port's errors, before zenpy sees them.

It runs as a hook inside requests, because zenpy would sleep through a 429 (and send a POST again),
hand out a raw response for an HTML page, and tell an error's class by one of its body's words.

    RowRefused(code, field, words)      422: this one record was refused
    RecordGone                          404: no such record (deleted, or merged into another)
    RecordBusy(wait_s)                  429 of one record's or one endpoint's own limit
    Forbidden                           403 without a scope's name: the caller knows what it means
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import requests

from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.pause import asked_wait_s
from schemas.fields import Entity
from schemas.phrases import phrase

READS = frozenset({"GET", "HEAD"})
# Zendesk's words (partly unverified) and its sentences in job rows -> our stable words.
CODES: Mapping[str, str] = {
    "DuplicateValue": "duplicate",
    "InvalidFormat": "invalid_format",
    "BlankValue": "required",
    "MissingRequiredFields": "required",
    "InvalidValue": "invalid_value",
}
SENTENCES = (
    (re.compile(r"closed prevents", re.IGNORECASE), "ticket_closed"),
    (re.compile(r"already being used|already been taken", re.IGNORECASE), "duplicate"),
    (re.compile(r"not properly formatted", re.IGNORECASE), "invalid_format"),
    (re.compile(r"cannot be blank|is too short", re.IGNORECASE), "required"),
    (re.compile(r"not found", re.IGNORECASE), "not_found"),
    (re.compile(r"is not|is invalid|is too long", re.IGNORECASE), "invalid_value"),
)
# What a sentence calls an attribute that our field is named differently for.
LABELS: Mapping[str, str] = {
    "email": "email",
    "external": "external_id",
    "requester": "requester_id",
    "assignee": "assignee_id",
}


# The names of 2024, of 2023, and the oldest (recorded): the limit, and what is left of it.
LIMITS = (
    ("ratelimit-limit", "ratelimit-remaining"),
    ("rate-limit", "rate-limit-remaining"),
    ("X-Rate-Limit", "X-Rate-Limit-Remaining"),
)
# In the account's own 429 (unverified): there what the headers say is left does not count.
ACCOUNTS_LIMIT = "allowed API requests"
# `Zendesk-RateLimit-tags-index: total=100; remaining=0; resets=41`: an endpoint's own (documented).
OWN_LIMIT = re.compile(r"remaining=0\s*;.*?resets=(\d{1,6})", re.IGNORECASE)


class RowRefused(Exception):
    """One record was refused. `code` is our word for it, `field` the one that was named."""

    def __init__(self, code: str, field: str | None) -> None:
        super().__init__(code)
        self.code = code
        self.field = field


class RecordGone(Exception):
    """404: the record does not exist (any more)."""


class RecordBusy(Exception):
    """429 although the account has calls left: a limit of this record (five updates of a user a
    minute) or of this endpoint. Only this row waits.
    """

    def __init__(self, wait_s: float | None) -> None:
        super().__init__()
        self.wait_s = wait_s


class Forbidden(Exception):
    """403 that names no scope."""


def judge(answer: requests.Response, *_: object, **__: object) -> None:
    """Let a good answer pass; raise for any other. `requests` calls it as a response hook."""
    status, reads = answer.status_code, answer.request.method in READS
    if 200 <= status < 300:
        _check_body(answer)
        return
    if status >= 500:
        raise _server_error(answer, reads=reads)
    if status == 429:
        raise _too_many(answer)
    raise _refusal(status, _object_in(answer))


def limit_of(headers: Mapping[str, str]) -> int | None:
    """The account's calls a minute, under any of the names the headers have had."""
    told = (headers.get(name, "") for name, _ in LIMITS)
    return next((int(one) for one in told if one.isdigit() and int(one)), None)


def paused(exc: RecordBusy) -> Throttled:
    """A limit met by a call that speaks of no single record (too many jobs, an endpoint's)."""
    message = "Zendesk asked for a pause"
    return Throttled(message, wait_s=exc.wait_s)


def forbidden() -> PauseMapping:
    """A 403 that names no scope, met by a call that needs no special permission."""
    message = "Zendesk forbids this to the user who connected"
    return PauseMapping(message, code="forbidden")


def refused_by(sentence: str, entity: Entity | None) -> RowRefused:
    """A job's failed row: its `details` is one sentence, the field's name at its beginning."""
    code = next((word for rule, word in SENTENCES if rule.search(sentence)), "refused")
    return RowRefused(code, _field_named(sentence, entity))


def message_of(refused: RowRefused) -> str:
    """A sentence without values: Zendesk's own ones quote them."""
    if refused.code == "ticket_closed":
        return "the ticket is closed: Zendesk takes no change of it any more"
    where = f" the field {refused.field}" if refused.field else " the record"
    return f"Zendesk refused{where}: {refused.code.replace('_', ' ')}"


def _too_many(answer: requests.Response) -> Exception:
    """A limit of the account unless a header names another one, or says that calls are left."""
    wait_s = asked_wait_s(answer.headers)
    own = [
        found
        for name, told in answer.headers.items()
        if name.lower().startswith("zendesk-ratelimit-") and (found := OWN_LIMIT.search(told))
    ]
    left = [answer.headers.get(name, "") for _, name in LIMITS]
    if own:
        return RecordBusy(float(own[0][1]) if wait_s is None else wait_s)
    of_all = ACCOUNTS_LIMIT in str((_object_in(answer) or {}).get("description"))
    if not of_all and any(one.isdigit() and int(one) > 0 for one in left):
        return RecordBusy(wait_s)
    return paused(RecordBusy(wait_s))


def _check_body(answer: requests.Response) -> None:
    if answer.status_code == 204:
        return
    told = answer.headers.get("Content-Type", "")
    # Zendesk calls its answer to an upload text (recorded in 2023).
    is_upload = "/uploads" in str(answer.url) and told.startswith("text/plain")
    is_json = told.startswith("application/json") or is_upload
    if not is_json or _object_in(answer) is None:
        message = "Zendesk answered with something that is not its API's JSON"
        raise OutcomeUnknown(message)


def _object_in(answer: requests.Response) -> Mapping[str, Any] | None:
    try:
        told = answer.json()
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _server_error(answer: requests.Response, *, reads: bool) -> AdapterError:
    text = f"Zendesk answered {answer.status_code}"
    if reads or answer.status_code == 503:
        return TryLater(text, wait_s=asked_wait_s(answer.headers))
    # A gateway may have given up on a write that was applied.
    return OutcomeUnknown(text, wait_s=asked_wait_s(answer.headers))


def _refusal(status: int, body: Mapping[str, Any] | None) -> Exception:
    if status == 401:
        return TokenExpired("Zendesk refused the token")
    if body is None:
        return BrokenContract(f"Zendesk answered {status} without its API's JSON")
    makers = {403: _forbidden, 404: _gone, 409: _conflict, 422: _unprocessable}
    if status in makers:
        return makers[status](body)
    return BrokenContract(f"Zendesk answered {status}", code="bad_request")


def _forbidden(body: Mapping[str, Any]) -> Exception:
    found = re.search(r"\b(\w+:(?:read|write))\b", str(body.get("description", "")))
    if found is None:
        return Forbidden()
    text = phrase("the connection lacks the permission %(scope)s", scope=found[1])
    return PauseMapping(text, code="scope_missing", scope=found[1])


def _gone(body: Mapping[str, Any]) -> Exception:
    if body.get("error") == "RecordNotFound":
        return RecordGone()
    return BrokenContract("Zendesk does not know this address", code="no_such_endpoint")


def _conflict(_body: Mapping[str, Any]) -> Exception:
    return TryLater("somebody else was changing the record", code="conflict")


def _unprocessable(body: Mapping[str, Any]) -> Exception:
    details = body.get("details")
    if not isinstance(details, dict) or not details:
        return RowRefused("refused", None)
    field, errors = next(iter(details.items()))
    first = errors[0] if isinstance(errors, list) and errors else {}
    by_sentence = refused_by(str(first.get("description", "")), None).code
    code = CODES.get(str(first.get("error")), by_sentence)
    if by_sentence == "ticket_closed":
        code = by_sentence
    # A taken external id is told under `name`, in the sentence "External has already been taken".
    named = _field_named(str(first.get("description", "")), None)
    return RowRefused(code, named or (None if field == "base" else str(field)))


def _field_named(sentence: str, entity: Entity | None) -> str | None:
    """The field that the sentence's last `Label:` (or first word) stands for.

    A taken external id is told after another label: "Name: External has already been taken".
    """
    said = sentence.rpartition(":")[2].split()[:1]
    labels = [*(part.strip() for part in sentence.split(":")[:-1]), *said]
    fields = {} if entity is None else {one.label.lower(): one.name for one in entity.fields}
    for label in reversed(labels):
        name = LABELS.get(label.lower()) or fields.get(label.lower())
        if name is not None:
            return name
    return None
