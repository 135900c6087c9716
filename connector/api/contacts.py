"""Contacts: import many, find one, and what happened to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from sqlalchemy import Connection

from connector.api import batches
from connector.api.context import Told, actor, changing, hub, noting, reading
from connector.api.description import Resource
from connector.api.pages import id_after, paged, spot_after
from connector.contacts import bulk, people
from connector.contacts.timeline import Event, timeline
from connector.problems import Code, Place, Refusal
from connector.responses import optlists, optouts
from schemas.contact import (
    ContactListSchema,
    ContactSchema,
    ImportSchema,
    OptOutSchema,
    OptOutsSchema,
    ShownContactSchema,
    TimelineSchema,
)
from schemas.paging import ContactQuerySchema, TimelineQuerySchema

_ONE = "/contacts/<id:contact_id>"
_TAKEN = ("created", "updated", "unchanged")
_OPTED = ("opted_out", "opted_in", "unchanged")
resource = Resource("contacts", __name__, description="Contacts and what happened to them")


@resource.on(
    "POST",
    "/contacts",
    body=batches.described(ContactSchema, bulk.MAX_ITEMS),
    gives=ImportSchema,
)
def import_contacts() -> dict[str, Any]:
    """Create or update up to 5,000 contacts: one object, an array, or one object a line

    A contact is found by its e-mail address, whatever its case, else by its external id. What an
    item does not name stays as it is. A bad item refuses no neighbour: `items` names those that
    were refused.
    """
    batch = batches.pushed(max_items=bulk.MAX_ITEMS)
    results = bulk.take(hub().database, actor().workspace_id, batch.items)
    unread = [bulk.Imported(at, "invalid", errors=(why,)) for at, why in batch.faults.items()]
    results = sorted([*results, *unread], key=lambda one: one.place)
    counts = {taken: sum(one.status == taken for one in results) for taken in _TAKEN}
    refused = batch.size - sum(counts.values())
    if refused == batch.size:
        _refuse(results, single=batch.single)
    noting(Told(detail={**counts, "refused": refused}))
    return {**counts, "refused": refused, "items": [_shown(one) for one in results]}


@resource.on(
    "POST",
    "/contacts/opt-outs",
    body=batches.described(OptOutSchema, optlists.MAX_ITEMS),
    gives=OptOutsSchema,
)
def opt_out_many() -> dict[str, Any]:
    """Up to 5,000 contacts want no more surveys, or may be asked again: one object, an array, lines

    Each item names a contact by `email`, `external_id` or `id`. Somebody unknown who opts out is
    made a contact, so that it holds from their first response on. A bad item refuses no neighbour;
    a repeat does nothing.
    """
    batch = batches.pushed(max_items=optlists.MAX_ITEMS)
    results = optlists.take(hub().database, actor().workspace_id, batch.items)
    unread = [optlists.Opted(at, "invalid", errors=(why,)) for at, why in batch.faults.items()]
    results = sorted([*results, *unread], key=lambda one: one.place)
    counts = {word: sum(one.status == word for one in results) for word in _OPTED}
    refused = batch.size - sum(counts.values())
    if all(one.status == "invalid" for one in results):
        _refuse(results, single=batch.single)
    noting(Told(detail={**counts, "refused": refused}))
    return {**counts, "refused": refused, "items": [_shown(one) for one in results]}


@resource.on("GET", "/contacts", query=ContactQuerySchema, gives=ContactListSchema)
def list_contacts(asked: dict[str, Any]) -> dict[str, Any]:
    """Contacts page by page: all, the one with an address or external id, or what a search finds"""
    rows = reading(
        lambda connection: people.listed(
            connection,
            actor().workspace_id,
            email=asked["email"],
            external_id=asked["external_id"],
            search=asked["search"],
            after=id_after(asked["cursor"]),
            limit=asked["limit"] + 1,
        )
    )
    page, following = paged(rows, asked["limit"], lambda row: row["id"])
    return {"contacts": page, "next": following}


@resource.on("GET", "/contacts/<id:contact_id>", gives=ShownContactSchema)
def read_contact(contact_id: int) -> dict[str, Any]:
    """One contact with the CRM records that stand for it"""
    return reading(lambda connection: people.one(connection, actor().workspace_id, contact_id))


@resource.on("PUT", f"{_ONE}/opt-out", gives=ShownContactSchema)
def opt_out(contact_id: int) -> dict[str, Any]:
    """The contact wants no more surveys: told to webhooks once, a repeat does nothing"""

    def done(connection: Connection) -> dict[str, Any]:
        workspace_id = actor().workspace_id
        people.one(connection, workspace_id, contact_id)
        optouts.record(connection, workspace_id, [contact_id], by=optouts.BY_PERSON)
        return people.one(connection, workspace_id, contact_id)

    return changing(done, lambda _: Told(f"contact:{contact_id}"))


@resource.on("DELETE", f"{_ONE}/opt-out", gives=ShownContactSchema)
def opt_in(contact_id: int) -> dict[str, Any]:
    """The contact may be asked again"""

    def done(connection: Connection) -> dict[str, Any]:
        workspace_id = actor().workspace_id
        optouts.take_back(connection, workspace_id, [contact_id])
        return people.one(connection, workspace_id, contact_id)

    return changing(done, lambda _: Told(f"contact:{contact_id}"))


@resource.on(
    "GET", "/contacts/<id:contact_id>/timeline", query=TimelineQuerySchema, gives=TimelineSchema
)
def read_timeline(asked: dict[str, Any], contact_id: int) -> dict[str, Any]:
    """What happened to a contact, newest first: responses, deliveries, writes before -> after

    `field`: only the writes of the CRM's field of that name, which say why it holds what it holds.
    """
    after = spot_after(asked["cursor"])

    def events(connection: Connection) -> list[Event]:
        people.one(connection, actor().workspace_id, contact_id)
        return timeline(
            connection,
            actor().workspace_id,
            contact_id,
            field=asked["field"],
            after=after,
            limit=asked["limit"] + 1,
        )

    page, following = paged(
        reading(events), asked["limit"], lambda event: [event.at, event.kind, event.id]
    )
    return {"events": page, "next": following}


def _shown(one: bulk.Imported | optlists.Opted) -> dict[str, Any]:
    shown: dict[str, Any] = {"place": one.place, "status": one.status, "id": one.id}
    if one.errors:
        shown["errors"] = batches.told(one.errors)
    return shown


def _refuse(results: Sequence[bulk.Imported | optlists.Opted], *, single: bool) -> NoReturn:
    """Nothing was taken: the whole request is refused, with every place that is wrong."""
    places = [place for one in results for place in one.errors]
    if single:
        places = [Place(one.pointer.removeprefix("/0"), one.code, one.text) for one in places]
    conflict = any(one.status == "conflict" for one in results)
    raise Refusal(Code.CONFLICT if conflict else Code.BODY_INVALID, places=places[:50])
