"""The sealed secrets of a connection: read, locked for a refresh, replaced, wiped.

The document holds `access_token`, `refresh_token`, `lifetime_s` and `scopes` of an OAuth grant, or
`key` (with `access_token` and `lifetime_s` where it was exchanged); and `settings`, the secret
ones. Every change raises `version`: whoever saw an older one
reads again instead of acting on it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from adapters.errors import TryLater
from connector.connections.desk import Desk
from connector.connections.grants import Grant
from connector.connections.keys import open_document, seal_document
from connector.connections.vault import Place, SealBroken
from connector.db import sqlstate
from connector.tables import credential
from schemas.secret import Secret

_LOCK_TIMED_OUT = "55P03"


@dataclass(frozen=True, slots=True)
class Kept:
    """The secrets of a connection at one version. `at` is the database's time of reading.

    `document` is empty after a disconnect.
    """

    version: int
    document: Mapping[str, Any] = field(repr=False)
    expires_at: datetime | None
    refresh_failed_at: datetime | None
    updated_at: datetime
    at: datetime

    @property
    def token(self) -> Secret | None:
        """The access token or key as it stands; None when there is none."""
        value = self.document.get("access_token") or self.document.get("key")
        return Secret(value) if value else None

    @property
    def key(self) -> Secret | None:
        """The API key; None where the connection has none."""
        value = self.document.get("key")
        return Secret(value) if value else None

    @property
    def has_access_token(self) -> bool:
        """Whether there is a token that a key or a consent was exchanged for."""
        return bool(self.document.get("access_token"))

    @property
    def refresh_token(self) -> Secret | None:
        """What a new access token is asked with."""
        value = self.document.get("refresh_token")
        return Secret(value) if value else None

    @property
    def has_expired(self) -> bool:
        """Whether the access token's own time is over."""
        return self.expires_at is not None and self.expires_at <= self.at

    def is_due(self, margin_s: int) -> bool:
        """Whether it is time to refresh ahead of expiry: the margin, at most half the lifetime."""
        if self.expires_at is None:
            return False
        margin_s = min(margin_s, int(self.document.get("lifetime_s", margin_s)) // 2)
        return self.expires_at - timedelta(seconds=margin_s) <= self.at


def read(
    connection: Connection, desk: Desk, workspace_id: int, *, connection_id: int
) -> Kept | None:
    """The secrets, None when none were ever saved. Raises SealBroken."""
    return _kept(connection, desk, connection.execute(_one(workspace_id, connection_id)).first())


def locked(
    connection: Connection, desk: Desk, workspace_id: int, *, connection_id: int, wait_s: float
) -> Kept | None:
    """The secrets, the row locked until the commit. TryLater when another holds it too long."""
    _wait_at_most(connection, wait_s)
    with _busy_is_later():
        row = connection.execute(_one(workspace_id, connection_id).with_for_update()).first()
    return _kept(connection, desk, row)


def locked_version(
    connection: Connection, workspace_id: int, *, connection_id: int, wait_s: float
) -> int | None:
    """The version alone, the row locked: for changes that need no secret."""
    _wait_at_most(connection, wait_s)
    with _busy_is_later():
        row = connection.execute(_one(workspace_id, connection_id).with_for_update()).first()
    return None if row is None else int(row.version)


def granted(before: Kept | None, grant: Grant) -> dict[str, Any]:
    """The document after a grant: a provider that sends no new refresh token means the old one."""
    document: dict[str, Any] = {"access_token": grant.access_token.reveal()}
    refresh_token = grant.refresh_token or (before.refresh_token if before else None)
    if refresh_token is not None:
        document["refresh_token"] = refresh_token.reveal()
    if grant.expires_in_s is not None:
        document["lifetime_s"] = grant.expires_in_s
    document["scopes"] = list(grant.scopes) or (before.document.get("scopes", []) if before else [])
    document["settings"] = dict(before.document.get("settings", {})) if before else {}
    if before is not None and before.key is not None:
        document["key"] = before.key.reveal()
    return document


def first_granted(before: Kept | None, grant: Grant) -> dict[str, Any]:
    """The document after a person has consented: nothing of an older grant is kept."""
    settings = dict(before.document.get("settings", {})) if before else {}
    return {**granted(None, grant), "settings": settings}


def save(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    *,
    connection_id: int,
    document: Mapping[str, Any],
) -> int:
    """Seal the document as the connection's secrets; the new version.

    Lock an existing row first (`locked`). A new seal id each time: an old ciphertext put back does
    not open.
    """
    seal_id = uuid4()
    place = _place(workspace_id, seal_id)
    sealed = seal_document(connection, desk.keyring, place=place, document=document)
    lifetime_s = document.get("lifetime_s")
    fresh = {
        "seal_id": seal_id,
        "sealed": sealed,
        "expires_at": None
        if lifetime_s is None
        else func.clock_timestamp() + timedelta(seconds=lifetime_s),
        "refresh_failed_at": None,
        "scopes": list(document.get("scopes") or ()) or None,
        "updated_at": func.clock_timestamp(),
    }
    added = insert(credential).values(
        workspace_id=workspace_id, connection_id=connection_id, version=1, **fresh
    )
    saved = added.on_conflict_do_update(
        index_elements=[credential.c.connection_id],
        set_={**fresh, "version": credential.c.version + 1},
        where=credential.c.workspace_id == workspace_id,
    ).returning(credential.c.version)
    return int(connection.execute(saved).scalar_one())


def note_failure(connection: Connection, workspace_id: int, *, connection_id: int) -> None:
    """Remember when the last refresh failed: for a while nobody asks again."""
    connection.execute(
        update(credential)
        .where(
            credential.c.workspace_id == workspace_id, credential.c.connection_id == connection_id
        )
        .values(refresh_failed_at=func.clock_timestamp())
    )


def wipe(connection: Connection, workspace_id: int, *, connection_id: int) -> None:
    """Remove the ciphertext; the version goes up, so that no cached token outlives it."""
    connection.execute(
        update(credential)
        .where(
            credential.c.workspace_id == workspace_id, credential.c.connection_id == connection_id
        )
        .values(
            sealed=None,
            expires_at=None,
            version=credential.c.version + 1,
            updated_at=func.clock_timestamp(),
        )
    )


def _wait_at_most(connection: Connection, wait_s: float) -> None:
    wait_ms = max(1, int(wait_s * 1000))
    for setting, limit_ms in (("lock_timeout", wait_ms), ("statement_timeout", wait_ms + 1000)):
        connection.execute(
            text("SELECT set_config(:setting, :limit_ms, true)"),
            {"setting": setting, "limit_ms": str(limit_ms)},
        )


@contextmanager
def _busy_is_later() -> Iterator[None]:
    """A lock that is not to be had in time hands the work back: the holder is asking the CRM."""
    try:
        yield
    except OperationalError as exc:
        if sqlstate(exc) != _LOCK_TIMED_OUT:
            raise
        message = "another process is refreshing this connection"
        raise TryLater(message, wait_s=1.0, code="refresh_busy") from exc


def _one(workspace_id: int, connection_id: int) -> Any:  # noqa: ANN401 - a statement of many types
    # clock_timestamp, not now(): a waiter's transaction began before the lock it waited for.
    return select(
        credential.c.seal_id,
        credential.c.sealed,
        credential.c.version,
        credential.c.expires_at,
        credential.c.refresh_failed_at,
        credential.c.updated_at,
        credential.c.workspace_id,
        func.clock_timestamp().label("at"),
    ).where(credential.c.workspace_id == workspace_id, credential.c.connection_id == connection_id)


def _kept(connection: Connection, desk: Desk, row: Row[Any] | None) -> Kept | None:
    if row is None:
        return None
    document: Mapping[str, Any] = {}
    if row.sealed is not None:
        place = _place(row.workspace_id, row.seal_id)
        document = open_document(connection, desk.keyring, place=place, sealed=row.sealed)
    return Kept(
        version=row.version,
        document=document,
        expires_at=row.expires_at,
        refresh_failed_at=row.refresh_failed_at,
        updated_at=row.updated_at,
        at=row.at,
    )


def _place(workspace_id: int, seal_id: UUID) -> Place:
    return Place(workspace_id=workspace_id, table="credential", row_id=seal_id, column="sealed")


__all__ = ["Kept", "SealBroken", "granted", "locked", "note_failure", "read", "save", "wipe"]
