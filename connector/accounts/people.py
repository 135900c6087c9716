"""People who sign in: let in by an address and a password, or by a link."""

from __future__ import annotations

from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Connection, Row, func, insert, select, text, update

from connector import audit
from connector.access import Role
from connector.accounts import passwords, sessions
from connector.accounts.members import Standing
from connector.db import Database
from connector.problems import Code, Place, Refusal
from connector.settings import Environment
from connector.tables import person, user_account
from schemas.phrases import phrase
from schemas.secret import Secret

LONGEST_NAME = 200
# The stop at which the tour of the pages begins.
TOUR_BEGINS = "home"


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
    address = checked_address(email)
    there = known(database, address)
    if there is None and password is None:
        place = Place("/password", "required", phrase("whoever is new needs a password"))
        raise Refusal(Code.BODY_INVALID, places=[place])
    if there is not None and there.workspace_id != workspace_id and password is not None:
        raise Refusal(
            Code.CONFLICT, phrase("They sign in already, with a password of their own: give none.")
        )
    if password is not None:
        passwords.check(password, email=address)
    with database.begin(workspace_id) as connection:
        person_id = there.id if there else added(connection, workspace_id, address, name=name)
        if password is not None:
            set_password(connection, environment, workspace_id, person_id, password=password)
        account_id = _member(
            connection,
            workspace_id,
            person_id,
            email=address,
            name=name,
            standing=Standing(role),
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


def keep_tour(connection: Connection, home: int, person_id: int, *, stop: str | None) -> None:
    """Where the person is in the tour of the pages; None: it is over."""
    connection.execute(
        update(person)
        .where(person.c.workspace_id == home, person.c.id == person_id)
        .values(tour=stop)
    )


def password_of(connection: Connection, home: int, person_id: int) -> str | None:
    """The hash that is kept of the person's password."""
    asked = select(person.c.password).where(person.c.workspace_id == home, person.c.id == person_id)
    kept: str | None = connection.execute(asked).scalar_one()
    return kept


def known(database: Database, email: str) -> Row[Any] | None:
    """Who signs in by this address, wherever they live."""
    with database.across() as connection:
        return connection.execute(
            text("SELECT * FROM ab_person(:email)"), {"email": email}
        ).one_or_none()


def added(
    connection: Connection, workspace_id: int, email: str, *, name: str, password: str | None = None
) -> int:
    """A person who lives in this workspace from now on. `password`: its hash; None: they have none
    yet, or sign in by a provider.
    """
    made = connection.execute(
        insert(person)
        .values(
            workspace_id=workspace_id,
            email=email,
            name=name.strip()[:LONGEST_NAME] or email,
            password=password,
            password_at=func.now() if password else None,
            tour=TOUR_BEGINS,
        )
        .returning(person.c.id)
    )
    return int(made.scalar_one())


def joined(
    connection: Connection,
    workspace_id: int,
    person_id: int,
    *,
    email: str,
    name: str,
    standing: Standing,
) -> int:
    """The account of somebody who has accepted an invitation. Who is a member already, by whatever
    way, stays what they are.
    """
    there = connection.execute(
        select(user_account.c.id).where(
            user_account.c.workspace_id == workspace_id,
            func.lower(user_account.c.email) == email.lower(),
            user_account.c.disabled_at.is_(None),
            user_account.c.person_id == person_id,
        )
    ).scalar_one_or_none()
    if there is not None:
        return int(there)
    return _member(connection, workspace_id, person_id, email=email, name=name, standing=standing)


def _member(
    connection: Connection,
    workspace_id: int,
    person_id: int,
    *,
    email: str,
    name: str,
    standing: Standing,
) -> int:
    """The account of this address in the workspace: the one there is, or a new one."""
    values = {
        "person_id": person_id,
        "role": standing.role.value,
        "account_settings": standing.adjusted,
        "disabled_at": None,
    }
    if name.strip():
        values["name"] = name.strip()[:LONGEST_NAME]
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


def checked_address(email: str) -> str:
    """The address as it is kept. Raises Refusal(BODY_INVALID) with the place `/email`."""
    try:
        return validate_email(
            email.strip(), check_deliverability=False, test_environment=True
        ).normalized
    except EmailNotValidError as exc:
        place = Place("/email", "invalid", phrase("this is not an e-mail address"))
        raise Refusal(Code.BODY_INVALID, places=[place]) from exc
