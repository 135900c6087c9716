"""Answers are kept for as long as the workspace says, then deleted: each night, in batches.

    schedule    opens the night's run, once a local date
    forget_due  the job: the oldest responses first, a batch in one transaction with the place it
                has come to, so that a crash leaves nothing half deleted
    told        what the last nights did

A response goes when it and the last of its deliveries are older than that. What is still to be
delivered, parked for months or not, is not touched. What stays names no answer: that there was one,
its times, campaign and contact, what became of each step, its key and digest (ADR 0010), and the
score of a tag, without which the next answer could not replace it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, text

from connector import audit, stopping
from connector.db import retried
from connector.responses.hub import Hub

DAYS, SETTING = 90, "retention_days"
BATCH, JOB_S, MOST_NIGHTS = 500, 45.0, 7
# The local hour from which the night's run begins.
HOUR = 2
ACTOR = "retention"
# The verdict of a response whose answers were deleted, and the reason of what could not be written.
REMOVED = "answers_removed"


def days_of(settings: Mapping[str, Any]) -> int:
    """For how many days the workspace keeps answers."""
    return int(settings.get(SETTING, DAYS))


def schedule(connection: Connection, workspace_id: int) -> None:
    """Open tonight's run where there is none yet and a response is old enough. A repeat does
    nothing.
    """
    connection.execute(SCHEDULE, {"w": workspace_id, "hour": HOUR, "days": DAYS})


def forget_due(hub: Hub, workspace_id: int, *, for_s: float = JOB_S) -> int:
    """Delete what is due of the night's run, for a while; how many responses."""
    ends_at, count = time.monotonic() + for_s, 0
    while not stopping.is_stopping() and time.monotonic() < ends_at:
        done = retried(partial(_batch, hub, workspace_id))
        if done is None:
            break
        count += done
    return count


def told(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """The last nights in which something was deleted, newest first."""
    rows = connection.execute(TOLD, {"w": workspace_id, "most": MOST_NIGHTS})
    return [dict(row) for row in rows.mappings()]


def _batch(hub: Hub, workspace_id: int) -> int | None:
    """The next responses of the run; how many, None when none is open."""
    with hub.database.begin(workspace_id) as connection:
        run = connection.execute(CLAIM, {"w": workspace_id}).one_or_none()
        if run is None:
            return None
        options = {"w": workspace_id, "at": run.at_id, "days": run.days, "n": BATCH}
        ids = list(connection.execute(OLD, options).scalars())
        files = _forget(connection, workspace_id, ids) if ids else 0
        counted = {"at": ids[-1] if ids else run.at_id, "responses": len(ids), "files": files}
        connection.execute(COUNTED, {"w": workspace_id, "night": run.night, **counted})
        if len(ids) < BATCH:
            _end(connection, workspace_id, run, counted)
        return len(ids)


def _forget(connection: Connection, workspace_id: int, ids: list[int]) -> int:
    """Delete the answers of these responses wherever they stand; how many files."""
    options = {"w": workspace_id, "ids": ids, "reason": REMOVED}
    connection.execute(BODIES, options)
    connection.execute(PAYLOADS, options)
    connection.execute(LEDGER, options)
    connection.execute(CONTENTS, options)
    return connection.execute(FILES, options).rowcount


def _end(
    connection: Connection,
    workspace_id: int,
    run: Row[Any],
    last: Mapping[str, int],
) -> None:
    connection.execute(END, {"w": workspace_id, "night": run.night})
    responses, files = run.responses + last["responses"], run.files + last["files"]
    if responses:
        audit.record(
            connection,
            workspace_id,
            actor=ACTOR,
            action="answers.removed",
            object=f"workspace:{workspace_id}",
            detail={"responses": responses, "files": files, "older_than_days": run.days},
        )


_SETTLED = "('done', 'superseded', 'dead', 'cancelled')"
SCHEDULE = text(
    """
    WITH here AS (
      SELECT id, now() AT TIME ZONE timezone AS local,
             coalesce((settings ->> 'retention_days')::int, :days) AS days
        FROM workspace WHERE id = :w
    )
    INSERT INTO retention_run (workspace_id, night, days)
    SELECT h.id, h.local::date, h.days FROM here h
     WHERE extract(hour FROM h.local) >= :hour
       AND NOT EXISTS (SELECT FROM retention_run n
                        WHERE n.workspace_id = h.id AND n.night = h.local::date)
       AND (SELECT received_at FROM response
             WHERE workspace_id = h.id AND removed_at IS NULL ORDER BY id LIMIT 1)
           < now() - make_interval(days => h.days)
    ON CONFLICT DO NOTHING
    """
)
CLAIM = text(
    "SELECT * FROM retention_run WHERE workspace_id = :w AND ended_at IS NULL"
    " ORDER BY night LIMIT 1 FOR UPDATE SKIP LOCKED"
)
OLD = text(
    f"""
    SELECT r.id FROM response r
     WHERE r.workspace_id = :w AND r.removed_at IS NULL AND r.id > :at
       AND r.received_at < now() - make_interval(days => :days)
       AND r.planned_at IS NOT NULL
       AND NOT EXISTS (
           SELECT FROM delivery d
            WHERE d.workspace_id = r.workspace_id AND d.response_id = r.id
              AND (d.state NOT IN {_SETTLED}
                   OR d.settled_at > now() - make_interval(days => :days)))
     ORDER BY r.id LIMIT :n FOR UPDATE OF r
    """  # noqa: S608 - constants
)
# What is asked of any stored response is still there, without who gave it and what they said.
BODIES = text(
    """
    UPDATE response
       SET removed_at = now(), plan_error = NULL,
           verdicts = jsonb_build_object('response', CAST(:reason AS text)),
           body = jsonb_strip_nulls(jsonb_build_object(
             'response_id', body -> 'response_id', 'revision', body -> 'revision',
             'event', body -> 'event', 'submitted_at', body -> 'submitted_at',
             'campaign', body -> 'campaign', 'survey', body -> 'survey'))
             || '{"respondent": {}, "answers": {}}'
     WHERE workspace_id = :w AND id = ANY(:ids)
    """
)
# A white list: what a later kind of step keeps is deleted until somebody has thought of it. The
# marker of a note and the score of a tag are what a deletion or a newer answer finds them by, and
# `match` of a linked contact is its own address, no answer.
_KEPT = (
    "linked operation ambiguous keep contact campaign score marker of step file answer edited event"
    " id once thread"
)
PAYLOADS = text(
    f"""
    UPDATE delivery d
       SET payload = (
             SELECT coalesce(jsonb_object_agg(key, value), '{{}}') FROM jsonb_each(d.payload)
              WHERE key = ANY(string_to_array('{_KEPT}', ' ')))
             || jsonb_build_object('match', CASE WHEN d.payload ->> 'linked' = 'true'
                  THEN d.payload -> 'match'
                  ELSE coalesce(d.payload -> 'match', '{{}}') || '{{"value": ""}}' END)
             || '{{"values": {{}}, "create": {{}}, "title": "", "text": "", "html": ""}}',
           sent = NULL, handle = NULL,
           state = CASE WHEN d.state = 'dead' THEN 'cancelled' ELSE d.state END,
           reason = CASE WHEN d.state = 'dead' THEN :reason ELSE d.reason END
     WHERE d.workspace_id = :w AND d.response_id = ANY(:ids) AND d.state IN {_SETTLED}
    """  # noqa: S608 - constants
)
LEDGER = text(
    "UPDATE ledger SET before = NULL, after = NULL"
    " WHERE workspace_id = :w AND response_id = ANY(:ids)"
)
CONTENTS = text(
    "DELETE FROM file_content c USING answer_file f"
    " WHERE f.workspace_id = :w AND f.response_id = ANY(:ids) AND c.file_id = f.id"
)
FILES = text(
    "UPDATE answer_file SET state = 'removed', url = NULL, name = NULL"
    " WHERE workspace_id = :w AND response_id = ANY(:ids)"
)
COUNTED = text(
    "UPDATE retention_run SET at_id = :at, responses = responses + :responses,"
    " files = files + :files WHERE workspace_id = :w AND night = :night"
)
END = text("UPDATE retention_run SET ended_at = now() WHERE workspace_id = :w AND night = :night")
TOLD = text(
    "SELECT night, days, responses, files, ended_at FROM retention_run"
    " WHERE workspace_id = :w AND responses > 0 ORDER BY night DESC LIMIT :most"
)
