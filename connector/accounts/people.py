"""Who is a member of which workspace, and how they sign in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Connection, func, insert, select, text, update

from connector import audit
from connector.access import Role
from connector.accounts import passwords, sessions
from connector.db import Database
from connector.problems import Code, Place, Refusal
from connector.settings import Environment
from connector.tables import person, user_account
from schemas.secret import Secret

LONGEST_NAME = 200


def add(
    database: Database,
    environment: Environment,
    workspace_id: int,
    *,
    email: str,
    name: str,
    role: Role,
    password: Secret | None,
    actor: str,
) -> int:
    """Let somebody into the workspace, by an address and a password; the account's id.

    Whoever is a member elsewhere keeps their own password: `password` is None then, or refused
    (CONFLICT). A repeat changes the role and the name.
    """
    address = _address(email)
    with database.across() as connection:
        known = connection.execute(
            text("SELECT workspace_id, id, password FROM ab_person(:email)"), {"email": address}
        ).one_or_none()
    if known is None and password is None:
        place = Place("/password", "required", "whoever is new needs a password")
        raise Refusal(Code.BODY_INVALID, places=[place])
    if known is not None and known.workspace_id != workspace_id and password is not None:
        raise Refusal(
            Code.CONFLICT, "They sign in already, with a password of their own: give none."
        )
    if password is not None:
        passwords.check(password, email=address)
    with database.begin(workspace_id) as connection:
        person_id = known.id if known else _added(connection, workspace_id, address, name)
        if password is not None:
            set_password(connection, environment, workspace_id, person_id, password=password)
        account_id = _member(
            connection, workspace_id, person_id, email=address, name=name, role=role
        )
        audit.record(
            connection,
            workspace_id,
            actor=actor,
            action="person.added",
            object=f"user:{account_id}",
            detail={"role": role.value},
        )
    return account_id


def listed(connection: Connection, workspace_id: int) -> list[Mapping[str, Any]]:
    """Every member of the workspace, by name; without anything they sign in with."""
    columns = ("id", "email", "name", "role", "person_id", "created_at", "disabled_at")
    asked = select(*(user_account.c[one] for one in columns)).where(
        user_account.c.workspace_id == workspace_id
    )
    rows = connection.execute(asked.order_by(user_account.c.name, user_account.c.id))
    return [dict(row) for row in rows.mappings()]


def set_password(
    connection: Connection,
    environment: Environment,
    home: int,
    person_id: int,
    *,
    password: Secret,
    keep_session: int | None = None,
) -> None:
    """A new password; every session that was begun with the old one ends, but the one that is
    kept.
    """
    connection.execute(
        update(person)
        .where(person.c.workspace_id == home, person.c.id == person_id)
        .values(password=passwords.hashed(environment, password), password_at=func.now())
    )
    sessions.end_all(connection, home, person_id, but=keep_session)


def password_of(connection: Connection, home: int, person_id: int) -> str | None:
    """The hash that is kept of the person's password."""
    asked = select(person.c.password).where(person.c.workspace_id == home, person.c.id == person_id)
    kept: str | None = connection.execute(asked).scalar_one()
    return kept


def _added(connection: Connection, workspace_id: int, email: str, name: str) -> int:
    made = connection.execute(
        insert(person)
        .values(workspace_id=workspace_id, email=email, name=name[:LONGEST_NAME] or email)
        .returning(person.c.id)
    )
    return int(made.scalar_one())


def _member(
    connection: Connection, workspace_id: int, person_id: int, *, email: str, name: str, role: Role
) -> int:
    """The account of this address in the workspace: the one there is, or a new one."""
    values = {"person_id": person_id, "role": role.value, "disabled_at": None}
    if name:
        values["name"] = name[:LONGEST_NAME]
    there = connection.execute(
        update(user_account)
        .where(
            user_account.c.workspace_id == workspace_id,
            func.lower(user_account.c.email) == email.lower(),
        )
        .values(values)
        .returning(user_account.c.id)
    ).scalar_one_or_none()
    if there is not None:
        return int(there)
    made = connection.execute(
        insert(user_account)
        .values({"workspace_id": workspace_id, "email": email, "name": email} | values)
        .returning(user_account.c.id)
    )
    return int(made.scalar_one())


def _address(email: str) -> str:
    try:
        return validate_email(
            email.strip(), check_deliverability=False, test_environment=True
        ).normalized
    except EmailNotValidError as exc:
        place = Place("/email", "invalid", "this is not an e-mail address")
        raise Refusal(Code.BODY_INVALID, places=[place]) from exc
