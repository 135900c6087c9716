"""Hook sources: an address for one platform, whose token only routes and whose secret signs.

Of the token only the SHA-256 is kept, the secret is sealed; both are shown once. Rotating makes a
new secret while the one before still counts, so that the platform can be changed without a gap.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from connector.connections import outbound
from connector.connections.desk import Desk
from connector.connections.hosts import HostNotAllowed
from connector.connections.keys import open_document, seal_document
from connector.connections.vault import Place
from connector.problems import Code, Refusal, not_found
from connector.responses.platforms import (
    Described,
    check_secret,
    checked,
    described,
    refusal,
    unbound,
)
from connector.tables import hook_source
from schemas.phrases import phrase
from schemas.secret import Secret
from schemas.signatures import Scheme
from schemas.sources.base import Platform, Wishes

_SECRETS_KEPT = 2
MOST_COUNTED = 50_000


@dataclass(frozen=True, slots=True)
class FreshSource:
    """A source at the one moment at which its fresh token or secret can be shown."""

    id: int
    name: str
    platform: str
    token: Secret | None = None
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Lately:
    """When a source's newest response came, and how many in the last 24 hours."""

    last_at: datetime
    today: int


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
    token: Secret | None = None
    base_url: str | None = None
    connection_id: int | None = None

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
    token: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> FreshSource:
    """Make a source, with the platform's own secret or a fresh one. Raises Refusal(NAME_TAKEN) or
    Refusal(SETTING_INVALID).
    """
    said = dict(settings or {})
    described_as = _checked(connection, desk, workspace_id, platform=platform, settings=said)
    made_here = _made_here(described_as, secret)
    address, seal_id = secrets.token_urlsafe(32), uuid4()
    kept = {"secrets": [one for one in (secret, made_here) if one], "token": token}
    sealed = _seal(connection, desk, workspace_id, seal_id, kept)
    try:
        made = connection.execute(
            insert(hook_source)
            .values(
                workspace_id=workspace_id,
                name=name,
                platform=platform,
                token_digest=_digest(address),
                seal_id=seal_id,
                sealed=sealed,
                max_bytes=max_bytes,
                settings=said,
            )
            .returning(hook_source.c.id)
        )
    except IntegrityError as exc:
        raise Refusal(Code.NAME_TAKEN, phrase("Another source has that name already.")) from exc
    shown = Secret(made_here) if made_here else None
    # Where nothing is pushed, there is no address to tell.
    told = None if described_as.platform.polls else Secret(address)
    return FreshSource(int(made.scalar_one()), name, platform, told, shown)


def _made_here(made: Described, secret: str | None) -> str | None:
    """The secret that we make; None where the platform makes it, or does not sign."""
    if secret is not None:
        check_secret(made, secret)
        return None
    return _fresh_secret() if made.is_signed_by_us else None


def _checked(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    *,
    platform: str,
    settings: Mapping[str, Any],
) -> Described:
    """The source that is described. Raises Refusal(SETTING_INVALID)."""
    made = checked(platform, settings)
    if made.platform.polls is not None:
        asked = {"w": workspace_id, "id": made.connection_id, "app": made.platform.polls.app}
        if connection.execute(BOUND, asked).scalar() is None:
            raise unbound(made.platform)
    if made.base_url:
        try:
            outbound.refuse_unplain(made.base_url, allowed=desk.allowed)
        except HostNotAllowed as exc:
            raise refusal(why=str(exc), at=("settings", "base_url")) from exc
    return made


def change(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    source_id: int,
    *,
    secret: str | None = None,
    token: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> FreshSource:
    """Other settings, the token of its API, or the secret that the platform has made; the one
    before counts until the next. Raises Refusal(SETTING_INVALID).
    """
    row = _one(connection, workspace_id, source_id)
    said = row.settings if settings is None else dict(settings)
    made = _checked(connection, desk, workspace_id, platform=row.platform, settings=said)
    values: dict[str, Any] = {"settings": said}
    if secret is not None:
        check_secret(made, secret)
    if secret is not None or token is not None:
        values |= _resealed(connection, desk, row, secret=secret, token=token)
    connection.execute(update(hook_source).where(hook_source.c.id == source_id).values(**values))
    return FreshSource(source_id, row.name, row.platform)


def rotate_secret(
    connection: Connection, desk: Desk, workspace_id: int, source_id: int
) -> FreshSource:
    """A new secret; the one before counts until the next rotation. The address stays."""
    row = _one(connection, workspace_id, source_id)
    made = described(row.platform, row.settings)
    secret = _made_here(made, None)
    if secret is None:
        why = phrase(
            "%(label)s makes no use of a secret of ours.", label=phrase(made.platform.label)
        )
        raise refusal(why=why, at=("what",))
    connection.execute(
        update(hook_source)
        .where(hook_source.c.id == source_id)
        .values(**_resealed(connection, desk, row, secret=secret, token=None))
    )
    return FreshSource(source_id, row.name, row.platform, secret=Secret(secret))


def _resealed(
    connection: Connection, desk: Desk, row: Row[Any], *, secret: str | None, token: str | None
) -> dict[str, Any]:
    """The columns of a source with this secret before those that counted, and this token."""
    held, seal_id = _opened(connection, desk, row), uuid4()
    kept = [secret, *held["secrets"]] if secret else held["secrets"]
    document = {"secrets": kept[:_SECRETS_KEPT], "token": token or held.get("token")}
    sealed = _seal(connection, desk, row.workspace_id, seal_id, document)
    return {"seal_id": seal_id, "sealed": sealed}


def rotate_address(connection: Connection, workspace_id: int, source_id: int) -> FreshSource:
    """A new address at once: the one before answers as one that never was. The secret stays.
    Raises Refusal(SETTING_INVALID) where nothing is pushed.
    """
    row, token = _one(connection, workspace_id, source_id), secrets.token_urlsafe(32)
    platform = described(row.platform, row.settings).platform
    if platform.polls is not None:
        raise refusal(
            why=phrase("Nothing is pushed from %(label)s.", label=phrase(platform.label)),
            at=("what",),
        )
    connection.execute(
        update(hook_source).where(hook_source.c.id == source_id).values(token_digest=_digest(token))
    )
    return FreshSource(source_id, row.name, row.platform, token=Secret(token))


def pause(connection: Connection, workspace_id: int, source_id: int) -> int:
    """From now on what it brings is accepted and kept, and not planned; so is what was not planned
    yet. How many responses wait. A repeat does nothing. Raises Refusal(NOT_FOUND).
    """
    row = _one(connection, workspace_id, source_id)
    paused_at = func.coalesce(hook_source.c.paused_at, func.now())
    connection.execute(
        update(hook_source).where(hook_source.c.id == source_id).values(paused_at=paused_at)
    )
    connection.execute(HOLD, {"w": workspace_id, "source": f"hook:{row.id}"})
    return held(connection, workspace_id).get(source_id, 0)


def resume(connection: Connection, workspace_id: int, source_id: int) -> int:
    """Plan what it brings again; how many responses have waited, which come first and in the order
    in which they were accepted. A repeat does nothing. Raises Refusal(NOT_FOUND).
    """
    row = _one(connection, workspace_id, source_id)
    connection.execute(
        update(hook_source).where(hook_source.c.id == source_id).values(paused_at=None)
    )
    released = connection.execute(RELEASE, {"w": workspace_id, "source": f"hook:{row.id}"})
    return released.rowcount


def held(connection: Connection, workspace_id: int) -> dict[int, int]:
    """How many responses wait for their source to go on, by its id; of the paused ones only."""
    return {row["id"]: row["waiting"] for row in paused(connection, workspace_id)}


def paused(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """The paused sources by name: id, name, paused_at, and how many responses are `waiting`."""
    rows = connection.execute(HELD, {"w": workspace_id, "most": MOST_COUNTED})
    return [dict(row) for row in rows.mappings()]


def delete(connection: Connection, workspace_id: int, source_id: int) -> None:
    """Take the source off the list: its address answers as one that never was.

    Its name becomes free; its responses stay, and those that a pause has held are planned.
    """
    row = _one(connection, workspace_id, source_id)
    resume(connection, workspace_id, source_id)
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
            hook_source.c.paused_at,
        )
        .where(hook_source.c.workspace_id == workspace_id, hook_source.c.disabled_at.is_(None))
        .order_by(hook_source.c.name)
    )
    return [dict(row) for row in rows.mappings()]


def lately(connection: Connection, workspace_id: int) -> dict[str, Lately]:
    """What came through each source, by its key; only of the newest MOST_COUNTED responses."""
    rows = connection.execute(LATELY, {"w": workspace_id, "most": MOST_COUNTED})
    return {row.source: Lately(row.last_at, row.today) for row in rows}


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
        source = _source(connection, desk, row)
        # What is asked for at a connection is never pushed: nobody could prove that it is genuine.
        return None if source.platform.polls else source


def of_id(connection: Connection, desk: Desk, workspace_id: int, source_id: int) -> Source:
    """The source of that id. Raises Refusal(NOT_FOUND)."""
    return _source(connection, desk, _one(connection, workspace_id, source_id))


def _source(connection: Connection, desk: Desk, row: Row[Any]) -> Source:
    made, held = described(row.platform, row.settings), _opened(connection, desk, row)
    return Source(
        id=row.id,
        workspace_id=row.workspace_id,
        name=row.name,
        platform=made.platform,
        scheme=_scheme(made.scheme, row.scheme),
        secrets=tuple(Secret(one) for one in held["secrets"]),
        max_bytes=row.max_bytes,
        wishes=made.wishes,
        token=Secret(held["token"]) if held.get("token") else None,
        base_url=made.base_url,
        connection_id=made.connection_id,
    )


def _scheme(known: Scheme | None, said: Mapping[str, Any]) -> Scheme | None:
    """The platform's scheme, with what this source says otherwise."""
    return known and replace(known, **said)


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


def _opened(connection: Connection, desk: Desk, row: Row[Any]) -> dict[str, Any]:
    place = _place(row.workspace_id, row.seal_id)
    return open_document(connection, desk.keyring, place=place, sealed=bytes(row.sealed))


def _seal(
    connection: Connection, desk: Desk, workspace_id: int, seal_id: UUID, document: dict[str, Any]
) -> bytes:
    place = _place(workspace_id, seal_id)
    return seal_document(connection, desk.keyring, place=place, document=document)


def _place(workspace_id: int, seal_id: UUID) -> Place:
    return Place(workspace_id=workspace_id, table="hook_source", row_id=seal_id, column="sealed")


def _fresh_secret() -> str:
    """A signing secret of 32 random bytes in the form that Standard Webhooks asks for."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


BOUND = text("SELECT id FROM connection WHERE workspace_id = :w AND id = :id AND app = :app")
# By the newest rows alone, so that it costs the same however long a workspace has been working.
LATELY = text(
    """
    SELECT source, max(received_at) AS last_at,
           count(*) FILTER (WHERE received_at > now() - interval '1 day') AS today
      FROM (SELECT source, received_at FROM response
             WHERE workspace_id = :w ORDER BY id DESC LIMIT :most) newest
     GROUP BY source
    """
)
# Held is what is never due. A planner that has a response in hand is waited for.
HOLD = text(
    "UPDATE response SET plan_due_at = 'infinity'"
    " WHERE workspace_id = :w AND source = :source AND planned_at IS NULL"
)
RELEASE = text(
    "UPDATE response SET plan_due_at = now() WHERE workspace_id = :w AND source = :source"
    " AND planned_at IS NULL AND plan_due_at = 'infinity'"
)
HELD = text(
    """
    SELECT h.id, h.name, h.paused_at, n.waiting FROM hook_source h CROSS JOIN LATERAL (
           SELECT count(*) AS waiting FROM (
             SELECT FROM response r
              WHERE r.workspace_id = h.workspace_id AND r.planned_at IS NULL
                AND r.plan_due_at = 'infinity' AND r.source = 'hook:' || h.id
              LIMIT :most) one) n
     WHERE h.workspace_id = :w AND h.paused_at IS NOT NULL AND h.disabled_at IS NULL
     ORDER BY h.name
    """
)
