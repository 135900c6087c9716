"""Which responses a backfill is about, and of which mapping."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text


@dataclass(frozen=True, slots=True)
class Span:
    """Which responses: answered from the day `since` to the day `until` in the workspace's zone,
    both included and None for no end; `campaigns` by our ids, None: every one. `notes`: with notes
    and files.
    """

    since: date | None = None
    until: date | None = None
    campaigns: tuple[int, ...] | None = None
    notes: bool = False

    def options(self) -> dict[str, Any]:
        """As parameters of SQL."""
        chosen = None if self.campaigns is None else list(self.campaigns)
        return {"since": self.since, "until": self.until, "campaigns": chosen}


MAPPING = text(
    """
    SELECT m.id, m.name, m.published, m.connection_id,
           EXISTS (
             SELECT FROM automation a
               JOIN automation_version v ON v.automation_id = a.id AND v.version = a.published
              WHERE a.workspace_id = m.workspace_id AND a.deleted_at IS NULL AND a.enabled
                AND EXISTS (SELECT FROM jsonb_array_elements(v.body -> 'then') t
                             WHERE t ->> 'do' = 'feed' AND t ->> 'mapping' = m.name)) AS is_fed
      FROM mapping m
     WHERE m.workspace_id = :w AND m.id = :m AND m.deleted_at IS NULL
    """
)
OF_SPAN = """
      FROM response r JOIN workspace w ON w.id = r.workspace_id
     WHERE r.workspace_id = :w
       AND (CAST(:since AS date) IS NULL
            OR r.answered_at >= CAST(:since AS date)::timestamp AT TIME ZONE w.timezone)
       AND (CAST(:until AS date) IS NULL
            OR r.answered_at < (CAST(:until AS date) + 1)::timestamp AT TIME ZONE w.timezone)
       AND (CAST(:campaigns AS bigint[]) IS NULL
            OR r.campaign_id = ANY(CAST(:campaigns AS bigint[])))
"""
READ = """
           r.id, r.source, r.response_id, r.revision, r.event, r.anonymous, r.body, r.answered_at,
           r.plan_failures, r.planned_at, r.contact_id, r.campaign_id, r.survey_id,
           r.removed_at
"""
