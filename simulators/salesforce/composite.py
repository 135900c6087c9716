"""The org's Composite route: up to 25 calls in one, later ones using earlier answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simulators.kit.messages import Answer, Refused, Request
from simulators.salesforce.batches import NOTE_TYPES, demand_size
from simulators.salesforce.rest import Rest, api
from simulators.salesforce.wording import said

MAX_CALLS = 25
MAX_HEAVY_CALLS = 5
OK = 400  # below it, a subrequest went well
_REFERENCE = re.compile(r"@\{(?P<id>\w+)(?:\[(?P<at>\d+)\])?\.(?P<field>\w+)\}")


class Composite(Rest):
    """Calls inside a call. They count as one for the day's quota."""

    @api("POST", r"/composite/?", kind="write")
    def composite(self, request: Request) -> Answer:
        """Several calls in one; a later one may use what an earlier one answered."""
        told = request.json()
        calls = told.get("compositeRequest", [])
        demand_size(calls, MAX_CALLS)
        heavy = [one for one in calls if re.search(r"/query|/composite/sobjects", one["url"])]
        if len(heavy) > MAX_HEAVY_CALLS:
            message = (
                f"Cannot have more than {MAX_HEAVY_CALLS} queries or collections in one request"
            )
            return said(400, "LIMIT_EXCEEDED", message)
        mark = self.store.mark()
        answers: dict[str, Any] = {}
        results = [self._subrequest(one, answers, request) for one in calls]
        if told.get("allOrNone") and any(one["httpStatusCode"] >= OK for one in results):
            self.store.roll_back(mark)
            results = [_halted(one) if one["httpStatusCode"] < OK else one for one in results]
        return Answer(200, {"compositeResponse": results})

    def _subrequest(
        self, call: dict[str, Any], answers: dict[str, Any], request: Request
    ) -> dict[str, Any]:
        reference = str(call["referenceId"])
        try:
            answer = self._called(_resolved(call, answers), request)
        except KeyError as exc:
            message = f"Invalid reference specified. No value for {exc} found"
            answer = said(400, "PROCESSING_HALTED", message)
        if answer.status < OK:
            answers[reference] = answer.body
        return {
            "body": answer.body,
            "httpHeaders": answer.headers,
            "httpStatusCode": answer.status,
            "referenceId": reference,
        }

    def _called(self, call: Mapping[str, Any], request: Request) -> Answer:
        parts = urlsplit(call["url"])
        body = json.dumps(call["body"]).encode() if "body" in call else b""
        inner = Request(call["method"], parts.path, parse_qs(parts.query), request.headers, body)
        found = self._find(inner)
        if found is None:
            return self.no_route(inner)
        handler, inner.kind, inner.params = found
        try:
            answer = handler(inner)
        except Refused as refused:
            answer = refused.answer
        request.rows += inner.rows
        if inner.kind == "note" or inner.params.get("object") in NOTE_TYPES:
            request.kind = "note"
        return answer


def _halted(result: dict[str, Any]) -> dict[str, Any]:
    message = (
        "The transaction was rolled back since another operation in the same transaction failed."
    )
    body = [{"errorCode": "PROCESSING_HALTED", "message": message}]
    return {**result, "body": body, "httpStatusCode": 400, "httpHeaders": {}}


def _resolved(value: Any, answers: Mapping[str, Any]) -> Any:
    """A subrequest with its @{reference.field} filled in. Raises KeyError for one unknown."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _looked_up(match, answers), value)
    if isinstance(value, list):
        return [_resolved(one, answers) for one in value]
    if isinstance(value, dict):
        return {key: _resolved(one, answers) for key, one in value.items()}
    return value


def _looked_up(match: re.Match[str], answers: Mapping[str, Any]) -> str:
    answer = answers[match["id"]]
    if match["at"] is not None:
        answer = dict(enumerate(answer))[int(match["at"])]
    return str(answer[match["field"]])
