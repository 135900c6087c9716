"""Replay: what stands dead or parked, or could not be planned, is tried again.

Safe at any time; a repeat does nothing.

Only the state changes: the delivery looks up what its target holds, the order guard still writes
the newest answer only, and a note looks for its marker first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    FromClause,
    Update,
    and_,
    case,
    delete,
    func,
    null,
    or_,
    select,
    tuple_,
    update,
)

from connector.problems import Code, Refusal
from connector.responses import filequeue
from connector.responses.tracking import matching, one_delivery
from connector.tables import connection as connections
from connector.tables import delivery, mapping, mapping_version, response, step_key
from schemas.priority import Priority

REPLAYABLE = ("dead", "parked")
# What a CRM says no to, and another mapping may bring it to take: these have written nothing.
REFUSALS = ("validation", "not_found", "exists", "ambiguous", "mapping")
# What of a filter on deliveries a response without one can answer to.
OF_RESPONSES = {"state", "response_id", "since", "until"}
_UNPLANNED = {
    "planned_at": None,
    "plan_due_at": func.now(),
    "plan_failures": 0,
    # Planned anew, its steps stand behind what is answered meanwhile.
    "priority": func.greatest(response.c.priority, int(Priority.REPLAY)),
}


def replay_one(connection: Connection, workspace_id: int, delivery_id: int) -> dict[str, Any]:
    """The delivery, pending again. Refusal: NOT_FOUND, or CONFLICT if it waits for nobody."""
    before = one_delivery(connection, workspace_id, delivery_id)
    state = before["state"]
    if _plan_again(connection, workspace_id, delivery.c.id == delivery_id):
        return {**before, "state": "pending"}
    if _replayed(connection, workspace_id, delivery.c.id == delivery_id) != 1:
        text = (
            f"The delivery is {state}; only a dead or parked one can be replayed, and only while"
            " its mapping exists."
        )
        raise Refusal(Code.CONFLICT, text)
    return one_delivery(connection, workspace_id, delivery_id)


def replay_all(connection: Connection, workspace_id: int, only: Mapping[str, Any]) -> int:
    """Every dead or parked delivery that `only` describes, pending again, and every response that
    could not be planned; how many.
    """
    replanned = _plan_again(connection, workspace_id, matching(only))
    replanned += _plan_failed(connection, workspace_id, only)
    return replanned + _replayed(connection, workspace_id, matching(only))


def replay_unmatched(
    connection: Connection, workspace_id: int, mapping_id: int, *, parked: Collection[str]
) -> int:
    """What found nobody in the CRM, beside what is parked for these reasons and may make the
    record; how many. To be asked before that goes on.
    """
    beside = delivery.alias()
    waits = select(beside.c.response_id, beside.c.connection_id).where(
        beside.c.workspace_id == workspace_id,
        beside.c.mapping_id == mapping_id,
        beside.c.state == "parked",
        beside.c.reason.in_(parked),
    )
    return _replayed(
        connection,
        workspace_id,
        and_(
            delivery.c.state == "dead",
            delivery.c.error_code == "not_found",
            tuple_(delivery.c.response_id, delivery.c.connection_id).in_(waits),
        ),
    )


@dataclass(frozen=True, slots=True)
class Preview:
    """What a replay would do: deliveries that would be tried again or planned anew by the mapping
    as it is now, responses that would be planned again; deliveries that stay, for their mapping is
    deleted; and those of all that would wait, for their connection is not connected.
    """

    again: int
    planned_anew: int
    responses: int
    stay: int
    would_wait: int

    @property
    def count(self) -> int:
        """How many replay_all would say."""
        return self.again + self.planned_anew + self.responses


def preview(connection: Connection, workspace_id: int, only: Mapping[str, Any]) -> Preview:
    """What replay_all would do with the same filter just now. Nothing is changed."""
    told = _told_apart(workspace_id, only)
    closed = select(connections.c.id).where(
        connections.c.workspace_id == workspace_id,
        (connections.c.state != "connected") | connections.c.paused_at.is_not(None),
    )
    counted = select(
        func.count().filter(~told.c.anew, ~told.c.deleted).label("again"),
        func.count().filter(told.c.anew).label("planned_anew"),
        func.count().filter(~told.c.anew, told.c.deleted).label("stay"),
        func.count().filter(~told.c.deleted, told.c.connection_id.in_(closed)).label("would_wait"),
    )
    row = connection.execute(counted).one()
    given_up = _unplannable(workspace_id, only)
    responses = (
        connection.execute(select(func.count()).where(*given_up)).scalar_one() if given_up else 0
    )
    return Preview(row.again, row.planned_anew, responses, row.stay, row.would_wait)


def _told_apart(workspace_id: int, only: Mapping[str, Any]) -> CTE:
    """What could be replayed, each judged once: whether it would be planned anew, whether its
    mapping is deleted.
    """
    asked = select(
        delivery.c.connection_id,
        _is_planned_anew(workspace_id).label("anew"),
        _is_of_deleted_mapping(workspace_id).label("deleted"),
    ).where(
        delivery.c.workspace_id == workspace_id,
        delivery.c.state.in_(REPLAYABLE),
        matching(only),
    )
    return asked.cte("told").prefix_with("MATERIALIZED", dialect="postgresql")


def _replayed(connection: Connection, workspace_id: int, only: ColumnElement[bool]) -> int:
    """Pending again; a file that could not be had is fetched again for its steps."""
    asked = _again(workspace_id).where(only).returning(delivery.c.id)
    ids = connection.execute(asked).scalars().all()
    if ids:
        filequeue.fetch_again(connection, ids)
    return len(ids)


def _plan_again(connection: Connection, workspace_id: int, only: ColumnElement[bool]) -> int:
    """What its mapping refused when it was planned, or the CRM refused before the mapping was
    published anew, is planned again by the mapping as it is now; how many.

    Sending the stored step would leave the refused value out, or be as if nothing was mended.
    """
    refused = connection.execute(
        delete(delivery)
        .where(delivery.c.workspace_id == workspace_id, _is_planned_anew(workspace_id), only)
        .returning(delivery.c.response_id, delivery.c.step)
    ).all()
    if refused:
        keys = [(row.response_id, row.step) for row in refused]
        connection.execute(
            delete(step_key).where(tuple_(step_key.c.response_id, step_key.c.step).in_(keys))
        )
        connection.execute(
            update(response)
            .where(response.c.id.in_({row.response_id for row in refused}))
            .values(**_UNPLANNED)
        )
    return len(refused)


def _plan_failed(connection: Connection, workspace_id: int, only: Mapping[str, Any]) -> int:
    """Responses whose planning was given up have no delivery: they count as dead ones, and fit as
    long as nothing is asked that only a delivery has.
    """
    told = _unplannable(workspace_id, only)
    if told is None:
        return 0
    return connection.execute(update(response).where(*told).values(**_UNPLANNED)).rowcount


def _unplannable(workspace_id: int, only: Mapping[str, Any]) -> list[ColumnElement[bool]] | None:
    """The condition on responses whose planning was given up; None where the filter is about
    deliveries alone.
    """
    asked = {name for name, value in only.items() if value is not None}
    if not asked <= OF_RESPONSES or only.get("state") not in {None, "dead"}:
        return None
    told = [
        response.c.workspace_id == workspace_id,
        response.c.planned_at.is_not(None),
        response.c.plan_error.is_not(None),
    ]
    if only.get("response_id") is not None:
        told.append(response.c.id == only["response_id"])
    if only.get("since") is not None:
        told.append(response.c.received_at >= only["since"])
    if only.get("until") is not None:
        told.append(response.c.received_at < only["until"])
    return told


def _is_planned_anew(workspace_id: int) -> ColumnElement[bool]:
    return or_(_is_refused_by_mapping(), _is_mended(workspace_id))


def _is_mended(workspace_id: int) -> ColumnElement[bool]:
    """The mapping of what the CRM refused has a newer version. Tags and notes that found nobody go
    with it: the new version may make the record that they belong to.

    Neither set depends on the row that is judged: each is made once, however many rows there are.
    """
    beside = delivery.alias()
    goes_with = select(beside.c.response_id, beside.c.connection_id).where(
        beside.c.workspace_id == workspace_id, _is_outdated(beside, workspace_id)
    )
    return and_(
        delivery.c.state.in_(REPLAYABLE),
        func.coalesce(delivery.c.reason, "").in_(REFUSALS),
        or_(
            _is_outdated(delivery, workspace_id),
            and_(
                func.coalesce(delivery.c.reason, "") == "not_found",
                tuple_(delivery.c.response_id, delivery.c.connection_id).in_(goes_with),
            ),
        ),
    )


def _is_outdated(of: FromClause, workspace_id: int) -> ColumnElement[bool]:
    """Refused, and of a version of its mapping that was replaced."""
    replaced = (
        select(mapping_version.c.mapping_id, mapping_version.c.version)
        .join(mapping, mapping.c.id == mapping_version.c.mapping_id)
        .where(
            mapping.c.workspace_id == workspace_id,
            mapping_version.c.workspace_id == workspace_id,
            mapping.c.deleted_at.is_(None),
            mapping.c.published > mapping_version.c.version,
        )
    )
    made_by = tuple_(func.coalesce(of.c.mapping_id, 0), func.coalesce(of.c.mapping_version, 0))
    return and_(
        of.c.state.in_(REPLAYABLE),
        func.coalesce(of.c.reason, "").in_(REFUSALS),
        made_by.in_(replaced),
    )


def _is_refused_by_mapping() -> ColumnElement[bool]:
    return and_(
        delivery.c.state == "dead",
        delivery.c.reason.is_not_distinct_from("validation"),
        delivery.c.claims == 0,
    )


def _is_of_deleted_mapping(workspace_id: int) -> ColumnElement[bool]:
    """A deleted mapping writes no more."""
    return func.coalesce(delivery.c.mapping_id, 0).in_(
        select(mapping.c.id).where(
            mapping.c.workspace_id == workspace_id, mapping.c.deleted_at.is_not(None)
        )
    )


def _again(workspace_id: int) -> Update:
    return (
        update(delivery)
        .where(
            delivery.c.workspace_id == workspace_id,
            delivery.c.state.in_(REPLAYABLE),
            ~_is_of_deleted_mapping(workspace_id),
        )
        .values(
            state="pending",
            reason=None,
            priority=func.greatest(delivery.c.priority, int(Priority.REPLAY)),
            due_at=func.now(),
            attempts=0,
            crashes=0,
            lease_until=None,
            lease_token=None,
            folded_into=None,
            handle=None,
            # Whoever replays a message has decided that it goes, whatever became of an earlier try.
            sent=case((delivery.c.kind == "message", null()), else_=delivery.c.sent),
            error_code=None,
            error=None,
            error_field=None,
            settled_at=None,
        )
    )
