"""What could not be written, by cause: one line for all that one act would mend. Only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

MOST_LOOKED_AT, MOST_CAUSES = 100_000, 100
# What goes on by itself: nobody has to do anything.
BY_ITSELF = frozenset({"rate", "provision", "file"})


@dataclass(frozen=True, slots=True)
class Cause:
    """Deliveries that stand for the same reason at the same place; `error` is the newest text."""

    state: str
    reason: str | None
    error_code: str | None
    error_field: str | None
    error: str | None
    connection_id: int
    connection: str
    app: str
    mapping_id: int | None
    mapping: str | None
    count: int
    first_at: datetime
    last_at: datetime

    @property
    def needs_somebody(self) -> bool:
        """Whether it stays as it is until a person does something."""
        return self.state == "dead" or self.reason not in BY_ITSELF

    @property
    def filter(self) -> Mapping[str, Any]:
        """What describes these deliveries to lists and replays (tracking.matching). Where nothing
        is said of a mapping or code, those that have one fit too.
        """
        told = {
            "state": self.state, "reason": self.reason, "error_code": self.error_code,
            "connection_id": self.connection_id, "mapping_id": self.mapping_id,
        }  # fmt: skip
        return {name: value for name, value in told.items() if value is not None}


def causes(connection: Connection, workspace_id: int) -> list[Cause]:
    """Every cause with something that stands, the most deliveries first."""
    options = {"w": workspace_id, "most": MOST_LOOKED_AT, "causes": MOST_CAUSES}
    return [Cause(**row) for row in connection.execute(CAUSES, options).mappings()]


# `dead` by its own index, `parked` by that of its connections. Only ids are gathered: texts of
# 100,000 rows would be sorted on the disk, and one of each cause is shown.
CAUSES = text(
    """
    WITH stands AS (
      (SELECT id, connection_id, mapping_id, state, reason, error_code, created_at, settled_at
         FROM delivery
        WHERE workspace_id = :w AND state = 'dead' ORDER BY id DESC LIMIT :most)
      UNION ALL
      (SELECT d.id, d.connection_id, d.mapping_id, d.state, d.reason, d.error_code, d.created_at,
              d.settled_at
         FROM connection c JOIN delivery d ON d.connection_id = c.id
        WHERE c.workspace_id = :w AND d.state = 'parked' LIMIT :most)),
    grouped AS (
      SELECT state, reason, error_code, connection_id, mapping_id, max(id) AS newest,
             count(*) AS count, min(created_at) AS first_at,
             max(coalesce(settled_at, created_at)) AS last_at
        FROM stands GROUP BY state, reason, error_code, connection_id, mapping_id)
    SELECT g.state, g.reason, g.error_code, d.error_field, d.error, g.connection_id,
           c.name AS connection, c.app, g.mapping_id, m.name AS mapping, g.count, g.first_at,
           g.last_at
      FROM grouped g JOIN connection c ON c.id = g.connection_id
      JOIN delivery d ON d.workspace_id = :w AND d.id = g.newest
      LEFT JOIN mapping m ON m.id = g.mapping_id
     ORDER BY g.count DESC, g.last_at DESC LIMIT :causes
    """
)
