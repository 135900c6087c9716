"""The audit log: who did what, when and from where, as a chain of hashes that only grows.

Entry n holds the hash of entry n-1 of its workspace, so that nothing can be changed, left out or
put in between unseen. It holds ids and digests, never a secret, an answer or a person's address.
The app role may insert and read, nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, text

from connector import clock
from connector.tables import audit

GENESIS = bytes(32)
# A namespace of advisory locks of our own: "audi" as a number.
_LOCK = 0x61756469


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `hash` covers all the rest, `previous` included."""

    seq: int
    at: datetime
    actor: str
    address: str | None
    action: str
    object: str | None
    detail: Mapping[str, Any]
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of actions of an area (`mapping`: `mapping.saved`...), by an actor as the log
    names them, about objects that begin so (`mapping:7`), since a moment. Empty: all.
    """

    area: str = ""
    actor: str = ""
    object: str = ""
    since: datetime | None = None


def record(
    connection: Connection,
    workspace_id: int,
    *,
    actor: str,
    action: str,
    object: str | None = None,  # noqa: A002 - the log's own word
    detail: Mapping[str, Any] | None = None,
    address: str | None = None,
) -> int:
    """Append one entry inside the caller's transaction; its number in the workspace.

    Call it last in the transaction: entries of one workspace wait for each other until the commit.
    """
    connection.execute(
        text("SELECT pg_advisory_xact_lock(:space, (:workspace % 2147483647)::int)"),
        {"space": _LOCK, "workspace": workspace_id},
    )
    last = connection.execute(
        select(audit.c.seq, audit.c.hash)
        .where(audit.c.workspace_id == workspace_id)
        .order_by(audit.c.seq.desc())
        .limit(1)
    ).one_or_none()
    entry = _entry(
        last.seq + 1 if last else 1,
        bytes(last.hash) if last else GENESIS,
        at=clock.now(),
        actor=actor,
        address=address,
        action=action,
        object=object,
        detail=dict(detail or {}),
    )
    connection.execute(audit.insert().values(_row(workspace_id, entry)))
    return entry.seq


def first_break(entries: Iterable[Entry]) -> int | None:
    """The number of the first entry that does not fit the chain, None when all do.

    `entries` are all entries of one workspace from the first on, in order.
    """
    previous, expected = GENESIS, 1
    for entry in entries:
        if entry.seq != expected or entry.previous != previous or entry.hash != _hash(entry):
            return entry.seq
        previous, expected = entry.hash, expected + 1
    return None


def entries(
    connection: Connection, workspace_id: int, *, after: int = 0, limit: int = 100
) -> list[Entry]:
    """The entries after number `after`, oldest first."""
    asked = (
        select(audit)
        .where(audit.c.workspace_id == workspace_id, audit.c.seq > after)
        .order_by(audit.c.seq)
        .limit(limit)
    )
    return [_entry_of(row) for row in connection.execute(asked)]


def newest(
    connection: Connection, workspace_id: int, *, only: Wanted, before: int, limit: int
) -> list[Entry]:
    """The entries before number `before` that are wanted, newest first."""
    asked = select(audit).where(audit.c.workspace_id == workspace_id, audit.c.seq < before)
    if only.area:
        asked = asked.where(audit.c.action.startswith(f"{only.area}.", autoescape=True))
    if only.actor:
        asked = asked.where(audit.c.actor == only.actor)
    if only.object:
        asked = asked.where(audit.c.object.startswith(only.object, autoescape=True))
    if only.since:
        asked = asked.where(audit.c.at >= only.since)
    rows = connection.execute(asked.order_by(audit.c.seq.desc()).limit(limit))
    return [_entry_of(row) for row in rows]


def broken_at(connection: Connection, workspace_id: int) -> int | None:
    """The first entry of the stored chain that does not fit, None when the chain is whole."""
    return first_break(_all(connection, workspace_id))


def count(connection: Connection, workspace_id: int) -> int:
    """How many entries the workspace has."""
    found = connection.execute(
        select(func.count()).select_from(audit).where(audit.c.workspace_id == workspace_id)
    )
    return int(found.scalar_one())


def _all(connection: Connection, workspace_id: int) -> Iterable[Entry]:
    after = 0
    while page := entries(connection, workspace_id, after=after, limit=1000):
        yield from page
        after = page[-1].seq


def _entry_of(row: Row[Any]) -> Entry:
    return Entry(
        seq=row.seq,
        at=row.at,
        actor=row.actor,
        address=row.address,
        action=row.action,
        object=row.object,
        detail=row.detail,
        previous=bytes(row.previous),
        hash=bytes(row.hash),
    )


def _entry(
    seq: int,
    previous: bytes,
    *,
    at: datetime,
    actor: str,
    address: str | None,
    action: str,
    object: str | None,  # noqa: A002 - the log's own word
    detail: Mapping[str, Any],
) -> Entry:
    bare = Entry(seq, at, actor, address, action, object, detail, previous, b"")
    return Entry(seq, at, actor, address, action, object, detail, previous, _hash(bare))


def _hash(entry: Entry) -> bytes:
    told = [
        entry.seq,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.address,
        entry.action,
        entry.object,
        entry.detail,
    ]
    body = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(entry.previous + body.encode()).digest()


def _row(workspace_id: int, entry: Entry) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "address": entry.address,
        "action": entry.action,
        "object": entry.object,
        "detail": entry.detail,
        "previous": entry.previous,
        "hash": entry.hash,
    }
