"""Finds contacts and shows them with the CRM records that stand for them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from connector.problems import not_found
from connector.tables import contact, link


def email_key(email: str) -> str:
    """The form under which an address is unique, whatever its case."""
    return email.strip().lower()


def one(connection: Connection, workspace_id: int, contact_id: int) -> dict[str, Any]:
    """The contact with its links to CRM records. Raises Refusal(NOT_FOUND)."""
    row = connection.execute(
        select(contact).where(contact.c.workspace_id == workspace_id, contact.c.id == contact_id)
    ).one_or_none()
    if row is None:
        raise not_found()
    return {**row._mapping, "links": links_of(connection, workspace_id, contact_id)}  # noqa: SLF001


def links_of(connection: Connection, workspace_id: int, contact_id: int) -> list[dict[str, Any]]:
    """Which CRM records stand for the contact."""
    rows = connection.execute(
        select(link.c.connection_id, link.c.entity, link.c.remote_id)
        .where(link.c.workspace_id == workspace_id, link.c.contact_id == contact_id)
        .order_by(link.c.connection_id, link.c.entity)
    )
    return [dict(row) for row in rows.mappings()]


def listed(
    connection: Connection,
    workspace_id: int,
    *,
    email: str | None = None,
    external_id: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Contacts by id after `after`, narrowed by `email`, whatever its case, or `external_id`."""
    asked = select(contact).where(contact.c.workspace_id == workspace_id, contact.c.id > after)
    if email is not None:
        asked = asked.where(contact.c.email_key == email_key(email))
    if external_id is not None:
        asked = asked.where(contact.c.external_id == external_id)
    rows = connection.execute(asked.order_by(contact.c.id).limit(limit))
    return [dict(row) for row in rows.mappings()]
