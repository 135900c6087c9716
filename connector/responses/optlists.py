"""Many opt-outs at once: who wants no more surveys, and who may be asked again.

A few statements for any number of them; a repeat does nothing. Somebody whom nobody knows yet is
made a contact, so that the wish holds when their first response comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import Connection, text

from connector.contacts import bulk
from connector.contacts.people import email_key
from connector.db import Database, retried
from connector.problems import Place, places_of
from connector.responses import optouts
from schemas.contact import OptOutSchema

MAX_ITEMS = bulk.MAX_ITEMS
_SCHEMA = OptOutSchema()
Wishes = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Opted:
    """What became of one item; `place` is its index in the list."""

    place: int
    status: str
    id: int | None = None
    errors: tuple[Place, ...] = ()


def take(database: Database, workspace_id: int, items: Mapping[int, object]) -> list[Opted]:
    """Record what each item wishes; of two about one contact the later one counts. A bad item
    refuses no neighbour.
    """
    wishes, results = _checked(items)
    known = retried(partial(_found, database, workspace_id, wishes))
    if unknown := _to_make(wishes, known):
        made = bulk.take(database, workspace_id, unknown)
        # A line that names the same newcomer twice leads to one contact.
        known |= {one.place: one.id for one in made if one.id is not None}
    changed = retried(partial(_recorded, database, workspace_id, wishes, known))
    for place in wishes:
        contact_id = known.get(place)
        status = "not_found" if contact_id is None else changed.get(place, "unchanged")
        results[place] = Opted(place, status, contact_id)
    return [results[place] for place in items]


def opted_out(
    connection: Connection, workspace_id: int, *, after: int = 0, limit: int
) -> list[dict[str, Any]]:
    """Contacts that want no more surveys, by id after `after`."""
    options = {"w": workspace_id, "after": after, "n": limit}
    return [dict(row) for row in connection.execute(OPTED_OUT, options).mappings()]


def _checked(items: Mapping[int, object]) -> tuple[dict[int, dict[str, Any]], dict[int, Opted]]:
    good: dict[int, dict[str, Any]] = {}
    bad: dict[int, Opted] = {}
    for place, raw in items.items():
        try:
            good[place] = _SCHEMA.load(raw)  # type: ignore[arg-type]
        except ValidationError as exc:
            places = places_of(exc.messages, f"/{place}", schema=_SCHEMA)
            bad[place] = Opted(place, "invalid", errors=places)
    return good, bad


def _found(database: Database, workspace_id: int, wishes: Wishes) -> dict[int, int]:
    """Place -> contact, where there is one."""
    named = {place: _name(wish) for place, wish in wishes.items()}
    options: dict[str, Any] = {"w": workspace_id}
    for kind in ("email", "external_id", "id"):
        options[kind] = sorted({value for one, value in named.values() if one == kind})
    with database.begin(workspace_id) as connection:
        rows = connection.execute(FIND, options).all()
    by_name: dict[tuple[str, Any], int] = {}
    for row in rows:
        keys = (("email", row.email_key), ("external_id", row.external_id), ("id", row.id))
        by_name |= dict.fromkeys(keys, row.id)
    return {place: by_name[name] for place, name in named.items() if name in by_name}


def _name(wish: Mapping[str, Any]) -> tuple[str, Any]:
    if "email" in wish:
        return "email", email_key(wish["email"])
    return ("external_id", wish["external_id"]) if "external_id" in wish else ("id", wish["id"])


def _to_make(wishes: Wishes, known: Mapping[int, int]) -> dict[int, dict[str, Any]]:
    """Those who want no more and are unknown, as contacts to make; an id of ours makes nobody."""
    return {
        place: {name: wish[name] for name in ("email", "external_id") if name in wish}
        for place, wish in wishes.items()
        if place not in known and wish["opted_out"] and "id" not in wish
    }


def _recorded(
    database: Database, workspace_id: int, wishes: Wishes, known: Mapping[int, int]
) -> dict[int, str]:
    """Place -> what has changed by it."""
    last = {known[place]: place for place in sorted(wishes) if place in known}
    out = [one for one, place in last.items() if wishes[place]["opted_out"]]
    back = [one for one, place in last.items() if not wishes[place]["opted_out"]]
    with database.begin(workspace_id) as connection:
        gone = optouts.record(connection, workspace_id, out, by=optouts.BY_PERSON)
        again = optouts.take_back(connection, workspace_id, back)
    told = dict.fromkeys(gone, "opted_out") | dict.fromkeys(again, "opted_in")
    return {last[one]: status for one, status in told.items()}


FIND = text(
    """
    SELECT id, email_key, external_id FROM contact
     WHERE workspace_id = :w
       AND (email_key = ANY(CAST(:email AS text[])) OR id = ANY(CAST(:id AS bigint[]))
            OR external_id = ANY(CAST(:external_id AS text[])))
     ORDER BY id
    """
)
OPTED_OUT = text(
    """
    SELECT id, email, external_id, opted_out_at, opted_out_by FROM contact
     WHERE workspace_id = :w AND opted_out_at IS NOT NULL AND id > :after
     ORDER BY id LIMIT :n
    """
)
