"""One call to Splio: sent, and its answer judged.

2xx JSON object   taken
400, 404, 409     what a row is refused for, told to the caller as RowRefused
401, 403, 405     a bare JSON string, no object: the status alone speaks
429               `rateLimit-reset` tells the seconds
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import requests
import urllib3

from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import Wire, failure, origin_of, requests_session
from adapters.pause import asked_wait_s
from adapters.splio.refusals import RowRefused
from adapters.splio.traits import OTHER, TRAITS
from adapters.values import Account
from schemas.phrases import phrase

JSON = "application/json"
RESETS = "rateLimit-reset"


def kind_of(_method: str, path: str) -> str | None:
    """What is not about contacts counts against a limit of its own, too."""
    return None if path.startswith("/data/contacts") else OTHER


class Client:
    """Calls to one universe."""

    def __init__(self, account: Account, wire: Wire) -> None:
        self._origin = origin_of(account.base_url or TRAITS.base_url)
        self._session = requests_session(wire, self._origin, kind_of=kind_of)
        self._session.headers.update({"Authorization": f"Bearer {account.token}", "Accept": JSON})

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        """What a path tells. Raises AdapterError, RowRefused."""
        return self._called("GET", path, writes=False, params=query)

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A call that changes a contact; the contact as it is then. Raises as `get` does."""
        return self._called(method, path, writes=True, json=body)

    def _called(self, method: str, path: str, *, writes: bool, **sent: Any) -> Mapping[str, Any]:
        try:
            answer = self._session.request(method, self._origin + path, **sent)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise failure(exc) from exc
        told = _object(answer)
        if answer.status_code in {400, 404, 409}:
            raise RowRefused(answer.status_code, _errors(told))
        if not 200 <= answer.status_code < 300:
            raise _refused(answer, writes=writes)
        if told is None:
            message = "Splio's answer is not the JSON it should be"
            raise OutcomeUnknown(message, code="answer_unreadable")
        return told


def _object(answer: requests.Response) -> Mapping[str, Any] | None:
    if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() != JSON:
        return None
    try:
        told = json.loads(answer.content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _errors(told: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], ...]:
    found = (told or {}).get("errors")
    return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def _refused(answer: requests.Response, *, writes: bool) -> AdapterError:
    status = answer.status_code
    if status == 401:
        return TokenExpired("Splio refuses the token")
    if status == 403:
        message = phrase("Splio does not let this key do that: see the rights of its API user")
        return PauseMapping(message, code="missing_scope", scope="the API user's rights")
    if status == 429:
        return Throttled("Splio asked for a pause", wait_s=wait_of(answer.headers))
    if status >= 500:
        # 503 comes from who has not passed the call on; after the others it may have been applied.
        kind = OutcomeUnknown if writes and status != 503 else TryLater
        return kind(f"Splio answered {status}", wait_s=wait_of(answer.headers), code="crm_failed")
    return BrokenContract(f"Splio answered {status}", code=f"crm_{status}")


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds that Splio asks for; None when it tells none. A Retry-After counts as well."""
    told = asked_wait_s(headers, RESETS)
    return asked_wait_s(headers) if told is None else told
