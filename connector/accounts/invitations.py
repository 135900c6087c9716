"""Letting somebody into a workspace by a link that serves once, within a week, for one address.

The link goes by mail where the operator has set a mail server; then whoever opens it has proved the
address. Elsewhere it is shown once to whoever invites, to hand over. Of its token only the SHA-256
is kept, and a new link makes the one before void.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Update, func, insert, select, text, update

from connector import audit
from connector.access import Actor, Member, Role
from connector.accounts import passwords, people, sessions
from connector.accounts.members import Standing, refuse_beyond
from connector.accounts.sessions import Session
from connector.accounts.sign_in import Visitor, begun
from connector.db import Database
from connector.problems import Code, Place, Refusal, not_found
from connector.settings import Environment
from connector.tables import member_invitation, user_account
from schemas.phrases import phrase
from schemas.secret import Secret

LIVES = timedelta(days=7)
_COLUMNS = (
    "id", "email", "role", "account_settings", "invited_by", "created_at", "expires_at", "letter",
    "error",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to be let in. `language`: of the letter. `by_mail`: a mail server is set."""

    email: str
    standing: Standing
    language: str
    by_mail: bool


@dataclass(frozen=True, slots=True)
class Made:
    """An open invitation. `token` is there where the link is handed over, at this one moment."""

    id: int
    email: str
    token: Secret | None


@dataclass(frozen=True, slots=True)
class Open:
    """An invitation that its link has opened. `is_known`: somebody signs in by this address."""

    workspace_id: int
    id: int
    workspace: str
    slug: str
    email: str
    standing: Standing
    inviter: str
    is_known: bool


def invite(
    connection: Connection, workspace_id: int, wanted: Wanted, *, by: Actor | Member
) -> Made:
    """Invite an address; an open invitation of it is replaced.

    Refusal(BODY_INVALID): `/email` (`invalid`, `is_member`), or more than the asker has.
    """
    address = people.checked_address(wanted.email)
    refuse_beyond(wanted.standing, by=by)
    _refuse_member(connection, workspace_id, address)
    _withdraw(connection, workspace_id, func.lower(member_invitation.c.email) == address.lower())
    token, link = _fresh(by_mail=wanted.by_mail)
    made = connection.execute(
        insert(member_invitation)
        .values(
            workspace_id=workspace_id,
            email=address,
            role=wanted.standing.role.value,
            account_settings=wanted.standing.adjusted,
            invited_by=by.name,
            language=wanted.language,
            **link,
        )
        .returning(member_invitation.c.id)
    )
    return Made(int(made.scalar_one()), address, token)


def again(connection: Connection, workspace_id: int, invitation_id: int, *, by_mail: bool) -> Made:
    """A new link, for another week; the one before is void. Raises Refusal(NOT_FOUND)."""
    token, link = _fresh(by_mail=by_mail)
    email = connection.execute(
        _open(workspace_id, member_invitation.c.id == invitation_id)
        .values(tries=0, error=None, **link)
        .returning(member_invitation.c.email)
    ).scalar_one_or_none()
    if email is None:
        raise not_found()
    return Made(invitation_id, str(email), token)


def withdraw(connection: Connection, workspace_id: int, invitation_id: int) -> None:
    """Its link opens nothing any more. Raises Refusal(NOT_FOUND)."""
    if not _withdraw(connection, workspace_id, member_invitation.c.id == invitation_id):
        raise not_found()


def listed(connection: Connection, workspace_id: int) -> list[Mapping[str, Any]]:
    """Every invitation that is open or has expired, the newest first; without its link."""
    asked = (
        select(
            *(member_invitation.c[name] for name in _COLUMNS),
            (member_invitation.c.expires_at <= func.now()).label("is_expired"),
        )
        .where(
            member_invitation.c.workspace_id == workspace_id,
            member_invitation.c.accepted_at.is_(None),
            member_invitation.c.withdrawn_at.is_(None),
        )
        .order_by(member_invitation.c.id.desc())
    )
    return [dict(row) for row in connection.execute(asked).mappings()]


def found(database: Database, token: str) -> Open | None:
    """What the link opens; None for one that is unknown, used, withdrawn, replaced or expired."""
    digest = sessions.digest_of(token)
    with database.across() as connection:
        place = connection.execute(
            text("SELECT workspace_id, id FROM ab_member_invitation(:digest)"), {"digest": digest}
        ).one_or_none()
    if place is None:
        return None
    with database.begin(place.workspace_id) as connection:
        row = connection.execute(OPEN, {"id": place.id, "digest": digest}).one_or_none()
    if row is None:
        return None
    return Open(
        workspace_id=place.workspace_id,
        id=place.id,
        workspace=row.workspace,
        slug=row.slug,
        email=row.email,
        standing=Standing(Role(row.role), row.account_settings),
        inviter=row.inviter or "",
        is_known=people.known(database, row.email) is not None,
    )


def accept_as_new(
    database: Database,
    environment: Environment,
    one: Open,
    *,
    name: str,
    password: Secret,
    visitor: Visitor,
) -> Secret:
    """Whoever was not known yet signs in from now on; the cookie of their first session.

    Refusal: body_invalid (`weak`), conflict (somebody signs in by this address by now), not_found
    (the link has just been used).
    """
    passwords.check(password, email=one.email)
    if people.known(database, one.email) is not None:
        told = phrase("Somebody signs in by this address already: sign in, then accept.")
        raise Refusal(Code.CONFLICT, told)
    hashed = passwords.hashed(environment, password)
    with database.begin(one.workspace_id) as connection:
        _use(connection, one)
        person_id = people.added(
            connection, one.workspace_id, one.email, name=name, password=hashed
        )
        let_in(connection, one, person_id, name=name, visitor=visitor)
        return begun(connection, one.workspace_id, person_id, visitor)


def accept_as_known(database: Database, one: Open, session: Session, *, visitor: Visitor) -> None:
    """A signed-in person becomes a member. Refusal: conflict where it is for another address,
    not_found where the link has just been used.
    """
    if session.email.casefold() != one.email.casefold():
        raise Refusal(Code.CONFLICT, phrase("This invitation is for somebody else."))
    with database.begin(one.workspace_id) as connection:
        _use(connection, one)
        let_in(connection, one, session.person_id, name=session.name, visitor=visitor)


def claimed(connection: Connection, workspace_id: int, invitation_id: int) -> Open:
    """An open invitation, used up: whoever comes has proved its address otherwise than by its link.
    Raises Refusal(NOT_FOUND) where it is over by now.
    """
    row = connection.execute(OPEN_BY_ID, {"id": invitation_id}).one_or_none()
    if row is None:
        raise not_found()
    one = Open(
        workspace_id=workspace_id,
        id=invitation_id,
        workspace=row.workspace,
        slug=row.slug,
        email=row.email,
        standing=Standing(Role(row.role), row.account_settings),
        inviter=row.inviter or "",
        is_known=False,
    )
    _use(connection, one)
    return one


def _use(connection: Connection, one: Open) -> None:
    """It serves once: of two at the same moment one finds nothing."""
    used = connection.execute(
        _open(
            one.workspace_id,
            member_invitation.c.id == one.id,
            member_invitation.c.expires_at > func.now(),
        ).values(accepted_at=func.now())
    )
    if used.rowcount != 1:
        raise not_found()


def let_in(
    connection: Connection, one: Open, person_id: int, *, name: str, visitor: Visitor
) -> None:
    """The person is a member from now on, with the audit entry."""
    account_id = people.joined(
        connection, one.workspace_id, person_id, email=one.email, name=name, standing=one.standing
    )
    audit.record(
        connection,
        one.workspace_id,
        actor=f"person:{person_id}",
        action="member.joined",
        object=f"user:{account_id}",
        detail={"invitation": one.id, "role": one.standing.role.value},
        address=visitor.address,
    )


def _fresh(*, by_mail: bool) -> tuple[Secret | None, dict[str, Any]]:
    """A new link's token, if it is handed over now, and what is kept of it. A letter makes its
    token when it is written.
    """
    expires_at = func.now() + LIVES
    if by_mail:
        kept: dict[str, Any] = {"digest": None, "letter": "waiting", "due_at": func.now()}
        return None, {**kept, "expires_at": expires_at}
    token = secrets.token_urlsafe(32)
    kept = {"digest": sessions.digest_of(token), "letter": "none", "due_at": None}
    return Secret(token), {**kept, "expires_at": expires_at}


def _refuse_member(connection: Connection, workspace_id: int, email: str) -> None:
    there = connection.execute(
        select(func.count()).where(
            user_account.c.workspace_id == workspace_id,
            func.lower(user_account.c.email) == email.lower(),
            user_account.c.disabled_at.is_(None),
            user_account.c.person_id.is_not(None),
        )
    ).scalar_one()
    if there:
        place = Place("/email", "is_member", phrase("this person is a member already"))
        raise Refusal(Code.BODY_INVALID, places=[place])


def _withdraw(connection: Connection, workspace_id: int, which: Any) -> bool:  # noqa: ANN401 - a condition
    done = connection.execute(
        _open(workspace_id, which).values(withdrawn_at=func.now(), digest=None, letter="none")
    )
    return done.rowcount > 0


def _open(workspace_id: int, *which: Any) -> Update:  # noqa: ANN401 - conditions
    """Nobody has accepted or withdrawn it; it may have expired."""
    return update(member_invitation).where(
        member_invitation.c.workspace_id == workspace_id,
        member_invitation.c.accepted_at.is_(None),
        member_invitation.c.withdrawn_at.is_(None),
        *which,
    )


OPEN = text(
    """
    SELECT w.name AS workspace, w.slug, i.email, i.role, i.account_settings,
           (SELECT a.name FROM user_account a WHERE i.invited_by = 'user:' || a.id) AS inviter
      FROM member_invitation i JOIN workspace w ON w.id = i.workspace_id
     WHERE i.id = :id AND i.digest = :digest AND i.accepted_at IS NULL AND i.withdrawn_at IS NULL
       AND i.expires_at > now()
    """
)
OPEN_BY_ID = text(OPEN.text.replace("AND i.digest = :digest", ""))
