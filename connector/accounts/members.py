"""Who is a member of a workspace, as what; and no workspace is ever without an owner.

Whoever asks gives no more than they have: only an owner makes or unmakes owners, and the right
"account settings" is handed on by those who hold it. A changed or removed member signs in anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, text, update

from connector.access import ADJUSTABLE, Actor, Member, Right, Role, rights_of
from connector.problems import Code, Place, Refusal, not_found
from connector.tables import user_account
from schemas.phrases import phrase

Shown = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is, or is to be, in a workspace; `account_settings` None: as the role has it.

    A role that the right cannot be given to or taken from has it as it has it.
    """

    role: Role
    account_settings: bool | None = None

    @property
    def adjusted(self) -> bool | None:
        """What is kept beside the role: nothing where it says what the role says."""
        by_role = Right.SETTINGS in rights_of(self.role)
        is_other = self.account_settings is not None and self.account_settings != by_role
        return self.account_settings if is_other and self.role in ADJUSTABLE else None

    def may(self, right: Right) -> bool:
        """Whether one of this standing has the right."""
        return right in rights_of(self.role, account_settings=self.account_settings)


def listed(connection: Connection, workspace_id: int) -> list[Shown]:
    """Every member, by name: role, whether they have account settings, when they signed in last."""
    return [_shown(row) for row in connection.execute(LIST, {"w": workspace_id, "id": None})]


def one(connection: Connection, workspace_id: int, account_id: int) -> Shown:
    """One member. Raises Refusal(NOT_FOUND)."""
    row = connection.execute(LIST, {"w": workspace_id, "id": account_id}).one_or_none()
    if row is None:
        raise not_found()
    return _shown(row)


def change(
    connection: Connection,
    workspace_id: int,
    account_id: int,
    *,
    wanted: Standing,
    by: Actor | Member,
) -> Shown:
    """The member with another role or right; sessions end where that is news. A repeat does
    nothing.

    Refusal: not_found; conflict (`last_owner`); body_invalid (`beyond_own_power`, `has_it_anyway`).
    """
    present = _locked(connection, workspace_id, account_id)
    if (wanted.role, wanted.adjusted) == (present.role, present.adjusted):
        return one(connection, workspace_id, account_id)
    refuse_beyond(wanted, by=by, present=present)
    if present.role is Role.OWNER and wanted.role is not Role.OWNER:
        _refuse_last_owner(connection, workspace_id, account_id)
    connection.execute(
        update(user_account)
        .where(user_account.c.workspace_id == workspace_id, user_account.c.id == account_id)
        .values(role=wanted.role.value, account_settings=wanted.adjusted)
    )
    end_sessions(connection, workspace_id, account_id)
    return one(connection, workspace_id, account_id)


def remove(
    connection: Connection, workspace_id: int, account_id: int, *, by: Actor | Member
) -> None:
    """They see the workspace no more, and their sessions end. Refusal: not_found, conflict
    (`last_owner`), body_invalid (`beyond_own_power`).
    """
    present = _locked(connection, workspace_id, account_id)
    if present.role is Role.OWNER:
        _refuse_unless_owner(by)
        _refuse_last_owner(connection, workspace_id, account_id)
    end_sessions(connection, workspace_id, account_id)
    connection.execute(
        update(user_account)
        .where(user_account.c.workspace_id == workspace_id, user_account.c.id == account_id)
        .values(disabled_at=func.now(), account_settings=None)
    )


def end_sessions(connection: Connection, workspace_id: int, account_id: int) -> int:
    """End every session of a member, wherever they live; how many. Raises Refusal(NOT_FOUND)."""
    one(connection, workspace_id, account_id)
    ended = connection.execute(text("SELECT ab_end_sessions(:id)"), {"id": account_id})
    return int(ended.scalar_one())


def refuse_beyond(wanted: Standing, *, by: Actor | Member, present: Standing | None = None) -> None:
    """Nobody hands on more than they have. `present`: what the member is now; None for a new one.

    Refusal(BODY_INVALID) with the place `/role` or `/account_settings`.
    """
    if Role.OWNER in {wanted.role, present.role if present else None}:
        _refuse_unless_owner(by)
    had = present is not None and present.may(Right.SETTINGS)
    if wanted.may(Right.SETTINGS) and not had and not by.may(Right.SETTINGS):
        raise _beyond(pointer="/account_settings", told="only somebody who has this right gives it")
    asked = wanted.account_settings
    if asked is not None and wanted.role not in ADJUSTABLE and asked != wanted.may(Right.SETTINGS):
        told = phrase("the role %(value)s has this right as it has it", value=wanted.role.value)
        place = Place("/account_settings", "has_it_anyway", told)
        raise Refusal(Code.BODY_INVALID, places=[place])


def _locked(connection: Connection, workspace_id: int, account_id: int) -> Standing:
    """What the member is, as long as the transaction lasts.

    Every owner's row is locked with theirs, in one order: two owners who remove each other wait
    for each other.
    """
    asked = (
        select(user_account.c.id, user_account.c.role, user_account.c.account_settings)
        .where(
            user_account.c.workspace_id == workspace_id,
            (user_account.c.id == account_id) | (user_account.c.role == Role.OWNER.value),
            user_account.c.disabled_at.is_(None),
        )
        .order_by(user_account.c.id)
        .with_for_update()
    )
    found = {row.id: row for row in connection.execute(asked)}
    if account_id not in found:
        raise not_found()
    row = found[account_id]
    return Standing(Role(row.role), row.account_settings)


def _refuse_last_owner(connection: Connection, workspace_id: int, account_id: int) -> None:
    """One who can sign in has to be left."""
    others = connection.execute(
        select(func.count()).where(
            user_account.c.workspace_id == workspace_id,
            user_account.c.id != account_id,
            user_account.c.role == Role.OWNER.value,
            user_account.c.disabled_at.is_(None),
            user_account.c.person_id.is_not(None),
        )
    ).scalar_one()
    if not others:
        told = phrase("This is the last owner. Make somebody else an owner first.")
        place = Place("/role", "last_owner", phrase("this is the last owner"))
        raise Refusal(Code.CONFLICT, told, places=[place])


def _refuse_unless_owner(by: Actor | Member) -> None:
    if by.role is not Role.OWNER:
        raise _beyond(pointer="/role", told="only an owner makes or changes owners")


def _beyond(*, pointer: str, told: str) -> Refusal:
    return Refusal(Code.BODY_INVALID, places=[Place(pointer, "beyond_own_power", told)])


def _shown(row: Row[Any]) -> Shown:
    standing = Standing(Role(row.role), row.account_settings)
    return {
        **row._mapping,  # noqa: SLF001 - SQLAlchemy's own name for a row as a mapping
        "account_settings": standing.may(Right.SETTINGS),
        "is_adjusted": standing.adjusted is not None,
    }


LIST = text(
    """
    SELECT a.id, a.email, a.name, a.role, a.account_settings, a.created_at, m.signed_in_at,
           coalesce(m.has_codes, false) AS has_codes
      FROM user_account a LEFT JOIN ab_members() m ON m.account_id = a.id
     WHERE a.workspace_id = :w AND a.disabled_at IS NULL
       AND (cast(:id AS bigint) IS NULL OR a.id = :id)
     ORDER BY lower(a.name), a.id
    """
)
