"""The scheduler: a loop of its own on the database, twice a second. Any number may run.

    ring      for every workspace with unplanned responses, every connection with due or abandoned
    rows drain     in this very process while Redis has been away for two seconds

It needs no clock but the database's and holds no state: kill it at any moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text

from connector import clock, failpoints, stopping, workspaces
from connector.connections import drift, upkeep
from connector.db import DatabaseAway
from connector.engines import engines
from connector.jobs import hub_of
from connector.log import configure_log, get_logger
from connector.queues import DRAIN, DRIFT, FETCH, GATHER, PLAN, PROVISION, Doorbell
from connector.responses import deliver, fetching, gathering, planner
from connector.responses.extras import leftover
from connector.responses.hub import Hub
from connector.settings import Settings, load_settings

MAX_DRAINS = 4
ROWS_PER_DRAIN = 250
MAX_WAITING_JOBS = 32
AWAY_S = 2.0
OWN_DRAIN_S = 2.0
SAY_AGAIN_S = 60.0
KEEP_UP_S = 60.0
DUE = text(
    "SELECT * FROM ab_due() UNION ALL SELECT * FROM ab_due_files()"
    " UNION ALL SELECT * FROM ab_due_notices()"
)


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to do: planning or fetching files for a workspace, draining or provisioning a
    connection.
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
        for space in workspaces.listed(self.hub.database):
            upkeep.keep_up(self.hub.desk, int(space["id"]))
            self._plan_the_night(int(space["id"]))
            fetching.remove_delivered(self.hub, int(space["id"]))
            self._look_after_edits(int(space["id"]))
        for one in self._drifts():
            self.bell.ring(DRIFT, one.workspace_id, one.connection_id)

    def _plan_the_night(self, workspace_id: int) -> None:
        """The drift watch: a check per connection and local date (connections/drift.py)."""
        with self.hub.database.begin(workspace_id) as connection:
            drift.schedule(connection, workspace_id)

    def _look_after_edits(self, workspace_id: int) -> None:
        """Edits that nobody came back to are settled by a drain (responses/extras/leftover.py)."""
        with self.hub.database.begin(workspace_id) as connection:
            left = leftover.connections_with_any(connection, workspace_id)
        for connection_id in left:
            self.bell.ring(DRAIN, workspace_id, connection_id)

    def _drifts(self) -> list[Any]:
        with self.hub.database.across() as connection:
            return list(connection.execute(text("SELECT * FROM ab_drift_due()")).all())

    def _ring(self, one: Due) -> None:
        drains = min(MAX_DRAINS, 1 + one.waiting // ROWS_PER_DRAIN) if one.kind == DRAIN else 1
        for number in range(drains):
            self.bell.ring(one.kind, one.workspace_id, one.connection_id or 0, number=number)

    def _work(self, due: list[Due]) -> None:
        """Redis is away: the same work in this process, a little of each at a time."""
        for one in due:
            if stopping.is_stopping():
                return
            if one.kind == PLAN:
                planner.plan_waiting(self.hub, one.workspace_id)
            elif one.kind == DRAIN and one.connection_id:
                deliver.drain(self.hub, one.workspace_id, one.connection_id, for_s=OWN_DRAIN_S)
            elif one.kind == FETCH:
                fetching.fetch_due(self.hub, one.workspace_id, for_s=OWN_DRAIN_S)
            elif one.kind == GATHER:
                gathering.gather_due(self.hub, one.workspace_id, for_s=OWN_DRAIN_S)
            elif one.kind == PROVISION and one.connection_id:
                deliver.provide_tags(self.hub, one.workspace_id, one.connection_id)

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
