"""Holds a simulator to what the real service was recorded to answer.

Each recorded request is sent to our simulator, after a hook has put in place what the request
needs; status, content type and the shape of the body (keys and JSON types, all the way down) must
agree. The recordings lie beside the project and are not part of it: where they are absent the test
is skipped and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "recorded"
DATA = Path(__file__).parent / "data"


class NotSimulated(Exception):
    """Raised by a hook: the simulator does not claim this exchange, and why."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded call, its address without the host. `body` is None, text or JSON."""

    number: int
    case: str
    method: str
    target: str
    body: Any
    status: int
    content_type: str
    answer: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    def sent_to(self, target: str) -> Exchange:
        """The same exchange at another address: ids differ from those recorded."""
        return replace(self, target=target)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the simulator answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return media_type(self.headers.get("content-type", ""))

    def json(self) -> Any:
        """The body as JSON, or as text when it is none."""
        try:
            return json.loads(self.body) if self.body else ""
        except ValueError:
            return self.body.decode()


@dataclass(slots=True)
class Report:
    """How many recordings the simulator agrees with, and why it does not with the others."""

    matched: int = 0
    unmatched: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        recorded = self.matched + len(self.unmatched)
        head = f"recorded {recorded} / matched {self.matched} / unmatched {len(self.unmatched)}"
        return "\n  ".join([head, *self.unmatched])


Prepare = Callable[[Exchange], Exchange]


class Client:
    """Calls to a simulator, its control endpoints included, over one connection."""

    def __init__(self, base_url: str, headers: Mapping[str, str] | None = None) -> None:
        self._line = HTTPConnection(base_url.removeprefix("http://"), timeout=30)
        self.headers = dict(headers or {})

    def call(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Heard:
        """One call; text and bytes go as they are, anything else as JSON."""
        payload = body.encode() if isinstance(body, str) else body
        if payload is not None and not isinstance(payload, bytes):
            payload = json.dumps(payload).encode()
        told = {"Content-Type": "application/json", **self.headers, **(headers or {})}
        try:
            self._line.request(method, target, payload, told)
            answer = self._line.getresponse()
            heard = {name.lower(): value for name, value in answer.getheaders()}
            return Heard(answer.status, heard, answer.read())
        except (OSError, HTTPException):
            # What a fault broke is not used again: the next call opens a new connection.
            self._line.close()
            raise

    def control(self, what: str, told: object = None) -> Any:
        """POST to a control endpoint; fails unless it answers 200."""
        heard = self.call("POST", f"/__sim__/{what}", told if told is not None else {})
        assert heard.status == 200, heard.body
        return heard.json()

    def state(self) -> Any:
        """Everything the simulator holds."""
        return self.call("GET", "/__sim__/state").json()

    def log(self, kind: str = "") -> list[dict[str, Any]]:
        """The calls so far, of one kind or of all."""
        calls: list[dict[str, Any]] = self.call("GET", f"/__sim__/log?kind={kind}").json()[
            "requests"
        ]
        return calls

    def close(self) -> None:
        """End the connection."""
        self._line.close()


def recorded(crm: str) -> list[Exchange]:
    """The recordings of one CRM; skips the test where they are absent."""
    path = FOLDER / f"{crm}.jsonl"
    if not path.exists():
        pytest.skip(f"no recordings at ../shared/recorded/{crm}.jsonl")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_exchange(number, json.loads(line)) for number, line in enumerate(lines, start=1)]


def examples(crm: str) -> list[dict[str, Any]]:
    """Our own examples of calls nobody recorded, each with its `mark`: how it is known."""
    told: list[dict[str, Any]] = json.loads((DATA / f"{crm}_examples.json").read_text("utf-8"))
    return told


def check(
    exchanges: Iterable[Exchange],
    client: Client,
    *,
    prepare: Prepare,
    known: Mapping[str, str] | None = None,
) -> Report:
    """Send every exchange and compare.

    `prepare` seeds what the call needs and may move it to another address; it may raise
    NotSimulated. `known`: differences we accept, as regular expressions over `place: difference`,
    each with its reason.
    """
    report = Report()
    for one in exchanges:
        problem = _tried(one, client, prepare, known or {})
        if problem is None:
            report.matched += 1
        else:
            report.unmatched.append(f"{one.number} {one.case} {one.method} {one.path}: {problem}")
    return report


def differences(recorded_answer: Any, ours: Any, place: str = "$") -> list[str]:
    """Where two JSON values differ in keys or types. A list is judged by its first member.

    null fits everything: a recorded account may have a value where ours has none, and the other way
    round.
    """
    if recorded_answer is None or ours is None:
        return []
    if isinstance(recorded_answer, dict) and isinstance(ours, dict):
        return _in_objects(recorded_answer, ours, place)
    if isinstance(recorded_answer, list) and isinstance(ours, list):
        if recorded_answer and ours:
            return differences(recorded_answer[0], ours[0], f"{place}[]")
        return [f"{place}: empty"] if recorded_answer and not ours else []
    if _kind(recorded_answer) != _kind(ours):
        return [f"{place}: {_kind(recorded_answer)} recorded, {_kind(ours)} ours"]
    return []


def media_type(header: str) -> str:
    """`application/json;charset=UTF-8` -> `application/json`."""
    return header.partition(";")[0].strip().lower()


def _exchange(number: int, told: dict[str, Any]) -> Exchange:
    parts = urlsplit(told["uri"])
    heads = {name.lower(): value for name, value in told["response_headers"].items()}
    return Exchange(
        number=number,
        case=told["case"],
        method=told["method"],
        target=parts.path + (f"?{parts.query}" if parts.query else ""),
        body=told["request"] or None,
        status=told["status"],
        content_type=media_type(_one(heads.get("content-type", ""))),
        answer=told["response"],
        headers={name: _one(value) for name, value in (told["request_headers"] or {}).items()},
    )


def _one(header: str | list[str]) -> str:
    return header[0] if isinstance(header, list) else header


def _tried(one: Exchange, client: Client, prepare: Prepare, known: Mapping[str, str]) -> str | None:
    try:
        asked = prepare(one)
    except NotSimulated as exc:
        return f"not simulated: {exc}"
    heard = client.call(asked.method, asked.target, asked.body)
    if heard.status != one.status:
        return f"status {one.status} recorded, {heard.status} ours: {heard.body[:200]!r}"
    if one.content_type and heard.content_type != one.content_type:
        return f"type {one.content_type} recorded, {heard.content_type} ours"
    found = differences(one.answer, heard.json())
    left = [each for each in found if not any(re.search(rule, each) for rule in known)]
    return "; ".join(left) or None


def _in_objects(recorded_answer: dict[str, Any], ours: dict[str, Any], place: str) -> list[str]:
    missing = [f"{place}.{key}: missing in ours" for key in recorded_answer if key not in ours]
    extra = [f"{place}.{key}: only in ours" for key in ours if key not in recorded_answer]
    inner = [
        each
        for key in recorded_answer
        if key in ours
        for each in differences(recorded_answer[key], ours[key], f"{place}.{key}")
    ]
    return missing + extra + inner


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    names: dict[type, str] = {str: "text", dict: "object", list: "list"}
    return names[type(value)]
