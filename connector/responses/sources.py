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
from connector.problems import Code, Refusal, not_found, places_of
from connector.responses.signatures import SCHEMES, Scheme, key_bytes
from connector.tables import hook_source
from schemas.secret import Secret
from schemas.sources import PLATFORMS
from schemas.sources.base import Platform, Wishes

_SECRETS_KEPT = 2
# By the specification of Standard Webhooks.
_KEY_BYTES = range(24, 65)


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
    platform: Platform
    scheme: Scheme | None
    secrets: tuple[Secret, ...]
    max_bytes: int
    wishes: Wishes

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
    secret: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> FreshSource:
    """Make a source, with the platform's own secret or a fresh one. Raises Refusal(NAME_TAKEN) or
    Refusal(SETTING_INVALID).
    """
    made_here = _made_here(PLATFORMS[platform], secret)
    token, seal_id = secrets.token_urlsafe(32), uuid4()
    kept = [one for one in (secret, made_here) if one]
    sealed = _seal(connection, desk, workspace_id, seal_id, kept)
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
                settings=dict(settings or {}),
            )
            .returning(hook_source.c.id)
        )
    except IntegrityError as exc:
        raise Refusal(Code.NAME_TAKEN, "Another source has that name already.") from exc
    shown = Secret(made_here) if made_here else None
    return FreshSource(int(made.scalar_one()), name, platform, Secret(token), shown)


def _made_here(platform: Platform, secret: str | None) -> str | None:
    """The secret that we make; None where the platform makes it, or does not sign."""
    if secret is not None:
        _check_secret(platform, secret)
    elif platform.scheme is not None and not platform.own_secret:
        return _fresh_secret()
    return None


def _check_secret(platform: Platform, secret: str) -> None:
    """Raises Refusal for a secret that could never fit, at the time when it can be mended."""
    if platform.scheme is None:
        why = f"{platform.label} does not sign: its address is the secret."
        raise _refusal(why)
    scheme = SCHEMES[platform.scheme]
    key = key_bytes(scheme, secret)
    if key is None or (scheme.key == "whsec" and len(key) not in _KEY_BYTES):
        why = "must be whsec_ and 24 to 64 bytes in base64"
        raise _refusal(why)


def _refusal(why: str, *, at: str = "/secret") -> Refusal:
    places = places_of({at[1:]: [why]})
    return Refusal(Code.SETTING_INVALID, why, places=places)


def change(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    source_id: int,
    *,
    secret: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> FreshSource:
    """Other settings, or the secret that the platform has made; the one before counts until the
    next.
    """
    row = _one(connection, workspace_id, source_id)
    values: dict[str, Any] = {} if settings is None else {"settings": dict(settings)}
    if secret is not None:
        _check_secret(PLATFORMS[row.platform], secret)
        values |= _resealed(connection, desk, row, secret)
    if values:
        connection.execute(
            update(hook_source).where(hook_source.c.id == source_id).values(**values)
        )
    return FreshSource(source_id, row.name, row.platform)


def rotate_secret(
    connection: Connection, desk: Desk, workspace_id: int, source_id: int
) -> FreshSource:
    """A new secret; the one before counts until the next rotation. The address stays."""
    row = _one(connection, workspace_id, source_id)
    platform = PLATFORMS[row.platform]
    secret = _made_here(platform, None)
    if secret is None:
        why = f"{platform.label} makes no use of a secret of ours."
        raise _refusal(why, at="/what")
    connection.execute(
        update(hook_source)
        .where(hook_source.c.id == source_id)
        .values(**_resealed(connection, desk, row, secret))
    )
    return FreshSource(source_id, row.name, row.platform, secret=Secret(secret))


def _resealed(connection: Connection, desk: Desk, row: Row[Any], secret: str) -> dict[str, Any]:
    """The columns of a source with this secret before those that counted."""
    seal_id = uuid4()
    kept = [secret, *(one.reveal() for one in _secrets(connection, desk, row))][:_SECRETS_KEPT]
    return {
        "seal_id": seal_id,
        "sealed": _seal(connection, desk, row.workspace_id, seal_id, kept),
    }


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
            hook_source.c.settings,
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
        return _source(connection, desk, row)


def of_id(connection: Connection, desk: Desk, workspace_id: int, source_id: int) -> Source:
    """The source of that id. Raises Refusal(NOT_FOUND)."""
    return _source(connection, desk, _one(connection, workspace_id, source_id))


def _source(connection: Connection, desk: Desk, row: Row[Any]) -> Source:
    return Source(
        id=row.id,
        workspace_id=row.workspace_id,
        name=row.name,
        platform=PLATFORMS[row.platform],
        scheme=_scheme(row),
        secrets=_secrets(connection, desk, row),
        max_bytes=row.max_bytes,
        wishes=_wishes(row.settings),
    )


def _wishes(settings: Mapping[str, Any]) -> Wishes:
    lists = {
        part: {name: tuple(every) for name, every in settings.get(part, {}).items()}
        for part in ("respondent", "names")
    }
    return Wishes(types=settings.get("types", {}), campaign=settings.get("campaign"), **lists)


def _scheme(row: Row[Any]) -> Scheme | None:
    """The platform's scheme, with what this source says otherwise."""
    name = PLATFORMS[row.platform].scheme
    if name is None:
        return None
    known = SCHEMES[name]
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
