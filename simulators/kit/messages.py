"""What a simulated CRM receives and answers: Request, Answer, Refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

JSON_TYPE = "application/json;charset=UTF-8"
HTML_TYPE = "text/html;charset=utf-8"


@dataclass(slots=True)
class Request:
    """One call. `headers` has lower-case names, `params` the named groups of the route, decoded.

    A handler says for the log what the call was: `kind` (preset by the route), `rows` (how many
    records it carried) and `token_id` (never the token itself).
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    params: Mapping[str, str] = field(default_factory=dict)
    kind: str = "other"
    rows: int = 0
    token_id: str | None = None

    def json(self) -> Any:
        """The body as JSON; an empty body is {}. Raises BadBody."""
        if not self.body:
            return {}
        try:
            return json.loads(self.body)
        except ValueError as exc:
            raise BadBody from exc

    def form(self) -> dict[str, str]:
        """The body as a form, one value for each name. Raises BadBody."""
        try:
            parsed = parse_qs(self.body.decode(), keep_blank_values=True)
        except ValueError as exc:
            raise BadBody from exc
        return {name: values[0] for name, values in parsed.items()}

    def asked(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def bearer(self) -> str | None:
        """The bearer token that was sent, None when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token else None


@dataclass(slots=True)
class Answer:
    """What goes back. `body`: bytes and text as they are, None is empty, anything else becomes
    JSON.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE

    def payload(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


class Refused(Exception):
    """Raised by a handler to end the call with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


class BadBody(Exception):
    """The request's body is not what its handler reads."""
