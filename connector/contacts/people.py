"""Finds contacts and shows them with the CRM records that stand for them.

A search compares words: each that is typed begins a word of what the contact is called, whatever
its capitals and accents. The words are kept in a table of their own (migration 0026).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Select, exists, select

from connector.problems import not_found
from connector.tables import contact, contact_word, link, score_tag

MOST_WORDS, LONGEST_WORD = 6, 64
# As ab_folded and ab_words have it, which make the words of contacts.
_MARKS = re.compile("[\u0300-\u036f]")
_BETWEEN = re.compile(r"[\s\x00-\x2f\x3a-\x60\x7b-\x7f]+")
_TYPED_ABROAD: Mapping[int, str | int] = {
    **{ord(one): plain for one, plain in zip("øđłðı", "odldi", strict=True)},
    ord("æ"): "ae",
    ord("œ"): "oe",
    ord("ß"): "ss",
}
_AFTER_ALL = "\U0010ffff"


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


def tags_of(
    connection: Connection, workspace_id: int, contact_ids: Collection[int]
) -> dict[int, list[dict[str, Any]]]:
    """The score tags that stand on the contacts, as each CRM spells them, newest first."""
    rows = connection.execute(
        select(
            score_tag.c.contact_id,
            score_tag.c.connection_id,
            score_tag.c.campaign_id,
            score_tag.c.score,
            score_tag.c.written,
            score_tag.c.answered_at,
            score_tag.c.written_at,
        )
        .where(score_tag.c.workspace_id == workspace_id, score_tag.c.contact_id.in_(contact_ids))
        .order_by(score_tag.c.answered_at.desc())
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows.mappings():
        found.setdefault(row["contact_id"], []).append(dict(row))
    return found


def listed(
    connection: Connection,
    workspace_id: int,
    *,
    email: str | None = None,
    external_id: str | None = None,
    search: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Contacts by id after `after`, narrowed by `email`, whatever its case, `external_id`, or what
    is searched for.
    """
    asked = _found(workspace_id, search or "").where(contact.c.id > after)
    if email is not None:
        asked = asked.where(contact.c.email_key == email_key(email))
    if external_id is not None:
        asked = asked.where(contact.c.external_id == external_id)
    rows = connection.execute(asked.order_by(contact.c.id).limit(limit))
    return [dict(row) for row in rows.mappings()]


def newest(
    connection: Connection, workspace_id: int, *, search: str, before: int, limit: int
) -> list[dict[str, Any]]:
    """Contacts with an id below `before` that the search finds, the newest first."""
    asked = _found(workspace_id, search).where(contact.c.id < before)
    rows = connection.execute(asked.order_by(contact.c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]


def words_of(search: str) -> tuple[str, ...]:
    """The words of a search as contacts' words are kept; at most MOST_WORDS."""
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", search)).lower()
    words = _BETWEEN.split(plain.translate(_TYPED_ABROAD))
    return tuple(dict.fromkeys(word[:LONGEST_WORD] for word in words if word))[:MOST_WORDS]


def _found(workspace_id: int, search: str) -> Select[Any]:
    asked = select(contact).where(contact.c.workspace_id == workspace_id)
    for word in words_of(search):
        # Comparisons alone: row-level security lets an index be used for those, not for LIKE.
        asked = asked.where(
            exists().where(
                contact_word.c.workspace_id == workspace_id,
                contact_word.c.contact_id == contact.c.id,
                contact_word.c.word >= word,
                contact_word.c.word < word + _AFTER_ALL,
            )
        )
    return asked
