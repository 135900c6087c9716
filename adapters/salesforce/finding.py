"""SOQL and reads by id: how records are found, in as few calls as the address length allows. Pure.

A query travels in the address, which Salesforce cuts at 16,384 bytes (vendor documentation); half
of that is what we use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote_plus

from simple_salesforce.format import format_soql

from adapters.errors import PauseMapping
from adapters.values import Record
from schemas.fields import Entity, FieldType, FieldValue
from schemas.salesforce import NAME, RECORD_ID, SHORT_ID, from_native, moment_of

MAX_QUERY_BYTES = 8_000
STAMP = "LastModifiedDate"
_PLAIN_NUMBERS = frozenset({FieldType.INTEGER, FieldType.NUMBER})


def named(name: str) -> str:
    """The name, if it can be the API name of an object or field. Raises PauseMapping."""
    if not NAME.fullmatch(name):
        message = "the mapping names an object or field that cannot exist"
        raise PauseMapping(message, field=name)
    return name


def queries(
    entity: str,
    field: str,
    values: Sequence[str],
    *,
    want: Iterable[str],
    definitions: Entity | None,
) -> Iterator[str]:
    """Queries for the records whose field holds one of the values, newest first."""
    columns = ", ".join(dict.fromkeys(named(one) for one in ("Id", STAMP, field, *want)))
    # Names have been checked; values go through format_soql only.
    head = f"SELECT {columns} FROM {named(entity)} WHERE {field} IN "  # noqa: S608
    tail = f" AND IsDeleted = false ORDER BY {STAMP} DESC"
    room = MAX_QUERY_BYTES - len(quote_plus(head + "()" + tail))
    for chunk in _chunks(_literals(field, values, definitions), room):
        yield f"{head}({','.join(chunk)}){tail}"


def matched(
    values: Sequence[str], records: Iterable[tuple[str, Record]]
) -> dict[str, tuple[Record, ...]]:
    """Records by the value as it was asked, each once. `records`: the value in the field, and the
    record.
    """
    found: dict[str, dict[str, Record]] = {}
    for stored, record in records:
        found.setdefault(_folded(stored), {}).setdefault(record.remote_id, record)
    return {one: tuple(found.get(_folded(one), {}).values()) for one in values}


def record_of(
    told: Mapping[str, object], want: Iterable[str], definitions: Entity | None
) -> Record:
    """A record as the port shows it. Raises Unreadable."""
    values: dict[str, FieldValue] = {}
    for name in want:
        definition = definitions.field(name) if definitions else None
        values[name] = from_native(definition, told.get(name))
    return Record(str(told["Id"]), values, moment_of(told.get(STAMP)))


def ids_in(values: Iterable[str]) -> list[str]:
    """Those of the values that have the form of a record id: only they can be asked for."""
    return [one for one in dict.fromkeys(values) if RECORD_ID.fullmatch(one)]


def same_id(remote_id: str) -> str:
    """Ids of 15 and of 18 signs name the same record."""
    return remote_id[:SHORT_ID]


def _literals(field: str, values: Sequence[str], definitions: Entity | None) -> Iterator[str]:
    definition = definitions.field(field) if definitions else None
    numeric = definition is not None and definition.type in _PLAIN_NUMBERS
    for one in dict.fromkeys(values):
        if not numeric:
            yield format_soql("{}", one)
        elif one.lstrip("-").replace(".", "", 1).isdecimal():
            yield one


def _chunks(literals: Iterable[str], room: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    left = room
    for one in literals:
        size = len(quote_plus(one + ","))
        if chunk and size > left:
            yield chunk
            chunk, left = [], room
        chunk.append(one)
        left -= size
    if chunk:
        yield chunk


def _folded(value: str) -> str:
    # Salesforce compares texts without case, and stores them without outer white space.
    return value.strip().casefold()
