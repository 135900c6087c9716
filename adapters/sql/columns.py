"""What a database's catalogue tells of a table, as an entity; and an entity as a table again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Inspector,
    Numeric,
    String,
    TableClause,
    Uuid,
    column,
    table,
    types,
)
from sqlalchemy.engine.interfaces import ReflectedIndex
from sqlalchemy.exc import CompileError, UnsupportedCompilationError

from schemas.fields import Entity, Field, FieldType, Option
from schemas.sql import PRIMARY_KEY, has_zone

_EMAIL = re.compile(r"(?i)(.*_)?e?_?mail(_?addr(ess)?)?")
_LOWER = re.compile(r'(?i)lower\(\(*"?(\w+)')
# A text that is longer than this, or has no end, is a long one.
SHORT = 1000
MYSQL = frozenset({"mysql", "mariadb"})


class NoTable(LookupError):
    """There is no such table, or not one that can be written by its key; the text says why."""


def split(name: str) -> tuple[str | None, str]:
    """A table's schema, where it is named, and its own name."""
    schema, _, own = name.rpartition(".")
    return schema or None, own


def entity_of(inspector: Inspector, name: str, *, as_name: str) -> Entity:
    """The table as an entity called `as_name`. Raises NoTable."""
    schema, own = split(name)
    if not inspector.has_table(own, schema=schema):
        message = f"there is no table {name}"
        raise NoTable(message)
    keys = inspector.get_pk_constraint(own, schema=schema)["constrained_columns"]
    if len(keys) != 1:
        message = f"the table {name} has no primary key of one column"
        raise NoTable(message)
    alone, indexed = _identifying(inspector, own, schema)
    told = inspector.get_columns(own, schema=schema)
    fields = tuple(
        _field(
            one,
            inspector,
            is_key=one["name"] == keys[0],
            unique=one["name"] in alone,
            indexed=one["name"] in indexed,
        )
        for one in told
    )
    return Entity(as_name, name, fields, custom=True)


def _identifying(
    inspector: Inspector, name: str, schema: str | None
) -> tuple[set[str | None], set[str | None]]:
    """The columns that are unique by themselves, and those an index begins with."""
    indexes = inspector.get_indexes(name, schema=schema)
    alone: list[Sequence[str | None]] = [
        one["column_names"] for one in inspector.get_unique_constraints(name, schema=schema)
    ]
    alone += [one["column_names"] for one in indexes if one.get("unique")]
    unique = {names[0] for names in alone if len(names) == 1}
    begun = {names[0] for one in indexes if (names := one["column_names"])}
    folded = {found[1] for one in indexes if (found := _folded(one))}
    return unique, unique | begun | folded


def _folded(index: ReflectedIndex) -> re.Match[str] | None:
    """The column of an index on lower(column), which is how addresses are compared."""
    return _LOWER.match((index.get("expressions") or ("",))[0])


def _field(
    told: Mapping[str, Any], inspector: Inspector, *, is_key: bool, unique: bool, indexed: bool
) -> Field:
    name, type_ = str(told["name"]), told["type"]
    kind = _kind(name, type_)
    makes_itself = bool(told.get("autoincrement") is True or told.get("identity"))
    given = bool(told.get("default") is not None or makes_itself or told.get("computed"))
    writable = kind is not FieldType.OTHER and not told.get("computed")
    enum = kind is FieldType.CHOICE
    length = getattr(type_, "length", None)
    return Field(
        name,
        str(told.get("comment") or name)[:120],
        kind,
        native_type=_spelt(type_, inspector) + (PRIMARY_KEY if is_key else ""),
        max_length=length if isinstance(length, int) and length > 0 and not enum else None,
        max_digits=getattr(type_, "precision", None) if kind is FieldType.NUMBER else None,
        max_scale=getattr(type_, "scale", None) if kind is FieldType.NUMBER else None,
        options=tuple(Option(one, one) for one in type_.enums) if enum else (),
        required=not told["nullable"] and not given,
        creatable=writable and not makes_itself,
        updatable=writable and not is_key,
        unique=unique or is_key,
        identifies=unique or is_key or indexed,
    )


def _kind(name: str, type_: types.TypeEngine[Any]) -> FieldType:
    if isinstance(type_, types.Enum):
        return FieldType.CHOICE
    if isinstance(type_, types.Boolean) or _is_flag(type_):
        return FieldType.BOOLEAN
    if isinstance(type_, types.Integer):
        return FieldType.INTEGER
    if isinstance(type_, types.Numeric):
        return FieldType.INTEGER if _is_whole(type_) else FieldType.NUMBER
    if isinstance(type_, types.DateTime):
        return FieldType.DATETIME
    if isinstance(type_, types.Date):
        return FieldType.DATE
    if isinstance(type_, types.Uuid):
        return FieldType.TEXT
    return _text(name, type_) if isinstance(type_, types.String) else FieldType.OTHER


def _text(name: str, type_: types.String) -> FieldType:
    # A database has no type for addresses: the column's name has to tell.
    if _EMAIL.fullmatch(name):
        return FieldType.EMAIL
    return FieldType.TEXT if type_.length and type_.length <= SHORT else FieldType.LONG_TEXT


def _is_flag(type_: types.TypeEngine[Any]) -> bool:
    """MySQL's BOOLEAN is a number of one digit; SQL Server's is a bit."""
    one_digit = getattr(type_, "display_width", None) == 1
    bit = type_.__visit_name__ == "BIT" and getattr(type_, "length", None) in {None, 1}
    return one_digit or bit


def _is_whole(type_: types.Numeric[Any]) -> bool:
    """Oracle's whole numbers are decimal ones without places."""
    return type_.scale == 0 and not isinstance(type_, types.Float)


def _spelt(type_: types.TypeEngine[Any], inspector: Inspector) -> str:
    if isinstance(type_, types.Enum) and type_.name:
        return f"{type_.schema}.{type_.name}" if type_.schema else str(type_.name)
    try:
        return type_.compile(dialect=inspector.dialect)
    except (CompileError, UnsupportedCompilationError):
        return "unknown"


# --- back to a table ------------------------------------------------------------------------------


class Named(types.UserDefinedType[Any]):
    """A type of the database's own: PostgreSQL takes a text for it only if that is said."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        """Its name, quoted part by part."""
        return ".".join(f'"{part}"' for part in self.name.split("."))


def table_of(entity: Entity, name: str, *, dialect: str) -> TableClause:
    """The table that an entity was downloaded from, its columns with types to bind by."""
    schema, own = split(name)
    columns = [column(one.name, _type(one, dialect)) for one in entity.fields]
    return table(own, *columns, schema=schema)


def _type(field: Field, dialect: str) -> types.TypeEngine[Any]:
    spelt = field.native_type.removesuffix(PRIMARY_KEY)
    if field.type is FieldType.CHOICE and dialect == "postgresql":
        return Named(spelt)
    if dialect in MYSQL and spelt.startswith(("UUID", "BIT")):
        # Taken as a text and as a number; a byte of zero would be read as true.
        return String() if spelt.startswith("UUID") else types.NullType()
    if spelt.startswith("UUID"):
        return Uuid(as_uuid=False)
    if field.type is FieldType.DATETIME:
        return DateTime(timezone=has_zone(field))
    plain: Mapping[FieldType, types.TypeEngine[Any]] = {
        FieldType.INTEGER: BigInteger(),
        FieldType.NUMBER: Numeric(),
        FieldType.BOOLEAN: Boolean(),
        FieldType.DATE: Date(),
    }
    return plain.get(field.type, String())
