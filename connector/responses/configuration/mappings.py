"""Mappings: saved as a draft, published in versions, paused and resumed.

*Save and switch on* publishes and, unless an automation feeds the mapping already, makes the one
that feeds every completed response of its campaign. A mapping that nothing triggers says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from connector.connections import findings
from connector.connections.profile import load
from connector.problems import Code, Refusal
from connector.responses.breaker import BREAKER
from connector.responses.configuration import automations, versioned
from connector.responses.configuration.checking import connection_named
from connector.responses.configuration.readiness import Readiness, gate, readiness, told
from connector.responses.configuration.versioned import MAPPING
from connector.responses.replay import replay_unmatched
from connector.tables import connection as connections
from connector.tables import delivery, mapping
from schemas.phrases import phrase

Body = Mapping[str, Any]
PAUSED, DRIFTED = "paused", "mapping"


def save(
    connection: Connection, workspace_id: int, *, body: Body, actor: str, mapping_id: int | None
) -> dict[str, Any]:
    """Keep `body` as the mapping's draft; the mapping afterwards.

    Without an id the mapping of that name is changed, or made. Raises Refusal: NOT_FOUND,
    NAME_TAKEN, MAPPING_INVALID where the connection is unknown.
    """
    row = _row(connection, workspace_id, body["name"], mapping_id)
    here = connection_named(connection, workspace_id, body["connection"])
    if row is None:
        values = {"workspace_id": workspace_id, "name": body["name"], "connection_id": here.id}
        row = versioned.made(connection, MAPPING, values)
    elif row.name != body["name"]:
        _rename(connection, workspace_id, row, name=body["name"])
    versioned.keep_draft(connection, MAPPING, row, body=body, actor=actor)
    return read(connection, workspace_id, row.id)


def publish(
    connection: Connection,
    workspace_id: int,
    mapping_id: int,
    *,
    actor: str,
    switch_on: bool,
    accept_warnings: bool = False,
) -> dict[str, Any]:
    """Let the newest version work from the next response on; the mapping afterwards, with what it
    was warned of.

    Publishing what is published already changes nothing. What drift had parked goes on. Raises
    Refusal: MAPPING_INVALID with every error, NOT_CONNECTED, NO_FIELD_DEFINITIONS,
    WARNINGS_NOT_ACCEPTED with every warning.
    """
    row = versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id, lock=True)
    body = versioned.body_of(connection, MAPPING, row)
    seen = readiness(connection, workspace_id, body, mapping_id=mapping_id)
    gate(seen, accept_warnings=accept_warnings)
    versioned.publish(connection, MAPPING, row, {"connection_id": seen.connection_id})
    if switch_on and not _triggers(connection, workspace_id, row.name, body):
        automations.feed_every_response(
            connection, workspace_id, mapping=row.name, campaign=body.get("campaign"), actor=actor
        )
    _resume_deliveries(connection, workspace_id, mapping_id, reason=DRIFTED)
    _close_findings(connection, workspace_id, seen.connection_id)
    return {**read(connection, workspace_id, mapping_id), "warnings": told(seen.warnings)}


def readiness_of(connection: Connection, workspace_id: int, mapping_id: int) -> Readiness:
    """What stands against publishing the newest version. Raises Refusal as `readiness` does."""
    row = versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id)
    body = versioned.body_of(connection, MAPPING, row)
    return readiness(connection, workspace_id, body, mapping_id=mapping_id)


def pause(connection: Connection, workspace_id: int, mapping_id: int) -> dict[str, Any]:
    """Park what waits for the mapping and what comes. A repeat does nothing."""
    row = versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id, lock=True)
    if row.paused_at is None:
        connection.execute(
            update(mapping).where(mapping.c.id == mapping_id).values(paused_at=func.now())
        )
    connection.execute(
        update(delivery)
        .where(
            delivery.c.workspace_id == workspace_id,
            delivery.c.mapping_id == mapping_id,
            delivery.c.state == "pending",
        )
        .values(state="parked", reason=PAUSED)
    )
    return read(connection, workspace_id, mapping_id)


def resume(connection: Connection, workspace_id: int, mapping_id: int) -> dict[str, Any]:
    """Let the mapping work again; what it parked goes on in order. A repeat does nothing."""
    versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id, lock=True)
    connection.execute(
        update(mapping)
        .where(mapping.c.id == mapping_id)
        # The breaker counts anew: otherwise one more refusal would open it at once.
        .values(paused_at=None, paused_reason=None, failures=0, failing_since=None)
    )
    # A tag whose contact only this mapping makes had nobody to stand on meanwhile.
    replay_unmatched(connection, workspace_id, mapping_id, parked=(PAUSED, BREAKER))
    for reason in (PAUSED, BREAKER):
        _resume_deliveries(connection, workspace_id, mapping_id, reason=reason)
    return read(connection, workspace_id, mapping_id)


def delete(connection: Connection, workspace_id: int, mapping_id: int) -> None:
    """Take the mapping off the list; its versions and what it wrote stay.

    Raises Refusal(STILL_IN_USE) while an automation feeds it or deliveries wait for it.
    """
    row = versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id, lock=True)
    feeding = automations.feeding(connection, workspace_id, row.name)
    waiting = _waiting(connection, workspace_id, mapping_id)
    if feeding or waiting:
        text = phrase(
            "%(count)s automations feed it and %(waiting)s deliveries wait for it.",
            count=len(feeding),
            waiting=waiting,
        )
        raise Refusal(Code.STILL_IN_USE, text, extra={"automations": feeding, "waiting": waiting})
    connection.execute(
        update(mapping)
        .where(mapping.c.id == mapping_id)
        .values(deleted_at=func.now(), published=None)
    )
    _close_findings(connection, workspace_id, row.connection_id)


def _close_findings(connection: Connection, workspace_id: int, connection_id: int | None) -> None:
    """What had drifted and is used no more needs nobody any more."""
    if connection_id is None:
        return
    with suppress(Refusal):  # the connection is off the list: nobody looks at its findings
        findings.close_unused(connection, load(connection, workspace_id, connection_id))


def read(connection: Connection, workspace_id: int, mapping_id: int) -> dict[str, Any]:
    """The mapping with its newest version, and what triggers it. Raises Refusal(NOT_FOUND)."""
    row = versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id)
    return _shown(connection, workspace_id, row)


def listed(connection: Connection, workspace_id: int) -> list[dict[str, Any]]:
    """Every mapping by name."""
    rows = versioned.all_of(connection, MAPPING, workspace_id)
    return [_shown(connection, workspace_id, row) for row in rows]


def versions(connection: Connection, workspace_id: int, mapping_id: int) -> list[dict[str, Any]]:
    """Every version, newest first. Raises Refusal(NOT_FOUND)."""
    row = versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id)
    return versioned.versions_of(connection, MAPPING, row)


def _shown(connection: Connection, workspace_id: int, row: Row[Any]) -> dict[str, Any]:
    body = versioned.body_of(connection, MAPPING, row)
    triggered_by = _triggers(connection, workspace_id, row.name, body)
    is_draft = row.published != row.latest
    advice = None
    if row.published is None:
        advice = "Nothing is written yet: publish the mapping."
    elif not triggered_by:
        advice = "Nothing triggers this mapping: no enabled automation feeds it."
    return {
        "id": row.id,
        "name": row.name,
        "connection": _connection_name(connection, row.connection_id),
        "published": row.published,
        "latest": row.latest,
        "draft": is_draft,
        "paused_at": row.paused_at,
        "paused_reason": row.paused_reason,
        "body": body,
        "triggered_by": triggered_by,
        "advice": advice,
    }


def _triggers(connection: Connection, workspace_id: int, name: str, body: Body) -> list[str]:
    return automations.triggering(connection, workspace_id, name, campaign=body.get("campaign"))


def _connection_name(connection: Connection, connection_id: int) -> str:
    found = connection.execute(select(connections.c.name).where(connections.c.id == connection_id))
    return str(found.scalar_one())


def _row(
    connection: Connection, workspace_id: int, name: str, mapping_id: int | None
) -> Row[Any] | None:
    if mapping_id is None:
        return versioned.named(connection, MAPPING, workspace_id, name=name)
    return versioned.one(connection, MAPPING, workspace_id, row_id=mapping_id, lock=True)


def _rename(connection: Connection, workspace_id: int, row: Row[Any], *, name: str) -> None:
    """Automations name their mapping: a name that they use is not changed under them."""
    feeding = automations.feeding(connection, workspace_id, row.name)
    if feeding:
        text = phrase("Automations feed this mapping by its name; change them first.")
        raise Refusal(Code.STILL_IN_USE, text, extra={"automations": feeding})
    versioned.rename(connection, MAPPING, row, name=name)


def _resume_deliveries(
    connection: Connection, workspace_id: int, mapping_id: int, *, reason: str
) -> None:
    connection.execute(
        update(delivery)
        .where(
            delivery.c.workspace_id == workspace_id,
            delivery.c.mapping_id == mapping_id,
            delivery.c.state == "parked",
            delivery.c.reason == reason,
        )
        .values(state="pending", reason=None, due_at=func.now())
    )


def _waiting(connection: Connection, workspace_id: int, mapping_id: int) -> int:
    counted = connection.execute(
        select(func.count())
        .select_from(delivery)
        .where(
            delivery.c.workspace_id == workspace_id,
            delivery.c.mapping_id == mapping_id,
            delivery.c.state.in_(("pending", "leased", "awaiting", "parked")),
        )
    )
    return int(counted.scalar_one())
