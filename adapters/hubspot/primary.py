"""A contact's primary company: an association that the hub sees as a field of the contact.

It is read for nothing with HubSpot's own property. Whether that follows a new association at once
is unverified, so a contact that seems to have no company is asked for its associations, which do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from adapters.errors import PauseMapping
from adapters.hubspot import writing
from adapters.hubspot.associations import Pair, associate, linked
from adapters.hubspot.client import Client
from adapters.hubspot.traits import API, COMPANY_LINK
from adapters.values import Batch, BatchResult, Operation, Outcome, Record, Row, Status
from schemas.fields import Entity, Field, FieldType

# HubSpot's own type ids (associations guide, 2026-11): 279 contact to company, 1 to its primary
# one. Setting 1 takes it from the company that had it, which stays associated.
PRIMARY = Pair("contacts", "companies", 1)
GONE = 404
Found = Mapping[str, tuple[Record, ...]]


def described(contact: Entity) -> Entity:
    """The contact's definition with the primary company as a field that can be written."""
    field = Field(
        COMPANY_LINK,
        "Primary company",
        FieldType.REFERENCE,
        native_type="association",
        closed=False,
    )
    others = (one for one in contact.fields if one.name != COMPANY_LINK)
    return replace(contact, fields=(*others, field))


def completed(client: Client, found: Found) -> Found:
    """What `find` found, the primary companies certain: one more call if some seem to have none."""
    silent = sorted({one.remote_id for hits in found.values() for one in hits if _lacks(one)})
    if not silent:
        return found
    try:
        links = linked(client, PRIMARY.entity, PRIMARY.other, silent)
    except PauseMapping as exc:
        raise _named(exc) from exc
    return {value: tuple(_with(one, links) for one in hits) for value, hits in found.items()}


def write(client: Client, batch: Batch) -> BatchResult:
    """Write a batch of which some rows name a primary company.

    A contact that is there is linked first: one whose company is refused then changes nothing. A
    new one is linked when it is made; without its company it is looked at again.
    """
    companies = {
        row.key: str(row.values[COMPANY_LINK] or "")
        for row in batch.rows
        if COMPANY_LINK in row.values
    }
    plain = {row.key: _without_link(row) for row in batch.rows}
    if batch.operation is Operation.CREATE:
        made = _sent(client, batch, list(plain.values()))
        return BatchResult(_linked_new(client, made, companies))
    ids = {row.key: str(row.remote_id) for row in batch.rows}
    bad = _linked_old(client, companies, ids)
    rows = [row for key, row in plain.items() if key not in bad and row.values]
    told = {**{one.key: one for one in _sent(client, batch, rows)}, **bad}
    return BatchResult(
        tuple(
            told.get(row.key) or Outcome(row.key, Status.WRITTEN, row.remote_id)
            for row in batch.rows
        )
    )


def _lacks(one: Record) -> bool:
    return not one.values.get(COMPANY_LINK)


def _with(one: Record, links: Mapping[str, Mapping[str, frozenset[int]]]) -> Record:
    if not _lacks(one):
        return one
    of = links.get(one.remote_id, {})
    primary = next((id_ for id_, types in of.items() if PRIMARY.type_id in types), None)
    return replace(one, values={**one.values, COMPANY_LINK: primary})


def _without_link(row: Row) -> Row:
    values = {name: value for name, value in row.values.items() if name != COMPANY_LINK}
    return replace(row, values=values)


def _sent(client: Client, batch: Batch, rows: Sequence[Row]) -> tuple[Outcome, ...]:
    if not rows:
        return ()
    return writing.write(client, replace(batch, rows=tuple(rows))).outcomes


def _linked_new(
    client: Client, made: Sequence[Outcome], companies: Mapping[str, str]
) -> tuple[Outcome, ...]:
    links = {
        one.key: (str(one.remote_id), companies[one.key])
        for one in made
        if one.status is Status.WRITTEN and companies.get(one.key)
    }
    bad = _associated(client, links)
    # It stands without its company: the next try finds it and links it, or says why not.
    return tuple(replace(one, status=Status.RETRY, code="crm_busy",
                         message="the new contact's company is linked at the next try")
                 if one.key in bad else one for one in made)  # fmt: skip


def _linked_old(
    client: Client, companies: Mapping[str, str], ids: Mapping[str, str]
) -> Mapping[str, Outcome]:
    """The rows whose company is refused; their contact is asked for when nothing tells which of the
    two is gone.
    """
    links = {key: (ids[key], company) for key, company in companies.items() if company}
    refused = dict(_associated(client, links))
    for key, company in companies.items():
        if not company:
            refused[key] = _kept(key)
    for key, one in refused.items():
        if one.code == "invalid_reference" and _is_gone(client, ids[key]):
            message = "HubSpot has no such record"
            refused[key] = Outcome(key, Status.REJECTED, code="not_found", message=message)
    return refused


def _associated(client: Client, links: Mapping[str, tuple[str, str]]) -> Mapping[str, Outcome]:
    try:
        refused = associate(client, PRIMARY, links)
    except PauseMapping as exc:
        raise _named(exc) from exc
    return {key: replace(one, field=COMPANY_LINK) for key, one in refused.items()}


def _kept(key: str) -> Outcome:
    """Taking a company away is deliberately not offered: nothing of a survey asks for it."""
    message = f"{COMPANY_LINK} cannot be cleared: unlink the company in HubSpot"
    return Outcome(key, Status.REJECTED, code="read_only", message=message, field=COMPANY_LINK)


def _is_gone(client: Client, contact_id: str) -> bool:
    path, params = f"/crm/objects/{API}/{{object}}/{{id}}", {"object": "contacts", "id": contact_id}
    return client.call("GET", path, params=params, seen=frozenset({GONE})).status == GONE


def _named(exc: PauseMapping) -> PauseMapping:
    """A missing scope concerns the link alone: the contact's own fields go on without it."""
    return PauseMapping(str(exc), code=exc.code, field=COMPANY_LINK, scope=exc.scope)
