"""Everything the demo says to the product, over HTTP, and to the simulators' control endpoints."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from demo.signing import signed_headers

PAGE = 500
TIMEOUT_S = 30
PUSHERS = 4


class Refused(Exception):
    """The product or a simulator said no; the text holds its own words."""


@dataclass(frozen=True, slots=True)
class API:
    """The product's API with the workspace's key."""

    base_url: str
    key: str
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The answer's body. Raises Refused."""
        answer = self.session.request(
            method,
            f"{self.base_url}/api/v1{path}",
            json=body,
            params=query,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=TIMEOUT_S,
        )
        return told(answer)

    def pages(self, path: str, name: str, *, limit: int = PAGE) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.call("GET", path, limit=limit, **cursor)
            yield from page[name]
            if not page["next"]:
                return
            cursor = {"cursor": page["next"]}

    def put(self, path: str, name: str, body: Any) -> Any:
        """Save a thing by the platform's own id."""
        return self.call("PUT", f"{path}/{quote(name, safe='')}", body)


@dataclass(frozen=True, slots=True)
class Control:
    """A simulator, asked what only its owner may ask."""

    app: str
    base_url: str

    def state(self) -> dict[str, Any]:
        """All that it holds."""
        return self._json("GET", "state")

    def seed(self, body: Mapping[str, Any]) -> None:
        """Put records in, as if they were there all along."""
        self._json("POST", "seed", body)

    def _json(self, method: str, name: str, body: Any = None) -> dict[str, Any]:
        address = f"{self.base_url}/__sim__/{name}"
        held: dict[str, Any] = told(requests.request(method, address, json=body, timeout=TIMEOUT_S))
        return held


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a push: the status, the time of the answer, and what was said."""

    status: int
    at: float
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hook:
    """The address at which a survey platform pushes, with its signing secret."""

    url: str
    secret: str
    _local: threading.local = field(default_factory=threading.local)

    def push(self, item: Mapping[str, Any], message_id: str, *, secret: str = "") -> Pushed:
        """Push one response as a signed message; `secret` for a forger's."""
        body = json.dumps(item, ensure_ascii=False).encode()
        headers = signed_headers(secret or self.secret, message_id, body, now_s=int(time.time()))
        answer = self._session().post(self.url, data=body, headers=headers, timeout=TIMEOUT_S)
        return Pushed(answer.status_code, time.time(), answer.json())

    def push_all(self, items: Sequence[Mapping[str, Any]], *, per_s: float) -> Iterator[Pushed]:
        """Push each item at that pace, several at a time; the answers in the items' order."""
        began = time.monotonic()

        def one(at: int) -> Pushed:
            time.sleep(max(0.0, began + at / per_s - time.monotonic()))
            return self.push(items[at], message_of(items[at]))

        with ThreadPoolExecutor(PUSHERS) as pool:
            yield from pool.map(one, range(len(items)))

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
        return session


def message_of(item: Mapping[str, Any]) -> str:
    """The id of the message that carries a response; a repeat carries the same one."""
    return f"msg_{item['response_id']}"


def consent(address: str) -> str:
    """Follow a consent page to the end, as a browser does; the last page's text."""
    answer = requests.get(address, timeout=TIMEOUT_S)
    if not answer.ok:
        raise Refused(answer.text)
    return answer.text


def told(answer: requests.Response) -> Any:
    """The JSON of an answer. Raises Refused with the answer's own words."""
    if not answer.ok:
        message = f"{answer.request.method} {answer.request.path_url}: {answer.text[:2000]}"
        raise Refused(message)
    return answer.json() if answer.content else None
