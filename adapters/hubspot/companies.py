"""Companies by name or domain, of which HubSpot enforces neither.

    find     by our own key, which sees every write at once; what has none of ours, by search
    create   with our own key, so that two who make one company at the same time make one

Search lags: a company that somebody else made in the last moments is not seen and may be doubled.
Two companies that carry one domain or name are both answered, and the hub then chooses none.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from adapters.errors import BatchRefused, PauseMapping, TryLater
from adapters.hubspot import own_key, writing
from adapters.hubspot.client import Client
from adapters.hubspot.finding import Found, kinds_of, read, record_of
from adapters.hubspot.traits import API, KEY_FIELD
from adapters.values import Batch, BatchResult, Operation, Record
from schemas.fields import Entity

# By what a record is found that HubSpot does not keep unique.
SEARCHED: Mapping[str, frozenset[str]] = {"companies": frozenset({"domain", "name"})}
# Limits of a search: 3,000 characters of body, 200 records a page.
MOST_BODY, PAGE = 2_900, 200
# What a connection has learnt: its portal has our key for these records.
LEARNT = "own_key"
Values = Sequence[str]


def is_searched(entity: str, field: str | None) -> bool:
    """Whether records are found by this field through search and our own key."""
    return field in SEARCHED.get(entity, ())


def find(
    client: Client, entity: Entity, field: str, values: Values, *, want: Sequence[str], keyed: bool
) -> Mapping[str, tuple[Record, ...]]:
    """The port's `find`. `keyed`: the portal has our key for these records."""
    kinds = kinds_of(entity, want)
    asked = {value: value.strip().casefold() for value in values if value.strip()}
    ours = _by_key(client, entity.name, field, sorted(set(asked.values())), want) if keyed else {}
    rest = sorted({text for text in asked.values() if text not in ours})
    found = {text: [one] for text, one in ours.items()} | _searched(
        client, entity.name, field, rest, want
    )
    return {
        value: tuple(record_of(one, kinds) for one in found.get(asked.get(value, ""), ()))
        for value in values
    }


def create(client: Client, batch: Batch) -> BatchResult:
    """New records with our key; the property is made when HubSpot does not have it yet."""
    keyed = _with_keys(batch)
    learnt = {LEARNT: True}
    try:
        return replace(writing.write(client, keyed), learnt=learnt)
    except PauseMapping as exc:
        if exc.field != KEY_FIELD:
            raise
    own_key.ensure(client, batch.entity)
    try:
        return replace(writing.write(client, keyed), learnt=learnt)
    except PauseMapping as exc:
        if exc.field != KEY_FIELD:
            raise
        message = f"HubSpot does not know its new property {KEY_FIELD} yet"
        raise TryLater(message, code="crm_busy") from exc


def is_made(batch: Batch) -> bool:
    """Whether the batch makes records that only our own key keeps single."""
    return batch.operation is Operation.CREATE and is_searched(batch.entity, batch.match_field)


def _with_keys(batch: Batch) -> Batch:
    field = str(batch.match_field)
    rows = tuple(
        replace(row, values={**row.values, KEY_FIELD: own_key.key_of(field, str(value))})
        if (value := row.values.get(field))
        else row
        for row in batch.rows
    )
    return replace(batch, rows=rows)


def _by_key(
    client: Client, entity: str, field: str, texts: Values, want: Sequence[str]
) -> dict[str, Found]:
    keys = {own_key.key_of(field, text): text for text in texts}
    try:
        told, _ = read(client, entity, KEY_FIELD, list(keys), want=(*want, KEY_FIELD))
    except BatchRefused:
        # Somebody has removed the property: what carried it is found by search like the others.
        return {}
    held = {str((one.get("properties") or {}).get(KEY_FIELD) or ""): one for one in told}
    return {text: held[key] for key, text in keys.items() if key in held}


def _searched(
    client: Client, entity: str, field: str, texts: Values, want: Sequence[str]
) -> dict[str, list[Found]]:
    found: dict[str, list[Found]] = defaultdict(list)
    for body in _bodies(field, texts, want):
        for one in _pages(client, entity, body):
            text = str((one.get("properties") or {}).get(field) or "")
            found[text.strip().casefold()].append(one)
    return {text: found[text] for text in texts if text in found}


def _bodies(field: str, texts: Values, want: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Searches for the texts, each within HubSpot's limit of a body."""
    part: list[str] = []
    for text in texts:
        if part and len(json.dumps(_body(field, [*part, text], want))) > MOST_BODY:
            yield _body(field, part, want)
            part = []
        part.append(text)
    if part:
        yield _body(field, part, want)


def _body(field: str, texts: Values, want: Sequence[str]) -> dict[str, Any]:
    # IN compares with lower-case text only.
    one = {"propertyName": field, "operator": "IN", "values": list(texts)}
    properties = list(dict.fromkeys((*want, field)))
    return {"filterGroups": [{"filters": [one]}], "properties": properties, "limit": PAGE}


def _pages(client: Client, entity: str, body: Mapping[str, Any]) -> Iterator[Found]:
    path, params, after = f"/crm/objects/{API}/{{object}}/search", {"object": entity}, ""
    while True:
        asked = {**body, "after": after} if after else body
        told = client.call("POST", path, params=params, body=asked).body
        yield from told.get("results") or ()
        after = str(((told.get("paging") or {}).get("next") or {}).get("after") or "")
        if not after:
            return
