"""A forgotten password: a link by mail that serves once, within an hour.

Whoever asks learns nothing: the answer, the work and the waiting are the same whether somebody has
the address or not, and the letter is sent by another process. A new password ends every session;
codes are asked for as before (ASVS 5.0, 6.4.3).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, text, update

from connector import audit
from connector.accounts import passwords, people, sessions, sign_in
from connector.accounts.sign_in import Visitor
from connector.db import Database
from connector.problems import not_found
from connector.settings import Environment
from connector.tables import password_reset
from schemas.secret import Secret

LIVES = timedelta(hours=1)
# So many may be asked for; then one waits, as after so many failed sign-ins.
FREE_BY_EMAIL, FREE_BY_ADDRESS = 3, 10


@dataclass(frozen=True, slots=True)
class Reset:
    """What a link has opened: whose password it is about."""

    home: int
    id: int
    person_id: int
    email: str


def ask(database: Database, *, email: str, language: str, visitor: Visitor) -> None:
    """A letter goes to this address, if somebody signs in by it with a password.

    Refusal(RATE_LIMITED) with Retry-After while one has to wait.
    """
    typed = email.strip()
    named = f"reset of {typed.casefold()}", f"resets from {visitor.address}"
    keys = tuple(hashlib.sha256(one.encode()).digest() for one in named)
    with database.across() as connection:
        sign_in.refuse_while_held(connection, keys)
        sign_in.count(connection, keys, free=(FREE_BY_EMAIL, FREE_BY_ADDRESS))
        connection.execute(
            text("SELECT ab_ask_reset(:email, :language, :lives)"),
            {"email": typed, "language": language, "lives": LIVES},
        )


def found(database: Database, token: str) -> Reset | None:
    """What the link opens; None for one that is unknown, used, replaced or expired."""
    digest = sessions.digest_of(token)
    with database.across() as connection:
        place = connection.execute(
            text("SELECT workspace_id, id FROM ab_password_reset(:digest)"), {"digest": digest}
        ).one_or_none()
    if place is None:
        return None
    with database.begin(place.workspace_id) as connection:
        row = connection.execute(OPEN, {"id": place.id, "digest": digest}).one_or_none()
    return Reset(place.workspace_id, place.id, row.person_id, row.email) if row else None


def choose(
    database: Database,
    environment: Environment,
    one: Reset,
    *,
    password: Secret,
    visitor: Visitor,
) -> None:
    """The new password; every session and every other link of the person ends.

    Refusal: body_invalid (`weak`), not_found (the link has just been used).
    """
    passwords.check(password, email=one.email)
    with database.begin(one.home) as connection:
        still = update(password_reset).where(
            password_reset.c.workspace_id == one.home,
            password_reset.c.person_id == one.person_id,
            password_reset.c.used_at.is_(None),
        )
        used = connection.execute(
            still.where(
                password_reset.c.id == one.id, password_reset.c.expires_at > func.now()
            ).values(used_at=func.now())
        )
        if used.rowcount != 1:
            raise not_found()
        connection.execute(still.values(used_at=func.now()))
        people.set_password(connection, environment, one.home, one.person_id, password=password)
        audit.record(
            connection,
            one.home,
            actor=f"person:{one.person_id}",
            action="person.password_reset",
            object=f"person:{one.person_id}",
            address=visitor.address,
        )
    # What guessing has held up is over with the password that was guessed.
    sign_in.forgive(database, one.email)


OPEN = text(
    """
    SELECT r.person_id, p.email FROM password_reset r JOIN person p ON p.id = r.person_id
     WHERE r.id = :id AND r.digest = :digest AND r.used_at IS NULL AND r.expires_at > now()
       AND p.disabled_at IS NULL
    """
)
