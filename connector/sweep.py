"""The scheduler: a loop of its own on the database, twice a second. Any number may run.

    ring      for every workspace with unplanned responses, every connection with due or abandoned
    rows drain     in this very process while Redis has been away for two seconds

It needs no clock but the database's and holds no state: kill it at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from connector import clock, failpoints, stopping, workspaces
from connector.connections import drift, upkeep
from connector.db import DatabaseAway
from connector.engines import engines
from connector.jobs import hub_of, post, warn
from connector.log import configure_log, get_logger
from connector.queues import (
    ALERT,
    BACKFILL,
    DRAIN,
    DRIFT,
    FETCH,
    FORGET,
    GATHER,
    LETTERS,
    PLAN,
    PROVISION,
    TELL,
    Doorbell,
)
from connector.responses import (
    deliver,
    fetching,
    gathering,
    planner,
    polling,
    retention,
    surveydues,
)
from connector.responses.alerts import judging
from connector.responses.backfill import job as backfilling
from connector.responses.extras import leftover
from connector.responses.hub import Hub
from connector.settings import Settings, load_settings
from connector.webhooks import sending as telling

MAX_DRAINS = 4
# What several may work on at once: each claims rows of its own.
MANY = frozenset({DRAIN, TELL})
ROWS_PER_DRAIN = 250
MAX_WAITING_JOBS = 32
AWAY_S = 2.0
OWN_DRAIN_S = 2.0
SAY_AGAIN_S = 60.0
KEEP_UP_S = 60.0
DUE = text(
    "SELECT * FROM ab_due() UNION ALL SELECT * FROM ab_due_files()"
    " UNION ALL SELECT * FROM ab_due_notices() UNION ALL SELECT * FROM ab_due_letters()"
    " UNION ALL SELECT * FROM ab_due_webhooks() UNION ALL SELECT * FROM ab_due_backfills()"
    " UNION ALL SELECT * FROM ab_due_retention()"
)


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to do: planning or fetching files for a workspace, draining or provisioning a
    connection, sending the messages of a webhook, which then stands in the connection's place.
    """

    kind: str
    workspace_id: int
    connection_id: int | None
    waiting: int


@dataclass(slots=True)
class Sweep:
    """One scheduler process."""

    hub: Hub
    bell: Doorbell
    _said_at: float = field(default=float("-inf"))
    _kept_up_at: float = field(default=float("-inf"))

    def run(self) -> None:
        """Sweep until asked to stop."""
        self._trust_quiet_counts()
        while not stopping.is_stopping():
            began = clock.monotonic()
            try:
                self.once()
            except DatabaseAway:
                self._say("database_away")
            stopping.wait(max(0.0, self.hub.settings.sweep_s - (clock.monotonic() - began)))

    def once(self) -> list[Due]:
        """One sweep; what was due."""
        due = self._due()
        self._keep_up()
        if self.bell.away_s() >= AWAY_S:
            self._say("redis_away_draining_here")
            self._work(due)
        if self.bell.away_s() or self.bell.waiting() < MAX_WAITING_JOBS:
            for one in due:
                self._ring(one)
        return due

    def _due(self) -> list[Due]:
        with self.hub.database.across() as connection:
            rows = connection.execute(DUE).all()
        return [Due(row.kind, row.workspace_id, row.connection_id, row.waiting) for row in rows]

    def _keep_up(self) -> None:
        """Once a minute: what connections need now and then (connections/upkeep.py)."""
        if clock.monotonic() - self._kept_up_at < KEEP_UP_S:
            return
        self._kept_up_at = clock.monotonic()
        chores = (
            self._connections,
            self._plan_the_night,
            self._files,
            self._look_after_edits,
            self._judge,
            self._forget_messages,
        )
        for space in workspaces.listed(self.hub.database):
            for chore in chores:
                with _guarded(chore.__name__.strip("_"), int(space["id"])):
                    chore(int(space["id"]))
        for one in self._drifts():
            self.bell.ring(DRIFT, one.workspace_id, one.connection_id)

    def _connections(self, workspace_id: int) -> None:
        upkeep.keep_up(self.hub.desk, workspace_id)

    def _files(self, workspace_id: int) -> None:
        fetching.remove_delivered(self.hub, workspace_id)

    def _plan_the_night(self, workspace_id: int) -> None:
        """A check per connection and local date (connections/drift.py), a look at the surveys
        of each source (responses/defining.py), one for answers where none are pushed
        (responses/polling.py), and what was kept for long enough (responses/retention.py).
        """
        with self.hub.database.begin(workspace_id) as connection:
            drift.schedule(connection, workspace_id)
            surveydues.schedule(connection, workspace_id)
            polling.schedule(connection, workspace_id)
            retention.schedule(connection, workspace_id)

    def _look_after_edits(self, workspace_id: int) -> None:
        """Edits that nobody came back to are settled by a drain (responses/extras/leftover.py)."""
        with self.hub.database.begin(workspace_id) as connection:
            left = leftover.connections_with_any(connection, workspace_id)
        for connection_id in left:
            self.bell.ring(DRAIN, workspace_id, connection_id)

    def _judge(self, workspace_id: int) -> None:
        """What goes wrong is told to whom it concerns, by us where no worker can be rung for."""
        with self.hub.database.begin(workspace_id) as connection:
            settings = workspaces.read(connection, workspace_id)["settings"].get("alerts", {})
            is_due = judging.judge(connection, workspace_id, settings)
        if is_due and self.bell.away_s() >= AWAY_S:
            warn(self.hub, workspace_id)
        elif is_due:
            self.bell.ring(ALERT, workspace_id)

    def _forget_messages(self, workspace_id: int) -> None:
        """Messages of webhooks are kept for a while (webhooks/sending.py)."""
        with self.hub.database.begin(workspace_id) as connection:
            telling.remove_old(connection, workspace_id)

    def _drifts(self) -> list[Any]:
        with self.hub.database.across() as connection:
            return list(connection.execute(text("SELECT * FROM ab_drift_due()")).all())

    def _ring(self, one: Due) -> None:
        drains = min(MAX_DRAINS, 1 + one.waiting // ROWS_PER_DRAIN) if one.kind in MANY else 1
        for number in range(drains):
            self.bell.ring(one.kind, one.workspace_id, one.connection_id or 0, number=number)

    def _work(self, due: list[Due]) -> None:
        """Redis is away: the same work in this process, a little of each at a time."""
        for one in due:
            if stopping.is_stopping():
                return
            with _guarded(one.kind, one.workspace_id):
                if one.connection_id is None:
                    self._work_in(one.kind, one.workspace_id)
                else:
                    self._work_on(one.kind, one.workspace_id, one.connection_id)

    def _work_on(self, kind: str, workspace_id: int, about: int) -> None:
        """What is about a connection, or a webhook."""
        if kind == DRAIN:
            deliver.drain(self.hub, workspace_id, about, for_s=OWN_DRAIN_S)
        elif kind == PROVISION:
            deliver.provide_tags(self.hub, workspace_id, about)
        elif kind == TELL:
            telling.send_due(self.hub.desk, workspace_id, about, for_s=OWN_DRAIN_S)

    def _work_in(self, kind: str, workspace_id: int) -> None:
        """What belongs to no connection."""
        if kind == PLAN:
            planner.plan_waiting(self.hub, workspace_id)
        elif kind == BACKFILL:
            backfilling.plan_due(self.hub, workspace_id, for_s=OWN_DRAIN_S)
        elif kind == FORGET:
            retention.forget_due(self.hub, workspace_id, for_s=OWN_DRAIN_S)
        elif kind == FETCH:
            fetching.fetch_due(self.hub, workspace_id, for_s=OWN_DRAIN_S)
        elif kind == GATHER:
            gathering.gather_due(self.hub, workspace_id, for_s=OWN_DRAIN_S)
        elif kind == LETTERS:
            post(self.hub, workspace_id)

    def _trust_quiet_counts(self) -> None:
        """Nothing was sent for an hour: the rate limiter may begin with full windows."""
        with self.hub.database.across() as connection:
            quiet = connection.execute(text("SELECT ab_quiet()")).scalar_one()
        if quiet:
            self.hub.limiter.trust_counts()

    def _say(self, what: str) -> None:
        """One log line a minute, however long it lasts."""
        if clock.monotonic() - self._said_at >= SAY_AGAIN_S:
            self._said_at = clock.monotonic()
            get_logger(__name__).warning(what)


@contextmanager
def _guarded(chore: str, workspace_id: int) -> Iterator[None]:
    """A fault of ours in one workspace is logged, and stops nothing for the others."""
    try:
        yield
    except DatabaseAway:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever it is, the others' work is not to wait for it
        get_logger(__name__).error(
            "chore_failed", chore=chore, workspace_id=workspace_id, kind=type(exc).__name__
        )


def run_sweep(settings: Settings) -> None:
    """The scheduler process."""
    configure_log(settings.log_level)
    failpoints.configure(settings)
    stopping.stop_on_signals()
    with engines(settings) as running:
        hub = hub_of(running)
        Sweep(hub, Doorbell(str(running.redis_url))).run()
        hub.database.close()


def main() -> None:
    """`python -m connector.sweep`."""
    run_sweep(load_settings())


if __name__ == "__main__":
    main()
