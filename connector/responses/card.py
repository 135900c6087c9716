"""What the card inside a CRM shows of one of its records: the last scores, the last comment. Reads
only.

A record that nobody here knows and a contact who has answered nothing look the same: empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text

from connector.responses.graphemes import cut
from connector.responses.plan import WHOLE
from connector.responses.questions import first_text, order_of
from connector.responses.variables import score_of
from connector.responses.vocabulary import exact, score_class

MOST_SCORES, MOST_COMMENT = 10, 500
# Versions that are looked through; somebody who answers more often shows the newest.
MOST_VERSIONS = 200


@dataclass(frozen=True, slots=True)
class Scored:
    """One score that was given."""

    score: Any
    answered_at: datetime
    campaign: str | None


@dataclass(frozen=True, slots=True)
class Comment:
    """What was written, cut to MOST_COMMENT."""

    text: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """The card. `trend`: the newest scores, the oldest first; `direction` compares the last two.
    `contact`: our own id; `link`: where more is to be seen.
    """

    contact: int | None = None
    score: Any = None
    score_class: str | None = None
    direction: str | None = None
    trend: tuple[Scored, ...] = ()
    comment: Comment | None = None
    link: str | None = None


def shown(
    connection: Connection,
    workspace_id: int,
    connection_id: int,
    *,
    entity: str,
    remote_id: str,
    comments: bool,
    link: str | None,
) -> Shown:
    """The card of that record. `comments` False: none is shown; `link` over `{contact}`."""
    asked = {
        "w": workspace_id,
        "c": connection_id,
        "entity": entity,
        "remote": remote_id,
        "most": MOST_VERSIONS,
        "whole": sorted(WHOLE),
    }
    rows = connection.execute(ANSWERED, asked).all()
    if not rows:
        return Shown()
    scored = _scored(rows)
    newest = scored[-1] if scored else None
    contact = int(rows[0].contact_id)
    return Shown(
        contact=contact,
        score=newest.score if newest else None,
        score_class=score_class(Decimal(str(newest.score))) if newest else None,
        direction=_direction(scored),
        trend=tuple(scored),
        comment=_comment(rows) if comments else None,
        link=link.replace("{contact}", str(contact)) if link else _own_link(rows[0].body),
    )


def _scored(rows: Sequence[Row[Any]]) -> list[Scored]:
    """The newest first in `rows`, the oldest first here."""
    found = []
    for row in rows:
        score = score_of(row.body["answers"])
        if score is not None:
            value = exact(Decimal(str(score[1])))
            found.append(Scored(value, row.answered_at, _campaign(row)))
    return found[:MOST_SCORES][::-1]


def _campaign(row: Row[Any]) -> str | None:
    told: Mapping[str, Any] = row.body.get("campaign") or {}
    return row.campaign or told.get("name")


def _direction(scored: Sequence[Scored]) -> str | None:
    if len(scored) < 2:
        return None
    before, after = (Decimal(str(one.score)) for one in scored[-2:])
    if before == after:
        return "same"
    return "up" if after > before else "down"


def _comment(rows: Sequence[Row[Any]]) -> Comment | None:
    for row in rows:
        written = first_text(row.body["answers"], order_of(row.survey))
        if written:
            return Comment(cut(written, MOST_COMMENT), row.answered_at)
    return None


def _own_link(body: Mapping[str, Any]) -> str | None:
    """What the platform sent as the response's own page; only what a browser may safely open."""
    told = (body.get("meta") or {}).get("link")
    return told if isinstance(told, str) and told.startswith("https://") else None


# The newest version of each response counts, and what it says: a deleted one shows nothing.
ANSWERED = text(
    """
    WITH version AS MATERIALIZED (
      SELECT r.* FROM response r
       WHERE r.workspace_id = :w AND NOT r.anonymous AND r.contact_id = (
             SELECT contact_id FROM link
              WHERE workspace_id = :w AND connection_id = :c AND entity = :entity
                AND remote_id = :remote ORDER BY linked_at DESC, contact_id DESC LIMIT 1)
       ORDER BY r.id DESC LIMIT :most),
    newest AS (
      SELECT DISTINCT ON (source, response_id) * FROM version
       ORDER BY source, response_id, revision DESC, answered_at DESC, id DESC)
    SELECT n.contact_id, n.body, n.answered_at, c.name AS campaign, v.body AS survey
      FROM newest n
      LEFT JOIN campaign c ON c.workspace_id = :w AND c.id = n.campaign_id
      LEFT JOIN survey s ON s.workspace_id = :w AND s.id = n.survey_id
      LEFT JOIN survey_version v ON v.survey_id = s.id AND v.version = s.version
     WHERE n.event = ANY(:whole)
     ORDER BY n.answered_at DESC, n.revision DESC, n.id DESC
    """
)
