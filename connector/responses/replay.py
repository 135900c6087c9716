"""Replay: what stands dead or parked is tried again. Safe at any time; a repeat does nothing.

Only the state changes: the delivery looks up what its target holds, the order guard still writes
the newest answer only, and a note looks for its marker first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Update, func, update

from connector.problems import Code, Refusal
from connector.responses.tracking import matching, one_delivery
from connector.tables import delivery

REPLAYABLE = ("dead", "parked")


def replay_one(connection: Connection, workspace_id: int, delivery_id: int) -> dict[str, Any]:
    """The delivery, pending again. Refusal: NOT_FOUND, or CONFLICT if it waits for nobody."""
    state = one_delivery(connection, workspace_id, delivery_id)["state"]
    done = connection.execute(_again(workspace_id).where(delivery.c.id == delivery_id))
    if done.rowcount != 1:
        text = f"The delivery is {state}; only a dead or parked one can be replayed."
        raise Refusal(Code.CONFLICT, text)
    return one_delivery(connection, workspace_id, delivery_id)


def replay_all(connection: Connection, workspace_id: int, only: Mapping[str, Any]) -> int:
    """Every dead or parked delivery that `only` describes, pending again; how many."""
    return connection.execute(_again(workspace_id).where(matching(only))).rowcount


def _again(workspace_id: int) -> Update:
    return (
        update(delivery)
        .where(delivery.c.workspace_id == workspace_id, delivery.c.state.in_(REPLAYABLE))
        .values(
            state="pending",
            reason=None,
            due_at=func.now(),
            attempts=0,
            crashes=0,
            lease_until=None,
            lease_token=None,
            folded_into=None,
            error_code=None,
            error=None,
            error_field=None,
            settled_at=None,
        )
    )
