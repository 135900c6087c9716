"""What mappings and automations have in common: a name, and versions of which one is published.

A draft that is not published yet is replaced by the next; a published version never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from connector.problems import Code, Refusal, not_found
from connector.tables import automation, automation_version, mapping, mapping_version
from schemas.phrases import phrase

Body = Mapping[str, Any]

# What a person is told, by what it is.
_TAKEN = {
    "mapping": phrase("Another mapping has that name already."),
    "automation": phrase("Another automation has that name already."),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """Mappings or automations: their table, their versions' table, and what a person calls one."""

    table: Table
    versions: Table
    word: str

    @property
    def owner(self) -> Column[Any]:
        """The versions' column that says whose they are."""
        return self.versions.c[f"{self.table.name}_id"]


MAPPING = Kind(mapping, mapping_version, "mapping")
AUTOMATION = Kind(automation, automation_version, "automation")


def one(
    connection: Connection, kind: Kind, workspace_id: int, *, row_id: int, lock: bool = False
) -> Row[Any]:
    """The row of that id. Raises Refusal(NOT_FOUND)."""
    asked = select(kind.table).where(
        kind.table.c.workspace_id == workspace_id,
        kind.table.c.id == row_id,
        kind.table.c.deleted_at.is_(None),
    )
    row = connection.execute(asked.with_for_update() if lock else asked).one_or_none()
    if row is None:
        raise not_found()
    return row


def all_of(connection: Connection, kind: Kind, workspace_id: int) -> list[Row[Any]]:
    """Every row by name."""
    found = connection.execute(
        select(kind.table)
        .where(kind.table.c.workspace_id == workspace_id, kind.table.c.deleted_at.is_(None))
        .order_by(kind.table.c.name)
    )
    return list(found.all())


def named(connection: Connection, kind: Kind, workspace_id: int, *, name: str) -> Row[Any] | None:
    """The row of that name, locked; None where there is none."""
    return connection.execute(
        select(kind.table)
        .where(
            kind.table.c.workspace_id == workspace_id,
            kind.table.c.name == name,
            kind.table.c.deleted_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()


def made(connection: Connection, kind: Kind, values: Body) -> Row[Any]:
    """A new row. Raises Refusal(NAME_TAKEN)."""
    try:
        return connection.execute(insert(kind.table).values(values).returning(kind.table)).one()
    except IntegrityError as exc:
        raise _taken(kind) from exc


def rename(connection: Connection, kind: Kind, row: Row[Any], *, name: str) -> None:
    """Give the row another name. Raises Refusal(NAME_TAKEN)."""
    try:
        connection.execute(update(kind.table).where(kind.table.c.id == row.id).values(name=name))
    except IntegrityError as exc:
        raise _taken(kind) from exc


def keep_draft(
    connection: Connection, kind: Kind, row: Row[Any], *, body: Body, actor: str
) -> None:
    """Make `body` the newest version, a draft."""
    versions, newest = kind.versions.c, _version(connection, kind, row.id, row.latest)
    values = {"body": dict(body), "created_by": actor}
    if newest is not None and newest.state == "draft":
        of_draft = (kind.owner == row.id) & (versions.version == row.latest)
        connection.execute(update(kind.versions).where(of_draft).values(values))
        return
    number = row.latest if newest is None else row.latest + 1
    keys = {"workspace_id": row.workspace_id, kind.owner.name: row.id, "version": number}
    connection.execute(insert(kind.versions).values({**keys, **values}))
    connection.execute(update(kind.table).where(kind.table.c.id == row.id).values(latest=number))


def publish(connection: Connection, kind: Kind, row: Row[Any], values: Body) -> None:
    """Publish the newest version and set `values` on the row; a repeat is harmless."""
    versions, of_this = kind.versions.c, kind.owner == row.id
    connection.execute(
        update(kind.versions)
        .where(of_this, versions.state == "published", versions.version != row.latest)
        .values(state="retired")
    )
    connection.execute(
        update(kind.versions)
        .where(of_this, versions.version == row.latest)
        .values(state="published", published_at=func.coalesce(versions.published_at, func.now()))
    )
    connection.execute(
        update(kind.table)
        .where(kind.table.c.id == row.id)
        .values({"published": row.latest, **values})
    )


def body_of(connection: Connection, kind: Kind, row: Row[Any]) -> dict[str, Any]:
    """The newest version's body."""
    newest = _version(connection, kind, row.id, row.latest)
    return dict(newest.body) if newest is not None else {}


def versions_of(connection: Connection, kind: Kind, row: Row[Any]) -> list[dict[str, Any]]:
    """Every version, newest first."""
    rows = connection.execute(
        select(kind.versions).where(kind.owner == row.id).order_by(kind.versions.c.version.desc())
    )
    return [dict(one) for one in rows.mappings()]


def _version(connection: Connection, kind: Kind, row_id: int, version: int) -> Row[Any] | None:
    return connection.execute(
        select(kind.versions).where(kind.owner == row_id, kind.versions.c.version == version)
    ).one_or_none()


def _taken(kind: Kind) -> Refusal:
    return Refusal(Code.NAME_TAKEN, _TAKEN[kind.word])
