"""HubSpot's webhooks: an app's one address is told of records in every account that has the app.
Pure.

A message is a list of up to a hundred events, signed by version 3 with the app's client secret.
They come more than once and in any order, so each one only moves what is known a step on. What is
of no use here (creations, changes of values) is passed over: an answer other than 2xx would have
the whole list sent again for a day.

Unverified: how a merge names its records (`primaryObjectId`, `mergedObjectIds`, `newObjectId`, or
`objectId` alone), and the newer form of the names (`object.merge` with `objectTypeId`). Both are
read; one that says too little is passed over (HubSpot fact sheet, section 12).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.cards import CardRequest
from adapters.events import Fate, RecordEvent, Teller, Unreadable
from adapters.hubspot.signed import SIGNATURE, TOLERANCE_MS, is_signed

MOST_EVENTS = 100
_ENTITIES = {
    "contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets",
    "0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-5": "tickets",
}  # fmt: skip
_FATES = {"merge": Fate.MERGED, "deletion": Fate.DELETED, "privacyDeletion": Fate.ERASED}
_LONGEST_ID = 40


def is_genuine(request: CardRequest, secrets: Sequence[str]) -> bool:
    """Signed within five minutes."""
    return is_signed(
        request.headers,
        method=request.method,
        url=request.url,
        body=request.body,
        secrets=secrets,
        now_ms=request.now_ms,
    )


def mark(request: CardRequest) -> str:
    """The signature, which covers address, body and time."""
    return request.headers.get(SIGNATURE, "")


def accounts(message: object) -> tuple[str, ...]:
    """The portals."""
    told = (_id(one.get("portalId")) for one in _listed(message))
    return tuple(dict.fromkeys(one for one in told if one))


def events(message: object) -> tuple[RecordEvent, ...]:
    """Merges and deletions; a merge is one for each record that is no more."""
    return tuple(event for one in _listed(message) for event in _events(one))


def _listed(message: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(message, list) or len(message) > MOST_EVENTS:
        text = f"a list of at most {MOST_EVENTS} events is needed"
        raise Unreadable(text)
    if not all(isinstance(one, dict) for one in message):
        text = "each event is an object"
        raise Unreadable(text)
    return message


def _events(one: Mapping[str, Any]) -> Iterator[RecordEvent]:
    told = str(one.get("subscriptionType") or one.get("eventType") or "")
    kind, _, what = told.partition(".")
    named = _id(one.get("objectTypeId")) or "" if kind == "object" else kind
    entity, fate, account = _ENTITIES.get(named), _FATES.get(what), _id(one.get("portalId"))
    if entity is None or fate is None or account is None:
        return
    if fate is Fate.MERGED:
        yield from _merged(one, account, entity)
    elif gone := _id(one.get("objectId")):
        yield RecordEvent(account, entity, gone, fate)


def _merged(one: Mapping[str, Any], account: str, entity: str) -> Iterator[RecordEvent]:
    """Whatever was merged has become the record with the new id, else the primary one."""
    primary = _id(one.get("primaryObjectId"))
    survivor = _id(one.get("newObjectId")) or primary or _id(one.get("objectId"))
    lost = one.get("mergedObjectIds")
    ids = [_id(each) for each in (*(lost if isinstance(lost, list) else ()), primary)]
    for remote_id in dict.fromkeys(filter(None, ids)):
        if survivor and remote_id != survivor:
            yield RecordEvent(account, entity, remote_id, Fate.MERGED, survivor)


def _id(told: object) -> str | None:
    """An id, which comes as a number or as a text."""
    if isinstance(told, bool) or not isinstance(told, int | str):
        return None
    text = str(told)
    return text if text and len(text) <= _LONGEST_ID and text.isascii() else None


TELLER = Teller(is_genuine, mark, 2 * TOLERANCE_MS // 1000, accounts, events)
