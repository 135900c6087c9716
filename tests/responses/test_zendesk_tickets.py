"""A ticket for each detractor: made once, for the right person, by an automation of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.connections import discover
from connector.responses import replay
from connector.tables import automation, automation_version
from schemas.config import AutomationSchema
from tests.responses.scene import LATER, joined, known, states
from tests.world import CRMSeen, World, answered

TICKET: dict[str, Any] = {
    "name": "detractors",
    "entity": "tickets",
    "operation": "create",
    "identify": {"variable": "response.id", "field": "external_id"},
    "rows": [
        {"variable": "contact.email", "field": "requester_email"},
        {"variable": "campaign.name", "field": "subject"},
        {"variable": "answers.why", "field": "description"},
    ],
    "note": "none",
}


@pytest.fixture
def crm(world: World) -> Iterator[CRMSeen]:
    with joined(world, "zendesk", note="none") as seen:
        known(world, seen, 4)
        world.mapping("zendesk", **TICKET)
        for_detractors(world)
        yield seen


def for_detractors(world: World) -> None:
    """The automation of the ticket's mapping gets its condition."""
    with world.database.begin(world.workspace_id) as store:
        made = automation.c.name == "feed detractors"
        number = store.execute(automation.select().where(made)).one().id
        body = {
            "name": "feed detractors",
            "if": "computed.score <= 6",
            "then": [{"do": "feed", "mapping": "detractors"}],
        }
        store.execute(
            automation_version.update()
            .where(automation_version.c.automation_id == number)
            .values(body=AutomationSchema().load(body))
        )


def tickets(crm: CRMSeen) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = crm.control("state")["tickets"]
    return told


def test_a_detractor_gets_one_ticket_and_a_promoter_none(world: World, crm: CRMSeen) -> None:
    world.push(answered(0, score=2), answered(1, score=10))
    world.settle()
    (made,) = tickets(crm)
    assert str(made["requester_id"]) == crm.contacts()["c0@example.test"]["id"]
    assert made["is_public"] is False
    assert made["external_id"] == "r0"
    world.push(answered(0, score=2))
    world.settle()
    assert len(tickets(crm)) == 1


def test_a_ticket_whose_answer_was_lost_is_made_once_and_done(world: World, crm: CRMSeen) -> None:
    crm.fault("tickets", "POST", drop_after=True)
    world.push(answered(0, score=2))
    world.settle()
    assert len(tickets(crm)) == 1
    assert states(world, entity="tickets") == [("done", None)]


def test_a_job_of_tickets_whose_answer_was_lost_makes_each_once(world: World, crm: CRMSeen) -> None:
    crm.fault("tickets/create_many", "POST", drop_after=True)
    world.push(*(answered(n, score=n) for n in range(4)))
    world.settle()
    assert sorted(str(one["external_id"]) for one in tickets(crm)) == ["r0", "r1", "r2", "r3"]
    assert {one.state for one in world.deliveries(entity="tickets")} == {"done"}


def test_the_second_answer_of_a_detractor_is_a_second_ticket(world: World, crm: CRMSeen) -> None:
    world.push(answered(0, score=2))
    world.push(answered(0, score=1, at=LATER, response_id="again"))
    world.settle()
    assert [one["external_id"] for one in tickets(crm)] == ["r0", "again"]


CHANNEL = 360_000_000_900


def offering(world: World, crm: CRMSeen, *options: str, read: bool = True) -> None:
    """The ticket field of the survey's channel offers these; whether we read that at once."""
    told = [{"name": one, "value": one} for one in options]
    made = {"id": CHANNEL, "type": "tagger", "title": "Survey channel", "options": told}
    crm.control("seed", {"ticket_fields": [made]})
    if read:
        discover.download(world.hub.desk, world.workspace_id, crm.connection_id, actor="test")


def by_mail(number: int) -> dict[str, Any]:
    told = answered(number, score=9)
    told["answers"]["choice"] = {"type": "single_choice", "value": "mail", "title": "Channel"}
    return told


def test_an_option_of_a_ticket_field_that_is_gone(world: World, crm: CRMSeen) -> None:
    """Zendesk checks no option of tickets (documented): until the fields are read anew, what it
    takes stands. From then on the answer is refused here, by name.
    """
    offering(world, crm, "mail", "sms")
    row = {"variable": "answers.choice", "field": str(CHANNEL)}
    world.mapping("zendesk", **{**TICKET, "name": "channels", "rows": [*TICKET["rows"], row]})

    def channels() -> list[object]:
        return [one["value"] for each in tickets(crm) for one in each["custom_fields"]]

    offering(world, crm, "sms", read=False)
    world.push(by_mail(0))
    world.settle()
    assert channels() == ["mail"]
    offering(world, crm, "sms")
    world.push(by_mail(1))
    world.settle()
    assert channels() == ["mail"]
    (lost,) = (one for one in world.deliveries() if one.state in {"dead", "parked"})
    assert (lost.error_code, lost.error_field) == ("unknown_option", str(CHANNEL))
    assert len(str(lost.error).split()) > 3
    offering(world, crm, "mail", "sms")
    with world.database.begin(world.workspace_id) as store:
        replay.replay_all(store, world.workspace_id, {})
    world.settle()
    assert channels() == ["mail", "mail"]
