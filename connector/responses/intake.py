"""Intake: a pushed response is stored once and committed before anyone hears yes.

A push is idempotent by (source, response id, revision): the same body again is a duplicate and
answers the same; another body is accepted as a new version only when its revision or its
`submitted_at` is newer, else it is a conflict. One bad item never refuses its neighbours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, text

from connector.db import Database, retried
from connector.failpoints import failpoint
from connector.responses import filestore
from connector.responses.enclosed import Enclosed, has_files, taken_out
from connector.responses.filefacts import verdict_on
from connector.settings import FILE_LIMITS, FileLimits
from schemas.priority import Priority
from schemas.response import ResponseSchema, digest_of, normalised
from schemas.sources.base import Edits

MAX_ITEMS = 1_000
FROM_API = "api"
# What a test key pushes: checked, kept and tried out (rehearsal.py), apart from what counts.
FROM_TEST = "api-test"
# Making it costs more than checking a response with it. It keeps nothing between two loads.
_SCHEMA = ResponseSchema()


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one pushed item; `place` is its index in the push.

    `status`: `accepted`, `duplicate` (stored before, nothing changed), `conflict` (the same
    revision holds another body), `invalid`. `errors` maps places in the item to sentences.
    `digest` is the stored one in hex.
    """

    place: int
    status: str
    response_id: str | None = None
    revision: int | None = None
    id: int | None = None
    digest: str | None = None
    errors: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    place: int
    body: dict[str, Any]
    digest: bytes
    revision: int
    files: tuple[Enclosed, ...] = ()

    @property
    def response_id(self) -> str:
        return str(self.body["response_id"])

    @property
    def answered_at(self) -> datetime:
        return datetime.fromisoformat(self.body["submitted_at"])


def accept(
    database: Database,
    workspace_id: int,
    *,
    source: str,
    items: Sequence[object],
    priority: Priority = Priority.LIVE,
    limits: FileLimits = FILE_LIMITS,
    edits: Edits = Edits.BY_TIME,
) -> tuple[Accepted, ...]:
    """One Accepted per item, in order. When it returns, everything accepted is committed.

    `priority` is that of the deliveries to be, `edits` how an edit is known. Raises DatabaseAway:
    then nothing of this call was accepted.
    """
    results: dict[int, Accepted] = {}
    valid = _checked(items, results)
    if valid:
        # What a paused source brings is kept and not due: sources.py names its responses so.
        _, _, own_id = source.partition("hook:")
        where = {"source": source, "priority": int(priority), "source_id": int(own_id or 0)}
        store = partial(_store, database, workspace_id, where, valid, limits=limits, edits=edits)
        stored = retried(store)
        failpoint("web_committed")
        results |= {one.place: one for one in stored}
    return tuple(results[place] for place in range(len(items)))


def _checked(items: Sequence[object], results: dict[int, Accepted]) -> list[_Item]:
    """The items that are well formed; what is wrong with the others goes into `results`."""
    checked = []
    for place, raw in enumerate(items):
        try:
            body = normalised(raw, schema=_SCHEMA)
        except ValidationError as exc:
            named = raw.get("response_id") if isinstance(raw, dict) else None
            results[place] = Accepted(
                place,
                "invalid",
                response_id=named if isinstance(named, str) else None,
                errors=_places(exc),
            )
        else:
            # Of the whole body: the contents of its files are part of what was pushed.
            digest = digest_of(body)
            files = taken_out(body) if has_files(body) else ()
            checked.append(_Item(place, body, digest, body["revision"], files))
    return checked


def _places(exc: ValidationError) -> dict[str, Any]:
    messages = exc.messages
    return messages if isinstance(messages, dict) else {"": messages}


def _store(
    database: Database,
    workspace_id: int,
    where: Mapping[str, Any],
    items: Sequence[_Item],
    *,
    limits: FileLimits,
    edits: Edits,
) -> list[Accepted]:
    """One transaction: claim the keys, then store the bodies of those that are new."""
    first_of: dict[tuple[str, int, bytes], _Item] = {}
    for item in items:
        first_of.setdefault((item.response_id, item.revision, item.digest), item)
    with database.begin(workspace_id) as connection:
        known = _versions(connection, where["source"], items)
        decided = {id(one): _decided(one, known, edits=edits) for one in first_of.values()}
        fresh = [one for one in first_of.values() if decided[id(one)].status == "accepted"]
        stored = _insert(connection, workspace_id, where, items=fresh, decided=decided, known=known)
        if where["source"] != FROM_TEST:
            _enter_files(connection, workspace_id, fresh, stored=stored, limits=limits)
    results = []
    for item in items:
        twin = first_of[item.response_id, item.revision, item.digest]
        result = stored.get(id(twin), decided[id(twin)])
        same_push = twin is not item and result.status == "accepted"
        results.append(_at(item.place, result, status="duplicate" if same_push else result.status))
    return results


def _at(place: int, result: Accepted, *, status: str) -> Accepted:
    return Accepted(
        place, status, result.response_id, result.revision, result.id, result.digest, result.errors
    )


@dataclass(slots=True)
class _Version:
    revision: int
    digest: bytes
    answered_at: datetime
    response: int | None


def _versions(
    connection: Connection, source: str, items: Sequence[_Item]
) -> dict[str, list[_Version]]:
    """Every stored version of the pushed response ids.

    Two pushes of one id at the same moment queue up at an advisory lock each, taken in one order:
    without it both would find nothing stored.
    """
    ids = sorted({item.response_id for item in items})
    connection.execute(LOCK, {"source": source, "ids": ids})
    rows = connection.execute(VERSIONS, {"source": source, "ids": ids})
    known: dict[str, list[_Version]] = {}
    for row in rows:
        version = _Version(row.revision, row.digest, row.answered_at, row.response)
        known.setdefault(row.response_id, []).append(version)
    return known


def _decided(item: _Item, known: dict[str, list[_Version]], *, edits: Edits) -> Accepted:
    """What this item is, seen against the stored versions (and those accepted before it in this
    push).
    """
    versions = known.setdefault(item.response_id, [])
    same = next((one for one in versions if one.digest == item.digest), None)
    if same is not None:
        return Accepted(
            item.place,
            "duplicate",
            item.response_id,
            same.revision,
            same.response,
            same.digest.hex(),
        )
    revision = _free_revision(item, versions, edits=edits)
    if revision is None:
        holder = next(one for one in versions if one.revision == item.revision)
        return Accepted(
            item.place,
            "conflict",
            item.response_id,
            item.revision,
            holder.response,
            holder.digest.hex(),
            {"revision": ["this revision is stored with another body; raise it to send an edit"]},
        )
    versions.append(_Version(revision, item.digest, _place_in_time(item, revision, versions), None))
    return Accepted(item.place, "accepted", item.response_id, revision, None, item.digest.hex())


def _free_revision(item: _Item, versions: Sequence[_Version], *, edits: Edits) -> int | None:
    """The revision to store the item under; None when it contradicts what is stored.

    An edit may say so by a later `submitted_at` alone, or by coming later where the platform tells
    no time: it then becomes the next revision.
    """
    if all(one.revision != item.revision for one in versions):
        return item.revision
    is_later = item.answered_at > max(one.answered_at for one in versions)
    if is_later or edits is Edits.BY_ARRIVAL:
        return max(one.revision for one in versions) + 1
    return None


def _place_in_time(item: _Item, revision: int, versions: Sequence[_Version]) -> datetime:
    """When this version counts as answered: as it says, but never before a lower revision of its
    own response nor after a higher one. So the highest revision stands, in any order of arrival,
    whatever times the platform gives; against other responses time alone decides.
    """
    lower = [one.answered_at for one in versions if one.revision < revision]
    higher = [one.answered_at for one in versions if one.revision > revision]
    return min([max([item.answered_at, *lower]), *higher])


def _insert(
    connection: Connection,
    workspace_id: int,
    where: Mapping[str, Any],
    *,
    items: Sequence[_Item],
    decided: Mapping[int, Accepted],
    known: Mapping[str, Sequence[_Version]],
) -> dict[int, Accepted]:
    """Store the new versions; their Accepted with the response's own id, keyed by id(item)."""
    if not items:
        return {}
    times = {(key, one.revision): one.answered_at for key, every in known.items() for one in every}
    rows = [
        {
            "place": place,
            "response_id": item.response_id,
            "revision": decided[id(item)].revision,
            "digest": item.digest.hex(),
            "event": item.body["event"],
            "anonymous": is_anonymous(item.body),
            "body": item.body,
            "answered_at": times[item.response_id, decided[id(item)].revision or 1].isoformat(),
        }
        for place, item in enumerate(items)
    ]
    options = {"w": workspace_id, **where, "rows": json.dumps(rows)}
    stored = connection.execute(STORE, options)
    ids = {(row.response_id, row.revision): row.id for row in stored}
    return {
        id(item): _with_id(one, ids[item.response_id, one.revision])
        for item in items
        if (one := decided[id(item)])
    }


def _enter_files(
    connection: Connection,
    workspace_id: int,
    items: Sequence[_Item],
    *,
    stored: Mapping[int, Accepted],
    limits: FileLimits,
) -> None:
    """The files of what was stored, to be fetched; not those of somebody who stays unknown."""
    files = {
        row_id: item.files
        for item in items
        if item.files and not is_anonymous(item.body) and item.body["event"] != "deleted"
        if (row_id := stored[id(item)].id) is not None
    }
    if files:
        judge = partial(verdict_on, types=limits.types, max_bytes=limits.max_bytes)
        filestore.enter(connection, workspace_id, files, judge=judge)


def _with_id(result: Accepted, row_id: int) -> Accepted:
    return Accepted(
        result.place, result.status, result.response_id, result.revision, row_id, result.digest
    )


def is_anonymous(body: Mapping[str, Any]) -> bool:
    """Whether nobody can be matched: said so, or without any way to tell who answered."""
    who = body.get("respondent") or {}
    named = any(who.get(key) for key in ("email", "external_id", "phone", "crm_ids"))
    return bool(who.get("anonymous")) or not named


LOCK = text(
    """
    SELECT pg_advisory_xact_lock(h) FROM (
      SELECT DISTINCT hashtextextended(:source || chr(31) || one,
                                       current_setting('app.workspace_id')::bigint) AS h
        FROM unnest(CAST(:ids AS text[])) AS one ORDER BY h) AS locks
    """
)
VERSIONS = text(
    """
    SELECT response_id, revision, digest, answered_at, response FROM response_key
     WHERE source = :source AND response_id = ANY(:ids)
    """
)
# One statement for any number of rows: with a parameter a value the driver parsed half a megabyte
# of SQL, which cost more than the database's own work. In the push's order: ids follow it. The
# source is locked against a resume meanwhile, which would not see these responses.
STORE = text(
    """
    WITH pushed AS (
      SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        place int, response_id text, revision int, digest text, event text, anonymous boolean,
        body jsonb, answered_at timestamptz)
    ), held AS (
      SELECT paused_at FROM hook_source WHERE id = :source_id FOR SHARE
    ), stored AS (
      INSERT INTO response (workspace_id, source, response_id, revision, event, anonymous, body,
                            answered_at, priority, plan_due_at)
      SELECT :w, :source, response_id, revision, event, anonymous, body, answered_at, :priority,
             CASE WHEN (SELECT paused_at FROM held) IS NULL THEN now() ELSE 'infinity' END
        FROM pushed ORDER BY place
      RETURNING id, response_id, revision
    ), keyed AS (
      INSERT INTO response_key (workspace_id, source, response_id, revision, digest, response,
                                answered_at)
      SELECT :w, :source, p.response_id, p.revision, decode(p.digest, 'hex'), s.id, p.answered_at
        FROM pushed p JOIN stored s USING (response_id, revision)
    )
    SELECT id, response_id, revision FROM stored
    """
)

__all__ = ["FROM_API", "FROM_TEST", "MAX_ITEMS", "Accepted", "accept", "is_anonymous"]
