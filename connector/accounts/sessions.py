"""What a browser's cookie stands for: a session in the store, which can be ended at any moment.

Of the cookie's 256 random bits only the SHA-256 is kept. A session ends when nobody has used it for
half an hour, and twelve hours after it began in any case (ASVS 5.0, 7.3).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, update

from connector.access import Member, Role
from connector.db import Database
from connector.tables import web_session
from schemas.secret import Secret

IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)
SEEN_IS_NOTED_EVERY = timedelta(minutes=1)
MOST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Space:
    """A workspace as one of its members sees it in the bar above every page."""

    workspace_id: int
    slug: str
    name: str
    stage: str
    timezone: str
    paused: bool
    member: Member


@dataclass(frozen=True, slots=True)
class Session:
    """A person in a browser. `step` is `code` until the second factor was shown: then they may do
    nothing but show it. `home`: the workspace in which the person's own rows lie. `tour`: the stop
    of the tour of the pages at which they are, None for those who are on none.
    """

    id: int
    home: int
    person_id: int
    email: str
    name: str
    has_codes: bool
    step: str
    seen_at: datetime
    spaces: tuple[Space, ...]
    tour: str | None

    def space(self, slug: str) -> Space | None:
        """The workspace of that slug, if the person is a member."""
        return next((one for one in self.spaces if one.slug == slug), None)


def start(
    connection: Connection,
    home: int,
    person_id: int,
    *,
    step: str,
    address: str | None,
    agent: str,
) -> Secret:
    """A new session; what the cookie holds."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(web_session).values(
            workspace_id=home,
            person_id=person_id,
            digest=digest_of(token),
            step=step,
            address=address,
            agent=agent[:MOST_AGENT] or None,
            expires_at=func.now() + LONGEST,
        )
    )
    return Secret(token)


def find(database: Database, token: str, *, now: datetime) -> Session | None:
    """The session of this cookie, with every workspace the person is a member of; None: none, or
    it has ended. One question to the store, two when its use is noted.
    """
    with database.across() as connection:
        row = connection.execute(
            text("SELECT * FROM ab_session(:digest)"), {"digest": digest_of(token)}
        ).one_or_none()
    if row is None or _has_ended(row, now):
        return None
    if now - row.seen_at >= SEEN_IS_NOTED_EVERY:
        with database.begin(row.workspace_id) as connection:
            _note_use(connection, row.workspace_id, row.id)
    return _session(row)


def listed(connection: Connection, home: int, person_id: int) -> list[Mapping[str, Any]]:
    """The person's sessions that are alive, the newest use first."""
    columns = ("id", "address", "agent", "created_at", "seen_at")
    asked = select(*(web_session.c[name] for name in columns)).where(
        *_alive(home, person_id), web_session.c.seen_at > func.now() - IDLE
    )
    rows = connection.execute(asked.order_by(web_session.c.seen_at.desc()))
    return [dict(row) for row in rows.mappings()]


def end(connection: Connection, home: int, person_id: int, session_id: int) -> bool:
    """End one session of the person; whether it was alive. A repeat does nothing."""
    ended = connection.execute(
        update(web_session)
        .where(*_alive(home, person_id), web_session.c.id == session_id)
        .values(ended_at=func.now())
    )
    return ended.rowcount == 1


def end_all(connection: Connection, home: int, person_id: int, *, but: int | None = None) -> int:
    """End every session of the person, or all but one; how many."""
    ended = connection.execute(
        update(web_session)
        .where(*_alive(home, person_id), web_session.c.id != (but or 0))
        .values(ended_at=func.now())
    )
    return int(ended.rowcount)


def proof_of(token: str) -> str:
    """What a form of this session carries. Whoever knows it does not know the cookie."""
    return hmac.new(token.encode(), b"answerback form", hashlib.sha256).hexdigest()


def digest_of(token: str) -> bytes:
    """What is kept of a cookie."""
    return hashlib.sha256(token.encode()).digest()


def _has_ended(row: Any, now: datetime) -> bool:  # noqa: ANN401 - a row
    return bool(row.ended_at or row.expires_at <= now or row.seen_at + IDLE <= now)


def _alive(home: int, person_id: int) -> tuple[Any, ...]:
    return (
        web_session.c.workspace_id == home,
        web_session.c.person_id == person_id,
        web_session.c.ended_at.is_(None),
        web_session.c.expires_at > func.now(),
    )


def _note_use(connection: Connection, home: int, session_id: int) -> None:
    connection.execute(
        update(web_session)
        .where(web_session.c.workspace_id == home, web_session.c.id == session_id)
        .values(seen_at=func.now())
    )


def _session(row: Any) -> Session:  # noqa: ANN401 - a row
    return Session(
        id=row.id,
        home=row.workspace_id,
        person_id=row.person_id,
        email=row.email,
        name=row.name,
        has_codes=row.has_codes,
        step=row.step,
        seen_at=row.seen_at,
        spaces=tuple(_space(one) for one in row.member_of),
        tour=row.tour,
    )


def _space(one: Mapping[str, Any]) -> Space:
    return Space(
        workspace_id=one["workspace_id"],
        slug=one["slug"],
        name=one["name"],
        stage=one["stage"],
        timezone=one["timezone"],
        paused=one["paused"],
        member=Member(
            one["workspace_id"],
            one["account_id"],
            Role(one["role"]),
            one.get("account_settings"),
        ),
    )
