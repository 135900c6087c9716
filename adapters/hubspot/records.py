"""Records that belong to others: deals, tickets, custom objects, our survey responses among them.

The hub sees an association as a field of the record (`contacts`, `companies`, ...) that holds the
other record's id. Unlabelled associations are made by HubSpot's "default" call, which needs no type
id: that of a custom object differs from account to account (associations guide, 2026-11).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.hubspot import finding, writing
from adapters.hubspot.associations import linked
from adapters.hubspot.client import Client
from adapters.hubspot.traits import API, RECORD_NAME, TRAITS
from adapters.values import Batch, BatchResult, Outcome, Record, Row, Status
from schemas.fields import Entity, Field, FieldType

# What a record can be associated with, and how the schema of a custom object calls it.
LINKS: Mapping[str, str] = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tickets": "0-5",
}
# A person's company is the contact's primary one (primary.py); a company has no links of ours.
WITHOUT = frozenset({TRAITS.contact_entity, str(TRAITS.company_entity)})
ASSOCIATION = "association"
REFUSED = frozenset({400, 404})
Found = Mapping[str, tuple[Record, ...]]


def is_record(entity: str) -> bool:
    """Whether this is our object, whatever number the account puts in front."""
    return entity.endswith(f"_{RECORD_NAME}")


def described(entity: Entity, told: Sequence[Mapping[str, Any]] = ()) -> Entity:
    """The definition with what a record may belong to as fields. `told`: the associations of the
    entity's schema; where it tells none, HubSpot is asked when the first one is made.
    """
    if entity.name in WITHOUT:
        return entity
    kinds = {str(one.get(end)) for one in told for end in ("fromObjectTypeId", "toObjectTypeId")}
    links = tuple(
        Field(one, one.capitalize(), FieldType.REFERENCE, native_type=ASSOCIATION, closed=False)
        for one, type_id in LINKS.items()
        if one != entity.name and not entity.field(one) and (not kinds or type_id in kinds)
    )
    return replace(entity, fields=(*entity.fields, *links))


def links_of(entity: Entity | None) -> frozenset[str]:
    """The fields of an entity that are associations."""
    fields = entity.fields if entity is not None and entity.name not in WITHOUT else ()
    return frozenset(
        one.name for one in fields if one.native_type == ASSOCIATION and one.name in LINKS
    )


def find(
    client: Client, entity: Entity, field: str, values: Sequence[str], *, want: Sequence[str]
) -> Found:
    """The port's `find`: one call, and one a kind of association for records that are there."""
    links = links_of(entity)
    plain = [one for one in want if one not in links]
    found = finding.find(client, entity, field, values, want=plain)
    ids = sorted({one.remote_id for hits in found.values() for one in hits})
    if not ids:
        return found
    held = {one: linked(client, entity.name, one, ids) for one in sorted(links & set(want))}
    return {value: tuple(_with(one, held) for one in hits) for value, hits in found.items()}


def _with(one: Record, held: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Record:
    links = {name: min(of.get(one.remote_id, {}), default=None) for name, of in held.items()}
    return replace(one, values={**one.values, **links})


def write(client: Client, batch: Batch, *, links: Collection[str]) -> BatchResult:
    """The port's `write`: one call, and one a kind of association that a row names.

    A record whose association fails stands without it: it is looked at again, and then linked.
    """
    plain = [replace(row, values=_plain(row, links)) for row in batch.rows]
    told = _sent(client, batch, [row for row in plain if row.values])
    outcomes = [
        told.get(row.key) or Outcome(row.key, Status.WRITTEN, row.remote_id) for row in batch.rows
    ]
    ids = {
        one.key: str(one.remote_id)
        for one in outcomes
        if one.remote_id and one.status in {Status.WRITTEN, Status.UNCHANGED}
    }
    bad: dict[str, Outcome] = {}
    for other in sorted(links):
        wanted = {
            row.key: (ids[row.key], str(row.values[other]))
            for row in batch.rows
            if row.key in ids and row.values.get(other)
        }
        bad |= _linked(client, (batch.entity, other), wanted)
    return BatchResult(tuple(bad.get(one.key, one) for one in outcomes))


def _plain(row: Row, links: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in row.values.items() if name not in links}


def _sent(client: Client, batch: Batch, rows: Sequence[Row]) -> Mapping[str, Outcome]:
    if not rows:
        return {}
    done = writing.write(client, replace(batch, rows=tuple(rows)))
    return {one.key: one for one in done.outcomes}


def _linked(
    client: Client, kinds: tuple[str, str], wanted: Mapping[str, tuple[str, str]]
) -> dict[str, Outcome]:
    """Associate: our key -> (record, other record). Answers those that were refused; a call that
    is refused whole is halved until the bad one stands alone.
    """
    if not wanted:
        return {}
    answer = client.call(
        "POST",
        f"/crm/associations/{API}/{{object}}/{{other}}/batch/associate/default",
        params={"object": kinds[0], "other": kinds[1]},
        body={"inputs": [{"from": {"id": a}, "to": {"id": b}} for a, b in wanted.values()]},
        seen=REFUSED,
        writes=True,
    )
    made = {
        (str(one["from"]["id"]), str(one["to"]["id"])) for one in answer.body.get("results") or ()
    }
    if answer.status not in REFUSED and not answer.body.get("errors"):
        return {}
    open_ = [key for key, pair in wanted.items() if pair not in made]
    if len(wanted) == 1:
        return {key: _refused(key, wanted[key][0], kinds[1]) for key in open_}
    refused: dict[str, Outcome] = {}
    for half in (open_[: len(open_) // 2], open_[len(open_) // 2 :]):
        refused |= _linked(client, kinds, {key: wanted[key] for key in half})
    return refused


def _refused(key: str, remote_id: str, other: str) -> Outcome:
    """The record stands without the association."""
    message = "HubSpot does not link the record: the other one is not there"
    return Outcome(
        key, Status.REJECTED, remote_id, code="invalid_reference", message=message, field=other
    )
