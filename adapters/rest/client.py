"""One call to a described app: filled in, signed where the document says so, its answer judged."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import urlencode

import requests
import urllib3

from adapters.errors import BrokenContract, OutcomeUnknown, PauseMapping, ReconnectNeeded
from adapters.http import Wire, failure, origin_of, requests_session
from adapters.rest.judging import Answer, RowRefused, is_taken, refusal_of
from adapters.rest.templates import (
    JSON,
    Scope,
    Unfillable,
    as_text,
    filled,
    filled_headers,
    filled_path,
    filled_texts,
    picked,
)
from adapters.values import Account
from adapters.webhooks import STANDARD, is_key
from schemas.signatures import signed

Document = Mapping[str, Any]
MOST_PAGES = 50
# Any public host: every address is judged, and the call goes to no other.
ANYWHERE = "*"


class Client:
    """Calls to one account of the app."""

    def __init__(self, document: Document, account: Account, wire: Wire) -> None:
        self._document = document
        own = account.base_url or document["base_url"].format_map(account.settings)
        self._origin = origin_of(own)
        anywhere = ANYWHERE in document["hosts"]
        self._session = requests_session(wire, self._origin, judged=anywhere)
        self._base: Scope = {"settings": dict(account.settings), "token": account.token}

    def ask(self, request: Mapping[str, Any], scope: Scope | None = None) -> Answer:
        """A call that changes nothing. Raises AdapterError, RowRefused."""
        return self.send(request, scope or {}, writes=False)

    def send(
        self,
        request: Mapping[str, Any],
        scope: Scope,
        *,
        writes: bool = True,
        key: str = "",
        known: Sequence[str] = (),
    ) -> Answer:
        """One call. `key` is that of the row it is about, `known` the names of its fields.

        Raises AdapterError; RowRefused where the row alone is at fault; Unfillable where the
        values cannot be sent, and nothing was.
        """
        answer = self._answered(self.prepared(request, scope, writes=writes, key=key))
        if not is_taken(self._document, request.get("success"), answer):
            raise refusal_of(self._document, answer, writes=writes, known=known)
        return answer

    def prepared(
        self, request: Mapping[str, Any], scope: Scope, *, writes: bool = True, key: str = ""
    ) -> requests.Request:
        """The call as it would be sent. Raises Unfillable, ReconnectNeeded."""
        said = json.dumps(dict(scope), sort_keys=True, default=str).encode()
        at_s = int(time.time())
        # Not a part of what the message says: a repeat has the id of the first try.
        whole = {**self._base, "message_id": message_id(key, said), "now": _moment(at_s), **scope}
        body = filled(request["body"], whole) if "body" in request else None
        content = _encoded(body, request["encoding"])
        headers = {**self._document["headers"], **request.get("headers", {})}
        made = {**filled_headers(headers, whole), **_content_type(content, request["encoding"])}
        if writes and "sign" in self._document:
            made.update(self._signature(content or b"", whole, at_s))
        return requests.Request(
            request["method"],
            self._origin + filled_path(request["path"], whole),
            params=filled_texts(request.get("query", {}), whole),
            data=content,
            headers={"Accept": "application/json", **made},
        )

    def _signature(self, content: bytes, scope: Scope, at_s: int) -> Mapping[str, str]:
        secret = str(filled(self._document["sign"]["secret"], scope))
        if not is_key(secret):
            message = "the signing secret is not whsec_ and 24 to 64 bytes in base64"
            raise ReconnectNeeded(message, code="signing_secret_unfit")
        known = scope["message_id"]
        return signed(STANDARD, content, secrets=[secret], message_id=known, now_s=at_s)

    def _answered(self, request: requests.Request) -> Answer:
        try:
            answer = self._session.send(self._session.prepare_request(request))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise failure(exc) from exc
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, headers, _body(answer))

    # --- lists ------------------------------------------------------------------------------------

    def every(self, told: Mapping[str, Any], scope: Scope | None = None) -> Iterator[JSON]:
        """The items of a list, page by page. Raises as `ask` does, OutcomeUnknown where the answer
        holds no list, BrokenContract where it does not end.
        """
        page, seen = told.get("page"), 0
        at: dict[str, JSON] = {"cursor": None, "offset": 0, "number": 1}
        for number in range(1, MOST_PAGES + 1):
            at |= {"offset": seen, "number": number, "size": page["size"] if page else None}
            answer = self.ask(told["request"], {**(scope or {}), "page": at})
            items = self.list_in(told["each"], answer)
            yield from items
            seen += len(items)
            at["cursor"] = _next(page, answer)
            if page is None or _ends(page, items, at["cursor"]):
                return
        message = f"{self._document['label']}'s list does not end after {MOST_PAGES} pages"
        raise BrokenContract(message)

    def list_in(self, expression: str, answer: Answer) -> list[JSON]:
        """The list that an answer holds. Raises OutcomeUnknown where it holds none."""
        try:
            found = picked(expression, answer.scope)
        except Unfillable:
            found = None
        if not isinstance(found, list):
            self.unreadable("its answer holds no list")
        return found

    def unreadable(self, why: str) -> NoReturn:
        """The answer is not what the document says."""
        message = f"{self._document['label']}: {why}"
        raise OutcomeUnknown(message, code="answer_unreadable")

    def of_no_row(self, refused: RowRefused) -> PauseMapping | BrokenContract:
        """A call that speaks of no row was refused as if it did."""
        message = f"{self._document['label']} refused a call that speaks of no contact"
        if refused.means == "not_found":
            return PauseMapping(f"{message}: it is not there", code="not_there")
        return BrokenContract(message, code="bad_request")


def message_id(key: str, said: bytes) -> str:
    """The same for every try of one message, another when what it says has changed."""
    return "msg_" + hashlib.sha256(key.encode() + b"\0" + said).hexdigest()[:32]


def _moment(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _encoded(body: JSON, encoding: str) -> bytes | None:
    if body is None:
        return None
    if encoding == "form":
        # Not filled again: an answer may look like a template.
        plain = body if isinstance(body, dict) else {}
        return urlencode({name: as_text(value) for name, value in plain.items()}).encode()
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _content_type(content: bytes | None, encoding: str) -> Mapping[str, str]:
    if content is None:
        return {}
    form = "application/x-www-form-urlencoded"
    return {"Content-Type": form if encoding == "form" else "application/json"}


def _body(answer: requests.Response) -> JSON:
    """JSON where the answer says that it is, else its text; None for an empty or broken one."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return answer.content[:2_000].decode("utf-8", "replace") or None
    try:
        return json.loads(answer.content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(_name: str) -> NoReturn:
    raise ValueError


def _next(page: Mapping[str, Any] | None, answer: Answer) -> JSON:
    if page is None or "next" not in page:
        return None
    try:
        return picked(page["next"], answer.scope)
    except Unfillable:
        return None


def _ends(page: Mapping[str, Any], items: Sequence[JSON], cursor: JSON) -> bool:
    if page["by"] == "cursor":
        return cursor in (None, "", False)
    return len(items) < int(page["size"])
