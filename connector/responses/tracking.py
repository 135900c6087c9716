"""What became of responses: versions, steps, deliveries, and what was written. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, select, true

from connector.problems import not_found
from connector.responses.causes import BY_ITSELF
from connector.tables import answer_file, attempt, delivery, ledger, mapping, response
from connector.tables import connection as connections

Row = Mapping[str, Any]
Named = Mapping[str, Mapping[int, str]]

# Neither lists the payload nor the body: they hold answers.
_DELIVERY = tuple(
    delivery.c[name]
    for name in (
        "id", "connection_id", "response_id", "contact_id", "campaign_id", "mapping_id",
        "mapping_version", "automation_id", "step", "kind", "entity", "state", "reason", "due_at",
        "attempts", "crashes", "remote_id", "error_code", "error", "error_field", "answered_at",
        "created_at", "settled_at",
    )
)  # fmt: skip
RESPONSE = tuple(
    response.c[name]
    for name in (
        "id", "source", "response_id", "revision", "event", "anonymous", "contact_id",
        "campaign_id", "answered_at", "received_at", "planned_at", "plan_error", "verdicts",
        "removed_at",
    )
)  # fmt: skip
# Without the address: it may hold the secret that opens the file.
_FILE = tuple(
    answer_file.c[name]
    for name in (
        "id", "answer", "place", "name", "state", "reason", "error", "attempts", "due_at",
        "content_type", "size_bytes", "settled_at",
    )
)  # fmt: skip
_NAMED: Mapping[str, tuple[Table, ColumnElement[Any]]] = {
    "connection": (connections, connections.c.name),
    "mapping": (mapping, mapping.c.name),
}
# As intake.py calls it, which stands above this module.
TRIED = "api-test"
_SETTLED = {"done", "superseded", "cancelled"}
_NEEDS_SOMEBODY = {"dead", "parked"}
PAUSED = "paused"


def progress(
    connection: Connection, workspace_id: int, *, response_id: str, source: str | None
) -> list[dict[str, Any]]:
    """Every stored version of the response with its steps, newest first; Refusal(NOT_FOUND)."""
    asked = select(*RESPONSE).where(
        response.c.workspace_id == workspace_id, response.c.response_id == response_id
    )
    # What was only tried out is asked for by its source: it is another response of that id.
    asked = asked.where(
        response.c.source != TRIED if source is None else response.c.source == source
    )
    versions = [
        dict(row) for row in connection.execute(asked.order_by(response.c.id.desc())).mappings()
    ]
    if not versions:
        raise not_found()
    steps = steps_of(connection, workspace_id, [one["id"] for one in versions])
    files = files_of(connection, workspace_id, [one["id"] for one in versions])
    for one in versions:
        one["steps"] = steps.get(one["id"], [])
        one["files"] = files.get(one["id"], [])
        one["state"] = state_of(one)
    return versions


def state_of(version: Row) -> str:
    """Where one version stands: received, planning_failed, delivering, needs_attention, paused or
    done.
    """
    if version["planned_at"] is None:
        return "planning_failed" if version["plan_error"] else "received"
    waiting = [step for step in version["steps"] if _goes_on_by_itself(step)]
    resting = [step for step in version["steps"] if _is_paused(step)]
    others = [step for step in version["steps"] if step not in (*waiting, *resting)]
    states = {step["state"] for step in others}
    if states & _NEEDS_SOMEBODY:
        return "needs_attention"
    if waiting or not states <= _SETTLED:
        return "delivering"
    return "paused" if resting else "done"


def _goes_on_by_itself(step: Row) -> bool:
    """Parked until a file, an option of the CRM or the account's rate is there."""
    return bool(step["state"] == "parked" and step["reason"] in BY_ITSELF)


def _is_paused(step: Row) -> bool:
    """Parked by a person, who has the switch: nothing is wrong."""
    return bool(step["state"] == "parked" and step["reason"] == PAUSED)


def files_of(
    connection: Connection, workspace_id: int, ids: list[int]
) -> dict[int, list[dict[str, Any]]]:
    """The files of these versions, without their addresses, by the version's id."""
    rows = connection.execute(
        select(answer_file.c.response_id, *_FILE)
        .where(answer_file.c.workspace_id == workspace_id, answer_file.c.response_id.in_(ids))
        .order_by(answer_file.c.id)
    )
    files: dict[int, list[dict[str, Any]]] = {}
    for row in rows.mappings():
        files.setdefault(row["response_id"], []).append(dict(row))
    return files


def steps_of(
    connection: Connection, workspace_id: int, ids: list[int]
) -> dict[int, list[dict[str, Any]]]:
    """The deliveries of these versions by the version's id."""
    rows = connection.execute(
        select(*_DELIVERY)
        .where(delivery.c.workspace_id == workspace_id, delivery.c.response_id.in_(ids))
        .order_by(delivery.c.id)
    )
    steps: dict[int, list[dict[str, Any]]] = {}
    for row in rows.mappings():
        steps.setdefault(row["response_id"], []).append(dict(row))
    return steps


def deliveries(
    connection: Connection, workspace_id: int, *, only: Row, before: int, limit: int
) -> list[dict[str, Any]]:
    """Deliveries with an id below `before`, newest first, narrowed by `only` (see matching)."""
    asked = select(*_DELIVERY).where(
        delivery.c.workspace_id == workspace_id, delivery.c.id < before, matching(only)
    )
    rows = connection.execute(asked.order_by(delivery.c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]


def matching(only: Row) -> Any:  # noqa: ANN401 - SQLAlchemy's condition
    """The condition on deliveries: columns by equality, `since` and `until` on their creation."""
    equal = [
        delivery.c[name] == only[name]
        for name in (
            "state", "kind", "reason", "error_code", "connection_id", "mapping_id",
            "campaign_id", "contact_id", "response_id",
        )
        if only.get(name) is not None
    ]  # fmt: skip
    if only.get("since") is not None:
        equal.append(delivery.c.created_at >= only["since"])
    if only.get("until") is not None:
        equal.append(delivery.c.created_at < only["until"])
    return and_(true(), *equal)


def one_delivery(connection: Connection, workspace_id: int, delivery_id: int) -> dict[str, Any]:
    """A delivery with its payload, its attempts and what it wrote. Raises Refusal(NOT_FOUND)."""
    row = (
        connection.execute(
            select(*_DELIVERY, delivery.c.payload).where(
                delivery.c.workspace_id == workspace_id, delivery.c.id == delivery_id
            )
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise not_found()
    tries = (
        select(
            attempt.c.claim,
            attempt.c.outcome,
            attempt.c.code,
            attempt.c.message,
            attempt.c.ended_at,
        )
        .where(attempt.c.workspace_id == workspace_id, attempt.c.delivery_id == delivery_id)
        .order_by(attempt.c.id)
    )
    lines = _lines().where(
        ledger.c.workspace_id == workspace_id, ledger.c.delivery_id == delivery_id
    )
    return {
        **row,
        "tries": [dict(one) for one in connection.execute(tries).mappings()],
        "written": [
            dict(one) for one in connection.execute(lines.order_by(ledger.c.id)).mappings()
        ],
    }


def around(connection: Connection, workspace_id: int, response_id: int) -> dict[str, Any]:
    """The response (our id of its version) that a delivery belongs to, with all its steps."""
    asked = select(*RESPONSE).where(
        response.c.workspace_id == workspace_id, response.c.id == response_id
    )
    row = connection.execute(asked).mappings().one()
    return {**row, "steps": steps_of(connection, workspace_id, [response_id]).get(response_id, [])}


def named(connection: Connection, workspace_id: int, rows: Iterable[Row]) -> Named:
    """What people call the connections and mappings of these deliveries, by their ids."""
    rows = list(rows)
    told = {}
    for name, (table, words) in _NAMED.items():
        ids = {row[f"{name}_id"] for row in rows} - {None}
        asked = select(table.c.id, words.label("words")).where(
            table.c.workspace_id == workspace_id, table.c.id.in_(ids)
        )
        told[name] = {row.id: row.words or f"#{row.id}" for row in connection.execute(asked)}
    return told


def written(
    connection: Connection,
    workspace_id: int,
    *,
    contact_id: int | None,
    response_id: int | None,
    before: int,
    limit: int,
) -> list[dict[str, Any]]:
    """Lines of the ledger with an id below `before`, newest first."""
    asked = _lines().where(ledger.c.workspace_id == workspace_id, ledger.c.id < before)
    if contact_id is not None:
        asked = asked.where(ledger.c.contact_id == contact_id)
    if response_id is not None:
        asked = asked.where(ledger.c.response_id == response_id)
    rows = connection.execute(asked.order_by(ledger.c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]


def _lines() -> Select[Any]:
    return select(*[column for column in ledger.c if column.name != "workspace_id"])
