"""What people ask of backfills: how much one would be, to begin it, how it stands, to stop it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import IntegrityError

from connector.connections import quotas
from connector.connections.desk import Desk
from connector.problems import Code, Place, Refusal, not_found
from connector.responses.backfill.outcomes import OUTCOMES, looked_at
from connector.responses.backfill.span import MAPPING, OF_SPAN, READ, Span

# So many of a span are looked at one by one for a preview; of more, the share is told.
MOST_LOOKED_AT = 1_000
MOST_SHOWN = 20


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
        found = looked_at(
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


CAMPAIGNS = text(
    "SELECT id, platform_id FROM campaign WHERE workspace_id = :w AND platform_id = ANY(:wanted)"
)
COUNT = text(f"SELECT count(*) AS responses, count(DISTINCT r.contact_id) AS contacts {OF_SPAN}")
# Every so manyeth of the span: its first thousand would tell of its beginning only.
SAMPLE = text(
    f"""
    SELECT {READ} FROM response r
      JOIN (SELECT r.id, row_number() OVER (ORDER BY r.id) AS place {OF_SPAN}) one USING (id)
     WHERE (one.place - 1) % :every = 0 ORDER BY r.id LIMIT :most
    """  # noqa: S608 - constants
)
# Every so manyeth of the span: its first thousand would tell of its beginning only.
SAMPLE = text(
    f"""
    SELECT {READ} FROM response r
      JOIN (SELECT r.id, row_number() OVER (ORDER BY r.id) AS place {OF_SPAN}) one USING (id)
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
