"""One call to Adobe Campaign: sent with both of its headers, and its answer judged.

2xx JSON object   taken; 204 where something is deleted
400, 404, 409     what a row is refused for, told to the caller as RowRefused
401, 403          by the status alone: the body may be a bare JSON string
429               no header is documented; a Retry-After counts
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import requests
import urllib3

from adapters.adobe.refusals import RowRefused
from adapters.adobe.traits import CLIENT_ID, ORGANIZATION, TRAITS
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
from adapters.values import Account
from schemas.phrases import phrase

JSON = "application/json"
A_PAGE, MOST_PAGES = 100, 50


class Client:
    """Calls to one organization. Paths are beneath its `/campaign`."""

    def __init__(self, account: Account, wire: Wire) -> None:
        origin = origin_of(account.base_url or TRAITS.base_url)
        self.root = f"{origin}/{account.settings.get(ORGANIZATION)}/campaign"
        self._session = requests_session(wire, origin)
        self._session.headers.update(
            {
                "Authorization": f"Bearer {account.token}",
                "X-Api-Key": str(account.settings.get(CLIENT_ID)),
                "Accept": JSON,
            }
        )

    def get(self, path: str, **query: str) -> Mapping[str, Any]:
        """What a path or an href tells. Raises AdapterError, RowRefused."""
        return _object(self._called("GET", path, writes=False, params=query))

    def all(self, path: str, **query: str) -> list[Mapping[str, Any]]:
        """A list with all its pages, by the addresses that the pages tell."""
        told = self.get(path, **query, _lineCount=str(A_PAGE), _forcePagination="true")
        found = _content(told)
        for _ in range(MOST_PAGES):
            following = told.get("next")
            # A last page may name a next one that is empty.
            if not isinstance(following, dict) or not _content(told):
                return found
            told = self.get(href_of(following))
            found += _content(told)
        message = f"Adobe Campaign tells more than {MOST_PAGES} pages of these"
        raise BrokenContract(message, code="too_many_records")

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A call that changes something; what it tells of it. Raises as `get` does."""
        return _object(self._called(method, path, writes=True, json=body))

    def delete(self, href: str) -> None:
        """End what has this address of its own. That it is gone already is as good."""
        try:
            self._called("DELETE", href, writes=True)
        except RowRefused as exc:
            if exc.status != 404:
                raise

    def _called(self, method: str, path: str, *, writes: bool, **sent: Any) -> requests.Response:
        url = self.root + path if path.startswith("/") else path
        try:
            answer = self._session.request(method, url, **sent)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise failure(exc) from exc
        if answer.status_code in {400, 404, 409}:
            raise RowRefused(answer.status_code, _said(answer))
        if not 200 <= answer.status_code < 300:
            raise _refused(answer, writes=writes)
        return answer


def href_of(told: Mapping[str, Any]) -> str:
    """The address in a node. Raises OutcomeUnknown where it has none."""
    href = told.get("href")
    if not isinstance(href, str) or not href.startswith(("http://", "https://")):
        message = "Adobe Campaign's answer holds no address where one is documented"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return href


def _content(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = told.get("content")
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        message = "Adobe Campaign's answer holds no list"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return content


def _object(answer: requests.Response) -> Mapping[str, Any]:
    told = _json(answer)
    if not isinstance(told, dict):
        message = "Adobe Campaign's answer is not the JSON it should be"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return told


def _json(answer: requests.Response) -> object:
    if answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() != JSON:
        return None
    try:
        return json.loads(answer.content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def _said(answer: requests.Response) -> str:
    told = _json(answer)
    message = told.get("message") if isinstance(told, dict) else told
    return message if isinstance(message, str) else ""


def _refused(answer: requests.Response, *, writes: bool) -> AdapterError:
    status, wait_s = answer.status_code, asked_wait_s(answer.headers)
    if status == 401:
        return TokenExpired("Adobe Campaign refuses the token")
    if status == 403:
        message = phrase(
            "Adobe Campaign does not let this credential do that: see its product profile, its "
            "client id and the organization"
        )
        return PauseMapping(message, code="missing_scope", scope="the credential's product profile")
    if status == 429:
        return Throttled("Adobe Campaign asked for a pause", wait_s=wait_s)
    if status >= 500:
        # 503 comes from who has not passed the call on; after the others it may have been applied.
        kind = OutcomeUnknown if writes and status != 503 else TryLater
        return kind(f"Adobe Campaign answered {status}", wait_s=wait_s, code="crm_failed")
    return BrokenContract(f"Adobe Campaign answered {status}", code=f"crm_{status}")
