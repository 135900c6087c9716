"""The second factor: one-time codes of an app on a phone (RFC 6238), and what replaces a lost one.

The secret is sealed by the keys of the workspace in which the person lives.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pyotp
from sqlalchemy import Connection, delete, func, insert, select, update

from connector.connections.keys import open_document, seal_document
from connector.connections.vault import Keyring, Place
from connector.problems import Code, Refusal
from connector.tables import person, recovery_code
from schemas.phrases import phrase

STEP_S, DIGITS = 30, 6
RECOVERY_CODES = 10
# Without signs that are mistaken for each other.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"


def begin(connection: Connection, keyring: Keyring, workspace_id: int, person_id: int) -> str:
    """A fresh secret, kept but not yet in force; base32, for the app on the phone.

    Refusal(CONFLICT) where codes are in force already: they are taken off first.
    """
    secret, seal_id = pyotp.random_base32(), uuid4()
    sealed = seal_document(
        connection, keyring, place=_place(workspace_id, seal_id), document={"secret": secret}
    )
    done = connection.execute(
        update(person)
        .where(
            person.c.workspace_id == workspace_id,
            person.c.id == person_id,
            person.c.codes_since.is_(None),
        )
        .values(seal_id=seal_id, sealed=sealed, code_step=None)
    )
    if done.rowcount != 1:
        raise Refusal(Code.CONFLICT, phrase("Codes are asked for already."))
    return secret


def pending_secret(
    connection: Connection, keyring: Keyring, workspace_id: int, person_id: int
) -> str | None:
    """The secret that waits for its first code; None where none does."""
    row = _row(connection, workspace_id, person_id)
    if row["sealed"] is None or row["codes_since"] is not None:
        return None
    return _secret(connection, keyring, workspace_id, row)


def address_of(secret: str, email: str) -> str:
    """What the QR code says to the app on the phone (otpauth://)."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name="Answerback")


def confirm(
    connection: Connection,
    keyring: Keyring,
    workspace_id: int,
    person_id: int,
    *,
    code: str,
    now: datetime,
) -> tuple[str, ...] | None:
    """Codes are in force from now on, when this one is right; the recovery codes, shown once."""
    if not _is_taken(connection, keyring, workspace_id, person_id, code=code, now=now):
        return None
    connection.execute(
        update(person)
        .where(person.c.workspace_id == workspace_id, person.c.id == person_id)
        .values(codes_since=func.now())
    )
    return _new_recovery_codes(connection, workspace_id, person_id)


def is_right(
    connection: Connection,
    keyring: Keyring,
    workspace_id: int,
    person_id: int,
    *,
    code: str,
    now: datetime,
) -> bool:
    """Whether this is the code of now, or a recovery code that nobody has used. It serves once."""
    plain = "".join(code.split()).lower()
    if plain.isascii() and plain.isdigit():
        return _is_taken(connection, keyring, workspace_id, person_id, code=plain, now=now)
    return _recovers(connection, workspace_id, person_id, plain.replace("-", ""))


def take_off(connection: Connection, workspace_id: int, person_id: int) -> None:
    """No code is asked for any more. A repeat does nothing."""
    connection.execute(
        update(person)
        .where(person.c.workspace_id == workspace_id, person.c.id == person_id)
        .values(seal_id=None, sealed=None, codes_since=None, code_step=None)
    )
    _forget_recovery_codes(connection, workspace_id, person_id)


def _is_taken(
    connection: Connection,
    keyring: Keyring,
    workspace_id: int,
    person_id: int,
    *,
    code: str,
    now: datetime,
) -> bool:
    """The code is right for this half minute, the one before or the next, and newer than the last
    that was taken.
    """
    row = _row(connection, workspace_id, person_id)
    if row["sealed"] is None:
        return False
    generator = pyotp.TOTP(_secret(connection, keyring, workspace_id, row))
    this = int(now.timestamp()) // STEP_S
    fits = [
        step
        for step in (this - 1, this, this + 1)
        if secrets.compare_digest(generator.at(step * STEP_S), code)
    ]
    if not fits:
        return False
    newer = person.c.code_step.is_(None) | (person.c.code_step < fits[-1])
    taken = connection.execute(
        update(person)
        .where(person.c.workspace_id == workspace_id, person.c.id == person_id, newer)
        .values(code_step=fits[-1])
    )
    return taken.rowcount == 1


def _recovers(connection: Connection, workspace_id: int, person_id: int, code: str) -> bool:
    used = connection.execute(
        update(recovery_code)
        .where(
            recovery_code.c.workspace_id == workspace_id,
            recovery_code.c.person_id == person_id,
            recovery_code.c.digest == _digest(code),
            recovery_code.c.used_at.is_(None),
        )
        .values(used_at=func.now())
    )
    return used.rowcount == 1


def _new_recovery_codes(
    connection: Connection, workspace_id: int, person_id: int
) -> tuple[str, ...]:
    _forget_recovery_codes(connection, workspace_id, person_id)
    codes = ["".join(secrets.choice(_SIGNS) for _ in range(12)) for _ in range(RECOVERY_CODES)]
    rows = [
        {"workspace_id": workspace_id, "person_id": person_id, "digest": _digest(one)}
        for one in codes
    ]
    connection.execute(insert(recovery_code), rows)
    return tuple(f"{one[:4]}-{one[4:8]}-{one[8:]}" for one in codes)


def _forget_recovery_codes(connection: Connection, workspace_id: int, person_id: int) -> None:
    connection.execute(
        delete(recovery_code).where(
            recovery_code.c.workspace_id == workspace_id, recovery_code.c.person_id == person_id
        )
    )


def _row(connection: Connection, workspace_id: int, person_id: int) -> Mapping[str, Any]:
    asked = select(person.c.seal_id, person.c.sealed, person.c.codes_since).where(
        person.c.workspace_id == workspace_id, person.c.id == person_id
    )
    return dict(connection.execute(asked).mappings().one())


def _secret(
    connection: Connection, keyring: Keyring, workspace_id: int, row: Mapping[str, Any]
) -> str:
    place = _place(workspace_id, row["seal_id"])
    return str(open_document(connection, keyring, place=place, sealed=row["sealed"])["secret"])


def _place(workspace_id: int, seal_id: UUID) -> Place:
    return Place(workspace_id=workspace_id, table="person", row_id=seal_id, column="sealed")


def _digest(code: str) -> bytes:
    # 31^12 is 59 bits from the system's random source: a plain hash is enough, guesses are counted.
    return hashlib.sha256(code.encode()).digest()
