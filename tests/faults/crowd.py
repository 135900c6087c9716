"""The responses that the fault tests push: every kind of effect at once.

Contact 0 is there and has answered before, so that a tag is replaced; contact 1 is not there and
must be created; contact 2 answers two campaigns; contact 3 answers one campaign twice, the older
answer last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.faults.verdict import wrongs
from tests.world import CRMSeen, World, answered, people

MEETING, VISIT = ("5000", "Møde"), ("5001", "Visit")


def said(number: int, of: int, **changes: Any) -> dict[str, Any]:
    """Response `number`, by contact `of`, with a comment of its own."""
    email = f"c{of}@example.test"
    return answered(number, email=email, why=f"Reason {number:05d}, friendly 😀", **changes)


def earlier() -> list[dict[str, Any]]:
    return [said(0, 0, score=3, at="2026-11-20T08:00:00Z")]


def crowd() -> list[dict[str, Any]]:
    return [
        said(1, 0, score=8, campaign=MEETING),
        said(2, 1, score=9, campaign=MEETING),
        said(3, 2, score=10, campaign=MEETING),
        said(4, 2, score=2, campaign=VISIT, at="2026-11-22T02:00:00Z"),
        said(5, 3, score=6, campaign=VISIT, at="2026-11-22T03:00:00Z"),
        said(6, 3, score=1, campaign=VISIT, at="2026-11-21T03:00:00Z"),
    ]


def settled_before(world: World, crm: CRMSeen) -> list[dict[str, Any]]:
    """Contacts 0, 2 and 3 stand in the CRM; contact 0's first answer has been delivered."""
    everyone = people(4)
    crm.seed([everyone[0], everyone[2], everyone[3]])
    items = earlier()
    world.push(*items)
    world.settle()
    return items


def pushed(world: World, crm: CRMSeen) -> list[dict[str, Any]]:
    """The crowd, accepted and planned, nothing of it delivered; all items accepted so far."""
    items = settled_before(world, crm)
    world.push(*crowd())
    world.plan()
    provided(world, crm)
    return items + crowd()


def provided(world: World, crm: CRMSeen) -> None:
    """The tag options stand, so that the drain under test begins with claims."""
    for one in world.due():
        if one.kind == "provision" and one.connection_id == crm.connection_id:
            world.work(one)


def verdict(crm: CRMSeen, items: Sequence[dict[str, Any]]) -> list[str]:
    return wrongs(crm.app, items, crm.contacts())
