"""The responses that the fault tests push: every kind of effect at once.

Contact 0 is there and has answered before, so that a tag is replaced; contact 1 is not there and
must be created; contact 2 answers two campaigns; contact 3 answers one campaign twice, the older
answer last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.faults.verdict import wrongs
from tests.world import CRMSeen, World, answered, people

MEETING, VISIT = ("5000", "Møde"), ("5001", "Visit")
# How each CRM refuses one record of a batch for good.
REFUSAL: dict[str, Any] = {
    "hubspot": {
        "category": "VALIDATION_ERROR",
        "message": 'Property values were not valid: [{"isValid":false,"error":"INVALID_OPTION",'
        '"name":"nps_score"}]',
    },
    "salesforce": {
        "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "message": "A rule of the org.",
        "fields": ["NPS_Score__c"],
    },
    "zendesk": {"field": "nps_score", "code": "InvalidValue", "text": "is invalid"},
    "odoo": {"name": "odoo.exceptions.ValidationError", "message": "A rule of this database."},
}


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


# Every call of a CRM's API, but none of its token endpoint.
API = r"^(?!.*oauth)"


def trouble(crm: CRMSeen, *, times: int = 1, at: int = 1, **action: Any) -> None:
    """From its `at`th call on (0: every one), `times` calls of the CRM's API meet `action`."""
    order = {"method": ".*", "path": API, "occurrence": at, "times": times, "action": action}
    crm.control("fault", order)


def drained_until(world: World, crm: CRMSeen, met: Callable[[], bool]) -> float:
    """Drain until the trouble has been met; how long the last drain took, in seconds. On a slow
    machine a wave may find its lease too far gone for a call: it hands back what it holds.
    """
    for _ in range(20):
        began = time.monotonic()
        world.drain(crm.app)
        took_s = time.monotonic() - began
        if met():
            return took_s
        world.hurry()
    message = "the trouble was not met"
    raise AssertionError(message)


def at_peace(crm: CRMSeen) -> None:
    """No order is in force any more."""
    crm.control("fault", {"clear": True})


def resting(world: World, crm: CRMSeen) -> Any:
    """The connection's row: its pause in seconds from now, why, and its failures in a row."""
    (row,) = world.rows(
        "SELECT extract(epoch FROM resume_at - now())::float AS pause_s, resume_reason AS reason,"
        " failures, state, reason_code FROM connection WHERE id = :c",
        c=crm.connection_id,
    )
    return row


def reasons(world: World) -> set[tuple[str, str | None]]:
    return {(one.state, one.reason) for one in world.deliveries()}


def attempts(world: World) -> int:
    most: int = max(one.attempts for one in world.deliveries())
    return most
