"""A mapping that was switched on later is applied to responses that are stored already.

    preview     how many responses of the span it would write, how many it has written already
    start       keeps what was asked for; the job does the rest
    plan_due    the job: batches of 200 in the order of acceptance, each in one transaction with the
                place it has come to, so that a crash repeats nothing and leaves nothing out
    stop        what is planned by then stays planned

A response gets the steps that it would have got, had the mapping been on when it came: those of the
automations that feed it, whose conditions are asked again. Its step has the key of a live one, so a
repeat changes nothing; what an older version of the mapping has settled is moved aside first. Ranks
are the answers' own: the order guard lets no old answer win over a newer one.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from connector import stopping
from connector.connections import quotas
from connector.connections.desk import Desk
from connector.db import DatabaseAway, retried
from connector.log import get_logger
from connector.problems import Code, Place, Refusal, not_found
from connector.responses import edited, outbox, planner, withdrawn
from connector.responses.case import Person, Planned
from connector.responses.hub import Hub
from connector.responses.intake import FROM_TEST
from connector.responses.people import person_of
from connector.responses.plan import TRIGGERS
from connector.responses.steps import FILE, NOTE, Rank, Step
from schemas.priority import Priority

BATCH = 200
# So many of a span are looked at one by one for a preview; of more, the share is told.
MOST_LOOKED_AT = 1_000
MOST_SHOWN = 20
JOB_S = 45.0
OPEN = ("pending", "leased", "awaiting", "parked")
# What a response of the span is, for the mapping. Every response is one of these.
OUTCOMES = (
    "to_write",  # gets its steps
    "refused",  # the mapping refuses a value: a dead delivery says which
    "already",  # this version of the mapping has its step already
    "under_way",  # so has an older version, and it is not settled
    "not_fed",  # no automation feeds the mapping with it
    "nobody",  # anonymous, or nobody is known who gave it
    "removed",  # its answers were deleted, for they had been kept for long enough
    "replaced",  # a newer version of the response is known, or it was deleted or only a test
    "waiting",  # it is not planned yet: the mapping gets it as any other
    "broken",  # planning it breaks
)
# Why a backfill has stopped by itself.
CHANGED = "mapping_changed"


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


@dataclass(frozen=True, slots=True)
class _Looked:
    """A batch of responses: what each is for the mapping, and the steps to be."""

    counts: Counter[str]
    steps: Sequence[tuple[Rank, int, Step]]
    written: Sequence[int]


# --- asked by people -----------------------------------------------------------------------------


def span_of(connection: Connection, workspace_id: int, asked: Mapping[str, Any]) -> Span:
    """The span that was asked for, campaigns by the platform's ids. Raises Refusal(BODY_INVALID)
    for days in the wrong order and for a campaign that nobody knows.
    """
    since, until = asked.get("since"), asked.get("until")
    if since and until and until < since:
        text_ = "must not lie before the first day"
        raise Refusal(Code.BODY_INVALID, places=[Place("/until", "past", text_)])
    wanted = list(asked.get("campaigns") or ())
    known = {
        row.platform_id: row.id
        for row in connection.execute(CAMPAIGNS, {"w": workspace_id, "wanted": wanted})
    }
    for place, one in enumerate(wanted):
        if one not in known:
            told = Place(f"/campaigns/{place}", "unknown", "is no campaign that is known here")
            raise Refusal(Code.BODY_INVALID, places=[told])
    ids = tuple(sorted(known.values())) if wanted else None
    return Span(since, until, ids, bool(asked.get("notes")))


def preview(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    mapping_id: int,
    *,
    span: Span,
    share: float,
    linger_s: Mapping[str, float],
) -> dict[str, Any]:
    """What a backfill of the span would do just now; nothing is changed. Of a large span the
    numbers are those of a share of it, made large: `looked_at` says of how many.

    Refusal NOT_FOUND, or CONFLICT where the mapping is not on.
    """
    mapping = _mapping(connection, workspace_id, mapping_id)
    whole = connection.execute(COUNT, {"w": workspace_id, **span.options()}).one()
    every = max(1, math.ceil(whole.responses / MOST_LOOKED_AT))
    options = {"w": workspace_id, "every": every, "most": MOST_LOOKED_AT, **span.options()}
    rows = connection.execute(SAMPLE, options).all()
    with connection.begin_nested() as point:
        found = _looked_at(
            connection, desk, workspace_id, rows, mapping=mapping, notes=span.notes,
            linger_s=linger_s,
        )  # fmt: skip
        point.rollback()
    larger = whole.responses / len(rows) if rows else 1.0
    counts = {one: round(found.counts[one] * larger) for one in OUTCOMES}
    steps = round(sum(step.state != "dead" for _, _, step in found.steps) * larger)
    contacts = round(len({contact for _, contact, _ in found.steps}) * larger)
    return {
        "mapping_version": mapping.published,
        "responses": whole.responses,
        "looked_at": len(rows),
        "counts": counts,
        "contacts": min(contacts, whole.contacts),
        "steps": steps,
        **quotas.reach(connection, workspace_id, mapping.connection_id, steps, share=share),
    }


def start(
    connection: Connection, workspace_id: int, mapping_id: int, *, span: Span, actor: str
) -> dict[str, Any]:
    """Begin a backfill; how it stands. Raises Refusal: NOT_FOUND, CONFLICT where the mapping is
    not on, or a backfill of it runs.
    """
    mapping = _mapping(connection, workspace_id, mapping_id)
    total = connection.execute(COUNT, {"w": workspace_id, **span.options()}).one().responses
    options = {
        "w": workspace_id, "m": mapping_id, "version": mapping.published, "total": total,
        "notes": span.notes, "actor": actor, **span.options(),
    }  # fmt: skip
    try:
        with connection.begin_nested():
            made = connection.execute(START, options).scalar_one()
    except IntegrityError as exc:
        told = "A backfill of this mapping is running. Stop it first, or wait until it has ended."
        raise Refusal(Code.CONFLICT, told) from exc
    return read(connection, workspace_id, mapping_id, made)


def stop(
    connection: Connection, workspace_id: int, mapping_id: int, backfill_id: int
) -> dict[str, Any]:
    """Plan no more of it; what is planned stays. A repeat does nothing. Refusal NOT_FOUND."""
    connection.execute(STOP, {"w": workspace_id, "m": mapping_id, "id": backfill_id})
    return read(connection, workspace_id, mapping_id, backfill_id)


def read(
    connection: Connection, workspace_id: int, mapping_id: int, backfill_id: int
) -> dict[str, Any]:
    """How a backfill stands. Raises Refusal(NOT_FOUND)."""
    for one in listed(connection, workspace_id, mapping_id, only=backfill_id):
        return one
    raise not_found()


def listed(
    connection: Connection, workspace_id: int, mapping_id: int, *, only: int | None = None
) -> list[dict[str, Any]]:
    """The mapping's last backfills, newest first. Raises Refusal(NOT_FOUND)."""
    options = {"w": workspace_id, "m": mapping_id, "only": only, "most": MOST_SHOWN}
    if connection.execute(MAPPING, options).one_or_none() is None:
        raise not_found()
    return [_shown(row) for row in connection.execute(LISTED, options)]


def _shown(row: Row[Any]) -> dict[str, Any]:
    told = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's own way to a row's columns
    counts = told.pop("counts")
    return {
        **told,
        "counts": {one: counts.get(one, 0) for one in OUTCOMES},
        "looked_at": sum(counts.get(one, 0) for one in OUTCOMES),
    }


def _mapping(connection: Connection, workspace_id: int, mapping_id: int) -> Row[Any]:
    """The mapping, which must be on: a backfill does what its automations would have done."""
    row = connection.execute(MAPPING, {"w": workspace_id, "m": mapping_id}).one_or_none()
    if row is None:
        raise not_found()
    if row.published is None or not row.is_fed:
        told = "The mapping is not switched on: publish it and switch it on first."
        raise Refusal(Code.CONFLICT, told)
    return row


# --- the job -------------------------------------------------------------------------------------


def plan_due(hub: Hub, workspace_id: int, *, for_s: float = JOB_S) -> frozenset[int]:
    """Plan what backfills have asked for, for a while; the connections that got work."""
    ends_at = time.monotonic() + for_s
    touched: set[int] = set()
    size = BATCH
    while not stopping.is_stopping() and time.monotonic() < ends_at:
        try:
            connections = retried(partial(_plan_batch, hub, workspace_id, size=size))
        except DatabaseAway:
            raise
        except Exception as exc:  # noqa: BLE001 - found singly, counted as broken, and logged
            get_logger(__name__).error("backfill_failed", kind=type(exc).__name__, size=size)
            if size == 1:
                _skip_one(hub, workspace_id)
            size = 1
            continue
        if connections is None:
            break
        touched |= connections
    return frozenset(touched)


def _plan_batch(hub: Hub, workspace_id: int, *, size: int) -> frozenset[int] | None:
    """Plan the next responses of the oldest backfill; None when none is due."""
    with hub.database.begin(workspace_id) as connection:
        run = connection.execute(CLAIM, {"w": workspace_id}).one_or_none()
        if run is None:
            return None
        mapping = connection.execute(
            MAPPING, {"w": workspace_id, "m": run.mapping_id}
        ).one_or_none()
        if mapping is None or mapping.published != run.mapping_version:
            connection.execute(END, {"id": run.id, "state": "stopped", "reason": CHANGED})
            return frozenset()
        rows = _taken(connection, workspace_id, run, size=size)
        found = _looked_at(
            connection, hub.desk, workspace_id, rows, mapping=mapping, notes=run.notes,
            linger_s=hub.settings.linger_s,
        )  # fmt: skip
        _keep(connection, workspace_id, mapping, found)
        at_id = rows[-1].id if rows else run.last_id
        counts = Counter(run.counts) + found.counts
        connection.execute(ADVANCE, {"id": run.id, "at": at_id, "counts": json.dumps(counts)})
        if len(rows) < size:
            connection.execute(END, {"id": run.id, "state": "done", "reason": None})
        return frozenset(step.connection_id for _, _, step in found.steps)


def _taken(
    connection: Connection, workspace_id: int, run: Row[Any], *, size: int
) -> Sequence[Row[Any]]:
    span = Span(run.since, run.until, run.campaigns and tuple(run.campaigns))
    options = {"w": workspace_id, "at": run.at_id, "last": run.last_id, "n": size, **span.options()}
    return connection.execute(TAKE, options).all()


def _keep(connection: Connection, workspace_id: int, mapping: Row[Any], found: _Looked) -> None:
    """The steps into the outbox. What older versions of the mapping have settled gives way."""
    if not found.steps:
        return
    aside = {"w": workspace_id, "m": mapping.id, "v": mapping.published, "ids": list(found.written)}
    connection.execute(MOVE_ASIDE, aside)
    steps = planner.provisioned(connection, workspace_id, found.steps)
    outbox.enqueue(connection, workspace_id, steps, priority=Priority.BACKFILL)


def _skip_one(hub: Hub, workspace_id: int) -> None:
    """The next response cannot be planned or stored: it is left out, and the backfill goes on."""
    with hub.database.begin(workspace_id) as connection:
        run = connection.execute(CLAIM, {"w": workspace_id}).one_or_none()
        rows = _taken(connection, workspace_id, run, size=1) if run else ()
        if run and rows:
            counts = Counter(run.counts) + Counter(broken=1)
            options = {"id": run.id, "at": rows[0].id, "counts": json.dumps(counts)}
            connection.execute(ADVANCE, options)


# --- what each response is -----------------------------------------------------------------------


def _looked_at(
    connection: Connection,
    desk: Desk,
    workspace_id: int,
    rows: Sequence[Row[Any]],
    *,
    mapping: Row[Any],
    notes: bool,
    linger_s: Mapping[str, float],
) -> _Looked:
    ids = [row.id for row in rows]
    gone = edited.older_among(connection, ids) | withdrawn.gone_among(connection, ids)
    had = {row.response_id: row for row in connection.execute(HAD, {
        "w": workspace_id, "ids": ids, "step": f"feed:{mapping.id}"})}  # fmt: skip
    persons = _persons(connection, rows)
    outcomes = {
        row.id: _without_planning(
            row, had.get(row.id), gone=gone, known=row.id in persons, version=mapping.published
        )
        for row in rows
    }
    asked = [row for row in rows if outcomes[row.id] is None]
    plans = planner.replanned(
        connection, desk, workspace_id, asked, persons=persons, linger_s=linger_s
    ) if asked else {}  # fmt: skip
    counts = Counter(one for one in outcomes.values() if one is not None)
    steps: list[tuple[Rank, int, Step]] = []
    written = []
    for row in asked:
        wanted = _wanted(plans[row.id], mapping, notes=notes)
        counts[_outcome(plans[row.id], wanted)] += 1
        rank = Rank(row.answered_at, row.revision, row.id)
        steps += [(rank, persons[row.id].id, step) for step in wanted]
        written += [row.id] if wanted else []
    return _Looked(counts, steps, written)


def _without_planning(
    row: Row[Any],
    had: Row[Any] | None,
    *,
    gone: Collection[int],
    known: bool,
    version: int,
) -> str | None:
    """What the response is, where that needs no planning; else None."""
    if row.planned_at is None:
        return "waiting"
    if row.id in gone or row.source == FROM_TEST or row.event not in TRIGGERS:
        return "replaced"
    if row.removed_at is not None:
        return "removed"
    if not known:
        return "nobody"
    if had is None:
        return None
    if had.mapping_version == version:
        return "already"
    return "under_way" if had.state in OPEN else None


def _wanted(planned: Planned | None, mapping: Row[Any], *, notes: bool) -> tuple[Step, ...]:
    """Of a plan the steps that the mapping brings: its fields, where it writes to contacts their
    score tag, and notes and files where they were asked for.
    """
    if planned is None:
        return ()
    fed = next((one for one in planned.steps if one.key == f"feed:{mapping.id}"), None)
    if fed is None:
        return ()
    own = {fed.key, f"link:{mapping.id}"}
    beside = {f"tag:{fed.connection_id}"} if fed.payload["linked"] else set()
    kinds = {NOTE, FILE} if notes else set()
    return tuple(
        one
        for one in planned.steps
        if one.key in own | beside or (one.kind in kinds and one.connection_id == fed.connection_id)
    )


def _outcome(planned: Planned | None, wanted: Sequence[Step]) -> str:
    if planned is None:
        return "broken"
    if not wanted:
        return "not_fed"
    return "refused" if wanted[0].state == "dead" else "to_write"


def _persons(connection: Connection, rows: Sequence[Row[Any]]) -> dict[int, Person]:
    """Who gave each response, as they were matched when it was planned."""
    contacts = sorted({row.contact_id for row in rows if row.contact_id and not row.anonymous})
    found = {row.id: person_of(row) for row in connection.execute(PERSONS, {"ids": contacts})}
    return {
        row.id: replace(found[row.contact_id], crm_ids=_crm_ids(row.body))
        for row in rows
        if row.contact_id in found
    }


def _crm_ids(body: Mapping[str, Any]) -> Mapping[str, str]:
    return (body.get("respondent") or {}).get("crm_ids") or {}


CAMPAIGNS = text(
    "SELECT id, platform_id FROM campaign WHERE workspace_id = :w AND platform_id = ANY(:wanted)"
)
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
_OF_SPAN = """
      FROM response r JOIN workspace w ON w.id = r.workspace_id
     WHERE r.workspace_id = :w
       AND (CAST(:since AS date) IS NULL
            OR r.answered_at >= CAST(:since AS date)::timestamp AT TIME ZONE w.timezone)
       AND (CAST(:until AS date) IS NULL
            OR r.answered_at < (CAST(:until AS date) + 1)::timestamp AT TIME ZONE w.timezone)
       AND (CAST(:campaigns AS bigint[]) IS NULL
            OR r.campaign_id = ANY(CAST(:campaigns AS bigint[])))
"""
_READ = """
           r.id, r.source, r.response_id, r.revision, r.event, r.anonymous, r.body, r.answered_at,
           r.plan_failures, r.planned_at, r.contact_id, r.campaign_id, r.survey_id,
           r.removed_at
"""
COUNT = text(f"SELECT count(*) AS responses, count(DISTINCT r.contact_id) AS contacts {_OF_SPAN}")
# Every so manyeth of the span: its first thousand would tell of its beginning only.
SAMPLE = text(
    f"""
    SELECT {_READ} FROM response r
      JOIN (SELECT r.id, row_number() OVER (ORDER BY r.id) AS place {_OF_SPAN}) one USING (id)
     WHERE (one.place - 1) % :every = 0 ORDER BY r.id LIMIT :most
    """  # noqa: S608 - constants
)
START = text(
    """
    INSERT INTO backfill (workspace_id, mapping_id, mapping_version, since, until, campaigns, notes,
                          total, last_id, started_by)
    SELECT :w, :m, :version, CAST(:since AS date), CAST(:until AS date),
           CAST(:campaigns AS bigint[]), :notes, :total,
           coalesce((SELECT max(id) FROM response WHERE workspace_id = :w), 0), :actor
    RETURNING id
    """
)
STOP = text(
    "UPDATE backfill SET state = 'stopped', ended_at = now()"
    " WHERE workspace_id = :w AND mapping_id = :m AND id = :id AND state = 'running'"
)
LISTED = text(
    """
    SELECT b.id, b.mapping_version, b.since, b.until, b.notes, b.state, b.reason, b.total,
           b.counts, b.started_by, b.created_at, b.ended_at,
           ARRAY(SELECT c.platform_id FROM campaign c WHERE c.id = ANY(b.campaigns)
                  ORDER BY c.platform_id) AS campaigns
      FROM backfill b
     WHERE b.workspace_id = :w AND b.mapping_id = :m
       AND (CAST(:only AS bigint) IS NULL OR b.id = :only)
     ORDER BY b.id DESC LIMIT :most
    """
)
# One planner a backfill: its place and its counts are the row's own.
CLAIM = text(
    "SELECT * FROM backfill WHERE workspace_id = :w AND state = 'running'"
    " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
)
# Locked: a response that is being planned just now is seen as planned, with what it got.
TAKE = text(
    f"""
    SELECT {_READ} {_OF_SPAN} AND r.id > :at AND r.id <= :last
     ORDER BY r.id LIMIT :n FOR SHARE OF r
    """
)
HAD = text(
    "SELECT response_id, mapping_version, state FROM delivery"
    " WHERE workspace_id = :w AND response_id = ANY(:ids) AND step = :step"
)
# The key of a live step is free again; what the older version wrote keeps its lines and its state.
# What it could not write is not wanted any more.
MOVE_ASIDE = text(
    """
    WITH settled AS (
      SELECT d.id, d.response_id, d.step, d.step || '@' || d.mapping_version AS aside
        FROM delivery d
       WHERE d.workspace_id = :w AND d.response_id = ANY(:ids)
         AND d.step IN ('feed:' || :m, 'link:' || :m) AND d.mapping_version <> :v
         AND d.state IN ('done', 'superseded', 'dead', 'cancelled')
    ), moved AS (
      UPDATE step_key k SET step = s.aside FROM settled s
       WHERE k.response_id = s.response_id AND k.step = s.step
    )
    UPDATE delivery d
       SET step = s.aside,
           state = CASE WHEN d.state = 'dead' THEN 'superseded' ELSE d.state END,
           reason = CASE WHEN d.state = 'dead' THEN 'backfilled' ELSE d.reason END
      FROM settled s WHERE d.id = s.id
    """
)
ADVANCE = text("UPDATE backfill SET at_id = :at, counts = CAST(:counts AS jsonb) WHERE id = :id")
END = text("UPDATE backfill SET state = :state, reason = :reason, ended_at = now() WHERE id = :id")
PERSONS = text(
    """
    SELECT id, email, external_id, phone, name, first_name, last_name, company, country, language,
           attributes, origin_connection_id, opted_out_at
      FROM contact WHERE id = ANY(:ids) AND state = 'active'
    """
)
