"""The way to one CRM while a person waits: before what only jobs wait for, and never beside the
account's limits.

Nothing is tried again: what fails is told. What answers tell of the account's calls, and what a
failure means for the connection, is kept as after a wave of deliveries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from adapters.calls import Watch, unwatched
from adapters.errors import AdapterError, PauseMapping
from adapters.values import Record
from connector import clock
from connector.connections import drift, parking, quota
from connector.connections.tokens import reach
from connector.problems import Code, Refusal
from connector.responses import failures, rest
from connector.responses.calling import Caller
from connector.responses.extras.choosing import Chosen
from connector.responses.extras.holds import Hold
from connector.responses.hub import Hub
from connector.responses.prepare import chance
from schemas.phrases import phrase
from schemas.priority import Priority

# A person does not wait for longer than this for one call.
CALL_S = 10.0
# Why a connection rests, as the adapter would say it.
_RESTS = {"breaker": "crm_unavailable", "throttled": "crm_throttled", "rate": "daily_limit"}


@dataclass(slots=True)
class Line:
    """One person's way to one CRM. `lost`: fields that the CRM turned out not to have."""

    hub: Hub
    chosen: Chosen
    caller: Caller
    trouble: failures.Trouble = field(default_factory=failures.Trouble)
    lost: set[str] = field(default_factory=set)

    def record(self, remote_id: str) -> Record | None:
        """The record with the chosen fields as they are now; of a merged one the survivor; None
        when it is gone. Raises AdapterError.
        """
        by = self.chosen.profile.traits.id_field
        return next(iter(self.matching(by, remote_id)), None)

    def left_by(self, hold: Hold) -> Record | None:
        """The record that an edit was about to write; of one that was about to create a record,
        what is known by the same. None where there is none, or several. Raises AdapterError.
        """
        if hold.match is None:
            return self.record(hold.spot.remote_id)
        found = self.matching(hold.match["field"], hold.match["value"])
        return found[0] if len(found) == 1 else None

    def matching(self, by: str, value: str) -> Sequence[Record]:
        """The records with this value in that field, with the chosen fields. Raises
        AdapterError.
        """
        entity = self.chosen.profile.traits.contact_entity
        while True:
            want = [one for one in self.chosen.readable if one not in self.lost]
            try:
                found = self.caller.ask(
                    lambda crm, want=want: crm.find(entity, by, [value], want=want)  # type: ignore[misc]
                )
            except PauseMapping as exc:
                if exc.field not in want:
                    raise
                self.lost.add(str(exc.field))
            else:
                records: Sequence[Record] = found.get(value, ())
                return records

    def failed(self, exc: AdapterError) -> None:
        """What a failure means for the connection."""
        failures.settled((), exc, self.trouble, chance=chance)

    def keep(self, connection: Connection) -> None:
        """Store what the calls told of the account, and let the connection rest where it must."""
        caller = self.caller
        quota.keep(connection, caller.workspace_id, caller.meter.account, caller.meter.heard())
        rest.rest(
            connection,
            caller.workspace_id,
            caller.connection_id,
            self.trouble,
            calls=caller.calls,
        )
        if self.lost:
            drift.ask(connection, caller.workspace_id, caller.connection_id)

    def hang_up(self) -> None:
        """What can only be done once the rest is committed: a dead grant parks the connection."""
        if self.trouble.reconnect:
            parking.park(
                self.hub.desk,
                self.caller.workspace_id,
                self.caller.connection_id,
                code=self.trouble.reconnect,
                seen_version=self.caller.reached.version,
            )


def line_to(hub: Hub, chosen: Chosen, *, for_s: float, watch: Watch = unwatched) -> Line:
    """A way to the CRM that is open for that many seconds; `watch` sees each call before it leaves.

    Raises AdapterError, or Refusal where the connection is paused or rests.
    """
    ends_at = clock.monotonic() + for_s
    profile = chosen.profile
    with hub.database.begin(profile.workspace_id) as connection:
        _refuse_at_rest(connection, profile.id)
        budget = quota.budget(connection, profile)
    reached = reach(hub.desk, profile.workspace_id, profile.id)
    entities = {} if chosen.entity is None else {chosen.entity.name: chosen.entity}
    caller = Caller(
        desk=hub.desk,
        workspace_id=profile.workspace_id,
        connection_id=profile.id,
        limiter=hub.limiter,
        monotonic=clock.monotonic,
        ends_at=ends_at,
        call_deadline_s=min(CALL_S, hub.settings.call_deadline_s),
        rate_share=hub.settings.rate_share,
        entities=entities,
        reached=reached,
        budget=budget,
        priority=Priority.INTERACTIVE,
        watch=watch,
    )
    return Line(hub, chosen, caller)


def _refuse_at_rest(connection: Connection, connection_id: int) -> None:
    row = connection.execute(RESTING, {"c": connection_id}).one()
    if row.paused:
        raise Refusal(Code.CONNECTION_PAUSED)
    if row.rest_s is not None:
        raise _rests(row)


def _rests(row: Any) -> Refusal:  # noqa: ANN401 - a row
    again = {"Retry-After": str(max(1, math.ceil(row.rest_s)))}
    why = {"reason": _RESTS.get(row.resume_reason, "crm_unavailable")}
    detail = phrase("The connection rests, as the CRM asked or after many failures.")
    return Refusal(Code.CRM_UNAVAILABLE, detail, extra=why, headers=again)


RESTING = text(
    """
    SELECT c.paused_at IS NOT NULL OR w.paused_at IS NOT NULL AS paused, c.resume_reason,
           CASE WHEN c.resume_at > now()
                THEN extract(epoch FROM c.resume_at - now())::float END AS rest_s
      FROM connection c JOIN workspace w ON w.id = c.workspace_id
     WHERE c.id = :c
    """
)
