"""Webhooks as an admin has them: an address of their own system, the events it wants, and the
secret that signs.

Address and secrets are sealed; a fresh secret is shown once. After a rotation the secret before
signs too until the overlap is over, so that the receiver is changed without a gap.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from adapters.webhooks import Hook
from connector.connections import outbound
from connector.connections.desk import Desk
from connector.connections.hosts import HostNotAllowed, HostUnknown
from connector.connections.keys import open_document, seal_document
from connector.connections.vault import Place as SealedAt
from connector.problems import Code, Place, Refusal, not_found
from connector.tables import webhook
from schemas.phrases import phrase

MOST = 20
_KEPT_SEALED = ("seal_id", "sealed", "workspace_id")


@dataclass(frozen=True, slots=True)
class FreshWebhook:
    """A webhook at the one moment at which its fresh secret can be shown."""

    id: int
    secret: str = field(repr=False)


def check_url(desk: Desk, url: str) -> None:
    """Refuse an address that may not be called now. Resolves its host: not inside a transaction.

    A host that does not resolve yet is let through: each message judges it anew. Raises
    Refusal(SETTING_INVALID).
    """
    try:
        outbound.judged(url, allowed=desk.allowed)
    except HostUnknown:
        return
    except HostNotAllowed as exc:
        places = [Place("/url", exc.code, str(exc))]
        raise Refusal(Code.SETTING_INVALID, places=places) from exc


def create(
    connection: Connection, desk: Desk, workspace_id: int, *, name: str, url: str, events: list[str]
) -> FreshWebhook:
    """Make a webhook, whose address check_url has judged. Raises Refusal(NAME_TAKEN), and
    Refusal(CONFLICT) where there are too many.
    """
    if len(listed(connection, workspace_id)) >= MOST:
        raise Refusal(
            Code.CONFLICT, phrase("A workspace has %(most)s webhooks at most.", most=MOST)
        )
    seal_id, secret = uuid4(), _fresh_secret()
    kept = {"url": url, "secret": secret}
    values = {
        "workspace_id": workspace_id,
        "name": name,
        "events": sorted(set(events)),
        "host": _host(url),
        "seal_id": seal_id,
        "sealed": _seal(connection, desk, workspace_id, seal_id, kept),
    }
    try:
        made = connection.execute(insert(webhook).values(**values).returning(webhook.c.id))
    except IntegrityError as exc:
        raise _taken() from exc
    return FreshWebhook(int(made.scalar_one()), secret)


def change(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    webhook_id: int,
    *,
    name: str | None = None,
    url: str | None = None,
    events: Sequence[str] | None = None,
) -> None:
    """Change what is named. A new address is tried at once. Raises Refusal(NAME_TAKEN)."""
    row = _one(connection, workspace_id, webhook_id)
    values: dict[str, Any] = {"name": name or row.name}
    if events is not None:
        values["events"] = sorted(set(events))
    if url is not None:
        kept = {**_opened(connection, desk, row), "url": url}
        values |= {"host": _host(url), **_resealed(connection, desk, row, kept)}
        values |= {"failures": 0, "failing_since": None, "rests_until": None}
    try:
        connection.execute(update(webhook).where(webhook.c.id == webhook_id).values(**values))
    except IntegrityError as exc:
        raise _taken() from exc


def rotate(
    connection: Connection, desk: Desk, workspace_id: int, webhook_id: int, *, overlap_s: int
) -> FreshWebhook:
    """A new secret; the one before signs beside it for `overlap_s` seconds."""
    row, secret = _one(connection, workspace_id, webhook_id), _fresh_secret()
    held = _opened(connection, desk, row)
    kept = {"url": held["url"], "secret": secret, "former": held["secret"]}
    former_until = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, overlap_s)
    values = {"former_until": former_until, **_resealed(connection, desk, row, kept)}
    connection.execute(update(webhook).where(webhook.c.id == webhook_id).values(**values))
    return FreshWebhook(webhook_id, secret)


def pause(connection: Connection, workspace_id: int, webhook_id: int) -> None:
    """Nothing is sent until it is resumed; what happens meanwhile waits. A repeat does nothing."""
    _one(connection, workspace_id, webhook_id)
    connection.execute(
        update(webhook).where(webhook.c.id == webhook_id).values(state="paused", reason=None)
    )


def resume(connection: Connection, workspace_id: int, webhook_id: int) -> None:
    """What waited is sent, also where failures had ended it. A repeat does nothing."""
    _one(connection, workspace_id, webhook_id)
    fresh = {"state": "active", "reason": None, "error": None, "failures": 0}
    fresh |= {"failing_since": None, "rests_until": None}
    connection.execute(update(webhook).where(webhook.c.id == webhook_id).values(**fresh))


def remove(connection: Connection, workspace_id: int, webhook_id: int) -> None:
    """End it, with its messages and their log."""
    _one(connection, workspace_id, webhook_id)
    connection.execute(delete(webhook).where(webhook.c.id == webhook_id))


def listed(connection: Connection, workspace_id: int) -> list[Mapping[str, Any]]:
    """Every webhook by name, without its address and secret."""
    rows = connection.execute(
        select(*_shown()).where(webhook.c.workspace_id == workspace_id).order_by(webhook.c.name)
    )
    return [dict(row) for row in rows.mappings()]


def shown(connection: Connection, workspace_id: int, webhook_id: int) -> Mapping[str, Any]:
    """One webhook, without its address and secret. Raises Refusal(NOT_FOUND)."""
    for one in listed(connection, workspace_id):
        if one["id"] == webhook_id:
            return one
    raise not_found()


def hook_of(connection: Connection, desk: Desk, workspace_id: int, webhook_id: int) -> Hook:
    """Where to, and the secrets that sign now. Raises Refusal(NOT_FOUND) or SealBroken."""
    row = _one(connection, workspace_id, webhook_id)
    held = _opened(connection, desk, row)
    still = (
        row.former_until is not None
        and connection.execute(select(func.now() < row.former_until)).scalar_one()
    )
    former = [held["former"]] if still and held.get("former") else []
    return Hook(held["url"], [held["secret"], *former])


def _shown() -> list[Any]:
    return [column for column in webhook.c if column.name not in _KEPT_SEALED]


def _one(connection: Connection, workspace_id: int, webhook_id: int) -> Row[Any]:
    asked = select(webhook).where(
        webhook.c.workspace_id == workspace_id, webhook.c.id == webhook_id
    )
    row = connection.execute(asked.with_for_update()).one_or_none()
    if row is None:
        raise not_found()
    return row


def _resealed(
    connection: Connection, desk: Desk, row: Row[Any], kept: Mapping[str, Any]
) -> dict[str, Any]:
    seal_id = uuid4()
    return {
        "seal_id": seal_id,
        "sealed": _seal(connection, desk, row.workspace_id, seal_id, kept),
    }


def _opened(connection: Connection, desk: Desk, row: Row[Any]) -> dict[str, Any]:
    place = _place(row.workspace_id, row.seal_id)
    return open_document(connection, desk.keyring, place=place, sealed=bytes(row.sealed))


def _seal(
    connection: Connection, desk: Desk, workspace_id: int, seal_id: UUID, kept: Mapping[str, Any]
) -> bytes:
    place = _place(workspace_id, seal_id)
    return seal_document(connection, desk.keyring, place=place, document=kept)


def _place(workspace_id: int, seal_id: UUID) -> SealedAt:
    return SealedAt(workspace_id=workspace_id, table="webhook", row_id=seal_id, column="sealed")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _fresh_secret() -> str:
    """32 random bytes in the form that Standard Webhooks asks for."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _taken() -> Refusal:
    return Refusal(Code.NAME_TAKEN, phrase("Another webhook has that name already."))
