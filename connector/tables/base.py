"""What every table is made of: the metadata, common columns, keys that cannot cross workspaces."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def table(name: str, *parts: SchemaItem) -> Table:
    """A table in a workspace with an own id: (workspace_id, id) can be referred to by composite
    keys.
    """
    return Table(
        name,
        metadata,
        in_workspace(),
        Column("id", BigInteger, Identity(), primary_key=True),
        *parts,
        UniqueConstraint("workspace_id", "id"),
    )


def keyed_table(name: str, *parts: SchemaItem) -> Table:
    """A table in a workspace whose primary key is its own columns."""
    return Table(name, metadata, in_workspace(), *parts)


def in_workspace(*, primary_key: bool = False) -> Column[int]:
    """The column that row-level security looks at; part of the key where the key is the customer's
    own.
    """
    return Column(
        "workspace_id",
        BigInteger,
        ForeignKey("workspace.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
    )


def to(
    other: str, column: str | None = None, *, ondelete: str | None = None
) -> ForeignKeyConstraint:
    """A foreign key to another table's row of the same workspace."""
    return ForeignKeyConstraint(
        ["workspace_id", column or f"{other}_id"],
        [f"{other}.workspace_id", f"{other}.id"],
        ondelete=ondelete,
    )


def identifier(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    """A column that holds another row's id; the key itself is `to(...)`."""
    return Column(name, BigInteger, nullable=nullable and not primary_key, primary_key=primary_key)


def words(name: str, *, nullable: bool = False, default: str | None = None) -> Column[str]:
    """A text column."""
    server_default = None if default is None else text("'" + default.replace("'", "''") + "'")
    return Column(name, Text, nullable=nullable, server_default=server_default)


def moment(name: str, *, nullable: bool = True, now: bool = False) -> Column[Any]:
    """A time, always with a zone; `now` fills it with the database's own clock."""
    return Column(
        name,
        DateTime(timezone=True),
        nullable=nullable and not now,
        server_default=func.now() if now else None,
    )


def document(name: str, *, nullable: bool = False) -> Column[Any]:
    """A JSON document; `{}` unless it may be absent."""
    return Column(
        name,
        JSONB(none_as_null=True),
        nullable=nullable,
        server_default=None if nullable else text("'{}'::jsonb"),
    )
