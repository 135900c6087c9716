"""The address that leads a respondent on: the same for a response however often it is edited.

    /go/<workspace>/<source>/<token>/<response id>

The token is the source's own, which a survey platform puts into its last page beside its word for
the response; or the response's own, as our API tells it and a mapping may write it to a CRM. What
comes with the source's token can be guessed by whoever has answered, so it leads on for three days
only.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Row, select, text

from adapters.base import ReviewTaker
from adapters.errors import AdapterError, TokenExpired
from connector.connections import keys
from connector.connections.at_rate import adapter_at
from connector.connections.desk import Desk
from connector.connections.tokens import Reached, reach
from connector.log import get_logger
from connector.problems import not_found
from connector.responses.intake import FROM_API
from connector.responses.leading import CONNECTION, REDIRECT, URL
from connector.tables import hook_source

PURPOSE = b"answerback redirect"
TOKEN_BYTES = 18
OPEN_TO_GUESSES = timedelta(days=3)
PLACE = "{response_id}"
# A browser waits for the link.
LONGEST_S = 5.0
# How the platform's response is called in the template of a source's address.
_HOOK = "hook:"


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the addresses of one workspace; `key` is its own and never leaves us."""

    public_url: str
    workspace_id: int
    key: bytes

    def of_response(self, source: str, response_id: str) -> str:
        """The address of one response."""
        return self._at(source, self.token(source, response_id), quote(response_id, safe=""))

    def of_source(self, source: str) -> str:
        """The template for a platform's last page."""
        return self._at(source, self.token(source, None), PLACE)

    def token(self, source: str, response_id: str | None) -> str:
        """What proves that we have made the address."""
        said = source if response_id is None else f"{source}\x00{response_id}"
        made = hmac.digest(self.key, said.encode(), "sha256")[:TOKEN_BYTES]
        return base64.urlsafe_b64encode(made).decode()

    def _at(self, source: str, token: str, last: str) -> str:
        return f"{self.public_url}/go/{self.workspace_id}/{_shown(source)}/{token}/{last}"


@dataclass(frozen=True, slots=True)
class Led:
    """Where to: `url`, or None; `waits`: the response is not here or not planned yet."""

    url: str | None = None
    waits: bool = False


def links_of(connection: Connection, desk: Desk, workspace_id: int) -> Links:
    """The workspace's addresses."""
    key = keys.subkey(connection, desk.keyring, workspace_id, purpose=PURPOSE)
    return Links(desk.public_url, workspace_id, key)


def listed(connection: Connection, desk: Desk, workspace_id: int) -> list[dict[str, Any]]:
    """The template of every source, pushes by the API first."""
    links = links_of(connection, desk, workspace_id)
    named = select(hook_source.c.id, hook_source.c.name).where(
        hook_source.c.workspace_id == workspace_id
    )
    rows = connection.execute(named.order_by(hook_source.c.name)).all()
    sources = [(FROM_API, FROM_API), *((f"{_HOOK}{row.id}", row.name) for row in rows)]
    return [{"source": key, "name": name, "url": links.of_source(key)} for key, name in sources]


def of_response(
    connection: Connection, desk: Desk, workspace_id: int, *, response_id: str
) -> list[dict[str, Any]]:
    """The address of a response, one for each source that has told of it. Refusal(NOT_FOUND)."""
    rows = _newest(connection, workspace_id, response_id)
    if not rows:
        raise not_found()
    links = links_of(connection, desk, workspace_id)
    return [
        {
            "source": row.source,
            "url": links.of_response(row.source, response_id),
            "planned": row.planned_at is not None,
            "leads_to": _target(row),
        }
        for row in rows
    ]


def led(desk: Desk, workspace_id: int, *, source: str, token: str, response_id: str) -> Led:
    """Where this address leads now. Refusal(NOT_FOUND) for one that we have not made."""
    source = _stored(source)
    with desk.database.begin(workspace_id) as connection:
        key = keys.known_subkey(connection, desk.keyring, workspace_id, purpose=PURPOSE)
        links = Links(desk.public_url, workspace_id, key or b"")
        by_source = key and hmac.compare_digest(token, links.token(source, None))
        by_response = key and hmac.compare_digest(token, links.token(source, response_id))
        if not (by_source or by_response):
            raise not_found()
        rows = _newest(connection, workspace_id, response_id)
        row = next((one for one in rows if one.source == source), None)
    if row is None or row.planned_at is None:
        return Led(waits=True)
    if not by_response and row.age > OPEN_TO_GUESSES:
        return Led()
    return Led(_url(desk, workspace_id, row))


def _newest(connection: Connection, workspace_id: int, response_id: str) -> Sequence[Row[Any]]:
    """The newest version of the response, one for each source."""
    options = {"w": workspace_id, "id": response_id}
    return connection.execute(NEWEST, options).all()


NEWEST = text(
    """
    SELECT DISTINCT ON (source) source, response_id, planned_at, verdicts, body,
           now() - received_at AS age
      FROM response WHERE workspace_id = :w AND response_id = :id
     ORDER BY source, revision DESC, id DESC
    """
)


def _target(row: Row[Any]) -> str | None:
    target = (row.verdicts or {}).get(REDIRECT)
    return str(target) if target else None


def _url(desk: Desk, workspace_id: int, row: Row[Any]) -> str | None:
    target = _target(row) or ""
    if target.startswith(URL):
        return target.removeprefix(URL)
    if not target.startswith(CONNECTION):
        return None
    number = int(target.removeprefix(CONNECTION))
    try:
        return _review_link(desk, workspace_id, number, row)
    except AdapterError as exc:
        # The respondent is thanked all the same; the connection says what it needs.
        get_logger(__name__).warning("redirect_failed", connection_id=number, code=exc.code)
        return None


def _review_link(desk: Desk, workspace_id: int, connection_id: int, row: Row[Any]) -> str | None:
    """None for a respondent without an address: the link is for a person."""
    respondent = row.body.get("respondent") or {}
    if not respondent.get("email"):
        return None
    reached = reach(desk, workspace_id, connection_id)
    try:
        return _made(desk, reached, row)
    except TokenExpired:
        again = reach(desk, workspace_id, connection_id, seen_version=reached.version)
        return _made(desk, again, row)


def _made(desk: Desk, reached: Reached, row: Row[Any]) -> str | None:
    respondent = row.body["respondent"]
    crm = adapter_at(desk, reached, total_s=LONGEST_S)
    if not isinstance(crm, ReviewTaker):
        return None
    return crm.review_link(
        reference=row.response_id,
        email=respondent["email"],
        name=str(respondent.get("name") or ""),
    )


def _shown(source: str) -> str:
    return source.replace(":", "-")


def _stored(source: str) -> str:
    return source.replace("-", ":", 1)
