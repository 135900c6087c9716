"""Associations: which records belong together at HubSpot, read and made in batches.

Both calls see every write at once, which search does not. Making an association that stands already
changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.hubspot.client import Answer, Client
from adapters.hubspot.refusals import PASSING, check_complete
from adapters.hubspot.traits import API
from adapters.values import Outcome, Status

READ, MADE = 1_000, 2_000
REFUSED = frozenset({400, 404})
HUBSPOT_DEFINED = "HUBSPOT_DEFINED"

# origin -> target -> the type ids between the two
Linked = Mapping[str, Mapping[str, frozenset[int]]]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two kinds of record and the type of association that is made between them."""

    entity: str
    other: str
    type_id: int
    category: str = HUBSPOT_DEFINED


def linked(client: Client, entity: str, other: str, ids: Sequence[str]) -> Linked:
    """The associations of each record to one kind. A record with many tells them in pages."""
    found: dict[str, dict[str, frozenset[int]]] = defaultdict(dict)
    asked: list[dict[str, str]] = [{"id": one} for one in ids]
    path = f"/crm/associations/{API}/{{object}}/{{other}}/batch/read"
    while asked:
        part, asked = asked[:READ], asked[READ:]
        params = {"object": entity, "other": other}
        told = client.call("POST", path, params=params, body={"inputs": part}).body
        check_complete(told)
        for one in told.get("results") or ():
            origin = str(one["from"]["id"])
            found[origin] |= {str(each["toObjectId"]): _types(each) for each in one.get("to") or ()}
            asked += [{"id": origin, "after": after} for after in _next_page(one)]
    return found


def associate(
    client: Client, pair: Pair, links: Mapping[str, tuple[str, str]]
) -> Mapping[str, Outcome]:
    """Make the associations: our key -> (record, other record). Answers those that were refused.

    A batch that is refused whole is halved until the bad one stands alone. The refused are told
    apart by the two ids that the answer repeats; nothing is said of one that HubSpot skipped.
    """
    if not links:
        return {}
    answer = client.call(
        "POST",
        f"/crm/associations/{API}/{{object}}/{{other}}/batch/create",
        params={"object": pair.entity, "other": pair.other},
        body={"inputs": [_input(pair, *ids) for ids in links.values()]},
        seen=REFUSED,
        writes=True,
    )
    open_ = _not_made(answer, links)
    if len(links) == 1:
        return {key: _refused(key, answer) for key in open_}
    keys = list(open_)
    halves = keys[: len(keys) // 2], keys[len(keys) // 2 :]
    refused: dict[str, Outcome] = {}
    for half in halves:
        refused |= associate(client, pair, {key: links[key] for key in half})
    return refused


def _not_made(answer: Answer, links: Mapping[str, tuple[str, str]]) -> Sequence[str]:
    """The keys whose association does not stand for certain."""
    if answer.status in REFUSED:
        return list(links)
    if not answer.body.get("errors"):
        return ()
    made = {
        (str(one.get("fromObjectId")), str(one.get("toObjectId")))
        for one in answer.body.get("results") or ()
    }
    return [key for key, ids in links.items() if ids not in made]


def _refused(key: str, answer: Answer) -> Outcome:
    errors = answer.body.get("errors") or ()
    said = {str(one.get("category", "")) for one in errors} | {str(answer.body.get("category", ""))}
    if said & PASSING:
        message = "HubSpot could not link the records now"
        return Outcome(key, Status.RETRY, code="crm_busy", message=message)
    message = "HubSpot does not link the records: one of them is not there"
    return Outcome(key, Status.REJECTED, code="invalid_reference", message=message)


def _input(pair: Pair, record: str, other: str) -> Mapping[str, Any]:
    kind = {"associationCategory": pair.category, "associationTypeId": pair.type_id}
    return {"from": {"id": record}, "to": {"id": other}, "types": [kind]}


def _types(each: Mapping[str, Any]) -> frozenset[int]:
    return frozenset(int(one["typeId"]) for one in each.get("associationTypes") or ())


def _next_page(one: Mapping[str, Any]) -> Iterator[str]:
    after = ((one.get("paging") or {}).get("next") or {}).get("after")
    if after:
        yield str(after)
