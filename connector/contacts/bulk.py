"""Imports contacts in bulk: a few statements for any number of them.

What is known is read at once, decided in memory and written at once. A contact is found by its
e-mail address, whatever its case, else by its external id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import ARRAY, Connection, Row, Text, any_, literal, or_, select, text
from sqlalchemy.exc import IntegrityError

from connector.contacts.people import email_key
from connector.db import Database, retried
from connector.problems import Place, places_of
from connector.tables import connection as connections
from connector.tables import contact
from schemas.contact import ContactSchema

MAX_ITEMS = 5_000
COLUMNS = (
    "email",
    "external_id",
    "phone",
    "name",
    "first_name",
    "last_name",
    "company",
    "country",
    "language",
)
_SCHEMA = ContactSchema()


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one contact of an import; `place` is its index in it."""

    place: int
    status: str
    id: int | None = None
    errors: tuple[Place, ...] = ()


@dataclass(slots=True)
class _Person:
    """One contact while an import is decided: a known row, or one that will be made."""

    id: int | None
    values: dict[str, Any]
    changed: bool = False
    places: list[int] = field(default_factory=list)


class _RacedError(Exception):
    """Another import made the same contact meanwhile: decide again on what is there now."""


def take(database: Database, workspace_id: int, items: Mapping[int, object]) -> list[Imported]:
    """Create or update the contacts, all in one transaction; one Imported per item.

    `items` are keyed by their place in the import; the results come in that order.

    A bad item refuses no neighbour. Two items of one person are taken one after the other.
    """
    checked, results = _checked(items)
    for _ in range(3):
        try:
            stored = retried(lambda: _store(database, workspace_id, checked))
        except _RacedError:
            continue
        return [(results | stored)[place] for place in items]
    message = "an import lost three races in a row"
    raise RuntimeError(message)


def _checked(items: Mapping[int, object]) -> tuple[dict[int, dict[str, Any]], dict[int, Imported]]:
    """The well-formed items by place, and the verdict on the others."""
    good: dict[int, dict[str, Any]] = {}
    bad: dict[int, Imported] = {}
    for place, raw in items.items():
        try:
            good[place] = _SCHEMA.load(raw)  # type: ignore[arg-type]
        except ValidationError as exc:
            bad[place] = Imported(
                place, "invalid", errors=places_of(exc.messages, f"/{place}", schema=_SCHEMA)
            )
    return good, bad


def _store(
    database: Database, workspace_id: int, checked: Mapping[int, Mapping[str, Any]]
) -> dict[int, Imported]:
    with database.begin(workspace_id) as connection:
        origins = _origins(connection, workspace_id, checked)
        known = _Known(_rows(connection, workspace_id, checked))
        results = {
            place: _decided(place, item, known=known, origins=origins)
            for place, item in checked.items()
        }
        _write(connection, workspace_id, known)
    ids = {place: person.id for person in known.people for place in person.places}
    return {
        place: Imported(place, one.status, ids.get(place), one.errors)
        for place, one in results.items()
    }


class _Known:
    """The people of an import by the two things that identify them."""

    def __init__(self, rows: Sequence[Row[Any]]) -> None:
        self.people: list[_Person] = []
        self.by_email: dict[str, _Person] = {}
        self.by_external: dict[str, _Person] = {}
        for row in rows:
            self.add(_Person(row.id, dict(row._mapping)))  # noqa: SLF001 - SQLAlchemy's own name

    def add(self, person: _Person) -> None:
        self.people.append(person)
        self.index(person)

    def index(self, person: _Person) -> None:
        if person.values.get("email"):
            self.by_email[email_key(person.values["email"])] = person
        if person.values.get("external_id"):
            self.by_external[person.values["external_id"]] = person

    def forget(self, person: _Person) -> None:
        """Before a change: an address that the person gives up means nobody."""
        if person.values.get("email"):
            self.by_email.pop(email_key(person.values["email"]), None)
        if person.values.get("external_id"):
            self.by_external.pop(person.values["external_id"], None)

    def of(self, item: Mapping[str, Any]) -> tuple[_Person | None, _Person | None]:
        email, external = item.get("email"), item.get("external_id")
        return (
            self.by_email.get(email_key(email)) if email else None,
            self.by_external.get(external) if external else None,
        )


def _decided(
    place: int, item: Mapping[str, Any], *, known: _Known, origins: Mapping[str, int]
) -> Imported:
    """What to do with one item, and the person changed accordingly."""
    by_email, by_external = known.of(item)
    if by_email and by_external and by_email is not by_external:
        text = "the email and the external_id belong to two different contacts"
        return Imported(place, "conflict", errors=(Place(f"/{place}", "two_contacts", text),))
    origin = item.get("origin")
    if origin is not None and origin not in origins:
        text = "there is no connection of that name"
        return Imported(place, "invalid", errors=(Place(f"/{place}/origin", "unknown", text),))
    person = by_email or by_external
    if person is None:
        person = _Person(None, {"attributes": {}}, changed=True)
        known.add(person)
        status = "created"
    else:
        status = "updated"
    before = dict(person.values)
    known.forget(person)
    person.values = _merged(person.values, item, origins)
    person.places.append(place)
    known.index(person)
    if status == "updated" and person.values == before:
        return Imported(place, "unchanged")
    person.changed = True
    return Imported(place, status)


def _merged(
    values: Mapping[str, Any], item: Mapping[str, Any], origins: Mapping[str, int]
) -> dict[str, Any]:
    """The values after the item: what it does not name stays, null empties."""
    merged = dict(values)
    merged.update({name: item[name] for name in COLUMNS if name in item})
    attributes = {**values["attributes"], **item.get("attributes", {})}
    merged["attributes"] = {name: one for name, one in attributes.items() if one is not None}
    if "origin" in item:
        merged["origin_connection_id"] = origins.get(item["origin"])
    return merged


def _origins(
    connection: Connection, workspace_id: int, checked: Mapping[int, Mapping[str, Any]]
) -> dict[str, int]:
    names = {item["origin"] for item in checked.values() if item.get("origin")}
    if not names:
        return {}
    rows = connection.execute(
        select(connections.c.name, connections.c.id).where(
            connections.c.workspace_id == workspace_id,
            connections.c.name.in_(names),
            connections.c.deleted_at.is_(None),
        )
    )
    return {row.name: row.id for row in rows}


def _rows(
    connection: Connection, workspace_id: int, checked: Mapping[int, Mapping[str, Any]]
) -> Sequence[Row[Any]]:
    """Every stored contact that an item may mean, locked in one order: imports cannot deadlock."""
    emails = [email_key(item["email"]) for item in checked.values() if item.get("email")]
    externals = [item["external_id"] for item in checked.values() if item.get("external_id")]
    wanted = [contact.c[name] for name in ("id", *COLUMNS, "attributes", "origin_connection_id")]
    return connection.execute(
        select(*wanted)
        .where(
            contact.c.workspace_id == workspace_id,
            or_(
                contact.c.email_key == any_(literal(emails, ARRAY(Text))),
                contact.c.external_id == any_(literal(externals, ARRAY(Text))),
            ),
        )
        .order_by(contact.c.id)
        .with_for_update()
    ).all()


def _write(connection: Connection, workspace_id: int, known: _Known) -> None:
    fresh = [person for person in known.people if person.id is None]
    changed = [person for person in known.people if person.id is not None and person.changed]
    try:
        if changed:
            connection.execute(_UPDATE, {"rows": _as_json(changed)})
    except IntegrityError as exc:
        raise _RacedError from exc
    if fresh:
        made = connection.execute(_INSERT, {"rows": _as_json(fresh), "workspace": workspace_id})
        ids = {row.place: row.id for row in made}
        if len(ids) != len(fresh):
            raise _RacedError
        for number, person in enumerate(fresh):
            person.id = ids[number]


def _as_json(people: Sequence[_Person]) -> str:
    rows = []
    for number, person in enumerate(people):
        email = person.values.get("email")
        row = {"id": person.id, "place": number, **person.values}
        row["email_key"] = email_key(email) if email else None
        rows.append(row)
    return json.dumps(rows)


_SHAPE = (
    "jsonb_to_recordset(CAST(:rows AS jsonb)) AS new(id bigint, place int, email text,"
    " email_key text, external_id text, phone text, name text, first_name text, last_name text,"
    " company text, country text, language text, attributes jsonb, origin_connection_id bigint)"
)
_ALL = ("email_key", *COLUMNS, "attributes", "origin_connection_id")
_UPDATE = text(
    f"UPDATE contact SET {', '.join(f'{name} = new.{name}' for name in _ALL)},"  # noqa: S608 - own names
    f" updated_at = now() FROM {_SHAPE} WHERE contact.id = new.id"
)
# The id is drawn in the query, so that each new row is told apart without comparing its values.
_INSERT = text(
    f"WITH new AS (SELECT nextval(pg_get_serial_sequence('contact', 'id')) AS fresh, new.*"  # noqa: S608
    f" FROM {_SHAPE}), made AS (INSERT INTO contact (workspace_id, id, {', '.join(_ALL)})"
    f" SELECT :workspace, fresh, {', '.join(_ALL)} FROM new ON CONFLICT DO NOTHING RETURNING id)"
    " SELECT new.place, made.id FROM made JOIN new ON new.fresh = made.id"
)
