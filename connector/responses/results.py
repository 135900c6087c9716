"""What a campaign's respondents say: how many, their score, and how it moved. Only reads.

Figures look at the newest versions alone, so that a page costs the same however long a campaign has
been running; where there are more, `counted_from` says how far back they go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from connector.responses.plan import WHOLE
from connector.responses.tracking import TRIED

MOST_COUNTED = 20_000
# A trend has about as many points as can be told apart: to so many days -> by what it is drawn.
_BY = ((31, "day"), (183, "week"))
SCORES = range(11)


@dataclass(frozen=True, slots=True)
class Count:
    """How many responses, and how many of each class of the Net Promoter Score."""

    responses: int = 0
    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    @property
    def scored(self) -> int:
        """Responses with a score."""
        return self.promoters + self.passives + self.detractors

    @property
    def nps(self) -> int | None:
        """-100 to 100; None where nobody gave a score."""
        if not self.scored:
            return None
        return round(100 * (self.promoters - self.detractors) / self.scored)


@dataclass(frozen=True, slots=True)
class Period:
    """A day, a week or a month of the workspace's zone, by when was answered."""

    begins_at: datetime
    count: Count


@dataclass(frozen=True, slots=True)
class Results:
    """The whole span, its periods from the oldest on, and how often each score was given."""

    whole: Count
    by: str
    periods: tuple[Period, ...]
    scores: tuple[int, ...]
    counted_from: datetime | None


def results(
    connection: Connection, workspace_id: int, campaign_id: int, *, days: int, zone: str
) -> Results:
    """The campaign's results of the last `days` days. The newest version of each response counts;
    a deleted one, one that was not finished and one that was only tried out count for nothing.
    """
    by = next((unit for most, unit in _BY if days <= most), "month")
    asked: dict[str, Any] = {
        "w": workspace_id,
        "campaign": campaign_id,
        "days": days,
        "by": by,
        "zone": zone,
        "most": MOST_COUNTED,
        "tried": TRIED,
        "whole": sorted(WHOLE),
    }
    scores = [0] * len(SCORES)
    periods: dict[datetime, Count] = {}
    counted_from = None
    for row in connection.execute(RESULTS, asked):
        counted_from = row.counted_from
        if row.begins_at is None:
            continue
        if row.score is not None:
            scores[row.score] += row.n
        periods[row.begins_at] = _added(periods.get(row.begins_at, Count()), row.score, row.n)
    told = tuple(Period(begins_at, periods[begins_at]) for begins_at in sorted(periods))
    return Results(_whole(told), by, told, tuple(scores), counted_from)


def latest(
    connection: Connection, workspace_id: int, campaign_ids: list[int]
) -> dict[int, datetime]:
    """When each campaign was answered last; those that never were are left out."""
    rows = connection.execute(LATEST, {"w": workspace_id, "ids": campaign_ids, "tried": TRIED})
    return {row.id: row.answered_at for row in rows if row.answered_at is not None}


def _added(count: Count, score: int | None, more: int) -> Count:
    return Count(
        count.responses + more,
        count.promoters + (more if score is not None and score >= 9 else 0),
        count.passives + (more if score in {7, 8} else 0),
        count.detractors + (more if score is not None and score <= 6 else 0),
    )


def _whole(periods: tuple[Period, ...]) -> Count:
    counts = [one.count for one in periods]
    return Count(
        sum(one.responses for one in counts),
        sum(one.promoters for one in counts),
        sum(one.passives for one in counts),
        sum(one.detractors for one in counts),
    )


# One row at least: it tells counted_from where nothing counts.
RESULTS = text(
    """
    WITH version AS MATERIALIZED (
      SELECT source, response_id, revision, id, event, answered_at, received_at,
             (SELECT (a.value ->> 'value')::int FROM jsonb_each(body -> 'answers') AS a
               WHERE a.value ->> 'type' = 'nps' ORDER BY a.key LIMIT 1) AS score
        FROM response
       WHERE workspace_id = :w AND campaign_id = :campaign AND source <> :tried
       ORDER BY id DESC LIMIT :most),
    newest AS (
      SELECT DISTINCT ON (source, response_id) event, answered_at, score FROM version
       ORDER BY source, response_id, revision DESC, answered_at DESC, id DESC),
    counted AS (
      SELECT date_trunc(:by, answered_at, :zone) AS begins_at, score, count(*) AS n FROM newest
       WHERE event = ANY(:whole) AND answered_at > now() - make_interval(days => :days)
       GROUP BY 1, 2),
    reach AS (
      SELECT CASE WHEN count(*) = :most AND min(answered_at) > now() - make_interval(days => :days)
                  THEN min(answered_at) END AS counted_from FROM version)
    SELECT c.begins_at, c.score, c.n, reach.counted_from FROM reach LEFT JOIN counted c ON true
    """
)
LATEST = text(
    """
    SELECT c.id, newest.answered_at FROM unnest(CAST(:ids AS bigint[])) AS c(id)
      LEFT JOIN LATERAL (
        SELECT answered_at FROM response
         WHERE workspace_id = :w AND campaign_id = c.id AND source <> :tried
         ORDER BY id DESC LIMIT 1) newest ON true
    """
)
