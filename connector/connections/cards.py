"""The card inside a CRM that a connection has: its address, whose token only routes, and the secret
with which the CRM signs what it asks.

Token and secrets are sealed together; of the token the SHA-256 finds the card. A new secret counts
beside the one before, so that the CRM can be changed without a gap.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from adapters.traits import CardSecret
from connector.connections.desk import Desk
from connector.connections.keys import open_document, seal_document
from connector.connections.profile import Profile, load, refused_setting
from connector.connections.vault import Place, SealBroken
from connector.problems import Refusal, not_found
from connector.tables import card as cards
from schemas.secret import Secret

_SECRETS_KEPT = 2
# While it is not connected, nobody has agreed to show anything there.
_SHOWS = frozenset({"connected", "needs_attention"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an admin wants of a card. `secret`: the CRM's own, empty to keep the one there is;
    `renew`: make another one of ours. `link`: where its button leads, over `{contact}`.
    """

    secret: Secret
    renew: bool = False
    comments: bool = False
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it may be shown to an admin. `secret` only at the moment at which we made it; until
    one is set, whatever it asks is refused.
    """

    app: str
    url: str
    comments: bool
    link: str | None
    updated_at: datetime
    secret_set: bool
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The card that a request came in for."""

    profile: Profile
    secrets: tuple[Secret, ...]
    comments: bool
    link: str | None


def shown(connection: Connection, desk: Desk, workspace_id: int, connection_id: int) -> Card:
    """The connection's card. Refusal not_found where it has none."""
    here = load(connection, workspace_id, connection_id)
    row = _row(connection, workspace_id, connection_id)
    if row is None:
        raise not_found()
    return _card(desk, here, row, document=_opened(connection, desk, row))


def save(
    connection: Connection, desk: Desk, workspace_id: int, connection_id: int, wanted: Wanted
) -> Card:
    """Make the card, or change it; its address stays.

    The CRM's own secret may come later: its app needs the address first. Refusal setting_invalid
    where the app has no card, or the secret is made on the other side.
    """
    here = load(connection, workspace_id, connection_id)
    row = _row(connection, workspace_id, connection_id)
    held = _opened(connection, desk, row) if row is not None else {"secrets": []}
    fresh = _fresh_secret(here, wanted, is_new=not held["secrets"])
    kept = [*([fresh] if fresh else []), *held["secrets"]][:_SECRETS_KEPT]
    token = held.get("token") or secrets.token_urlsafe(32)
    seal_id = uuid4()
    document = {"token": token, "secrets": kept}
    place = _place(workspace_id, seal_id)
    values = {
        "token_digest": _digest(token),
        "seal_id": seal_id,
        "sealed": seal_document(connection, desk.keyring, place=place, document=document),
        "comments": wanted.comments,
        "link": wanted.link,
    }
    saving = insert(cards).values(workspace_id=workspace_id, connection_id=connection_id, **values)
    row = connection.execute(
        saving.on_conflict_do_update(
            index_elements=["connection_id"], set_={**values, "updated_at": func.now()}
        ).returning(cards)
    ).one()
    made = Secret(fresh) if fresh and here.traits.card is CardSecret.MADE else None
    return _card(desk, here, row, document=document, secret=made)


def remove(connection: Connection, workspace_id: int, connection_id: int) -> None:
    """End the card: its address answers as one that never was. A repeat does nothing."""
    connection.execute(
        delete(cards).where(
            cards.c.workspace_id == workspace_id, cards.c.connection_id == connection_id
        )
    )


def found(desk: Desk, app: str, token: str) -> Asked | None:
    """The card of this app with that token; None where there is none, or nothing is to be shown."""
    with desk.database.across() as connection:
        where = connection.execute(
            text("SELECT * FROM ab_card(:wanted)"), {"wanted": _digest(token)}
        ).one_or_none()
    if where is None:
        return None
    with desk.database.begin(where.workspace_id) as connection:
        row = _row(connection, where.workspace_id, where.connection_id)
        try:
            here = load(connection, where.workspace_id, where.connection_id)
            document = _opened(connection, desk, row) if row is not None else None
        except (Refusal, SealBroken):
            return None
    if row is None or document is None or here.app != app or here.state not in _SHOWS:
        return None
    given = tuple(Secret(one) for one in document["secrets"])
    return Asked(here, given, row.comments, row.link)


def _fresh_secret(here: Profile, wanted: Wanted, *, is_new: bool) -> str | None:
    """The secret to count from now on; None where the one there is stays."""
    if here.traits.card is None:
        text_ = f"{here.traits.label} has no card that asks here."
        raise refused_setting(pointer="", code="no_card", text=text_)
    given = wanted.secret.reveal()
    if here.traits.card is CardSecret.MADE:
        if given:
            text_ = f"The secret is made here; enter it in {here.traits.label}."
            raise refused_setting(pointer="/secret", code="made_here", text=text_)
        return secrets.token_urlsafe(32) if is_new or wanted.renew else None
    if wanted.renew:
        text_ = f"Make a new secret in {here.traits.label}, and enter it here as `secret`."
        raise refused_setting(pointer="/renew", code="made_there", text=text_)
    return given or None


def _row(connection: Connection, workspace_id: int, connection_id: int) -> Row[Any] | None:
    asked = select(cards).where(
        cards.c.workspace_id == workspace_id, cards.c.connection_id == connection_id
    )
    return connection.execute(asked).one_or_none()


def _opened(connection: Connection, desk: Desk, row: Row[Any]) -> dict[str, Any]:
    place = _place(row.workspace_id, row.seal_id)
    return open_document(connection, desk.keyring, place=place, sealed=bytes(row.sealed))


def _card(
    desk: Desk,
    here: Profile,
    row: Row[Any],
    *,
    document: Mapping[str, Any],
    secret: Secret | None = None,
) -> Card:
    return Card(
        app=here.app,
        url=f"{desk.public_url}/cards/{here.app}/{document['token']}",
        comments=row.comments,
        link=row.link,
        updated_at=row.updated_at,
        secret_set=bool(document["secrets"]),
        secret=secret,
    )


def _place(workspace_id: int, seal_id: UUID) -> Place:
    return Place(workspace_id=workspace_id, table="card", row_id=seal_id, column="sealed")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
