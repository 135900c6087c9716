"""What comes through a hook: already verified, parsed by the source's shape, stored once.

a message id seen before with the same bytes   a duplicate: nothing is done
other content under a known revision           answered 2xx and audited, never refused: platforms
would resend it for days, or disable the hook
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from connector import audit
from connector.db import Database, retried
from connector.responses.intake import Accepted, accept
from connector.responses.sources import Source
from connector.settings import FILE_LIMITS, FileLimits
from connector.tables import hook_message


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a hook's message. `duplicate`: it had come before, nothing was done."""

    duplicate: bool
    results: tuple[Accepted, ...] = ()


def receive(
    database: Database,
    source: Source,
    *,
    message_id: str | None,
    raw: bytes,
    items: Sequence[object],
    limits: FileLimits = FILE_LIMITS,
) -> Received:
    """Store the responses of a verified message; when it returns they are committed.

    The message id is written after the responses: a crash in between makes the retry a duplicate by
    its response ids. Raises DatabaseAway.
    """
    digest = hashlib.sha256(raw).digest()
    if message_id and _was_seen(database, source, message_id, digest):
        return Received(duplicate=True)
    results = accept(database, source.workspace_id, source=source.key, items=items, limits=limits)
    conflicts = [one for one in results if one.status == "conflict"]

    def remember() -> None:
        with database.begin(source.workspace_id) as connection:
            if message_id:
                _remember(connection, source, message_id, digest)
            if conflicts:
                _audit_conflicts(connection, source, conflicts)

    retried(remember)
    return Received(duplicate=False, results=results)


def refused(database: Database, source: Source, *, address: str | None) -> None:
    """Count a message whose signature is not valid."""

    def note() -> None:
        with database.begin(source.workspace_id) as connection:
            audit.record(
                connection,
                source.workspace_id,
                actor=source.key,
                action="hook.signature_invalid",
                object=f"source:{source.id}",
                address=address,
            )

    retried(note)


def _was_seen(database: Database, source: Source, message_id: str, digest: bytes) -> bool:
    with database.begin(source.workspace_id) as connection:
        seen = connection.execute(
            select(hook_message.c.digest).where(
                hook_message.c.source_id == source.id, hook_message.c.message_id == message_id
            )
        ).scalar_one_or_none()
    return seen is not None and bytes(seen) == digest


def _remember(connection: Connection, source: Source, message_id: str, digest: bytes) -> None:
    connection.execute(
        insert(hook_message)
        .values(
            workspace_id=source.workspace_id,
            source_id=source.id,
            message_id=message_id,
            digest=digest,
        )
        .on_conflict_do_nothing()
    )


def _audit_conflicts(connection: Connection, source: Source, conflicts: Sequence[Accepted]) -> None:
    audit.record(
        connection,
        source.workspace_id,
        actor=source.key,
        action="response.conflict",
        object=f"source:{source.id}",
        detail={"responses": [one.id for one in conflicts][:50], "count": len(conflicts)},
    )
