"""An address and a password become a session. Guessing is held up, and learns nothing.

An unknown address is answered as a wrong password is, after the same work. Failures are counted in
the store, for the address that was typed and for the network address: after five (or twenty) one
waits 30 s, doubled with every further failure up to 15 minutes. Nothing is locked for ever.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, text, update

from connector import audit
from connector.accounts import codes, passwords, sessions
from connector.accounts.sessions import Session
from connector.connections.vault import Keyring
from connector.db import Database
from connector.log import get_logger
from connector.problems import Code, Refusal
from connector.settings import Environment
from connector.tables import person
from schemas.phrases import phrase
from schemas.secret import Secret

FREE_BY_EMAIL, FREE_BY_ADDRESS = 5, 20
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from."""

    address: str | None
    agent: str


def sign_in(
    database: Database,
    environment: Environment,
    *,
    email: str,
    password: Secret,
    visitor: Visitor,
) -> tuple[Secret, bool]:
    """What the cookie holds, and whether a one-time code is to be asked for now.

    Refusal SIGN_IN_REFUSED, or RATE_LIMITED with Retry-After while one has to wait.
    """
    keys = _keys(email, visitor)
    with database.across() as connection:
        refuse_while_held(connection, keys)
        row = connection.execute(
            text("SELECT * FROM ab_person(:email)"), {"email": email.strip()}
        ).one_or_none()
    is_right = passwords.is_right(environment, row.password if row else None, password)
    if row is None or row.disabled or not is_right:
        _count_failure(database, keys)
        _tell(database, row, visitor)
        raise Refusal(Code.SIGN_IN_REFUSED)
    _forgive(database, keys[:1])
    with database.begin(row.workspace_id) as connection:
        return entered(connection, row.workspace_id, row.id, visitor, has_codes=row.has_codes)


def entered(
    connection: Connection, home: int, person_id: int, visitor: Visitor, *, has_codes: bool
) -> tuple[Secret, bool]:
    """What the cookie of somebody holds whose first factor is right, and whether a code is to be
    asked for now.
    """
    if not has_codes:
        return begun(connection, home, person_id, visitor), False
    token = sessions.start(
        connection, home, person_id, step="code", address=visitor.address, agent=visitor.agent
    )
    return token, True


def begun(connection: Connection, home: int, person_id: int, visitor: Visitor) -> Secret:
    """The cookie of a full session, which has just begun."""
    token = sessions.start(
        connection, home, person_id, step="full", address=visitor.address, agent=visitor.agent
    )
    _signed_in(connection, home, person_id, visitor)
    return token


def show_code(
    database: Database,
    keyring: Keyring,
    session: Session,
    *,
    code: str,
    visitor: Visitor,
    now: datetime,
) -> Secret:
    """The cookie of the full session that takes the place of the one that waited for the code.

    Refusal SIGN_IN_REFUSED, or RATE_LIMITED with Retry-After.
    """
    keys = _keys(f"code of {session.person_id}", visitor)
    with database.across() as connection:
        refuse_while_held(connection, keys)
    with database.begin(session.home) as connection:
        is_right = codes.is_right(
            connection, keyring, session.home, session.person_id, code=code, now=now
        )
        if is_right:
            return _promoted(connection, session, visitor)
    _count_failure(database, keys)
    raise Refusal(Code.SIGN_IN_REFUSED, phrase("The code is not right, or it was used already."))


def _promoted(connection: Connection, session: Session, visitor: Visitor) -> Secret:
    """A new cookie: the one that was there before the code proves less."""
    sessions.end(connection, session.home, session.person_id, session.id)
    return begun(connection, session.home, session.person_id, visitor)


def _signed_in(connection: Connection, home: int, person_id: int, visitor: Visitor) -> None:
    connection.execute(
        update(person)
        .where(person.c.workspace_id == home, person.c.id == person_id)
        .values(signed_in_at=func.now())
    )
    audit.record(
        connection,
        home,
        actor=f"person:{person_id}",
        action="person.signed_in",
        object=f"person:{person_id}",
        address=visitor.address,
    )


def _tell(database: Database, row: Any, visitor: Visitor) -> None:  # noqa: ANN401 - a row
    """A failure at a known address is a security event of the workspace; of others there is only a
    line in the log.
    """
    if row is None:
        log.warning("sign_in_refused")
        return
    with database.begin(row.workspace_id) as connection:
        audit.record(
            connection,
            row.workspace_id,
            actor="anonymous",
            action="person.sign_in_refused",
            object=f"person:{row.id}",
            address=visitor.address,
        )


def _keys(email: str, visitor: Visitor) -> tuple[bytes, bytes]:
    named = f"email:{email.strip().casefold()}", f"address:{visitor.address}"
    return hashlib.sha256(named[0].encode()).digest(), hashlib.sha256(named[1].encode()).digest()


def refuse_while_held(connection: Connection, keys: tuple[bytes, ...]) -> None:
    """Refusal(RATE_LIMITED) with Retry-After while one of the keys has to wait."""
    wait_s = connection.execute(
        text("SELECT ab_sign_in_held(:keys)"), {"keys": list(keys)}
    ).scalar_one()
    if wait_s:
        detail = phrase("Too many attempts have failed. Wait a while, then try again.")
        raise Refusal(Code.RATE_LIMITED, detail, headers={"Retry-After": str(wait_s)})


def _count_failure(database: Database, keys: tuple[bytes, bytes]) -> None:
    with database.across() as connection:
        count(connection, keys, free=(FREE_BY_EMAIL, FREE_BY_ADDRESS))


def count(connection: Connection, keys: tuple[bytes, ...], *, free: tuple[int, ...]) -> None:
    """Count one more for each key; after as many as are free it has to wait."""
    for key, most in zip(keys, free, strict=True):
        connection.execute(
            text("SELECT ab_sign_in_failed(:key, :free)"), {"key": key, "free": most}
        )


def forgive(database: Database, email: str) -> None:
    """What was counted for this address is forgotten."""
    _forgive(database, _keys(email, Visitor(None, ""))[:1])


def _forgive(database: Database, keys: tuple[bytes, ...]) -> None:
    with database.across() as connection:
        for key in keys:
            connection.execute(text("SELECT ab_sign_in_good(:key)"), {"key": key})
