"""The card inside a CRM: where it asks, whose secret signs, what it shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from connector.api.context import Told, actor, changing, hub, reading
from connector.api.description import Resource
from connector.connections import cards
from connector.connections.cards import Card, Wanted
from schemas.card import CardSchema, WantedCardSchema
from schemas.secret import Secret

_ONE = "/connections/<id:connection_id>/card"
resource = Resource("cards", __name__, description="Cards inside CRMs")


@resource.on("GET", _ONE, gives=CardSchema)
def read_card(connection_id: int) -> dict[str, Any]:
    """The connection's card, without its secret"""
    return _shown(
        reading(lambda c: cards.shown(c, hub().desk, actor().workspace_id, connection_id))
    )


@resource.on("PUT", _ONE, takes=WantedCardSchema, gives=CardSchema)
def save_card(wanted: dict[str, Any], connection_id: int) -> dict[str, Any]:
    """Make the card or change it; its address stays, a secret before the new one still counts"""
    asked = Wanted(**{**wanted, "secret": Secret(wanted["secret"])})

    def saved(connection: Connection) -> Card:
        return cards.save(connection, hub().desk, actor().workspace_id, connection_id, asked)

    told = Told(f"connection:{connection_id}", {"comments": asked.comments})
    return _shown(changing(saved, lambda _: told))


@resource.on("DELETE", _ONE, status=204)
def remove_card(connection_id: int) -> None:
    """End the card: its address answers as one that never was"""

    def removed(connection: Connection) -> None:
        cards.shown(connection, hub().desk, actor().workspace_id, connection_id)
        cards.remove(connection, actor().workspace_id, connection_id)

    changing(removed, lambda _: Told(f"connection:{connection_id}"))


def _shown(one: Card) -> dict[str, Any]:
    secret = one.secret.reveal() if one.secret else None
    return {
        "app": one.app,
        "url": one.url,
        "comments": one.comments,
        "link": one.link,
        "updated_at": one.updated_at,
        "secret_set": one.secret_set,
        "secret": secret,
    }
