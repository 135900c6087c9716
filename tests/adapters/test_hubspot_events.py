"""What HubSpot's webhooks tell of records, and what of it is passed over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.cards import CardRequest
from adapters.events import Fate, RecordEvent, Unreadable
from adapters.hubspot.events import TELLER, accounts, events
from simulators.hubspot.service import HubSpot


def told(what: str, **rest: Any) -> dict[str, Any]:
    return {"subscriptionType": what, "portalId": 4711, "eventId": 1, **rest}


def merged(remote_id: str, survivor: str, entity: str = "contacts") -> RecordEvent:
    return RecordEvent("4711", entity, remote_id, Fate.MERGED, survivor)


@pytest.mark.parametrize(
    ("event", "read"),
    [
        (told("contact.deletion", objectId=7),
         [RecordEvent("4711", "contacts", "7", Fate.DELETED)]),
        (told("contact.deletion", objectId="7"),
         [RecordEvent("4711", "contacts", "7", Fate.DELETED)]),
        (told("company.deletion", objectId=7),
         [RecordEvent("4711", "companies", "7", Fate.DELETED)]),
        (told("contact.privacyDeletion", objectId=7),
         [RecordEvent("4711", "contacts", "7", Fate.ERASED)]),
        ({"eventType": "deal.deletion", "portalId": 4711, "objectId": 7},
         [RecordEvent("4711", "deals", "7", Fate.DELETED)]),
        (told("object.deletion", objectTypeId="0-5", objectId=7),
         [RecordEvent("4711", "tickets", "7", Fate.DELETED)]),
        # The survivor has one of the two ids, or a new one.
        (told("contact.merge", primaryObjectId=1, mergedObjectIds=[2, 3], newObjectId=1),
         [merged("2", "1"), merged("3", "1")]),
        (told("contact.merge", primaryObjectId=1, mergedObjectIds=[2], newObjectId=9),
         [merged("2", "9"), merged("1", "9")]),
        (told("contact.merge", primaryObjectId=1, mergedObjectIds=[2]), [merged("2", "1")]),
        (told("object.merge", objectTypeId="0-2", objectId=1, mergedObjectIds=["2"]),
         [merged("2", "1", "companies")]),
        # Too little to act on, or of no use here.
        (told("contact.merge", objectId=1), []),
        (told("contact.merge", primaryObjectId=1, mergedObjectIds=[1]), []),
        (told("contact.merge", mergedObjectIds={"2": 1}, primaryObjectId=1), []),
        (told("contact.deletion"), []),
        (told("contact.deletion", objectId=True), []),
        (told("contact.deletion", objectId="7" * 41), []),
        (told("contact.deletion", objectId=7, portalId=None), []),
        (told("contact.creation", objectId=7), []),
        (told("contact.propertyChange", objectId=7, propertyName="email"), []),
        (told("object.deletion", objectTypeId="2-77", objectId=7), []),
        (told("object.deletion", objectTypeId=[], objectId=7), []),
        ({}, []),
    ],
    ids=lambda one: str(one)[:60],
)  # fmt: skip
def test_an_event_is_read_or_passed_over(event: dict[str, Any], read: list[RecordEvent]) -> None:
    assert list(events([event])) == read


def test_the_portals_of_a_message_are_named_once_each() -> None:
    message = [told("a.b"), told("a.b", portalId="12"), told("a.b"), told("a.b", portalId=None)]
    assert accounts(message) == ("4711", "12")


@pytest.mark.parametrize(
    "message", [None, {}, "x", 1, [1], [[]], [told("a.b")] * 101], ids=lambda one: str(one)[:20]
)
def test_what_is_no_list_of_a_hundred_objects_is_not_read(message: Any) -> None:
    for read in (events, accounts):
        with pytest.raises(Unreadable):
            read(message)


def test_the_simulator_sends_a_hundred_at_once_and_again_until_they_are_taken() -> None:
    portal = HubSpot(options={})
    people = [{"email": f"c{one}@example.test"} for one in range(101)]
    ids = portal.seed({"contacts": people})["contacts"]
    portal.seed({"delete": [one["email"] for one in people]})
    answers, heard = iter([500, 200, 204]), []

    def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        told = {name.lower(): value for name, value in headers.items()}
        at = int(told["x-hubspot-request-timestamp"])
        came = CardRequest("POST", url, told, body, at)
        assert TELLER.is_genuine(came, ["secret"])
        assert not TELLER.is_genuine(came, ["another"])
        heard.append([one.remote_id for one in events(json.loads(body))])
        return next(answers)

    sent = portal.send(post, url="https://hub.example/events/hubspot/x", secret="secret")
    assert sent == [500, 200, 204]
    assert heard == [ids[:100], ids[:100], ids[100:]]
