"""The entities that can be added to a connection: asked of the CRM, beside what is downloaded."""

from collections.abc import Iterable
from dataclasses import dataclass

from adapters.base import CRM
from adapters.errors import AdapterError
from adapters.listing import Choosable, EntityLister
from connector.connections import discover
from connector.connections.desk import Desk
from connector.connections.profile import load
from connector.connections.refusals import refusal_of


@dataclass(frozen=True, slots=True)
class Entry:
    """An entity of the CRM; `downloaded`: its definition is here."""

    name: str
    label: str
    custom: bool
    downloaded: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What there is. `addable`: others than the downloaded may be named in `entities`."""

    addable: bool
    entities: tuple[Entry, ...]


def choice(desk: Desk, workspace_id: int, connection_id: int) -> Choice:
    """The entities of a connection by label, what is downloaded first; nothing is changed.

    Where the CRM has no others, those that are downloaded, without a call. Refusal not_connected,
    crm_refused or crm_unavailable.
    """
    with desk.database.begin(workspace_id) as connection:
        load(connection, workspace_id, connection_id)
        known = discover.snapshots(connection, workspace_id, connection_id)
    have = {one.entity.name: one.entity for one in known}
    try:
        found = discover.ask(desk, workspace_id, connection_id, question=_listed)
    except AdapterError as exc:
        raise refusal_of(exc) from exc
    kept = [Entry(one.name, one.label, one.custom, downloaded=True) for one in have.values()]
    others = [
        Entry(one.name, one.label, one.custom, downloaded=False)
        for one in found or ()
        if one.name not in have
    ]
    return Choice(found is not None, (*_sorted(kept), *_sorted(others)))


def _listed(crm: CRM) -> tuple[Choosable, ...] | None:
    return crm.listed() if isinstance(crm, EntityLister) else None


def _sorted(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda one: (one.label.casefold(), one.name))
