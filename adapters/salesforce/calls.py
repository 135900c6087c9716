"""One org's calls through simple-salesforce, on our own transport, failures as the port's errors.

The SDK's traps that are kept out here (read in its source and measured, version 1.12.10): no time
limits of its own, redirects followed, `.netrc` instead of the token, exceptions without headers and
with values in their text, https hard-coded (a simulator is reached through the transport's target),
content types unchecked, OrderedDict and float for JSON.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from simple_salesforce.api import Salesforce as SalesforceSDK
from simple_salesforce.exceptions import SalesforceError
from urllib3.exceptions import HTTPError

from adapters.calls import Body, by_method
from adapters.errors import AdapterError, BrokenContract, OutcomeUnknown, TryLater, asking
from adapters.http import Wire, failure, origin_of, requests_session
from adapters.salesforce.refusals import GONE, PAUSES, REJECTIONS, call_error
from adapters.salesforce.traits import API_VERSION, COLLECTIONS, TRAITS
from adapters.values import Account
from schemas.salesforce import Complaint, Page, Unreadable, complaints_in, page_of

T = TypeVar("T")
NO_CONTENT = 204
CSV = "text/csv"
READ_MANY = re.compile(rf"/{COLLECTIONS}/[^/]+$")
REFUSED, FORBIDDEN, NOT_THERE, CONDITION_FAILED = 400, 403, 404, 412
# Our own word for a 412: nobody documents its body.
CHANGED = (Complaint("CHANGED"),)
_NO_ID = "the answer does not tell the new record's id"
_NOT_DONE = "the answer does not say that the record was changed"
_NOT_ALL = "the answer does not tell of every record"
_NO_JSON = "the answer is no JSON"
_NO_TABLE = "the answer is no table"
_TOO_DEEP = "the answer is nested too deeply"
_WRONG_TYPE = "the answer is not JSON by its type"


def asks(method: str, path: str, body: Body) -> bool:
    """Many records by their ids are read by a POST, too."""
    return (method == "POST" and READ_MANY.search(path) is not None) or by_method(
        method, path, body
    )


class Calls:
    """The org's API, for one job and one thread."""

    def __init__(self, account: Account, wire: Wire) -> None:
        origin, target = _where(account)
        self.origin = origin
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._told = wire.answered
        tapped = dataclasses.replace(wire, answered=self._tap)
        self._sdk = SalesforceSDK(
            instance_url=origin,
            session_id=account.token,
            session=requests_session(tapped, origin, target=target, asks=asks),
            version=API_VERSION,
            parse_float=Decimal,
            object_pairs_hook=dict,
        )

    @property
    def usage(self) -> tuple[int, int] | None:
        """The org's calls of the last 24 hours and how many it may make, as last told."""
        told = self._headers.get("Sforce-Limit-Info", "").partition("api-usage=")[2]
        used, _, most = told.partition(";")[0].strip().partition("/")
        return (int(used), int(most)) if used.isdigit() and most.isdigit() else None

    def get(self, path: str) -> Any:
        """A resource under the API version's root. Raises AdapterError."""
        return self._called(lambda: self._sdk.restful(path), writing=False)

    def read(self, path: str, body: Mapping[str, Any]) -> Any:
        """A read that is a POST: nothing is changed by it. Raises AdapterError."""
        return self._called(
            lambda: self._sdk.restful(path, method="POST", json=body), writing=False
        )

    def write(
        self, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Any:
        """A change. Raises AdapterError; OutcomeUnknown whenever it may have been applied."""
        return self._called(
            lambda: self._sdk.restful(path, method=method, json=body, headers=dict(headers)),
            writing=True,
        )

    def upload(self, path: str, table: str) -> None:
        """Put a CSV table into a bulk job, which does not begin by that. Raises AdapterError."""
        self._plain("PUT", path, body=table.encode())

    def table(self, path: str) -> str:
        """A CSV table of a bulk job. Raises AdapterError."""
        answer = self._plain("GET", path)
        if CSV not in answer.headers.get("Content-Type", ""):
            raise _unreadable(_NO_TABLE, writing=False)
        return answer.content.decode()

    def create(
        self, entity: str, body: Mapping[str, Any]
    ) -> tuple[str | None, tuple[Complaint, ...]]:
        """(id, ()) of a new record, or (None, complaints) where Salesforce refuses this one.

        Raises AdapterError for what concerns more than this record.
        """
        return self._called(lambda: self._created(entity, body), writing=True)

    def delete(self, ids: Sequence[str]) -> dict[str, tuple[Complaint, ...]]:
        """Delete these records, at most 200, each by itself: id -> (), or the complaints with which
        Salesforce refuses this one. Raises AdapterError.
        """
        path = f"composite/sobjects?ids={','.join(ids)}&allOrNone=false"
        answer = self._called(lambda: self._sdk.restful(path, method="DELETE"), writing=True)
        if not isinstance(answer, list) or len(answer) != len(ids):
            raise _unreadable(_NOT_ALL, writing=True)
        return {
            one: () if told.get("success") else complaints_in(told.get("errors"))
            for one, told in zip(ids, answer, strict=True)
        }

    def update(
        self, entity: str, remote_id: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[Complaint, ...]:
        """() when the record was changed; CHANGED where the condition of the headers did not hold;
        else the complaints with which Salesforce refuses this one. Raises AdapterError for what
        concerns more than this record.
        """
        return self._called(lambda: self._updated(entity, remote_id, body, headers), writing=True)

    def _updated(
        self, entity: str, remote_id: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[Complaint, ...]:
        try:
            status = getattr(self._sdk, entity).update(remote_id, dict(body), headers=dict(headers))
        except SalesforceError as exc:
            if exc.status == CONDITION_FAILED:
                return CHANGED
            complaints = complaints_in(exc.content)
            if not complaints or not _is_of_one(exc.status, complaints[0].code):
                raise
            return complaints
        if status != NO_CONTENT:
            raise _unreadable(_NOT_DONE, writing=True)
        return ()

    def _created(
        self, entity: str, body: Mapping[str, Any]
    ) -> tuple[str | None, tuple[Complaint, ...]]:
        try:
            answer = self._sdk.restful(f"sobjects/{entity}", method="POST", json=body)
        except SalesforceError as exc:
            complaints = complaints_in(exc.content)
            if exc.status != REFUSED or not complaints or complaints[0].code in PAUSES - GONE:
                raise
            return None, complaints
        remote_id = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(remote_id, str):
            raise _unreadable(_NO_ID, writing=True)
        return remote_id, ()

    def records(self, soql: str, *, deleted: bool = False) -> tuple[Mapping[str, Any], ...]:
        """All records of a query, page by page; `deleted` looks into the recycle bin too."""
        page = self._page(lambda: self._sdk.query(soql, include_deleted=deleted))
        records = list(page.records)
        while page.next_url is not None:
            url = page.next_url
            # The transport reaches only this origin, whatever address the page names.
            page = self._page(lambda url=url: self._sdk.query_more(url, identifier_is_url=True))  # type: ignore[misc]
            records += page.records
        return tuple(records)

    def userinfo(self) -> Any:
        """Who the token speaks for. Raises AdapterError."""
        return self._called(lambda: self._sdk.oauth2("userinfo"), writing=False)

    def _plain(self, method: str, path: str, *, body: bytes | None = None) -> requests.Response:
        """A call whose bodies are no JSON, beside the SDK but on its session."""
        headers = {**self._sdk.headers, "Content-Type": f"{CSV}; charset=UTF-8", "Accept": CSV}
        url = f"{self._sdk.base_url}{path}"
        try:
            answer = self._sdk.session.request(method, url, data=body, headers=headers)
        except (requests.RequestException, HTTPError, OSError, AdapterError) as exc:
            raise _softened(failure(exc), writing=False) from _quiet(exc)
        if answer.status_code >= 300:
            told = complaints_in(_json_in(answer))
            now_s = time.time()
            raise call_error(answer.status_code, told, self._headers, writing=False, now_s=now_s)
        return answer

    def _page(self, act: Callable[[], Any]) -> Page:
        answer = self._called(act, writing=False)
        return understood(lambda: page_of(answer), writing=False)

    def _tap(self, status: int, headers: Mapping[str, str]) -> None:
        self._status, self._headers = status, headers
        self._told(status, headers)

    def _called(self, act: Callable[[], T], *, writing: bool) -> T:
        self._status, self._headers = 0, {}
        try:
            answer = act()
        except SalesforceError as exc:
            raise self._refusal(exc, writing=writing) from None
        except requests.exceptions.JSONDecodeError as exc:
            raise _unreadable(_NO_JSON, writing=writing) from exc
        except RecursionError:
            raise _unreadable(_TOO_DEEP, writing=writing) from None
        except (requests.RequestException, HTTPError, OSError, AdapterError) as exc:
            raise _softened(failure(exc), writing=writing) from _quiet(exc)
        self._check_type(writing=writing)
        return answer

    def _refusal(self, exc: SalesforceError, *, writing: bool) -> AdapterError:
        # The SDK's exception text holds address, query and body: nothing of it goes on.
        complaints = complaints_in(exc.content)
        if exc.status < 400:
            return _unreadable(f"Salesforce answered {exc.status}", writing=writing)
        return call_error(exc.status, complaints, self._headers, writing=writing, now_s=time.time())

    def _check_type(self, *, writing: bool) -> None:
        """A page with status 200 (a proxy's, a login form) is no answer of the API."""
        content_type = self._headers.get("Content-Type", "")
        bare = self._status in {NO_CONTENT, CONDITION_FAILED}
        if not bare and "json" not in content_type:
            raise _unreadable(_WRONG_TYPE, writing=writing)


def _is_of_one(status: int, code: str) -> bool:
    """Whether a refused single-record call is that record's own fault."""
    if status in {FORBIDDEN, NOT_THERE}:
        return code in REJECTIONS or code in GONE
    return status == REFUSED and code not in PAUSES - GONE


def understood(read: Callable[[], T], *, writing: bool) -> T:
    """What `read` makes of an answer; an answer it cannot read is TryLater, or OutcomeUnknown for a
    change.
    """
    try:
        return read()
    except Unreadable as exc:
        raise _unreadable(str(exc), writing=writing) from exc


def _where(account: Account) -> tuple[str, str | None]:
    """The origin the SDK calls, and where its calls really go.

    A base URL in https is the login host (production, sandbox); the API then lives at the token
    answer's instance URL. One in http can only be a simulator: all calls go there.
    """
    base = account.base_url or TRAITS.base_url
    api = urlsplit(origin_of(account.instance_url or base))
    origin = f"https://{api.netloc}"
    return origin, origin_of(base) if base.startswith("http://") else None


def _json_in(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _unreadable(message: str, *, writing: bool) -> AdapterError:
    kind = OutcomeUnknown if writing else TryLater
    return kind(message, code="unreadable_answer")


def _softened(error: AdapterError, *, writing: bool) -> AdapterError:
    return error if writing else asking(error)


def _quiet(exc: Exception) -> Exception | None:
    """The cause to chain: network errors name hosts and paths, whose queries hold e-mails."""
    return exc if isinstance(exc, BrokenContract) else None
