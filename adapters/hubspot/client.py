"""One call to HubSpot: the SDK builds and signs it, our transport carries it, its answer is judged
here.

The SDK (hubspot-api-client 12.0.0, its last release) knows only the old v3 paths, so its `call_api`
is used with dated paths. What it does with answers is avoided: it logs bodies at DEBUG, gives
non-JSON as text, decodes error pages strictly and turns a TLS failure into an AttributeError. So
the body is read raw.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import urllib3
from hubspot.crm.contacts import ApiClient, ApiException, Configuration

from adapters.calls import Body, by_method
from adapters.errors import OutcomeUnknown
from adapters.http import GuardedPool, Wire, failure, origin_of, urllib3_pool
from adapters.hubspot.refusals import Said, refused
from adapters.hubspot.traits import SEARCH, TRAITS
from adapters.values import Account

JSON = "application/json"
USER_AGENT = "Answerback"


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that HubSpot took, or refused with a status the caller had asked to see."""

    status: int
    body: Mapping[str, Any]


def kind_of(_method: str, path: str) -> str | None:
    """Searches count against a limit of their own."""
    return SEARCH if path.endswith("/search") else None


def asks(method: str, path: str, body: Body) -> bool:
    """Searches and reads of many records are POSTs, too."""
    return path.endswith(("/search", "/batch/read")) or by_method(method, path, body)


class Client:
    """Calls to one account."""

    def __init__(self, account: Account, wire: Wire) -> None:
        origin = origin_of(account.base_url or TRAITS.base_url)
        configuration = Configuration(host=origin)
        # No argument of the constructor: the SDK takes the token as an attribute only.
        configuration.access_token = account.token
        self._api = ApiClient(configuration=configuration)
        self._api.user_agent = USER_AGENT
        self._api.rest_client.pool_manager = _Pool(
            urllib3_pool(wire, origin, kind_of=kind_of, asks=asks)
        )
        self._zone = str(account.learnt.get("time_zone", "UTC"))

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | bytes | None = None,
        content_type: str = JSON,
        seen: frozenset[int] = frozenset(),
        writes: bool = False,
    ) -> Answer:
        """The answer, a JSON object. `path` may hold `{name}`: filled from `params`, fully encoded.

        Raises the port's errors; a refusal whose status is in `seen` comes back as an Answer.
        A body in bytes is sent as it is, under its `content_type`.
        `writes`: the call changes something, so a failing server leaves its outcome unknown.
        """
        try:
            raw = self._api.call_api(
                path,
                method,
                dict(params or {}),
                list((query or {}).items()),
                {"Accept": JSON, "Content-Type": content_type},
                body=body,
                auth_settings=["oauth2"],
                _preload_content=False,
            )
        except ApiException as exc:
            said = Said(exc.status, exc.headers or {}, _object(exc.body))
            if exc.status in seen:
                return Answer(exc.status, said.body)
            raise refused(said, writes=writes, zone=self._zone) from exc
        return _taken(raw)


class _Pool:
    """Our guarded pool as the SDK wants one: it never sees an error of the network or odd bytes."""

    def __init__(self, pool: GuardedPool) -> None:
        self._pool = pool

    def request(self, method: str, url: str, **options: Any) -> urllib3.HTTPResponse:
        """One call. Raises the port's errors, which the SDK lets through."""
        try:
            answer = self._pool.request(method, url, **options)
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            raise failure(exc) from exc
        # The SDK decodes a refusal strictly as UTF-8, whatever its charset, and fails on an empty
        # one: urllib3 tells no body as None.
        text = (answer.data or b" ").decode(errors="replace")
        return urllib3.HTTPResponse(
            body=text.encode(), headers=answer.headers, status=answer.status, reason=answer.reason
        )


def _taken(raw: urllib3.HTTPResponse) -> Answer:
    if raw.status == 204:
        return Answer(204, {})
    kind = raw.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    body = _object(raw.data) if kind == JSON else None
    if not body:
        message = "HubSpot's answer is not the JSON it should be"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return Answer(raw.status, body)


def _object(content: bytes | str | None) -> Mapping[str, Any]:
    """The JSON object in a body; {} when there is none."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(content or b"")
        if isinstance(found, dict):
            return cast(Mapping[str, Any], found)
    return {}
