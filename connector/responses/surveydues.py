"""When a source's surveys are fetched: asked for by a notice, and each night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, text, update

from connector.connections.desk import Desk
from connector.responses import notices, sources
from connector.responses.platforms import refusal
from connector.tables import hook_source
from schemas.phrases import phrase
from schemas.sources.base import Notice

# What a notice asks for: the list, all of it or what has changed, or one survey.
LIST, ONE = "surveys", "survey_definition"
EVERY, CHANGED = "every", "changed"
# Local hour from which on the night's look is due.
HOUR = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """How the newest look at a source's surveys goes. `state` is that of their list (pending,
    fetched, failed); the counts are the surveys that it found due; `error` is the last thing in
    the way.
    """

    asked_at: datetime
    state: str
    fetched: int
    waiting: int
    failed: int
    error: str | None


def ask(connection: Connection, workspace_id: int, source_id: int, *, what: str = EVERY) -> None:
    """Fetch the source's surveys soon, and from now on each night. One that waits is enough."""
    mark = update(hook_source).where(hook_source.c.id == source_id)
    connection.execute(mark.values(surveys_on=func.current_date()))
    notices.enter(connection, workspace_id, source_id, [Notice("surveys", {LIST: what})])


def ask_for(connection: Connection, desk: Desk, workspace_id: int, source_id: int) -> None:
    """The same for a person. Raises Refusal(NOT_FOUND), or Refusal(SETTING_INVALID) for a source
    that could not be asked.
    """
    source = sources.of_id(connection, desk, workspace_id, source_id)
    if source.platform.definitions is None:
        raise refusal(
            why=phrase("%(label)s tells no surveys.", label=phrase(source.platform.label)),
            at=("platform",),
        )
    if source.platform.polls is None and source.token is None:
        raise refusal(why=phrase("Bring the token of the platform's API first."), at=("token",))
    ask(connection, workspace_id, source_id)


def standing(connection: Connection, source_id: int) -> Standing | None:
    """How the newest look goes; None where nobody has asked yet."""
    row = connection.execute(STANDING, {"s": source_id, "list": LIST, "one": ONE}).one_or_none()
    return Standing(*row) if row is not None else None


def schedule(connection: Connection, workspace_id: int, *, hour: int = HOUR) -> int:
    """Ask for what has changed, once a local date, of the sources whose surveys were fetched
    before; how many were due. A repeat does nothing.
    """
    due = list(connection.execute(DUE, {"w": workspace_id, "hour": hour}).scalars())
    for source_id in due:
        every = [Notice("surveys", {LIST: CHANGED})]
        notices.enter(connection, workspace_id, source_id, every)
    return len(due)


DUE = text(
    """
    UPDATE hook_source s
       SET surveys_on = (now() AT TIME ZONE w.timezone)::date
      FROM workspace w
     WHERE w.id = :w AND s.workspace_id = w.id AND s.disabled_at IS NULL
       AND s.surveys_on < (now() AT TIME ZONE w.timezone)::date
       AND extract(hour FROM now() AT TIME ZONE w.timezone) >= :hour
    RETURNING s.id
    """
)
STANDING = text(
    """
    WITH list AS (
      SELECT id, created_at, state, error FROM hook_notice
       WHERE source_id = :s AND what ? :list ORDER BY id DESC LIMIT 1
    )
    SELECT list.created_at, list.state,
           count(*) FILTER (WHERE n.state = 'fetched'),
           count(*) FILTER (WHERE n.state = 'pending'),
           count(*) FILTER (WHERE n.state = 'failed'),
           coalesce(list.error, max(n.error))
      FROM list
      LEFT JOIN hook_notice n ON n.source_id = :s AND n.id > list.id AND n.what ? :one
     GROUP BY list.created_at, list.state, list.error
    """
)
