"""JSON-RPC to one Odoo: a call goes out, its result or Odoo's fault comes back.

All that knows of `/jsonrpc` is here; `/json/2` of Odoo 19 stands beside it (json2.py).
XML-RPC is not used: a method that returns None there ends in a fault although it was committed
(measured, 11 and 16).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import requests
import urllib3

from adapters.calls import Body
from adapters.errors import (
    AdapterError,
    BrokenContract,
    OutcomeUnknown,
    Throttled,
    TryLater,
)
from adapters.http import Wire, failure, origin_of, requests_session
from adapters.odoo.refusals import fault_of
from adapters.odoo.traits import TRAITS
from adapters.pause import asked_wait_s
from adapters.values import Account

PATH = "/jsonrpc"
JSON = "application/json"
COMMON, OBJECT = "common", "object"
TOO_LARGE = "request_too_long"
# Methods of models that change nothing; where the method stands among the arguments.
QUESTIONS = frozenset(
    {"check_access_rights", "context_get", "default_get", "fields_get", "has_access", "read",
     "search_read"}
)  # fmt: skip
METHOD_AT = 4


def asks(_method: str, _path: str, body: Body) -> bool:
    """Every call is a POST: what it does stands in its body."""
    told = json_in(body or b"")
    params = told.get("params") if isinstance(told, dict) else None
    if not isinstance(params, dict):
        return False
    arguments = params.get("args") or []
    return params.get("service") == COMMON or (
        len(arguments) > METHOD_AT and arguments[METHOD_AT] in QUESTIONS
    )


class JSONRPC:
    """Calls to one server."""

    def __init__(self, account: Account, wire: Wire) -> None:
        origin = origin_of(account.base_url or TRAITS.base_url.format_map(account.settings))
        self._url = origin + PATH
        self._session = requests_session(wire, origin, asks=asks)
        self._numbers = itertools.count(1)

    def call(self, service: str, method: str, arguments: Sequence[Any], *, changes: bool) -> Any:
        """The result. Raises Fault for an error of Odoo's, which is certainly not applied, and
        AdapterError; `changes`: a failing server leaves the outcome unknown.
        """
        number = next(self._numbers)
        params = {"service": service, "method": method, "args": list(arguments)}
        body = {"jsonrpc": "2.0", "method": "call", "params": params, "id": number}
        try:
            answer = self._session.post(self._url, json=body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise failure(exc) from exc
        told = _told(answer, changes=changes)
        if told.get("id") != number and "error" not in told:
            message = "Odoo answered another call than ours"
            raise OutcomeUnknown(message, code="answer_unreadable")
        if "error" in told:
            raise fault_of(told["error"])
        # Version 11 leaves the result out where it is None.
        return told.get("result")


def _told(answer: requests.Response, *, changes: bool) -> Mapping[str, Any]:
    if answer.status_code != 200:
        raise refused(answer, changes=changes)
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    told = json_in(answer.content) if kind == JSON else None
    if not isinstance(told, dict) or told.get("jsonrpc") != "2.0":
        message = "Odoo's answer is not the JSON it should be"
        raise OutcomeUnknown(message, code="answer_unreadable")
    return told


def json_in(content: bytes | str) -> Any:
    try:
        return json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def refused(answer: requests.Response, *, changes: bool) -> AdapterError:
    """The error where what stands in front of Odoo answered: a proxy, or its server that broke."""
    status = answer.status_code
    if status == 429:
        return Throttled("Odoo asked for a pause", wait_s=asked_wait_s(answer.headers))
    if status >= 500:
        # 503 comes from who has not passed the call on; after the others it may have been applied.
        kind = OutcomeUnknown if changes and status != 503 else TryLater
        wait_s = asked_wait_s(answer.headers)
        return kind(f"Odoo answered {status}", wait_s=wait_s, code=f"crm_{status}")
    if status in {404, 405}:
        message = "this address does not serve the API of Odoo that the connection speaks"
        return BrokenContract(message, code="no_such_endpoint")
    code = TOO_LARGE if status == 413 else "bad_request"
    return BrokenContract(f"Odoo answered {status}", code=code)
