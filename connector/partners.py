"""Partners: keys of other workspaces that a workspace has let in, and may shut out at any moment.

A partner's key acts in the workspace that the header `Answerback-Workspace` names, if that one has
granted it. What it may do there is what both its own role and scopes and the grant's allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from connector import clock
from connector.access import Actor, Role
from connector.db import Database
from connector.keys import USE_IS_NOTED_EVERY
from connector.problems import Code, Place, Refusal, not_found
from connector.tables import partner_grant, workspace
from schemas.phrases import phrase

HEADER = "Answerback-Workspace"
PUBLIC_ID = re.compile(r"[0-9A-Za-z]{8}")
# From the least to the most.
_RANKS = (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER)


def inside(database: Database, key: Actor, slug: str) -> Actor:
    """The key as it acts in the workspace of that slug. Raises Refusal(NOT_FOUND), the same where
    there is no such workspace as where it has not granted the key.
    """
    # No slug is longer, or has other signs: what PostgreSQL cannot store is not asked for.
    if not re.fullmatch(r"[a-z0-9-]{1,63}", slug):
        raise _not_let_in()
    with database.across() as connection:
        asked = text("SELECT * FROM ab_grant(:key, :slug)")
        row = connection.execute(asked, {"key": key.public_id, "slug": slug}).one_or_none()
    if row is None:
        if _is_own(database, key, slug):
            return key
        raise _not_let_in()
    if row.last_used_at is None or clock.now() - row.last_used_at >= USE_IS_NOTED_EVERY:
        _note_use(database, row.workspace_id, row.id)
    role = min(key.role, Role(row.role), key=_RANKS.index)
    scopes = key.scopes & frozenset(row.scopes)
    return replace(
        key, workspace_id=row.workspace_id, role=role, scopes=scopes, grant_id=int(row.id)
    )


def granted_to(database: Database, public_id: str) -> list[Mapping[str, Any]]:
    """The workspaces that have let the key in, by slug."""
    with database.across() as connection:
        rows = connection.execute(text("SELECT * FROM ab_granted(:key)"), {"key": public_id})
        return [dict(row) for row in rows.mappings()]


def grant(
    connection: Connection,
    workspace_id: int,
    *,
    key: str,
    name: str,
    role: Role,
    scopes: Iterable[str],
    granted_by: str,
) -> int:
    """Let a key of another workspace in; the grant's id. Raises Refusal(BODY_INVALID) where there
    is no such key, Refusal(CONFLICT) where it is let in already.
    """
    _check_key(connection, workspace_id, key)
    values = {
        "workspace_id": workspace_id,
        "public_id": key,
        "name": name,
        "role": role.value,
        "scopes": sorted(set(scopes)),
        "granted_by": granted_by,
    }
    statement = insert(partner_grant).values(**values).returning(partner_grant.c.id)
    try:
        return int(connection.execute(statement).scalar_one())
    except IntegrityError as exc:
        raise Refusal(
            Code.CONFLICT, phrase("This key is let in already: revoke its grant first.")
        ) from exc


def listed(connection: Connection, workspace_id: int) -> list[Mapping[str, Any]]:
    """Every grant of the workspace, newest first, revoked ones too."""
    asked = select(partner_grant).where(partner_grant.c.workspace_id == workspace_id)
    rows = connection.execute(asked.order_by(partner_grant.c.id.desc()))
    return [dict(row) for row in rows.mappings()]


def revoke(connection: Connection, workspace_id: int, grant_id: int) -> None:
    """The key is shut out from now on. A repeat does nothing. Raises Refusal(NOT_FOUND)."""
    revoked_at = func.coalesce(partner_grant.c.revoked_at, func.now())
    done = connection.execute(
        update(partner_grant)
        .where(partner_grant.c.workspace_id == workspace_id, partner_grant.c.id == grant_id)
        .values(revoked_at=revoked_at)
    )
    if done.rowcount != 1:
        raise not_found()


def _check_key(connection: Connection, workspace_id: int, public_id: str) -> None:
    row = connection.execute(
        text("SELECT workspace_id, revoked_at FROM ab_key(:key)"), {"key": public_id}
    ).one_or_none()
    if row is None or row.revoked_at is not None:
        place = Place("/key", "unknown", phrase("is no key of this installation"))
        raise Refusal(Code.BODY_INVALID, places=[place])
    if row.workspace_id == workspace_id:
        place = Place("/key", "invalid", phrase("is a key of this workspace itself"))
        raise Refusal(Code.BODY_INVALID, places=[place])


def _is_own(database: Database, key: Actor, slug: str) -> bool:
    with database.begin(key.workspace_id) as connection:
        asked = select(workspace.c.slug).where(workspace.c.id == key.workspace_id)
        return bool(connection.execute(asked).scalar_one() == slug)


def _note_use(database: Database, workspace_id: int, grant_id: int) -> None:
    with database.begin(workspace_id) as connection:
        connection.execute(NOTE_USE, {"id": grant_id})


def _not_let_in() -> Refusal:
    return Refusal(
        Code.NOT_FOUND,
        phrase("No workspace of the name in %(header)s has let this key in.", header=HEADER),
    )


# At most once a minute, and nobody waits for another's note.
NOTE_USE = text(
    "UPDATE partner_grant SET last_used_at = now() WHERE id = (SELECT id FROM partner_grant"
    " WHERE id = :id AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')"
    " FOR UPDATE SKIP LOCKED)"
)
