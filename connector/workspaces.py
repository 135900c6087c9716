"""Workspaces, their first owner, their API keys: made by the operator, changed by owners."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, func, select, text, update
from sqlalchemy.exc import IntegrityError

from connector import audit, clock
from connector.access import RIGHTS, Role, Scope
from connector.db import Database
from connector.keys import FreshKey, fresh_key
from connector.problems import Code, Place, Refusal, not_found
from connector.tables import api_key, user_account, workspace
from schemas.phrases import phrase

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
EVERY_SCOPE = tuple(scope.value for scope in Scope)
MOST_ACTORS = 200
# What a key needs that only tries out: push, and see what would have become of it.
TEST_SCOPES = (Scope.RESPONSES_TEST.value, Scope.RESPONSES_READ.value)


@dataclass(frozen=True, slots=True)
class Founded:
    """A new workspace with its first key, which is shown this once."""

    workspace_id: int
    key: FreshKey


def found(
    database: Database,
    *,
    slug: str,
    name: str,
    owner_email: str,
    stage: str = "development",
    country: str | None = None,
    timezone: str = "UTC",
) -> Founded:
    """Make a workspace, its owner and a key with every scope. Raises Refusal(NAME_TAKEN)."""
    if not SLUG.fullmatch(slug):
        raise Refusal(
            Code.REQUEST_INVALID, phrase("The slug has small letters, digits and dashes only.")
        )
    workspace_id = _next_id(database)
    with database.begin(workspace_id) as connection:
        values = {"id": workspace_id, "slug": slug, "name": name, "stage": stage}
        values |= {"country": country, "timezone": timezone}
        _insert_or_taken(connection, workspace.insert().values(values), "workspace")
        connection.execute(
            user_account.insert().values(
                workspace_id=workspace_id, email=owner_email, name=owner_email, role=Role.OWNER
            )
        )
        key = add_key(
            connection, workspace_id, name="first key", role=Role.OWNER, scopes=EVERY_SCOPE
        )[1]
        audit.record(
            connection,
            workspace_id,
            actor="operator",
            action="workspace.created",
            object=f"workspace:{workspace_id}",
            detail={"slug": slug, "stage": stage, "key": key.public_id},
        )
    return Founded(workspace_id, key)


def listed(database: Database) -> list[Mapping[str, Any]]:
    """Every workspace of the installation: id, slug, name and stage. For the operator."""
    with database.across() as connection:
        return [
            dict(row)
            for row in connection.execute(text("SELECT * FROM ab_workspaces()")).mappings()
        ]


def by_slug(database: Database, slug: str) -> int:
    """The id of the workspace with that slug. Raises Refusal(NOT_FOUND)."""
    for one in listed(database):
        if one["slug"] == slug:
            return int(one["id"])
    raise Refusal(Code.NOT_FOUND, phrase("There is no workspace with that slug."))


def read(connection: Connection, workspace_id: int) -> Mapping[str, Any]:
    """The workspace's own row."""
    row = connection.execute(select(workspace).where(workspace.c.id == workspace_id))
    return dict(row.mappings().one())


def change(
    connection: Connection, workspace_id: int, changes: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Change name, timezone, country or settings; the row afterwards."""
    if changes:
        connection.execute(
            update(workspace).where(workspace.c.id == workspace_id).values(dict(changes))
        )
    return read(connection, workspace_id)


def pause(connection: Connection, workspace_id: int) -> Mapping[str, Any]:
    """Nothing is delivered until it is resumed; pushes are still taken. A repeat does nothing."""
    paused_at = func.coalesce(workspace.c.paused_at, func.now())
    connection.execute(
        update(workspace).where(workspace.c.id == workspace_id).values(paused_at=paused_at)
    )
    return read(connection, workspace_id)


def resume(connection: Connection, workspace_id: int) -> Mapping[str, Any]:
    """What waited is delivered again, in order. A repeat does nothing."""
    connection.execute(
        update(workspace).where(workspace.c.id == workspace_id).values(paused_at=None)
    )
    return read(connection, workspace_id)


def keys(connection: Connection, workspace_id: int) -> list[Mapping[str, Any]]:
    """Every key of the workspace, newest first, without its digest."""
    columns = [column for column in api_key.c if column.name != "digest"]
    rows = connection.execute(
        select(*columns).where(api_key.c.workspace_id == workspace_id).order_by(api_key.c.id.desc())
    )
    return [dict(row) for row in rows.mappings()]


def add_key(
    connection: Connection,
    workspace_id: int,
    *,
    name: str,
    role: Role,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
) -> tuple[int, FreshKey]:
    """Make a key; its id and the key itself, which cannot be read again."""
    if expires_at is not None and expires_at <= clock.now():
        place = Place("/expires_at", "past", phrase("must lie in the future"))
        raise Refusal(Code.BODY_INVALID, places=[place])
    scopes = set(scopes)
    may_push, may_test = (
        one.value in scopes for one in (Scope.RESPONSES_PUSH, Scope.RESPONSES_TEST)
    )
    key = fresh_key(test=may_test and not may_push)
    made = connection.execute(
        api_key.insert()
        .values(
            workspace_id=workspace_id,
            public_id=key.public_id,
            digest=key.digest,
            name=name,
            role=role.value,
            scopes=sorted(scopes),
            expires_at=expires_at,
        )
        .returning(api_key.c.id)
    )
    return int(made.scalar_one()), key


def refuse_beyond(
    role: Role, scopes: Sequence[str], *, holder: Role, held: Collection[str]
) -> None:
    """Nobody hands on more than they hold: else a narrow key could make itself a wide one.

    Raises Refusal(BODY_INVALID) naming each role and scope that the holder has not.
    """
    faults = []
    if not RIGHTS[role] <= RIGHTS[holder]:
        faults.append(("/role", "is a role with more rights than the asking key has"))
    for number, scope in enumerate(scopes):
        if scope not in EVERY_SCOPE:
            faults.append((f"/scopes/{number}", "is no scope"))
        elif scope not in held:
            faults.append((f"/scopes/{number}", "is a scope that the asking key has not"))
    if faults:
        places = [Place(pointer, "beyond_own_power", text) for pointer, text in faults]
        raise Refusal(Code.BODY_INVALID, places=places)


def revoke_key(connection: Connection, workspace_id: int, key_id: int) -> None:
    """The key is refused from now on. A repeat does nothing. Raises Refusal(NOT_FOUND)."""
    revoked_at = func.coalesce(api_key.c.revoked_at, func.now())
    done = connection.execute(
        update(api_key)
        .where(api_key.c.workspace_id == workspace_id, api_key.c.id == key_id)
        .values(revoked_at=revoked_at)
    )
    if done.rowcount != 1:
        raise not_found()


def actors(connection: Connection, workspace_id: int) -> dict[str, str]:
    """Who may stand in the audit log, as it names them, and what people call them: members, as such
    and as the person who signs in, then keys; the newest MOST_ACTORS of each.
    """
    rows = connection.execute(ACTORS, {"w": workspace_id, "most": MOST_ACTORS})
    return {row.actor: row.name for row in rows}


def _next_id(database: Database) -> int:
    """The id is drawn first: row-level security lets nobody insert a workspace from outside it."""
    with database.across() as connection:
        drawn = connection.execute(
            text("SELECT nextval(pg_get_serial_sequence('workspace', 'id'))")
        )
        return int(drawn.scalar_one())


def _insert_or_taken(connection: Connection, statement: Insert, what: str) -> None:
    try:
        connection.execute(statement)
    except IntegrityError as exc:
        raise Refusal(Code.NAME_TAKEN, f"There is a {what} of that name already.") from exc


ACTORS = text(
    """
    (SELECT 'user:' || id AS actor, coalesce(nullif(name, ''), email) AS name FROM user_account
      WHERE workspace_id = :w ORDER BY id DESC LIMIT :most)
    UNION ALL
    (SELECT 'person:' || person_id, coalesce(nullif(name, ''), email) FROM user_account
      WHERE workspace_id = :w AND person_id IS NOT NULL ORDER BY id DESC LIMIT :most)
    UNION ALL
    (SELECT 'key:' || public_id, name FROM api_key
      WHERE workspace_id = :w ORDER BY id DESC LIMIT :most)
    """
)
