"""Hook sources: an address for one platform, whose token only routes and whose secret signs.

Of the token only the SHA-256 is kept, the secret is sealed; both are shown once. Rotating makes a
new secret while the one before still counts, so that the platform can be changed without a gap.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from connector.connections.desk import Desk
from connector.connections.keys import open_document, seal_document
from connector.connections.vault import Place
from connector.problems import Code, Refusal, not_found
from connector.responses.signatures import SCHEMES, Scheme
from connector.tables import hook_source
from schemas.secret import Secret

_SECRETS_KEPT = 2


@dataclass(frozen=True, slots=True)
class FreshSource:
    """A source at the one moment at which its fresh token or secret can be shown."""

    id: int
    name: str
    platform: str
    token: Secret | None = None
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A source that a request came in for, with the secrets that count."""

    id: int
    workspace_id: int
    name: str
    scheme: Scheme
    secrets: tuple[Secret, ...]
    max_bytes: int

    @property
    def key(self) -> str:
        """How its responses name where they came from."""
        return f"hook:{self.id}"


def create(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    *,
    name: str,
    platform: str,
    max_bytes: int,
) -> FreshSource:
    """Make a source. Raises Refusal(NAME_TAKEN)."""
    token, secret, seal_id = secrets.token_urlsafe(32), _fresh_secret(), uuid4()
    sealed = _seal(connection, desk, workspace_id, seal_id, [secret])
    try:
        made = connection.execute(
            insert(hook_source)
            .values(
                workspace_id=workspace_id,
                name=name,
                platform=platform,
                token_digest=_digest(token),
                seal_id=seal_id,
                sealed=sealed,
                max_bytes=max_bytes,
            )
            .returning(hook_source.c.id)
        )
    except IntegrityError as exc:
        raise Refusal(Code.NAME_TAKEN, "Another source has that name already.") from exc
    return FreshSource(int(made.scalar_one()), name, platform, Secret(token), Secret(secret))


def rotate_secret(
    connection: Connection, desk: Desk, workspace_id: int, source_id: int
) -> FreshSource:
    """A new secret; the one before counts until the next rotation. The address stays."""
    row = _one(connection, workspace_id, source_id)
    secret, seal_id = _fresh_secret(), uuid4()
    kept = [secret, *(one.reveal() for one in _secrets(connection, desk, row))][:_SECRETS_KEPT]
    sealed = _seal(connection, desk, workspace_id, seal_id, kept)
    connection.execute(
        update(hook_source)
        .where(hook_source.c.id == source_id)
        .values(seal_id=seal_id, sealed=sealed)
    )
    return FreshSource(source_id, row.name, row.platform, secret=Secret(secret))


def rotate_address(connection: Connection, workspace_id: int, source_id: int) -> FreshSource:
    """A new address at once: the one before answers as one that never was. The secret stays."""
    row, token = _one(connection, workspace_id, source_id), secrets.token_urlsafe(32)
    connection.execute(
        update(hook_source).where(hook_source.c.id == source_id).values(token_digest=_digest(token))
    )
    return FreshSource(source_id, row.name, row.platform, token=Secret(token))


def delete(connection: Connection, workspace_id: int, source_id: int) -> None:
    """Take the source off the list: its address answers as one that never was.

    Its name becomes free; its responses stay.
    """
    row = _one(connection, workspace_id, source_id)
    connection.execute(
        update(hook_source)
        .where(hook_source.c.id == source_id)
        .values(disabled_at=func.now(), name=f"{row.name} (deleted {row.id})")
    )


def listed(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """Every source by name, without token and secret."""
    rows = connection.execute(
        select(
            hook_source.c.id,
            hook_source.c.name,
            hook_source.c.platform,
            hook_source.c.max_bytes,
            hook_source.c.created_at,
        )
        .where(hook_source.c.workspace_id == workspace_id, hook_source.c.disabled_at.is_(None))
        .order_by(hook_source.c.name)
    )
    return [dict(row) for row in rows.mappings()]


def found(desk: Desk, platform: str, token: str) -> Source | None:
    """The source with that token, None where there is none (any more) of that platform."""
    with desk.database.across() as connection:
        where = connection.execute(
            text("SELECT workspace_id, id FROM ab_hook(:wanted)"), {"wanted": _digest(token)}
        ).one_or_none()
    if where is None:
        return None
    with desk.database.begin(where.workspace_id) as connection:
        row = connection.execute(_asked(where.workspace_id, where.id)).one_or_none()
        if row is None or row.platform != platform:
            return None
        return Source(
            id=row.id,
            workspace_id=row.workspace_id,
            name=row.name,
            scheme=_scheme(row),
            secrets=_secrets(connection, desk, row),
            max_bytes=row.max_bytes,
        )


def _scheme(row: Row[Any]) -> Scheme:
    """The platform's scheme, with what this source says otherwise."""
    known = SCHEMES[row.platform]
    said: Mapping[str, Any] = row.scheme
    return Scheme(**{name: said.get(name, getattr(known, name)) for name in Scheme.__slots__})


def _one(connection: Connection, workspace_id: int, source_id: int) -> Row[Any]:
    row = connection.execute(_asked(workspace_id, source_id).with_for_update()).one_or_none()
    if row is None:
        raise not_found()
    return row


def _asked(workspace_id: int, source_id: int) -> Any:  # noqa: ANN401 - a statement of many types
    return select(hook_source).where(
        hook_source.c.workspace_id == workspace_id,
        hook_source.c.id == source_id,
        hook_source.c.disabled_at.is_(None),
    )


def _secrets(connection: Connection, desk: Desk, row: Row[Any]) -> tuple[Secret, ...]:
    document = open_document(
        connection,
        desk.keyring,
        place=_place(row.workspace_id, row.seal_id),
        sealed=bytes(row.sealed),
    )
    return tuple(Secret(one) for one in document["secrets"])


def _seal(
    connection: Connection, desk: Desk, workspace_id: int, seal_id: UUID, kept: list[str]
) -> bytes:
    place = _place(workspace_id, seal_id)
    return seal_document(connection, desk.keyring, place=place, document={"secrets": kept})


def _place(workspace_id: int, seal_id: UUID) -> Place:
    return Place(workspace_id=workspace_id, table="hook_source", row_id=seal_id, column="sealed")


def _fresh_secret() -> str:
    """A signing secret of 32 random bytes in the form that Standard Webhooks asks for."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
